package engine

import (
	"fmt"
	"strconv"

	"github.com/tocsin-soar/tocsin/server/expr"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/ident"
	"github.com/tocsin-soar/tocsin/server/playbook"
)

func callInputs(c *playbook.Call, vars expr.Vars) (any, error) {
	if c.With == nil {
		return map[string]any{}, nil
	}
	v, err := c.With.Eval(vars)
	if err != nil {
		return nil, fmt.Errorf("with: %w", err)
	}
	return v, nil
}

func (t *turn) openCall(st *step) {
	st.occurrence = st.scope.occurrence()
	t.do(Evaluate{st.path, "with"})
}

// callRun begins a run of the playbook's version that was pinned at the beginning.
func (t *turn) callRun(st *step) {
	c := st.block.Call
	version := t.s.calls[c.Playbook]
	switch {
	case version == "":
		t.refuse(st, fault.NotFound, "the playbook "+c.Playbook+" was not in force when this run began")
		return
	case t.s.trigger.Calls >= playbook.MaxCalls:
		t.refuse(st, fault.Bound, fmt.Sprintf("more than %d runs call each other", playbook.MaxCalls))
		return
	}
	st.called = ident.Derive(ident.Run, t.s.now, "call", t.s.id, st.path, strconv.Itoa(st.occurrence))
	t.do(StartRun{Path: st.path, Run: st.called, Playbook: c.Playbook, Version: version, Inputs: st.input, Detached: c.Detach})
	if c.Detach {
		t.settle(st, StepSucceeded, map[string]any{"run": st.called}, nil)
		return
	}
	t.wait(st, atCalled, StepWaiting, nil)
}

// returned takes over what came of a run that was called.
func (t *turn) returned(st *step, b Returned) {
	if st.stage != atCalled || b.Run != st.called {
		return
	}
	t.s.partial = t.s.partial || b.Partial
	switch {
	case b.Status == RunSucceeded:
		out := map[string]any(b.Outputs)
		if out == nil {
			out = map[string]any{}
		}
		t.settle(st, StepSucceeded, out, nil)
	case st.stopped():
		t.settle(st, StepCancelled, nil, &Error{Kind: string(fault.Cancelled), Message: "cancelled"})
	default:
		e := &Error{Kind: string(fault.Cancelled), Message: "the run of " + st.block.Call.Playbook + " was cancelled"}
		if b.Error != nil && b.Status == RunFailed {
			e = &Error{Kind: b.Error.Kind, Message: "the run of " + st.block.Call.Playbook + " failed: " + b.Error.Message, Retryable: b.Error.Retryable}
		}
		t.settle(st, StepFailed, nil, e)
	}
}

// cancelCall tells the called run to end, a second time by force.
func (t *turn) cancelCall(st *step) {
	hard := t.s.ending.hard
	if st.told == 0 || hard && st.told == 1 {
		st.told++
		c := t.s.ending.cancelled
		t.do(CancelRun{Path: st.path, Run: st.called, Force: hard || c != nil && c.Force})
	}
}

// Report is the event that a called run's caller is told of its end with; nil where
// nobody waits for it.
func (s State) Report() (parent string, b *Returned) {
	if !s.status.Final() || s.trigger.Parent == "" || s.trigger.Detached {
		return "", nil
	}
	return s.trigger.Parent, &Returned{
		Path: s.trigger.Step, Run: s.id, Status: s.status, Partial: s.partial, Outputs: s.outputs, Error: s.err,
	}
}
