package schedule

import (
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// Rule says what becomes of times at which the server was not there.
type Rule string

// The rules.
const (
	Skip Rule = "skip" // they are left out
	Once Rule = "once" // one run for all of them; the default
	All  Rule = "all"  // the last ten, oldest first
)

const (
	// onTime is how late a time may be looked at and still not be missed.
	onTime = time.Minute
	most   = 10
	// mostMissed bounds how many missed times are counted.
	mostMissed = 10_000
)

// Missed rules on the stored due time and those that followed it until now: which
// are run, how many are left out, and when the next one is due.
func Missed(rule Rule, s Spec, due, now time.Time) (run []time.Time, left int, next time.Time) {
	var times []time.Time
	at, ok := due, true
	for ok && !at.After(now) && len(times) < mostMissed {
		times = append(times, at)
		at, ok = s.Next(at)
	}
	if ok && !at.After(now) { // too many to count: go on from here
		at, ok = s.Next(now)
	}
	if ok {
		next = at
	}
	switch rule {
	case Skip:
		for _, t := range times {
			if now.Sub(t) <= onTime {
				run = append(run, t)
			}
		}
		if len(run) > 1 {
			run = run[len(run)-1:]
		}
	case All:
		run = times
		if len(run) > most {
			run = run[len(run)-most:]
		}
	case Once:
		fallthrough
	default:
		if len(times) > 0 {
			run = times[len(times)-1:]
		}
	}
	return run, len(times) - len(run), next
}

// Jitter gives the delay of one time of a schedule, up to most: derived, so that
// every server and every replay waits as long.
func Jitter(name string, planned time.Time, most time.Duration) time.Duration {
	if most <= 0 {
		return 0
	}
	sum := sha256.Sum256([]byte(name + "|" + planned.UTC().Format(time.RFC3339)))
	share := float64(binary.BigEndian.Uint64(sum[:8])>>11) / (1 << 53)
	return time.Duration(share * float64(most))
}
