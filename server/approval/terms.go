package approval

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The defaults and bounds of a requirement (contract.md, Policy modules).
const (
	DefaultWithin   = "30m"
	DefaultExtend   = "0s"
	DefaultHold     = "0s"
	ContainHold     = "8s" // of an action with impact contain
	DefaultValidFor = "15m"

	MaxHold   = 60 * time.Second
	MaxWithin = 30 * 24 * time.Hour
	MaxQuorum = 20
)

// Terms are the times of a whole request, from all its requirements together.
type Terms struct {
	Within   time.Duration // how long people are asked
	Extend   time.Duration // how much longer they may ask for, once
	Hold     time.Duration // the undo window after the last yes
	ValidFor time.Duration // how long the yes may be used
}

// TermsOf gives the shortest Within, Extend and ValidFor and the longest Hold, at
// most a minute. A text that is no duration counts as its default, which for
// Extend is none. Without requirements the terms are all zero.
func TermsOf(rs []Requirement) Terms {
	var t Terms
	for i, r := range rs {
		within := bounded(r.Within, DefaultWithin, MaxWithin)
		extend := bounded(r.Extend, DefaultExtend, MaxWithin)
		hold := bounded(r.Hold, DefaultHold, MaxHold)
		valid := bounded(r.ValidFor, DefaultValidFor, MaxWithin)
		if i == 0 {
			t = Terms{within, extend, hold, valid}
			continue
		}
		t.Within, t.Extend = min(t.Within, within), min(t.Extend, extend)
		t.Hold, t.ValidFor = max(t.Hold, hold), min(t.ValidFor, valid)
	}
	return t
}

func bounded(text, otherwise string, most time.Duration) time.Duration {
	d, err := ParseDuration(text)
	if err != nil {
		d, _ = ParseDuration(otherwise) // a constant of this file
	}
	return min(d, most)
}

// maxDuration bounds what ParseDuration takes: ten years, far from overflow.
const maxDuration = 3650 * 24 * time.Hour

// ParseDuration reads "90s", "30m", "4h", "7d" and their like joined, as in
// "1h30m": whole numbers with the units d, h, m and s. Signs, fractions and
// anything above ten years are refused.
func ParseDuration(text string) (time.Duration, error) {
	var sum time.Duration
	rest := text
	for rest != "" {
		n := 0
		for n < len(rest) && rest[n] >= '0' && rest[n] <= '9' {
			n++
		}
		if n == 0 || n > 9 || n == len(rest) {
			return 0, errors.New("a duration is a whole number with d, h, m or s, as in 30m")
		}
		unit, ok := unitOf(rest[n])
		if !ok {
			return 0, errors.New("a duration ends in d, h, m or s")
		}
		count, err := strconv.ParseInt(rest[:n], 10, 64)
		if err != nil {
			return 0, fmt.Errorf("read a duration: %w", err)
		}
		if count > int64(maxDuration/unit) || sum+time.Duration(count)*unit > maxDuration {
			return 0, errors.New("a duration is at most ten years")
		}
		sum += time.Duration(count) * unit
		rest = rest[n+1:]
	}
	if text == "" {
		return 0, errors.New("a duration is a whole number with d, h, m or s, as in 30m")
	}
	return sum, nil
}

func unitOf(c byte) (time.Duration, bool) {
	switch c {
	case 'd':
		return 24 * time.Hour, true
	case 'h':
		return time.Hour, true
	case 'm':
		return time.Minute, true
	case 's':
		return time.Second, true
	}
	return 0, false
}

// DurationText writes a duration so that ParseDuration reads it back; parts of a
// second are dropped.
func DurationText(d time.Duration) string {
	if d < time.Second {
		return "0s"
	}
	var out strings.Builder
	seconds := int64(d / time.Second)
	for _, u := range []struct {
		name    string
		seconds int64
	}{{"d", 86400}, {"h", 3600}, {"m", 60}, {"s", 1}} {
		if n := seconds / u.seconds; n > 0 {
			out.WriteString(strconv.FormatInt(n, 10) + u.name)
			seconds %= u.seconds
		}
	}
	return out.String()
}
