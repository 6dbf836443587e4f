package alert_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tocsin-soar/tocsin/server/alert"
)

func TestAnAlertMeetsTheOneWithItsKey(t *testing.T) {
	open := alert.Alert{ID: "alr_1", Status: alert.InProgress, Count: 3, LastSeen: noon, FirstSeen: noon.Add(-time.Hour), Severity: alert.Medium, Owner: "bea"}
	closed := open
	closed.Status, closed.Reason = alert.Closed, "false alarm"
	for name, tc := range map[string]struct {
		old     *alert.Alert
		closes  bool
		after   time.Duration
		outcome alert.Outcome
		status  alert.Status
		count   int64
	}{
		"nobody was there":                  {nil, false, 0, alert.IsNew, alert.New, 1},
		"an open one":                       {&open, false, time.Hour, alert.Repeat, alert.InProgress, 4},
		"at the window's end":               {&open, false, 24 * time.Hour, alert.Repeat, alert.InProgress, 4},
		"after the window":                  {&open, false, 24*time.Hour + 1, alert.IsNew, alert.New, 1},
		"a closed one":                      {&closed, false, time.Hour, alert.Reopened, alert.New, 4},
		"a closed one after the window":     {&closed, false, 25 * time.Hour, alert.IsNew, alert.New, 1},
		"an end":                            {&open, true, time.Hour, alert.IsClosed, alert.Closed, 3},
		"an end after the window":           {&open, true, 48 * time.Hour, alert.IsClosed, alert.Closed, 3},
		"an end of what is closed":          {&closed, true, time.Hour, alert.Nothing, alert.Closed, 3},
		"an end of what was never reported": {nil, true, 0, alert.Nothing, alert.New, 1},
	} {
		t.Run(name, func(t *testing.T) {
			now := noon.Add(tc.after)
			in := alert.Alert{ID: "alr_2", Status: alert.New, Count: 1, FirstSeen: now, LastSeen: now, Severity: alert.High}
			got, outcome := alert.Fold(tc.old, in, 0, tc.closes, now)
			if outcome != tc.outcome || got.Status != tc.status || got.Count != tc.count {
				t.Errorf("got %s, %s, %d", outcome, got.Status, got.Count)
			}
			wantID := "alr_1"
			if tc.old == nil || outcome == alert.IsNew {
				wantID = "alr_2"
			}
			if got.ID != wantID {
				t.Errorf("it is %s", got.ID)
			}
		})
	}
}

func someAlert(t *rapid.T, name string, now time.Time) alert.Alert {
	back := time.Duration(rapid.IntRange(0, 100).Draw(t, name+" minutes back")) * time.Minute
	last := now.Add(-back)
	words := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", "d"}), 0, 4)
	hosts := []alert.Host{}
	for _, w := range words.Draw(t, name+" hosts") {
		hosts = append(hosts, alert.Host{Name: w})
	}
	return alert.Alert{
		Status: rapid.SampledFrom([]alert.Status{alert.New, alert.InProgress, alert.Closed}).Draw(t, name+" status"), Count: rapid.Int64Range(1, 9).Draw(t, name+" count"),
		Severity:  rapid.SampledFrom(alert.Severities).Draw(t, name+" severity"),
		FirstSeen: last.Add(-back), LastSeen: last, Hosts: hosts, IPs: words.Draw(t, name+" ips"),
	}
}

func TestFoldingLosesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		old, in := someAlert(t, "old", noon), someAlert(t, "new", noon)
		in.Status, in.Count = alert.New, 1
		before := old
		before.Hosts, before.IPs = append([]alert.Host{}, old.Hosts...), append([]string{}, old.IPs...)
		got, outcome := alert.Fold(&old, in, time.Hour, rapid.Bool().Draw(t, "closes"), noon)
		if diff := cmp.Diff(old, before); diff != "" {
			t.Fatalf("the old one was written to: %s", diff)
		}
		if outcome == alert.IsNew {
			if noon.Sub(old.LastSeen) <= time.Hour {
				t.Fatal("a repeat within the window is a new alert")
			}
			return
		}
		if outcome == alert.Nothing {
			return
		}
		if got.LastSeen.Before(old.LastSeen) || got.FirstSeen.After(old.FirstSeen) || got.Severity.Rank() < old.Severity.Rank() || got.Severity.Rank() < in.Severity.Rank() {
			t.Fatalf("it went backwards: %+v", got)
		}
		want := old.Count
		if outcome != alert.IsClosed {
			want++
		}
		if got.Count != want {
			t.Fatalf("%s counts %d, want %d", outcome, got.Count, want)
		}
		for _, e := range append(alert.Entities(old), alert.Entities(in)...) {
			if !slices.Contains(alert.Entities(got), e) {
				t.Fatalf("%s was lost", e)
			}
		}
	})
}

// Late and reordered repeats come to the same in the end (F20).
func TestTheOrderOfRepeatsDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first := someAlert(t, "first", noon)
		first.Status = alert.New
		a, b := someAlert(t, "a", noon), someAlert(t, "b", noon)
		fold := func(x, y alert.Alert) alert.Alert {
			one, _ := alert.Fold(&first, x, 24*time.Hour, false, noon)
			two, _ := alert.Fold(&one, y, 24*time.Hour, false, noon)
			return two
		}
		ab, ba := fold(a, b), fold(b, a)
		if ab.Count != ba.Count || !ab.LastSeen.Equal(ba.LastSeen) || !ab.FirstSeen.Equal(ba.FirstSeen) || ab.Severity != ba.Severity ||
			!cmp.Equal(alert.Entities(ab), alert.Entities(ba)) {
			t.Fatalf("%+v\n%+v", ab, ba)
		}
	})
}
