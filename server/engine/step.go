package engine

import (
	"fmt"
	"time"

	"github.com/tocsin-soar/tocsin/server/fault"
)

// turn is one event being taken.
type turn struct {
	p    *Program
	s    *State
	cmds []Command
}

// Step folds one event into the state and says what shall happen next. It takes
// time in what the event touches, not in the size of the run.
func Step(p *Program, s State, e Event) (State, []Command) {
	t := &turn{p: p, s: &s}
	s.seq++
	if e.At.After(s.now) { // a run's clock never goes back
		s.now = e.At
	}
	if s.status.Final() {
		return s, nil
	}
	if s.seq > maxEvents && s.err == nil {
		t.bound("this run has more than %d events", maxEvents)
	}
	if s.seq > maxEvents+spareEvents && !s.ending.hard {
		t.stopHard()
	}
	t.take(e.Body)
	t.restate()
	return s, t.cmds
}

func (t *turn) take(b Body) {
	switch b := b.(type) {
	case Started:
		t.begin(b)
	case Evaluated:
		t.evaluated(b)
	case Heard:
		t.heard(b)
	case Placed:
		t.placed()
	case Dropped:
		t.dropped(b)
	case CancelRequested:
		t.cancel(b)
	case TimerFired:
		t.timer(b)
	case Resumed:
		t.resumed(b)
	default:
		t.takeStep(b)
	}
}

// takeStep hands an event to the step it is about; one that is over by then hears
// nothing.
func (t *turn) takeStep(b Body) {
	switch b := b.(type) {
	case Decided:
		t.on(b.Path, func(st *step) { t.decided(st, b) })
	case Halted:
		t.on(b.Path, func(st *step) { t.wait(st, atHalt, StepWaiting, nil) })
	case Blocked:
		t.on(b.Path, func(st *step) {
			if st.stage == atAsk {
				t.block(st, b)
			}
		})
	case Dispatched:
		t.on(b.Path, func(st *step) { t.dispatched(st, b) })
	case Succeeded:
		t.on(b.Path, func(st *step) { t.succeeded(st, b) })
	case Failed:
		t.on(b.Path, func(st *step) { t.failed(st, b) })
	case Unknown:
		t.on(b.Path, func(st *step) { t.unknown(st, b) })
	case Verified:
		t.on(b.Path, func(st *step) { t.verified(st, b) })
	case Requested:
		t.on(b.Path, func(st *step) { t.requested(st, b) })
	case Escalated: // people are no part of the state: whom a request asks stands in the request
		t.on(b.Path, func(*step) {})
	case ApprovalDecided:
		t.on(b.Path, func(st *step) { t.answered(st, b) })
	case Resolved:
		t.on(b.Path, func(st *step) { t.resolved(st, b) })
	case Returned:
		t.on(b.Path, func(st *step) { t.returned(st, b) })
	case HoldEnded:
		t.on(b.Path, func(st *step) { t.holdEnded(st, b) })
	}
}

func (t *turn) on(path string, do func(*step)) {
	if st, ok := t.s.step(path); ok {
		do(st)
		t.touch(st)
	}
}

func (t *turn) begin(b Started) {
	at := t.s.now
	t.s.started, t.s.status = &at, RunRunning
	t.s.inputs = b.Inputs
	t.s.line.wanted, t.s.calls = b.Lined, b.Calls
	t.expect()
	if d := t.p.Playbook.Timeout; d > 0 && !b.Lined { // waiting for its turn does not count
		t.do(SetTimer{"", TimerRun, at.Add(d)})
	}
	t.do(Evaluate{"", "inputs"})
}

func (t *turn) cancel(b CancelRequested) {
	e := &t.s.ending
	if e.undo && b.Force {
		t.dropUndo()
		return
	}
	if e.cancelled != nil && !b.Force {
		return
	}
	again := e.cancelled != nil
	e.cancelled = &b
	switch {
	case t.s.root == nil:
		t.finish(RunCancelled)
	case again && b.Force:
		t.stopHard()
	default:
		t.stop(t.s.root)
	}
}

func (t *turn) timer(b TimerFired) {
	if b.Path == "" {
		if b.Timer == TimerRun && !t.s.ending.undo {
			t.timedOut()
		}
		return
	}
	t.on(b.Path, func(st *step) {
		switch {
		case b.Timer == TimerRetry && st.stage == atRetry, b.Timer == TimerHold && st.stage == atHold:
			t.ask(st)
		case b.Timer == TimerWait && st.stage == atTimer:
			t.settle(st, StepSucceeded, nil, nil)
		case b.Timer == TimerSettle && st.stage == atSettle:
			st.stage = atVerify
			t.do(Verify{st.path})
		case b.Timer == TimerDeadline && st.stage == atPeople:
			t.silent(st)
		case b.Timer == TimerConnection && st.stage == atBlocked:
			t.unblocked(st)
		case b.Timer == TimerDeadline && st.stage == atEvent:
			t.unheard(st)
		}
	})
}

// bound ends the run because it has grown over a bound; the second one ends its
// finally lists too.
func (t *turn) bound(format string, args ...any) {
	if t.s.err != nil {
		t.stopHard()
		return
	}
	t.s.err = &Error{Kind: string(fault.Bound), Message: fmt.Sprintf(format, args...)}
	if t.s.root != nil {
		t.stop(t.s.root)
	}
}

// finish ends the run.
func (t *turn) finish(status RunStatus) {
	at := t.s.now
	t.s.status, t.s.ended = status, &at
	t.do(DropTimer{"", TimerRun})
	t.do(Finish{})
}

// rootEnded goes from the playbook's steps to its outputs, its undo, its end.
func (t *turn) rootEnded(failure *Error) {
	e := &t.s.ending
	switch {
	case t.s.err != nil: // a bound
		t.fail(t.s.err)
	case e.timedOut:
		t.fail(&Error{Kind: string(fault.Timeout), Message: "the playbook's time is over"})
	case e.returned && t.s.cleanup == nil:
		t.finish(RunSucceeded)
	case e.returned:
		t.fail(t.s.cleanup)
	case failure != nil:
		t.fail(failure)
	case e.cancelled != nil:
		t.undoThen()
	case len(t.p.Playbook.Outputs) > 0:
		t.do(Evaluate{"", "outputs"})
	default:
		t.finish(RunSucceeded)
	}
}

// fail ends the run with an error, after its undo.
func (t *turn) fail(err *Error) {
	t.s.err = err
	t.undoThen()
}

func (t *turn) do(c Command) { t.cmds = append(t.cmds, c) }

// restate keeps the run's own status in step with its steps.
func (t *turn) restate() {
	s := t.s
	if s.status.Final() || s.started == nil {
		return
	}
	s.status = RunRunning
	if s.busy == 0 && len(s.waits) > 0 {
		s.status = RunWaiting
	}
}

func (t *turn) after(d time.Duration) time.Time { return t.s.now.Add(d) }
