package engine

import (
	"slices"
	"strings"

	"github.com/tocsin-soar/tocsin/server/fault"
)

// openUndo begins an undo block: what the run, or the named step, has put in force is
// taken back, latest success first.
func (t *turn) openUndo(st *step) {
	st.stage = atChildren
	for _, of := range slices.Backward(t.s.made) {
		if !of.undone && !of.effect.Foreign && t.means(st, of) {
			st.queue = append(st.queue, of)
		}
	}
	st.output = map[string]any{"undone": []any{}, "kept": []any{}}
	t.touch(st)
	t.nextOfBlock(st)
}

// means says whether an undo block is about what a step has put in force. A named step
// inside a loop is that of the same turn where the block stands inside it too, else
// that of every turn.
func (t *turn) means(st, of *step) bool {
	id := st.block.Undo.Step
	if id == "" {
		return true
	}
	if of.block == nil || of.block.ID != id {
		return false
	}
	loops := map[string]bool{}
	for n := t.p.nodes[id]; n.iter != ""; n = t.p.nodes[n.iter] {
		loops[n.iter] = true
	}
	for sc := st.scope; sc != nil; sc = sc.parent {
		if sc.iter != "" && loops[sc.iter] {
			return strings.HasPrefix(of.path, sc.path+"/")
		}
	}
	return true
}

// nextOfBlock begins the next undo of a block, or ends the block when all are over.
func (t *turn) nextOfBlock(st *step) {
	if len(st.queue) > 0 && !st.scope.stop {
		of := st.queue[0]
		st.queue = st.queue[1:]
		st.undos++
		t.beginUndo(of, st, join(st.path, of.path))
		return
	}
	if st.undos > 0 || st.status.Settled() {
		return
	}
	switch {
	case st.failure != nil:
		t.settle(st, StepFailed, nil, copyOf(st.failure))
	case st.scope.stop:
		t.settle(st, StepCancelled, nil, &Error{Kind: string(fault.Cancelled), Message: "cancelled"})
	default:
		t.settle(st, StepSucceeded, st.output, nil)
	}
}

// blockUndid notes what came of one undo of a block.
func (t *turn) blockUndid(st, undo *step) {
	st.undos--
	out, _ := st.output.(map[string]any)
	list := func(name string) map[string]any {
		old, _ := out[name].([]any)
		return map[string]any{name: append(slices.Clip(old), undo.undoOf.path)}
	}
	kept := false
	if m, ok := undo.output.(map[string]any); ok && undo.action == nil {
		_, kept = m["kept"]
	}
	switch {
	case undo.status == StepSucceeded && kept:
		st.output = map[string]any{"undone": out["undone"], "kept": list("kept")["kept"]}
	case undo.status == StepSucceeded:
		st.output = map[string]any{"undone": list("undone")["undone"], "kept": out["kept"]}
	case undo.status == StepFailed && st.failure == nil:
		st.failure = copyOf(undo.err)
	}
	t.touch(st)
	t.nextOfBlock(st)
}

// stopUndos takes back what an undo block has not sent; what is under way reports.
func (t *turn) stopUndos(st *step) {
	if st.undos == 0 {
		return
	}
	st.queue = nil
	for _, path := range slices.Clone(t.s.order[st.n+1:]) {
		u := t.s.steps[path]
		if u.undoFor != st || u.status.Settled() || u.flight || u.stage == atVerify || u.stage == atSettle || u.stage == atDoubt {
			continue
		}
		t.abandon(u)
		t.settle(u, StepCancelled, nil, &Error{Kind: string(fault.Cancelled), Message: "cancelled"})
	}
}
