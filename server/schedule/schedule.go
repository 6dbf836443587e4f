// Package schedule says when a hunt is due, and what a missed one means.
package schedule

import (
	"errors"
	"fmt"
	"math/bits"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// Spec is a checked schedule: five fields or @hourly … @yearly, in a zone.
type Spec struct {
	text   string
	fields *cron.SpecSchedule
	zone   *time.Location
}

// horizon bounds the search for the next time: the longest gap between two leap
// days is eight years.
const horizon = 9 * 366

// maxText bounds a schedule's text.
const maxText = 100

// Parse checks a schedule. TZ=, @every, @reboot and seconds are refused, so is one
// that never comes. Zone is an IANA name; "" means UTC.
func Parse(text, zone string) (spec Spec, err error) {
	defer func() { // the parser panics on some texts
		if recover() != nil {
			spec, err = Spec{}, errors.New("not a schedule; five fields such as 30 2 * * 1-5, or @hourly, @daily, @weekly, @monthly, @yearly")
		}
	}()
	trimmed := strings.TrimSpace(text)
	switch {
	case trimmed == "" || len(trimmed) > maxText:
		return Spec{}, errors.New("a schedule has five fields, such as 30 2 * * 1-5")
	case strings.Contains(trimmed, "TZ=") || strings.Contains(trimmed, "="):
		return Spec{}, errors.New("the zone does not stand in the schedule; use timezone")
	case strings.HasPrefix(trimmed, "@") && !named[trimmed]:
		return Spec{}, errors.New("only @hourly, @daily, @midnight, @weekly, @monthly, @yearly and @annually are known")
	case !strings.HasPrefix(trimmed, "@") && len(strings.Fields(trimmed)) != 5:
		return Spec{}, fmt.Errorf("a schedule has five fields (minute hour day month weekday), this one has %d", len(strings.Fields(trimmed)))
	}
	loc, err := Zone(zone)
	if err != nil {
		return Spec{}, err
	}
	parsed, err := cron.ParseStandard(trimmed)
	if err != nil {
		return Spec{}, fmt.Errorf("not a schedule: %w", err)
	}
	fields, ok := parsed.(*cron.SpecSchedule)
	if !ok {
		return Spec{}, errors.New("not a schedule of minutes, hours, days, months and weekdays")
	}
	s := Spec{text: trimmed, fields: fields, zone: loc}
	if _, comes := s.Next(time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)); !comes {
		return Spec{}, errors.New("this schedule never comes: there is no such day")
	}
	return s, nil
}

//nolint:gochecknoglobals // a constant table
var named = map[string]bool{
	"@hourly": true, "@daily": true, "@midnight": true, "@weekly": true, "@monthly": true,
	"@yearly": true, "@annually": true,
}

// Zone finds a time zone by its IANA name; "" is UTC. Local is refused: it would
// mean another time on another machine.
func Zone(name string) (*time.Location, error) {
	if name == "" {
		return time.UTC, nil
	}
	if name == "Local" || strings.Contains(name, "..") || strings.HasPrefix(name, "/") {
		return nil, errors.New("not a time zone; use an IANA name such as Europe/Vienna")
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, errors.New("not a time zone; use an IANA name such as Europe/Vienna")
	}
	return loc, nil
}

// Next gives the first time after a moment. A local time that does not exist comes
// at the first instant after the gap; one that exists twice comes the first time
// only. ok is false when none comes within nine years.
func (s Spec) Next(after time.Time) (at time.Time, ok bool) {
	y, m, d := after.In(s.zone).Date()
	for i := -1; i < horizon; i++ { // a gap may push yesterday's last time into today
		day := time.Date(y, m, d+i, 12, 0, 0, 0, time.UTC)
		if !s.onDay(day) {
			continue
		}
		if at, ok := s.onDate(day, after); ok {
			return at, true
		}
	}
	return time.Time{}, false
}

// star marks a field that was written as *.
const star = 1 << 63

func (s Spec) onDay(day time.Time) bool {
	f := s.fields
	if f.Month&(1<<uint(day.Month())) == 0 {
		return false
	}
	dom := f.Dom&(1<<uint(day.Day())) != 0
	dow := f.Dow&(1<<uint(day.Weekday())) != 0
	if f.Dom&star != 0 || f.Dow&star != 0 {
		return dom && dow
	}
	return dom || dow
}

// onDate finds the first time after a moment among those of one date.
func (s Spec) onDate(day, after time.Time) (time.Time, bool) {
	for hours := s.fields.Hour &^ star; hours != 0; hours &= hours - 1 {
		for minutes := s.fields.Minute &^ star; minutes != 0; minutes &= minutes - 1 {
			h, m := bits.TrailingZeros64(hours), bits.TrailingZeros64(minutes)
			if at := instant(day, h, m, s.zone); at.After(after) {
				return at, true
			}
		}
	}
	return time.Time{}, false
}

// instant turns a wall clock into a moment.
func instant(day time.Time, h, m int, zone *time.Location) time.Time {
	wall := time.Date(day.Year(), day.Month(), day.Day(), h, m, 0, 0, time.UTC)
	near := time.Date(day.Year(), day.Month(), day.Day(), h, m, 0, 0, zone)
	_, before := near.Add(-26 * time.Hour).Zone()
	_, later := near.Add(26 * time.Hour).Zone()
	var first time.Time
	for _, offset := range []int{before, later} {
		at := wall.Add(-time.Duration(offset) * time.Second).In(zone)
		same := at.Hour() == h && at.Minute() == m && at.Day() == day.Day()
		if same && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	if first.IsZero() { // in a gap: read with the old offset it lies behind it
		start, _ := wall.Add(-time.Duration(before) * time.Second).In(zone).ZoneBounds()
		first = start
	}
	return first.UTC()
}

// Text gives the schedule as it was written.
func (s Spec) Text() string { return s.text }

// Zone gives the schedule's zone.
func (s Spec) Zone() *time.Location { return s.zone }
