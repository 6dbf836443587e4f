package engine

import (
	"slices"

	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/gate"
)

// undoThen ends a run that failed or was cancelled: first what it put in force is
// taken back where the playbook asks for it, latest success first. What a finally
// list put in force stays.
func (t *turn) undoThen() {
	e := &t.s.ending
	e.undo = true
	force := e.cancelled != nil && e.cancelled.Force
	if t.p.Playbook.Undo && !force {
		for _, st := range slices.Backward(t.s.made) {
			if !st.effect.Foreign && !st.undone && !st.scope.cleaning() {
				t.s.undoing = append(t.s.undoing, st)
			}
		}
	}
	t.nextUndo()
}

// nextUndo begins the next undo, or ends the run when all are over. One that waits
// for people does not hold up the next.
func (t *turn) nextUndo() {
	if len(t.s.undoing) > 0 {
		of := t.s.undoing[0]
		t.s.undoing = t.s.undoing[1:]
		t.s.undos++
		t.beginUndo(of, nil, "undo/"+of.path)
		return
	}
	if t.s.undos > 0 || t.s.status.Final() {
		return
	}
	if t.s.err == nil && t.s.ending.cancelled != nil {
		t.finish(RunCancelled)
		return
	}
	t.finish(RunFailed)
}

// beginUndo takes back what a step has put in force, for an undo block or, without
// one, for the end of the run.
func (t *turn) beginUndo(of, owner *step, path string) {
	at := t.s.now
	st := &step{
		path: path, n: len(t.s.order), status: StepRunning, stage: atEndHold, startedAt: &at,
		undoOf: of, undoFor: owner, connection: of.connection, purpose: gate.ForUndo, occurrence: 1,
		input: of.effect.Params, effect: of.effect,
	}
	t.s.steps[st.path] = st
	t.s.order = append(t.s.order, st.path)
	t.touch(st)
	t.do(EndHold{st.path, of.effect.Key})
}

func (t *turn) holdEnded(st *step, b HoldEnded) {
	if st.stage != atEndHold {
		return
	}
	if !b.Due {
		t.settle(st, StepSucceeded, map[string]any{"kept": b.Kept}, nil)
		return
	}
	st.action = t.p.inverses[st.undoOf.effect.Manifest]
	if st.action == nil {
		t.settle(st, StepFailed, nil, &Error{Kind: string(fault.Internal), Message: "the inverse action is not known to this version"})
		return
	}
	t.ask(st)
}

// undoGoesOn lets the next undo begin: the last one is over, or waits for people.
func (t *turn) undoGoesOn(st *step) {
	if st.undoFor != nil {
		t.nextOfBlock(st.undoFor)
		return
	}
	t.nextUndo()
}

func (t *turn) undoSettled(st *step) {
	st.undoOf.undone = st.status == StepSucceeded
	if st.undoFor != nil {
		t.blockUndid(st.undoFor, st)
		return
	}
	t.s.undos--
	t.nextUndo()
}

// dropUndo leaves what is not yet undone in the ledger: a second cancel, by force.
func (t *turn) dropUndo() {
	t.s.undoing = nil
	for _, path := range slices.Clone(t.s.order) {
		st := t.s.steps[path]
		if st.undoOf != nil && st.undoFor == nil && !st.status.Settled() && !st.flight && st.stage != atVerify && st.stage != atDoubt {
			t.abandon(st)
			t.settle(st, StepCancelled, nil, &Error{Kind: string(fault.Cancelled), Message: "left in force: cancelled by force"})
		}
	}
	t.nextUndo()
}
