package engine

import (
	"maps"
	"slices"

	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/playbook"
)

// enter begins a list of blocks.
func (t *turn) enter(sc *scope) {
	if sc.owner != nil {
		sc.owner.children = append(sc.owner.children, sc)
	}
	t.advance(sc)
}

// advance begins the block at the scope's token, or ends the scope.
func (t *turn) advance(sc *scope) {
	if sc.at >= len(sc.blocks) {
		t.scopeEnded(sc, nil)
		return
	}
	b := sc.blocks[sc.at]
	path := join(sc.path, b.ID)
	if len(t.s.order) >= t.room(sc) {
		sc.active = nil
		t.bound("this run has more than %d steps", maxSteps)
		t.scopeEnded(sc, nil)
		return
	}
	at := t.s.now
	st := &step{path: path, n: len(t.s.order), block: b, scope: sc, status: StepRunning, stage: atEvaluate, startedAt: &at}
	sc.active = st
	t.s.steps[path] = st
	t.s.order = append(t.s.order, path)
	t.touch(st)
	if b.If != nil && b.Kind != playbook.KindIf {
		t.do(Evaluate{path, "if"})
		return
	}
	t.open(st)
}

// open begins the work of a step whose guard holds.
func (t *turn) open(st *step) {
	switch b := st.block; b.Kind {
	case playbook.KindAction:
		t.openAction(st)
	case playbook.KindIf:
		t.do(Evaluate{st.path, "if"})
	case playbook.KindForEach:
		t.do(Evaluate{st.path, "items"})
	case playbook.KindParallel:
		t.openParallel(st)
	case playbook.KindWait:
		if b.Wait.Callback || b.Wait.Event != "" {
			t.listen(st)
			return
		}
		t.do(Evaluate{st.path, waitWhat(b)})
	case playbook.KindQuestion, playbook.KindApproval:
		st.occurrence = st.scope.occurrence()
		t.do(Evaluate{st.path, "title"})
	case playbook.KindSet:
		t.do(Evaluate{st.path, "set"})
	case playbook.KindFail:
		t.do(Evaluate{st.path, "message"})
	case playbook.KindReturn:
		t.do(Evaluate{st.path, "return"})
	case playbook.KindSwitch:
		t.do(Evaluate{st.path, "switch"})
	case playbook.KindWhile:
		t.do(Evaluate{st.path, "while"})
	case playbook.KindTry:
		t.openTry(st)
	case playbook.KindUndo:
		t.openUndo(st)
	case playbook.KindCall:
		t.openCall(st)
	case playbook.KindTransform:
		t.do(Evaluate{st.path, "transform"})
	}
}

func waitWhat(b *playbook.Block) string {
	if b.Wait.For != nil {
		return "for"
	}
	return "until"
}

// settle ends a step and goes on behind it.
func (t *turn) settle(st *step, status StepStatus, output any, err *Error) {
	at := t.s.now
	st.status, st.stage, st.endedAt = status, atNothing, &at
	st.output, st.err, st.flight, st.until = output, err, false, nil
	if err != nil && err.Step == "" {
		err.Step, err.Attempt = st.path, st.attempts
	}
	t.touch(st)
	if st.undoOf != nil {
		t.undoSettled(st)
		return
	}
	sc := st.scope
	sc.active, sc.last = nil, st
	switch {
	case st.returns() && !sc.stop:
		t.stop(t.s.root)
		t.scopeEnded(sc, nil)
	case sc.stop || status == StepCancelled:
		t.scopeEnded(sc, nil)
	case status == StepFailed && st.block.OnError != "continue":
		t.scopeEnded(sc, err)
	default:
		sc.at++
		t.advance(sc)
	}
}

// scopeEnded tells the owner that a list of blocks is over. It was cut short when
// it is stopped.
func (t *turn) scopeEnded(sc *scope, failure *Error) {
	if sc.ended {
		return
	}
	sc.ended = true
	o := sc.owner
	if o == nil {
		t.rootEnded(failure)
		return
	}
	o.children = slices.DeleteFunc(o.children, func(c *scope) bool { return c == sc })
	switch o.block.Kind {
	case playbook.KindForEach:
		t.eachEnded(o, sc, failure)
	case playbook.KindParallel:
		t.branchEnded(o, sc, failure)
	case playbook.KindIf, playbook.KindSwitch:
		t.branchTaken(o, sc, failure)
	case playbook.KindWhile:
		t.turnEnded(o, sc, failure)
	case playbook.KindTry:
		t.tryEnded(o, sc, failure)
	case playbook.KindAction, playbook.KindWait, playbook.KindQuestion, playbook.KindApproval, playbook.KindSet,
		playbook.KindFail, playbook.KindReturn, playbook.KindUndo, playbook.KindTransform, playbook.KindCall: // they hold no blocks
	}
}

// branchTaken ends an if or switch block with its branch.
func (t *turn) branchTaken(o *step, sc *scope, failure *Error) {
	switch {
	case failure != nil:
		t.settle(o, StepFailed, nil, copyOf(failure))
	case t.cutShort(sc):
		t.settle(o, StepCancelled, nil, nil)
	default:
		t.settle(o, StepSucceeded, sc.output(), nil)
	}
}

// output of a list of blocks is its last step's.
func (sc *scope) output() any {
	if sc.last == nil {
		return nil
	}
	return sc.last.output
}

