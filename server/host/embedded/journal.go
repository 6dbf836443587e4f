// Package embedded is the engine on a journal in the database: claim, decide,
// append, do.
package embedded

import (
	"context"
	"time"

	"github.com/tocsin-soar/tocsin/server/gate"
	"github.com/tocsin-soar/tocsin/server/perform"
)

// Journal is all that the host needs of a database.
type Journal interface {
	// Unfinished lists the runs that are not final, those of the highest
	// priority and age first, after the given id (for paging), at most limit.
	// Runs that only wait for a person or a timer are left out.
	Unfinished(ctx context.Context, after string, limit int) ([]Unfinished, error)
	// Load gives a run with its journal and the signals it has not consumed.
	Load(ctx context.Context, run string) (Stored, error)
	// Append is one atomic act: the record, then (with ask) the decision and what
	// follows from it. A wrong Expect is a fault of kind conflict.
	Append(ctx context.Context, rec perform.Record, ask *perform.Asking) error
	// Due lists timers that are due, earliest first, and the moment of the next
	// one after now (zero: none).
	Due(ctx context.Context, now time.Time, limit int) (due []DueTimer, next time.Time, err error)
	// Facts gives the counters of this moment, from memory.
	Facts(run string, now time.Time) gate.Facts
}

// Stored is a run as it lies in the database.
type Stored = perform.Stored

// Unfinished is a run that is not final.
type Unfinished = perform.Unfinished

// DueTimer is a timer with its run.
type DueTimer = perform.DueTimer
