package memory_test

import (
	"flag"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-soar/tocsin/server/approval"
	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/gate"
	"github.com/tocsin-soar/tocsin/server/host/hosttest"
	"github.com/tocsin-soar/tocsin/server/host/memory"
	"github.com/tocsin-soar/tocsin/server/perform"
)

var (
	seeds = flag.Int("seeds", 1500, "how many random runs to simulate")
	seed  = flag.Uint64("seed", 0, "simulate this one only")
)

// TestRandomRunsKeepTheLaws simulates random programs with random replies, people,
// cancels and clocks, and holds every one to the laws of the engine.
func TestRandomRunsKeepTheLaws(t *testing.T) {
	if *seed != 0 {
		simulate(t, *seed)
		return
	}
	for s := range uint64(*seeds) { //nolint:gosec // a count
		simulate(t, s+1)
		if t.Failed() {
			t.Fatalf("replay it alone with -seed %d", s+1)
		}
	}
}

var bea = approval.Person{Name: "bea", Roles: []string{"responder"}, Active: true}

func simulate(t *testing.T, seed uint64) {
	t.Helper()
	w := hosttest.NewWorld(seed)
	prog := engine.Compile(w.Playbook(), w.Action)
	p := &perform.Performer{Gate: w, Estate: w, Caller: w, Instance: func() string { return "sim" }}
	start := time.Date(2026, 1, 5, 10, 0, 0, 0, time.UTC)
	h := memory.New(p, start)
	h.People["bea"] = bea
	h.Async = w.IntN(3) > 0
	calling(w, h, prog)
	st := engine.Start{ID: fmt.Sprintf("run_%032x", seed), Playbook: "sim", Version: "v", At: start}
	if err := h.Start(st, prog, gate.Playbook{Name: "sim"}, nil, nil); err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	run := h.Run(st.ID)
	for i := 0; i < len(h.Runs()); i++ { // those that are called come in on the way
		if !goOn(t, w, seed, h, h.Runs()[i]) {
			return
		}
	}
	check(t, w, seed, h, run, prog, st)
	for _, r := range h.Runs()[1:] {
		alike(t, seed, r)
		tr := r.Start.Trigger
		if over := h.Run(tr.Parent).State.View().EndedAt; !tr.Detached && r.State.View().EndedAt.After(*over) {
			t.Errorf("seed %d: %s ended before %s, which it waited for", seed, tr.Parent, r.Start.ID)
		}
	}
}

// calling lets the runs of a host call the world's second playbook.
func calling(w *hosttest.World, h *memory.Host, prog *engine.Program) {
	prog.Calls = map[string]string{"sub": "v"}
	sub := engine.Compile(w.Sub(), w.Action)
	h.Find = func(engine.Start) (*engine.Program, gate.Playbook, error) {
		return sub, gate.Playbook{Name: "sub"}, nil
	}
}

// goOn lets things happen until the run has ended; false: it did not.
func goOn(t *testing.T, w *hosttest.World, seed uint64, h *memory.Host, run *memory.Run) bool {
	t.Helper()
	for turn := 0; !run.State.Status().Final(); turn++ {
		if turn > 2000 {
			t.Errorf("seed %d: the run does not end: %+v", seed, run.State.View().Waiting)
			return false
		}
		if v := run.State.View(); v.Status == engine.RunWaiting && len(v.Waiting) == 0 {
			t.Errorf("seed %d: the run waits for nothing", seed)
			return false
		}
		if err := move(w, h, run); err != nil {
			t.Errorf("seed %d: %v", seed, err)
			return false
		}
	}
	return true
}

