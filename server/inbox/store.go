// Package inbox is what is waiting for a person, and their answer.
package inbox

import (
	"context"
	"time"

	"github.com/tocsin-soar/tocsin/server/approval"
	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/notification"
)

// Store is all that the inbox needs of a database.
type Store interface {
	// Change is one atomic act on a request: it reads the request and the people
	// concerned as they are now, calls decide, writes what it gave (request,
	// signal to the run, audit, outbox) and commits. An error of decide changes
	// nothing but writes its Audit, where the error is a *Refusal.
	Change(ctx context.Context, id string, voter string, decide func(b Ballot) (Change, error)) (approval.Request, error)
	// DueCalls lists pending requests about which people must be called on again
	// (approval.NextCall), earliest first.
	DueCalls(ctx context.Context, now time.Time, limit int) ([]string, error)
}

// Ballot is a request with everyone who has voted on it, and the voter.
type Ballot struct {
	Request approval.Request
	People  map[string]approval.Person
}

// Change is what a person's answer came to.
type Change struct {
	Request approval.Request
	// Signal is an engine event for the run (kind and body), nil where the run
	// has nothing to know yet.
	Signal *Signal
	// HaltOff lifts the halt: a request of kind halt got its last vote.
	HaltOff bool
	// Tell is what people are told.
	Tell  []notification.Draft
	Audit []audit.Draft
}

// Signal is an engine event in its codec.
type Signal struct {
	Kind string
	Body []byte
}

// Refusal is an answer that was not taken, with the audit entry it leaves.
type Refusal struct { //nolint:errname // it is what an answer met with, in the words of this house
	Err   error // *fault.Error for the caller
	Audit []audit.Draft
}

func (r *Refusal) Error() string { return r.Err.Error() }

// Unwrap gives the fault.
func (r *Refusal) Unwrap() error { return r.Err }
