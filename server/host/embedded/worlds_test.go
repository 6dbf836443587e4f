package embedded_test

import (
	"context"
	"time"

	"github.com/tocsin-soar/tocsin/server/approval"
	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/gate"
)

// worlds gives each run its own world.
type worlds struct{ b *bench }

func (w worlds) Judge(ctx context.Context, q gate.Question) gate.Answer {
	if w.b.hold != nil { // that test is about what comes after a yes
		return gate.Answer{Outcome: gate.Allow}
	}
	return w.b.world[q.Run.ID].Judge(ctx, q)
}

func (w worlds) Objections(context.Context, approval.Request, approval.Person, string, time.Time) []approval.Reason {
	return nil
}

func (w worlds) Moment(at time.Time) gate.Now { return gate.Now{Time: at.Format(time.RFC3339)} }

func (w worlds) Connection(name, integration string) (connector.Connection, error) {
	for _, world := range w.b.world {
		return world.Connection(name, integration)
	}
	return connector.Connection{}, nil
}

func (w worlds) Tags(string, string) ([]string, string) { return nil, "" }

func (w worlds) Action(ref string) (*connector.Action, bool) {
	for _, world := range w.b.world {
		return world.Action(ref)
	}
	return nil, false
}

func (w worlds) Call(ctx context.Context, p gate.Permit, c connector.Call) connector.Reply {
	if w.b.hold != nil {
		<-w.b.hold
		return connector.Reply{Did: connector.DidDone, Output: map[string]any{}}
	}
	run, _ := c.Preimage.Run.(string)
	return w.b.world[run].Call(ctx, p, c)
}
