package schedule

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"time"
)

// Words says a schedule in words: "every weekday at 02:30 (Europe/Vienna)".
func (s Spec) Words() string {
	f := s.fields
	return s.clock() + s.days(f.Dom, f.Month, f.Dow) + " (" + s.zone.String() + ")"
}

const (
	allMinutes = 1<<60 - 1
	allHours   = 1<<24 - 1
	allDays    = 1<<7 - 1
)

func (s Spec) clock() string {
	minutes, hours := s.fields.Minute&^star, s.fields.Hour&^star
	one := bits.OnesCount64(minutes) == 1
	first := bits.TrailingZeros64(minutes)
	switch {
	case minutes == allMinutes && hours == allHours:
		return "every minute"
	case hours == allHours && one:
		return fmt.Sprintf("every hour at minute %d", first)
	case hours == allHours:
		if n, ok := step(minutes, 60); ok {
			return fmt.Sprintf("every %d minutes", n)
		}
		return "every hour at minutes " + list(minutes, 60)
	case one && bits.OnesCount64(hours) <= 4:
		var at []string
		for h := range 24 {
			if hours&(1<<h) != 0 {
				at = append(at, fmt.Sprintf("%02d:%02d", h, first))
			}
		}
		return "at " + strings.Join(at, ", ")
	}
	return "at minutes " + list(minutes, 60) + " of hours " + list(hours, 24)
}

func (s Spec) days(dom, month, dow uint64) string {
	var parts []string
	week := dow &^ star & allDays
	switch {
	case dow&star != 0 || week == allDays:
	case week == 0b0111110:
		parts = append(parts, "on weekdays")
	case week == 0b1000001:
		parts = append(parts, "at weekends")
	default:
		var names []string
		for d := range 7 {
			if week&(1<<d) != 0 {
				names = append(names, time.Weekday(d).String())
			}
		}
		parts = append(parts, "on "+strings.Join(names, ", "))
	}
	if dom&star == 0 {
		parts = append(parts, "on day "+list(dom&^star, 32)+" of the month")
	}
	if month&star == 0 {
		var names []string
		for m := time.January; m <= time.December; m++ {
			if month&(1<<uint(m)) != 0 {
				names = append(names, m.String())
			}
		}
		parts = append(parts, "in "+strings.Join(names, ", "))
	}
	switch {
	case len(parts) > 0:
		return ", " + strings.Join(parts, ", ")
	case strings.HasPrefix(s.clock(), "at "):
		return ", every day"
	}
	return ""
}

// step finds n where the bits are 0, n, 2n … below the end.
func step(set uint64, end int) (int, bool) {
	for n := 2; n <= end/2; n++ {
		var want uint64
		for i := 0; i < end; i += n {
			want |= 1 << i
		}
		if end%n == 0 && set == want {
			return n, true
		}
	}
	return 0, false
}

func list(set uint64, end int) string {
	var out []string
	for i := range end {
		if set&(1<<i) != 0 {
			out = append(out, strconv.Itoa(i))
		}
	}
	return strings.Join(out, ", ")
}
