package perform

import (
	"context"
	"time"

	"github.com/tocsin-soar/tocsin/server/approval"
	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/gate"
)

// Judge is the policy.
type Judge interface {
	// Judge answers a question; anything that goes wrong is a deny that says so.
	Judge(ctx context.Context, q gate.Question) gate.Answer
	// Moment tells a time in the words of the policy's calendar.
	Moment(at time.Time) gate.Now
}

// Estate is what is configured and known of the outside.
type Estate interface {
	// Connection finds a connection by name, or the default one of an integration
	// where name is "". Errors say in words what is wrong with it.
	Connection(name, integration string) (connector.Connection, error)
	// Tags gives what is known of a target under any of its names.
	Tags(kind, value string) (tags []string, owner string)
	// Action finds an action by "integration.action".
	Action(ref string) (*connector.Action, bool)
}

// Caller sends what is permitted.
type Caller interface {
	Call(ctx context.Context, permit gate.Permit, call connector.Call) connector.Reply
}

// Performer asks, acts and records for any host.
type Performer struct {
	Gate     Judge
	Estate   Estate
	Caller   Caller
	Instance func() string
}

// Attempt is a call that has been written as dispatched and is now to be sent.
type Attempt struct {
	Path   string
	Number int
	Wanted engine.Wanted
	Permit gate.Permit
	Call   connector.Call
	DryRun bool
}

// Prepared is a question with everything around it.
type Prepared struct {
	wanted   engine.Wanted
	conn     connector.Connection
	preimage approval.Preimage
	digest   string
	text     string // the preimage's bytes
	targets  []approval.Target
	question gate.Question
	answer   gate.Answer
}
