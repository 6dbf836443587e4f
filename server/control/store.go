// Package control is what a person may do to a run, an effect, or everything at
// once.
package control

import (
	"context"
	"time"

	"github.com/tocsin-soar/tocsin/server/approval"
	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/ledger"
	"github.com/tocsin-soar/tocsin/server/notification"
)

// Store is all that control needs of a database. Each method is one atomic act.
type Store interface {
	// Signal looks at a run as it is and, unless check fails, leaves the event
	// for it.
	Signal(ctx context.Context, run string, check func(r engine.Run) (Order, error)) error
	// Start queues runs; one whose key is known already is answered with the id
	// it got then.
	Start(ctx context.Context, starts []engine.Start, a []audit.Draft) ([]string, error)
	// Effect looks at an effect as it is and writes what change gives.
	Effect(ctx context.Context, id string, change func(e ledger.Effect) (EffectOrder, error)) (ledger.Effect, error)
	// Halt looks at the kill switch and writes what change gives.
	Halt(ctx context.Context, change func(h Halt, others []approval.Person) (HaltOrder, error)) (Halt, error)
}

// Order is an event for a run (in the engine's codec) with its audit.
type Order struct {
	Kind  string
	Body  []byte
	Audit []audit.Draft
}

// EffectOrder is a changed effect and the run that carries the change out.
type EffectOrder struct {
	Effect ledger.Effect
	Start  *engine.Start
	Audit  []audit.Draft
	Tell   []notification.Draft
}

// Halt is the state of the kill switch.
type Halt struct {
	On         bool       `json:"on"`
	Reason     string     `json:"reason"`
	By         string     `json:"by"`
	Since      *time.Time `json:"since"`
	Quarantine bool       `json:"quarantine"` // a restored or copied database
	Approval   string     `json:"approval"`   // apr_… that would lift it, or ""
}

// HaltOrder is the new state, and a request where lifting needs a second person.
type HaltOrder struct {
	Halt  Halt
	Open  *approval.Request
	Audit []audit.Draft
}
