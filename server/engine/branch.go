package engine

import (
	"fmt"
	"reflect"

	"github.com/tocsin-soar/tocsin/server/expr"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/playbook"
)

// What finally lists may use up beyond a run's bounds, so that a run that has met
// one still cleans up.
const (
	spareSteps  = 1_000
	spareEvents = 20_000
)

// choose finds the way of a switch: the value it is about, and the number of the
// first case that holds, -1 for none.
func choose(s *playbook.Switch, vars expr.Vars) (any, error) {
	var value any
	if s.Value != nil {
		v, err := s.Value.Eval(vars)
		if err != nil {
			return nil, fmt.Errorf("switch: %w", err)
		}
		value = v
	}
	for i, c := range s.Cases {
		holds, err := caseHolds(c, value, vars)
		if err != nil {
			return nil, fmt.Errorf("case %d: %w", i+1, err)
		}
		if holds {
			return map[string]any{"value": value, "case": int64(i)}, nil
		}
	}
	return map[string]any{"value": value, "case": int64(-1)}, nil
}

// transform runs a jq program. Its result is recorded: a replay never runs it again.
func transform(tr *playbook.Transform, vars expr.Vars) (any, error) {
	v, err := tr.Value.Eval(vars)
	if err != nil {
		return nil, fmt.Errorf("value: %w", err)
	}
	return tr.JQ.Run(v)
}

func caseHolds(c playbook.Way, value any, vars expr.Vars) (bool, error) {
	if c.When != nil {
		return c.When.Bool(vars)
	}
	for _, is := range c.Is {
		v, err := is.Eval(vars)
		if err != nil {
			return false, err
		}
		if equal(v, value) {
			return true, nil
		}
	}
	return false, nil
}

// equal compares as the expression language does: 3 and 3.0 are the same.
func equal(a, b any) bool {
	switch x := a.(type) {
	case int64:
		if y, ok := b.(float64); ok {
			return float64(x) == y
		}
	case float64:
		if y, ok := b.(int64); ok {
			return x == float64(y)
		}
	}
	return reflect.DeepEqual(a, b)
}

func (t *turn) steerSwitch(st *step, v any) {
	m, _ := v.(map[string]any)
	n, ok := m["case"].(int64)
	cases := st.block.Switch.Cases
	if !ok || n < -1 || n >= int64(len(cases)) {
		t.refuse(st, fault.Internal, "the playbook has no such case")
		return
	}
	st.input = m
	blocks := st.block.Switch.Default
	if n >= 0 {
		blocks = cases[n].Do
	}
	st.stage = atChildren
	t.enter(&scope{path: st.path, owner: st, parent: st.scope, blocks: blocks})
}

// steerWhile begins the next turn of a loop, or ends it.
func (t *turn) steerWhile(st *step, v any) {
	w := st.block.While
	switch {
	case v != true:
		t.settle(st, StepSucceeded, st.output, nil)
	case st.next >= w.Limit:
		t.refuse(st, fault.Bound, fmt.Sprintf("the loop has had its limit of %d turns, and its condition still holds", w.Limit))
	default:
		i := st.next
		st.next++
		st.stage = atChildren
		t.enter(&scope{
			path: turnPath(st.path, i), owner: st, parent: st.scope, blocks: w.Do,
			iter: st.block.ID, turn: true, index: i,
		})
	}
}

func (t *turn) turnEnded(o *step, sc *scope, failure *Error) {
	switch {
	case failure != nil, sc.stop:
		t.branchTaken(o, sc, failure)
	default:
		o.stage, o.output = atEvaluate, sc.output()
		t.touch(o)
		t.do(Evaluate{o.path, "while"})
	}
}

// occurrence counts how often a loop has reached the step: a while that comes around
// again wants it done anew, with a new key and a new approval.
func (sc *scope) occurrence() int {
	for ; sc != nil; sc = sc.parent {
		if sc.turn {
			return sc.index + 1
		}
	}
	return 1
}

func (t *turn) openTry(st *step) {
	t.enterPart(st, inTry, st.block.Try.Do, nil)
}

func (t *turn) enterPart(st *step, p part, blocks []*playbook.Block, caught *Error) {
	st.stage, st.part = atChildren, p
	t.touch(st)
	t.enter(&scope{
		path: st.path, owner: st, parent: st.scope, blocks: blocks, caught: caught, shield: p == inFinally,
	})
}

// tryEnded goes from try to catch to finally. A catch list is not for a cancel; a
// finally list is for everything.
func (t *turn) tryEnded(o *step, sc *scope, failure *Error) {
	tr := o.block.Try
	switch o.part {
	case inTry:
		if failure != nil && len(tr.Catch) > 0 && !o.scope.stop {
			o.caught = true
			t.enterPart(o, inCatch, tr.Catch, failure)
			return
		}
		o.failure, o.output = failure, sc.output()
	case inCatch:
		o.failure, o.output = failure, sc.output()
	case inFinally:
		t.finallyEnded(o, sc, failure)
		return
	}
	o.halfway = t.cutShort(sc)
	if len(tr.Finally) > 0 && !t.s.ending.hard {
		t.enterPart(o, inFinally, tr.Finally, nil)
		return
	}
	t.endTry(o)
}

// finallyEnded keeps the first failure: what finally fails with counts only where
// nothing failed before.
func (t *turn) finallyEnded(o *step, sc *scope, failure *Error) {
	if failure != nil && o.failure == nil {
		o.failure = failure
		if t.s.ending.returned && t.s.cleanup == nil && o.block.OnError != "continue" {
			t.s.cleanup = copyOf(failure)
		}
	}
	o.halfway = o.halfway || t.cutShort(sc)
	t.endTry(o)
}

// cutShort says whether a list was stopped before its end; one that returned was not.
func (t *turn) cutShort(sc *scope) bool {
	return sc.stop && (!t.s.ending.returned || sc.last == nil || sc.last.status != StepSucceeded)
}

// endTry ends a try block with what came of its lists.
func (t *turn) endTry(o *step) {
	output := o.output
	o.output = nil
	switch {
	case o.failure != nil:
		t.settle(o, StepFailed, nil, copyOf(o.failure))
	case o.halfway:
		t.settle(o, StepCancelled, nil, &Error{Kind: string(fault.Cancelled), Message: "cancelled"})
	default:
		t.settle(o, StepSucceeded, output, nil)
	}
}

// cleaning says whether a list lies inside a finally list.
func (sc *scope) cleaning() bool {
	for ; sc != nil; sc = sc.parent {
		if sc.shield {
			return true
		}
	}
	return false
}

// room is how many steps the run may have begun for the scope to begin another.
func (t *turn) room(sc *scope) int {
	if sc.cleaning() {
		return maxSteps + spareSteps
	}
	return maxSteps
}

// stopHard stops finally lists too.
func (t *turn) stopHard() {
	t.s.ending.hard = true
	if t.s.root != nil {
		t.stop(t.s.root)
	}
}

// longestCleanup is how long finally lists may take after the playbook's time is over.
const longestCleanup = maxRetryTotal

// timedOut ends the run because its time is over; a second time it ends its finally
// lists too.
func (t *turn) timedOut() {
	e := &t.s.ending
	again := e.timedOut
	e.timedOut = true
	switch {
	case t.s.root == nil:
	case again:
		t.stopHard()
	default:
		t.stop(t.s.root)
		if !t.s.root.ended {
			t.do(SetTimer{"", TimerRun, t.after(longestCleanup)})
		}
	}
}

// returns says whether the step has ended the run with outputs.
func (st *step) returns() bool {
	return st.block.Kind == playbook.KindReturn && st.status == StepSucceeded
}
