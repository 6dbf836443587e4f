package perform

import (
	"context"

	"github.com/tocsin-soar/tocsin/server/approval"
	"github.com/tocsin-soar/tocsin/server/gate"
)

// Asking is a question that is decided inside the act that records it, so that
// two questions cannot both see the last free place under a limit.
type Asking struct {
	// Question and Answer are as evaluated before the act.
	Question gate.Question
	Answer   gate.Answer
	// Judge asks the policy again, at most 20 ms; used when the counters have
	// grown since.
	Judge func(ctx context.Context, q gate.Question) gate.Answer
	// Approval is the request whose votes matter, or "".
	Approval string
	// Then is pure: what else is written, given what is true in the act. Its
	// Record goes on where the one before it ended.
	Then func(g Ground) Record
}

// Ground is what is true inside the act.
type Ground struct {
	Question gate.Question // with the counters of this moment
	Answer   gate.Answer
	Approval *approval.Request          // nil where there is none
	Voters   map[string]approval.Person // by name: everyone who voted on it
	Halted   bool
}