// stop lets no new work begin in a scope: what waits is cancelled, what has been
// sent reports first.
func (t *turn) stop(sc *scope) {
	if sc.ended {
		return
	}
	sc.stop = true
	st := sc.active
	if st == nil || st.status.Settled() {
		return
	}
	switch st.stage {
	case atCall, atVerify, atSettle, atDoubt:
		if st.flight || st.stage != atCall {
			return
		}
	case atCalled: // it cleans up, and then says so
		t.cancelCall(st)
		return
	case atChildren:
		t.stopUndos(st)
		for _, c := range slices.Clone(st.children) {
			if !c.shield || t.s.ending.hard {
				t.stop(c)
			}
		}
		if len(st.children) > 0 || st.undos > 0 || st.status.Settled() {
			return
		}
	case atNothing, atEvaluate, atAsk, atPeople, atHold, atHalt, atBlocked, atRetry, atTimer, atRequest, atEndHold, atEvent:
	}
	t.abandon(st)
	t.settle(st, StepCancelled, nil, &Error{Kind: string(fault.Cancelled), Message: "cancelled"})
}

// abandon takes back what a waiting step has asked for.
func (t *turn) abandon(st *step) {
	switch st.stage {
	case atPeople, atHold:
		t.do(Void{st.path, st.approval, "void", "the run was cancelled"})
		t.do(DropTimer{st.path, TimerDeadline})
		t.do(DropTimer{st.path, TimerHold})
	case atRetry:
		t.do(DropTimer{st.path, TimerRetry})
	case atTimer:
		t.do(DropTimer{st.path, TimerWait})
	case atSettle:
		t.do(DropTimer{st.path, TimerSettle})
	case atBlocked:
		t.do(DropTimer{st.path, TimerConnection})
	case atEvent:
		t.deaf(st)
	case atNothing, atEvaluate, atAsk, atHalt, atCall, atVerify, atDoubt, atRequest, atChildren, atEndHold, atCalled:
	}
}

func (t *turn) openItems(st *step, items []any) {
	st.stage, st.items, st.results = atChildren, items, make([]any, len(items))
	t.moreItems(st)
}

func (t *turn) moreItems(st *step) {
	f := st.block.ForEach
	for st.next < len(st.items) && len(st.children) < f.Concurrency && !st.scope.stop && st.failure == nil {
		i := st.next
		st.next++
		t.enter(&scope{
			path: eachPath(st.path, i), owner: st, parent: st.scope, blocks: f.Do,
			iter: st.block.ID, as: f.As, item: st.items[i], index: i,
		})
	}
	if len(st.children) > 0 || st.status.Settled() {
		return
	}
	switch {
	case st.failure != nil:
		t.settle(st, StepFailed, nil, copyOf(st.failure))
	case st.scope.stop:
		t.settle(st, StepCancelled, nil, nil)
	default:
		t.settle(st, StepSucceeded, st.results, nil)
	}
}

func (t *turn) eachEnded(o *step, sc *scope, failure *Error) {
	o.done++
	o.results[sc.index] = map[string]any{
		"ok": failure == nil && !sc.stop, "output": sc.output(), "error": errorVar(failure),
	}
	if failure != nil && o.block.ForEach.Continue {
		t.s.partial = true
	} else if failure != nil && o.failure == nil {
		o.failure = failure
		for _, c := range slices.Clone(o.children) {
			t.stop(c)
		}
	}
	t.touch(o)
	t.moreItems(o)
}

func (t *turn) openParallel(st *step) {
	st.stage, st.branches = atChildren, map[string]any{}
	var scopes []*scope
	for _, br := range st.block.Parallel.Branches {
		sc := &scope{path: join(st.path, br.Name), owner: st, parent: st.scope, blocks: br.Steps, branch: br.Name}
		scopes = append(scopes, sc)
	}
	st.children = slices.Clone(scopes) // all of them, before the first can end
	for _, sc := range scopes {
		if !sc.stop {
			t.advance(sc)
		} else if !sc.ended {
			t.scopeEnded(sc, nil)
		}
	}
}

func (t *turn) branchEnded(o *step, sc *scope, failure *Error) {
	par := o.block.Parallel
	switch {
	case failure != nil && o.failure == nil:
		o.failure = failure
	case failure == nil && !sc.stop:
		o.done++
		o.branches[sc.branch] = sc.output()
	}
	enough := o.done >= par.WaitFor
	hopeless := o.done+open(o.children) < par.WaitFor
	if enough || hopeless {
		for _, c := range slices.Clone(o.children) {
			t.stop(c)
		}
	}
	t.touch(o)
	if len(o.children) > 0 || o.status.Settled() {
		return
	}
	switch {
	case enough:
		t.settle(o, StepSucceeded, maps.Clone(o.branches), nil)
	case o.scope.stop && o.failure == nil:
		t.settle(o, StepCancelled, nil, nil)
	case o.failure != nil:
		t.settle(o, StepFailed, nil, copyOf(o.failure))
	default:
		t.settle(o, StepCancelled, nil, nil)
	}
}

// open counts the scopes that may still succeed.
func open(scopes []*scope) int {
	n := 0
	for _, c := range scopes {
		if !c.stop {
			n++
		}
	}
	return n
}

func copyOf(e *Error) *Error {
	c := *e
	return &c
}

func errorVar(e *Error) any {
	if e == nil {
		return nil
	}
	return map[string]any{
		"kind": e.Kind, "message": e.Message, "step": e.Step,
		"attempt": int64(e.Attempt), "retryable": e.Retryable,
	}
}
