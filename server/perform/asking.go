package perform

import (
	"context"
	"time"

	"github.com/tocsin-soar/tocsin/server/approval"
	"github.com/tocsin-soar/tocsin/server/gate"
	"github.com/tocsin-soar/tocsin/server/ledger"
)

// Asking is a question that is decided inside the act that records it, so that
// two questions cannot both see the last free place under a limit. With an empty
// Question.Action.ID there is no question: Then only needs the ground.
type Asking struct {
	// Question and Answer are as evaluated before the act.
	Question gate.Question
	Answer   gate.Answer
	// Reserves says that a yes takes a place under the limits, so the counters
	// must be those of the act.
	Reserves bool
	// Judge asks the policy again; used when the counters have grown since. The
	// store bounds how long it may take.
	Judge func(ctx context.Context, q gate.Question) gate.Answer
	// Approval is the request whose votes matter, or "".
	Approval string
	// Then is pure: what else is written, given what is true in the act. Its
	// Record goes on where the one before it ended; it is called exactly once.
	Then func(g Ground) Record
}

// Ground is what is true inside the act.
type Ground struct {
	At       time.Time
	Question gate.Question // with the counters of this moment
	Answer   gate.Answer
	Approval *approval.Request          // nil where there is none
	Voters   map[string]approval.Person // by name: everyone who voted on it
	Halted   bool
	Ended    []Ended // one for each GripEnd of the record before, in order
}

// Ended says what became of an effect when a hold on it ended.
type Ended struct {
	Effect ledger.Effect
	Due    bool   // the last hold ended: the inverse is due
	Kept   string // in words, who holds it still
}
