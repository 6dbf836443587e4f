package memory_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/host/memory"
	"github.com/tocsin-soar/tocsin/server/playbook"
)

// telling goes through a journal once more, and notes what began when.
type telling struct {
	t         *testing.T
	seed      uint64
	last      map[string]bool // ids of the blocks inside finally lists
	steps     map[string]engine.StepView
	cancelled bool
	forced    int // cancels behind the first one that said force
	timedOut  int // times the run's timer fired
}

// order holds a finished run to the order in which things go wrong: behind a cancel
// only finally lists and undos begin; undo begins when everything else is over; every
// finally list was begun; what is not of a finally list was taken back.
func order(t *testing.T, seed uint64, prog *engine.Program, st engine.Start, run *memory.Run) {
	t.Helper()
	w := &telling{t: t, seed: seed, last: map[string]bool{}, steps: map[string]engine.StepView{}}
	playbook.Walk(prog.Playbook.Steps, func(b *playbook.Block) {
		if b.Try != nil {
			playbook.Walk(b.Try.Finally, func(in *playbook.Block) { w.last[in.ID] = true })
		}
	})
	s := engine.New(st, nil)
	for _, r := range run.Journal {
		b, err := engine.Decode(r.Kind, r.Body)
		if err != nil {
			t.Errorf("seed %d: %v", seed, err)
			return
		}
		if c, ok := b.(engine.CancelRequested); ok {
			if w.cancelled && c.Force {
				w.forced++
			}
			w.cancelled = true
		}
		if f, ok := b.(engine.TimerFired); ok && f.Path == "" {
			w.timedOut++
		}
		s, _ = engine.Step(prog, s, engine.Event{At: r.At, Body: b})
		for _, v := range s.TakeTouched() {
			w.see(v)
		}
	}
	if w.forced > 0 || w.timedOut > 1 { // these end finally lists too
		return
	}
	w.finallyBegan(prog)
	if prog.Playbook.Undo && s.Status() != engine.RunSucceeded && !firstByForce(run) {
		w.tookBack(run)
	}
}

func (w *telling) see(v engine.StepView) {
	_, known := w.steps[v.Path]
	w.steps[v.Path] = v
	if known {
		return
	}
	atEnd := strings.HasPrefix(v.Path, "undo/") && v.Kind == "undo"
	if w.cancelled && !w.last[v.ID] && !atEnd && !w.last[w.owner(v.Path)] {
		w.t.Errorf("seed %d: %s began behind the cancel", w.seed, v.Path)
	}
	if !atEnd {
		return
	}
	for _, o := range w.steps {
		if !strings.HasPrefix(o.Path, "undo/") && !o.Status.Settled() {
			w.t.Errorf("seed %d: %s began while %s was %s", w.seed, v.Path, o.Path, o.Status)
		}
	}
}

// owner is the id of the undo block that a step belongs to, or "".
func (w *telling) owner(path string) string {
	for at := range path {
		if v, ok := w.steps[path[:at]]; ok && v.Kind == "undo" {
			return v.ID
		}
	}
	return ""
}

func (w *telling) finallyBegan(prog *engine.Program) {
	for path, v := range w.steps {
		b, ok := prog.Block(v.ID)
		if !ok || b.Try == nil || len(b.Try.Finally) == 0 || v.Status == engine.StepSkipped {
			continue
		}
		if _, began := w.steps[path+"/"+b.Try.Finally[0].ID]; !began && !neverOpened(b, v) {
			w.t.Errorf("seed %d: the finally of %s was never begun (%s)", w.seed, path, v.Status)
		}
	}
}

// neverOpened says that a block failed or was cancelled at its own guard.
func neverOpened(b *playbook.Block, v engine.StepView) bool {
	return b.If != nil && v.Error != nil && v.Error.Step == v.Path
}

func (w *telling) tookBack(run *memory.Run) {
	for path, v := range w.steps {
		if v.Effect == "" || w.last[v.ID] || strings.HasPrefix(path, "undo/") {
			continue
		}
		tried := slices.ContainsFunc(run.State.Steps(), func(u engine.StepView) bool {
			return u.Kind == "undo" && (u.Path == "undo/"+path || strings.HasSuffix(u.Path, "/"+path) && u.Status == engine.StepSucceeded)
		})
		if !tried {
			w.t.Errorf("seed %d: nobody tried to take back what %s put in force", w.seed, path)
		}
	}
}

func firstByForce(run *memory.Run) bool {
	for _, e := range run.Journal {
		if b, err := engine.Decode(e.Kind, e.Body); err == nil {
			if c, cancel := b.(engine.CancelRequested); cancel && c.Force {
				return true
			}
		}
	}
	return false
}
