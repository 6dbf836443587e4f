// Package breaker is what its calls say of a connection, and when it may be called.
package breaker

import (
	"fmt"
	"strings"
	"time"

	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/fault"
)

// Trip is after how many failures in a row a connection counts as failing, and, where
// they say that the other side cannot be reached, is not called any more.
const Trip = 6

// Pause is how long a connection that tripped is left alone before one call tries.
const Pause = 30 * time.Second

// Status is how a connection is.
type Status string

// The states of a connection that is not disabled (contract.md, connection).
const (
	OK       Status = "ok"
	Degraded Status = "degraded" // its last calls failed, fewer than Trip
	Failing  Status = "failing"
)

// Reach says whether calls go out.
type Reach string

// The states of the breaker.
const (
	Closed   Reach = "closed"
	Open     Reach = "open"      // nothing is sent
	HalfOpen Reach = "half_open" // one call tries
)

// Line is what is known of a connection from its calls. The zero value is one that
// nobody has heard of: ok and closed.
type Line struct {
	Failures int       // in a row: not reachable, too slow, failed, or the credentials refused
	Away     int       // in a row: not reachable or too slow
	Looked   bool      // a deliberate look failed, and nothing went well since
	Error    string    // what the last failure was, in words; "" when all is well
	Since    time.Time // of the first of these failures; zero when all is well
	Open     bool      // tripped
	Until    time.Time // when the next call may try, while Open
}

// Heard is what one call says of its connection.
type Heard string

// What a call may say.
const (
	Answered Heard = "answered" // the other side is there and knows us, whatever it said
	Away     Heard = "away"     // not reachable, or too slow
	Failed   Heard = "failed"   // it is there, but fails or does not take our credentials
	Nothing  Heard = ""         // the call says nothing of the connection
)

// Outcome is what was heard, with the failure in words: never a secret, never a value
// of the request, never the other side's own text.
type Outcome struct {
	Heard Heard
	Text  string
}

// Of reads a reply.
func Of(r connector.Reply) Outcome {
	kind := fault.KindOf(r.Err)
	switch kind { //nolint:exhaustive // the other kinds are about the request
	case "":
		return Outcome{Heard: Answered}
	case fault.Unavailable, fault.Timeout:
		if r.Status > 0 && (r.Status < 502 || r.Status > 504) { // its own answer to this one request
			return Outcome{Failed, words(r, kind)}
		}
		return Outcome{Away, words(r, kind)}
	case fault.Unauthorized:
		return Outcome{Failed, words(r, kind)}
	default:
		if r.Status > 0 || r.Did == connector.DidDone {
			return Outcome{Heard: Answered}
		}
		return Outcome{}
	}
}

// unsent begins the sentences of server/httpcall about calls that never left: they
// hold nothing of the request.
const unsent = "nothing was sent: "

func words(r connector.Reply, kind fault.Kind) string {
	if said := r.Err.Error(); r.Status == 0 && strings.HasPrefix(said, unsent) && !strings.ContainsAny(said, "\r\n") {
		return strings.TrimPrefix(said, unsent)
	}
	switch {
	case kind == fault.Unauthorized && r.Status > 0:
		return fmt.Sprintf("it refuses the credentials (status %d)", r.Status)
	case kind == fault.Unauthorized:
		return "it refuses the credentials"
	case r.Status == 503:
		return "it says that it is not available (status 503)"
	case r.Status > 0:
		return fmt.Sprintf("it failed (status %d)", r.Status)
	case kind == fault.Timeout:
		return "no whole reply came in time"
	case r.Did == connector.DidUnknown:
		return "the connection was cut before the whole reply came"
	}
	return "it cannot be reached"
}

// Hear gives the line after a call.
func (l Line) Hear(o Outcome, at time.Time) Line {
	switch o.Heard {
	case Nothing:
		return l
	case Answered:
		return Line{}
	case Failed:
		l.Away, l.Open, l.Until = 0, false, time.Time{} // it is there
	case Away:
		if l.Away++; l.Away >= Trip {
			l.Open, l.Until = true, at.Add(Pause)
		}
	}
	l.Failures++
	return l.failed(o.Text, at)
}

// Look gives the line after a deliberate look, a health check or a test call: one that
// did not go well makes the connection failing at once. Text says in words why.
func (l Line) Look(o Outcome, ok bool, text string, at time.Time) Line {
	if ok {
		return Line{}
	}
	if o.Heard != Answered {
		l = l.Hear(o, at)
	}
	l.Looked = true
	return l.failed(text, at)
}

func (l Line) failed(text string, at time.Time) Line {
	if l.Since.IsZero() {
		l.Since = at
	}
	l.Error = text
	return l
}

// Status is how the connection is.
func (l Line) Status() Status {
	switch {
	case l.Looked, l.Open, l.Failures >= Trip:
		return Failing
	case l.Failures > 0:
		return Degraded
	}
	return OK
}

// Admits says whether a call may go out; while the line is open only one at a time.
func (l Line) Admits(at time.Time) bool { return !l.Open || !at.Before(l.Until) }

// Reach says whether calls go out.
func (l Line) Reach(at time.Time, trying bool) Reach {
	switch {
	case !l.Open:
		return Closed
	case trying || l.Admits(at):
		return HalfOpen
	}
	return Open
}

// Worth says whether the line differs from an older one in something that is shown:
// only then it is written down.
func (l Line) Worth(old Line) bool {
	return l.Status() != old.Status() || l.Open != old.Open || l.Error != old.Error || !l.Until.Equal(old.Until)
}