// move lets one thing happen from outside.
func move(w *hosttest.World, h *memory.Host, run *memory.Run) error {
	for _, run := range h.Runs() {
		for _, s := range run.State.Steps() {
			if s.Status != engine.StepInDoubt || w.IntN(2) != 0 {
				continue
			}
			as := []string{"done", "failed"}[w.IntN(2)]
			return h.Resolve(run.Start.ID, engine.Resolved{Path: s.Path, As: as, Output: engine.Value{V: map[string]any{"n": int64(1)}}, By: "bea", Reason: "seen"})
		}
	}
	if w.IntN(60) == 0 {
		return h.Take(run.Start.ID, engine.CancelRequested{By: "bea", Force: w.IntN(3) == 0})
	}
	for _, r := range h.Runs() {
		if ls := h.Hearing(r.Start.ID); len(ls) > 0 && w.IntN(3) == 0 {
			return h.Tell(r.Start.ID, ls[w.IntN(len(ls))].Path, map[string]any{"n": int64(w.IntN(6))})
		}
	}
	if ps := h.Pending(); len(ps) > 0 && w.IntN(4) > 0 {
		q := ps[w.IntN(len(ps))]
		if q.Kind == approval.KindQuestion {
			return h.Answer(q.ID, bea, map[string]any{"ok": true})
		}
		word := approval.Yes
		if w.IntN(4) == 0 {
			word = approval.No
		}
		return h.Vote(q.ID, bea, word, "because")
	}
	if n := h.Flights(); n > 0 && w.IntN(5) > 0 {
		if w.IntN(6) == 0 {
			return h.Lose(w.IntN(n), w.IntN(2) == 0)
		}
		return h.Land(w.IntN(n))
	}
	if h.Broken == "" && w.IntN(12) == 0 {
		h.Broken = "nobody listens"
		return nil
	}
	if h.Broken != "" && w.IntN(4) == 0 {
		return h.Mend()
	}
	if at, ok := h.Next(); ok && (h.Flights() == 0 || w.IntN(8) == 0) {
		return h.Advance(at)
	}
	return nil
}

// check holds a finished run to the laws.
func check(t *testing.T, w *hosttest.World, seed uint64, h *memory.Host, run *memory.Run, prog *engine.Program, st engine.Start) {
	t.Helper()
	for _, b := range w.Broken() {
		t.Errorf("seed %d: %s", seed, b)
	}
	alike(t, seed, run)
	for _, s := range run.State.Steps() {
		if !s.Status.Settled() {
			t.Errorf("seed %d: the run has ended, %s is %s", seed, s.Path, s.Status)
		}
	}
	if h.Flights() > 0 {
		t.Errorf("seed %d: %d attempts are in flight", seed, h.Flights())
	}
	if n := len(h.Pending()); n > 0 {
		t.Errorf("seed %d: %d requests are left open", seed, n)
	}
	for _, r := range h.Runs() {
		if ls := h.Hearing(r.Start.ID); len(ls) > 0 {
			t.Errorf("seed %d: %s still listens: %v", seed, r.Start.ID, ls)
		}
	}
	if at, ok := h.Next(); ok {
		t.Errorf("seed %d: a timer is left at %s", seed, at)
	}
	order(t, seed, prog, st, run)
}

// alike holds a run to its journal: a replay leads to the same.
func alike(t *testing.T, seed uint64, run *memory.Run) {
	t.Helper()
	prog, st := run.Program, run.Start
	again, err := engine.Replay(prog, st, nil, run.Journal)
	if err != nil {
		t.Errorf("seed %d: replay: %v", seed, err)
		return
	}
	if diff := cmp.Diff(run.State.View(), again.View()); diff != "" {
		t.Errorf("seed %d: a replay leads elsewhere: %s", seed, diff)
	}
	if got, want := again.Steps(), run.State.Steps(); !reflect.DeepEqual(got, want) {
		t.Errorf("seed %d: a replay gives other steps: %s", seed, cmp.Diff(want, got))
	}
	diffs, err := engine.VerifyRun(prog, st, nil, run.Journal)
	if err != nil || len(diffs) > 0 {
		t.Errorf("seed %d: verify: %v %v", seed, diffs, err)
	}
}
