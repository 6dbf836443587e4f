package control

import (
	"context"
	"time"

	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/ident"
)

// Actor is who asks. Roles are theirs at this moment.
type Actor struct {
	audit.Actor
	Roles []string
}

// Actions finds actions by "integration.action", as they are in force now.
type Actions interface {
	Action(ref string) (*connector.Action, bool)
}

// Control is the use case. Clock and NewID are the process's own.
type Control struct {
	Store   Store
	Actions Actions
	Clock   func() time.Time
	NewID   func(p ident.Prefix) string
}

const maxReason = 2000

// Cancel ends a run early; force leaves its effects in the ledger and does not wait
// for its undo.
func (c *Control) Cancel(ctx context.Context, a Actor, run string, force bool, reason string) error {
	if err := bounded(reason); err != nil {
		return err
	}
	return c.Store.Signal(ctx, run, func(r engine.Run) (Order, error) {
		if r.Status.Final() {
			return Order{}, fault.New(fault.Conflict, "the run has ended already (%s)", r.Status).WithCode("run_ended")
		}
		return c.order(a, run, "", "run.cancel", reason, engine.CancelRequested{By: a.Name, Reason: reason, Force: force})
	})
}

// Resolution is a person's word on a step in doubt: As is done (with the step's
// output), failed or retry.
type Resolution struct {
	Step   string
	As     string
	Output any
	Reason string
}

// Resolve ends a doubt.
func (c *Control) Resolve(ctx context.Context, a Actor, run string, in Resolution) error {
	switch in.As {
	case "done", "failed", "retry":
	default:
		return fault.New(fault.InvalidInput, "as is done, failed or retry").WithPlaces(fault.Place{At: "/as", Message: "done, failed or retry"})
	}
	if in.Reason == "" {
		return fault.New(fault.InvalidInput, "say how you know").WithCode("reason_needed").WithPlaces(fault.Place{At: "/reason", Message: "must not be empty"})
	}
	if err := bounded(in.Reason); err != nil {
		return err
	}
	return c.Store.Signal(ctx, run, func(r engine.Run) (Order, error) {
		st, err := doubted(r, in.Step)
		if err != nil {
			return Order{}, err
		}
		if in.As == "done" {
			if err := c.checkOutput(st, in.Output); err != nil {
				return Order{}, err
			}
		}
		return c.order(a, run, in.Step, "run.resolve", in.As+": "+in.Reason, engine.Resolved{
			Path: in.Step, As: in.As, Output: engine.Value{V: in.Output}, By: a.Name, Reason: in.Reason,
		})
	})
}

func doubted(r engine.Run, path string) (engine.StepView, error) {
	for _, s := range r.Steps {
		if s.Path != path {
			continue
		}
		if s.Status != engine.StepInDoubt {
			return s, fault.New(fault.Conflict, "the step is %s, not in doubt", s.Status).WithCode("not_in_doubt")
		}
		return s, nil
	}
	return engine.StepView{}, fault.New(fault.NotFound, "the run has no such step")
}

// checkOutput holds a person's output to the action's schema: what follows relies
// on it.
func (c *Control) checkOutput(st engine.StepView, out any) error {
	act, ok := c.Actions.Action(st.Action)
	if !ok {
		return fault.New(fault.Conflict, "the action %s is not loaded now", st.Action)
	}
	if places := act.CheckOutput(out); len(places) > 0 {
		for i := range places {
			places[i].At = "/output" + places[i].At
		}
		return fault.New(fault.InvalidInput, "the output does not fit the action's schema").WithPlaces(places...)
	}
	return nil
}

func (c *Control) order(a Actor, run, step, verb, reason string, b engine.Body) (Order, error) {
	kind, raw, err := engine.Encode(b)
	if err != nil {
		return Order{}, err
	}
	return Order{Kind: kind, Body: raw, Audit: []audit.Draft{{
		At: c.Clock(), Actor: a.Actor, Verb: verb, Object: audit.Object{Kind: "run", ID: run},
		Run: run, Step: step, Reason: reason, Outcome: audit.Done,
	}}}, nil
}

func bounded(reason string) error {
	if len(reason) > maxReason {
		return fault.New(fault.TooLarge, "a reason has at most %d bytes", maxReason).WithPlaces(fault.Place{At: "/reason", Message: "too long"})
	}
	return nil
}
