package embedded_test

import (
	"context"
	"slices"
	"time"

	"github.com/tocsin-soar/tocsin/server/approval"
	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/gate"
	"github.com/tocsin-soar/tocsin/server/host/hosttest"
)

// worlds gives each run its own world.
type worlds struct{ b *bench }

func (w worlds) Judge(ctx context.Context, q gate.Question) gate.Answer {
	if w.b.hold != nil { // that test is about what comes after a yes
		return gate.Answer{Outcome: gate.Allow}
	}
	return w.b.worldOf(q.Run.ID).Judge(ctx, q)
}

func (w worlds) Objections(context.Context, approval.Request, approval.Person, string, time.Time) []approval.Reason {
	return nil
}

func (w worlds) Moment(at time.Time) gate.Now { return gate.Now{Time: at.Format(time.RFC3339)} }

func (w worlds) Connection(name, integration string) (connector.Connection, error) {
	return w.b.worldOf("").Connection(name, integration)
}

func (w worlds) Tags(string, string) ([]string, string) { return nil, "" }

func (w worlds) Action(ref string) (*connector.Action, bool) {
	return w.b.worldOf("").Action(ref)
}

func (w worlds) Call(ctx context.Context, p gate.Permit, c connector.Call) connector.Reply {
	if w.b.hold != nil {
		<-w.b.hold
		return connector.Reply{Did: connector.DidDone, Output: map[string]any{}}
	}
	run, _ := c.Preimage.Run.(string)
	return w.b.worldOf(run).Call(ctx, p, c)
}

// worldOf is the world of a run, or any; what a run calls lives in its own.
func (b *bench) worldOf(run string) *hosttest.World {
	b.mu.Lock()
	defer b.mu.Unlock()
	if w, ok := b.world[run]; ok || run != "" {
		return w
	}
	for _, w := range b.world {
		return w
	}
	return nil
}

// adopt lets a run that is called live in the world of its caller.
func (b *bench) adopt(st engine.Start) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, known := b.world[st.ID]; !known {
		b.world[st.ID] = b.world[st.Trigger.Parent]
		b.children = append(b.children, st)
	}
}

// family are the runs with those that they have called so far.
func (b *bench) family(starts []engine.Start) []engine.Start {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Concat(starts, b.children)
}
