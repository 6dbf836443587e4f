package schedule_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tocsin-soar/tocsin/server/schedule"
)

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t.UTC()
}

func TestNextKnowsDaylightSaving(t *testing.T) {
	for name, tc := range map[string]struct{ cron, zone, after, want string }{
		"plain":                                  {"30 2 * * *", "", "2026-01-05T00:00:00Z", "2026-01-05T02:30:00Z"},
		"strictly after":                         {"30 2 * * *", "", "2026-01-05T02:30:00Z", "2026-01-06T02:30:00Z"},
		"a local time in the gap comes after it": {"30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z"},
		"the day after the gap is as usual":      {"30 2 * * *", "Europe/Berlin", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"},
		"a time that exists twice, first":        {"30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z"},
		"a time that exists twice, once only":    {"30 2 * * *", "Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"},
		"half an hour of daylight saving, gap":   {"15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00:00Z", "2026-10-03T15:30:00Z"},
		"half an hour of daylight saving, twice": {"45 1 * * *", "Australia/Lord_Howe", "2026-04-04T12:00:00Z", "2026-04-04T14:45:00Z"},
		"leap day":                               {"0 0 29 2 *", "", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z"},
		"leap day over a century":                {"0 0 29 2 *", "", "2096-03-01T00:00:00Z", "2104-02-29T00:00:00Z"},
		"day of month or of week":                {"0 9 13 * 5", "", "2026-01-09T10:00:00Z", "2026-01-13T09:00:00Z"},
		"hourly":                                 {"@hourly", "", "2026-01-05T10:30:00Z", "2026-01-05T11:00:00Z"},
		"a day without midnight":                 {"0 0 * * *", "America/Asuncion", "2023-09-30T12:00:00Z", "2023-10-01T04:00:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := schedule.Parse(tc.cron, tc.zone)
			if err != nil {
				t.Fatal(err)
			}
			if got, ok := s.Next(at(tc.after)); !ok || !got.Equal(at(tc.want)) {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

// Fact 10 of the security page: these texts panic in the library, or give the year
// 1, or mean something that is not stored.
func TestFact10ParseRefusesWhatTheLibraryLetsThrough(t *testing.T) {
	for _, text := range []string{
		"", "TZ=0", "TZ=Europe/Berlin 30 2 * * *", "CRON_TZ=UTC 0 0 * * *", "@every 1s", "@every 0s", "@reboot",
		"0 30 2 * * *", "* * * *", "0 0 30 2 *", "0 0 31 4,6,9,11 *", "61 * * * *", "* 24 * * *", "*/0 * * * *",
		"a b c d e", "@", "@never", "-1 * * * *", "0 0 0 * *", "0 0 * 13 *", "1-0 * * * *", strings.Repeat("1,", 80) + "1 * * * *",
	} {
		if s, err := schedule.Parse(text, ""); err == nil {
			next, _ := s.Next(at("2026-01-01T00:00:00Z"))
			t.Errorf("%q was taken; next %s", text, next)
		}
	}
	for _, zone := range []string{"Local", "Mars/Olympus", "../etc/passwd", "/etc/localtime", "UTC+1"} {
		if _, err := schedule.Parse("0 0 * * *", zone); err == nil {
			t.Errorf("zone %q was taken", zone)
		}
	}
}

func TestDailyJobsRunOnceADay(t *testing.T) {
	for _, zone := range []string{"Europe/Berlin", "Australia/Lord_Howe", "America/New_York", "Pacific/Apia", "Africa/Cairo", "America/Sao_Paulo"} {
		for _, cron := range []string{"30 2 * * *", "0 0 * * *", "45 1 * * *", "59 23 * * *", "15 2 * * *"} {
			s, err := schedule.Parse(cron, zone)
			if err != nil {
				t.Fatal(err)
			}
			days := map[string]int{}
			now := at("2026-01-01T12:00:00Z")
			for range 365 {
				next, ok := s.Next(now)
				if !ok || !next.After(now) {
					t.Fatalf("%s %s: stuck at %s", cron, zone, now)
				}
				days[next.In(s.Zone()).Format(time.DateOnly)]++
				now = next
			}
			for d, n := range days {
				if n != 1 {
					t.Errorf("%s in %s ran %d times on %s", cron, zone, n, d)
				}
			}
			if len(days) != 365 {
				t.Errorf("%s in %s: %d days of 365", cron, zone, len(days))
			}
		}
	}
}

func TestMissedFollowsTheRule(t *testing.T) {
	s, _ := schedule.Parse("0 * * * *", "")
	for name, tc := range map[string]struct {
		rule     schedule.Rule
		due, now string
		runs     int
		first    string
		left     int
		next     string
	}{
		"on time":                       {schedule.Skip, "2026-01-05T10:00:00Z", "2026-01-05T10:00:01Z", 1, "2026-01-05T10:00:00Z", 0, "2026-01-05T11:00:00Z"},
		"skip leaves three hours out":   {schedule.Skip, "2026-01-05T10:00:00Z", "2026-01-05T12:30:00Z", 0, "", 3, "2026-01-05T13:00:00Z"},
		"once runs the last of them":    {schedule.Once, "2026-01-05T10:00:00Z", "2026-01-05T12:30:00Z", 1, "2026-01-05T12:00:00Z", 2, "2026-01-05T13:00:00Z"},
		"all runs each, oldest first":   {schedule.All, "2026-01-05T10:00:00Z", "2026-01-05T12:30:00Z", 3, "2026-01-05T10:00:00Z", 0, "2026-01-05T13:00:00Z"},
		"all runs ten at most":          {schedule.All, "2026-01-01T10:00:00Z", "2026-01-05T12:30:00Z", 10, "2026-01-05T03:00:00Z", 89, "2026-01-05T13:00:00Z"},
		"years of absence are one turn": {schedule.Once, "2006-01-01T10:00:00Z", "2026-01-05T12:30:00Z", 1, "", 9999, "2026-01-05T13:00:00Z"},
		"not due yet":                   {schedule.Once, "2026-01-05T13:00:00Z", "2026-01-05T12:30:00Z", 0, "", 0, "2026-01-05T13:00:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			run, left, next := schedule.Missed(tc.rule, s, at(tc.due), at(tc.now))
			if len(run) != tc.runs || left != tc.left || !next.Equal(at(tc.next)) {
				t.Errorf("got %d runs, %d left, next %s", len(run), left, next)
			}
			if tc.first != "" && (len(run) == 0 || !run[0].Equal(at(tc.first))) {
				t.Errorf("got %v first, want %s", run, tc.first)
			}
		})
	}
}

func TestWordsSayTheSchedule(t *testing.T) {
	for cron, want := range map[string]string{
		"30 2 * * *":   "at 02:30, every day (UTC)",
		"0 8 * * 1-5":  "at 08:00, on weekdays (UTC)",
		"*/15 * * * *": "every 15 minutes (UTC)",
		"@hourly":      "every hour at minute 0 (UTC)",
		"0 0 1 * *":    "at 00:00, on day 1 of the month (UTC)",
		"0 6,18 * * 0": "at 06:00, 18:00, on Sunday (UTC)",
		"* * * * *":    "every minute (UTC)",
		"0 0 * 1,7 *":  "at 00:00, in January, July (UTC)",
	} {
		s, err := schedule.Parse(cron, "")
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Words(); got != want {
			t.Errorf("%s: got %q, want %q", cron, got, want)
		}
	}
}

func TestNextAlwaysMovesOnAndJitterStaysInside(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		field := func(low, high int) string {
			if rapid.Bool().Draw(t, "star") {
				return "*"
			}
			return rapid.StringMatching("[0-9]{1,2}").Filter(func(s string) bool {
				n := 0
				for _, c := range s {
					n = n*10 + int(c-'0')
				}
				return n >= low && n <= high
			}).Draw(t, "field")
		}
		cron := strings.Join([]string{field(0, 59), field(0, 23), field(1, 28), field(1, 12), field(0, 6)}, " ")
		zone := rapid.SampledFrom([]string{"", "Europe/Berlin", "Australia/Lord_Howe", "America/New_York", "Pacific/Apia"}).Draw(t, "zone")
		s, err := schedule.Parse(cron, zone)
		if err != nil {
			t.Fatalf("%s: %v", cron, err)
		}
		now := time.Unix(rapid.Int64Range(0, 4_000_000_000).Draw(t, "now"), 0)
		next, ok := s.Next(now)
		if !ok || !next.After(now) {
			t.Fatalf("%s %s after %s: %s", cron, zone, now, next)
		}
		if j := schedule.Jitter("x", next, time.Hour); j < 0 || j >= time.Hour || j != schedule.Jitter("x", next, time.Hour) {
			t.Fatalf("jitter %s", j)
		}
	})
}

func FuzzParseNeverPanics(f *testing.F) {
	for _, s := range []string{"TZ=0", "0 0 * * *", "@every 1s", "1-5/2 */3 * 1,2 0-6", "? ? ? ? ?"} {
		f.Add(s, "Europe/Berlin")
	}
	f.Fuzz(func(t *testing.T, text, zone string) {
		s, err := schedule.Parse(text, zone)
		if err != nil {
			return
		}
		if next, ok := s.Next(at("2026-01-01T00:00:00Z")); ok && next.Year() < 2026 {
			t.Errorf("%q gives %s", text, next)
		}
		_ = s.Words()
	})
}
