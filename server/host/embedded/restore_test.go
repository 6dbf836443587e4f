package embedded_test

import (
	"crypto/rand"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/expr"
	"github.com/tocsin-soar/tocsin/server/host/hosttest"
	"github.com/tocsin-soar/tocsin/server/ident"
	"github.com/tocsin-soar/tocsin/server/playbook"
	"github.com/tocsin-soar/tocsin/server/store"
)

// In a restored copy an attempt that was under way may have been finished by the
// original: also where the other side honours keys, a person says what became of it.
func TestARestoredCopyLeavesWhatWasUnderWayToAPerson(t *testing.T) {
	b, id := underWay(t)
	dir := filepath.Dir(b.path)
	copied := filepath.Join(dir, "copy.db")
	if _, err := b.s.Backup(t.Context(), copied, "test", "key"); err != nil {
		t.Fatal(err)
	}
	close(b.hold)
	b.stop()

	b.path = filepath.Join(dir, "restored", "tocsin.db")
	log := slog.New(slog.DiscardHandler)
	if _, err := store.Restore(t.Context(), copied, store.Options{Path: b.path, Clock: b.c.time, Log: log, Random: rand.Reader}); err != nil {
		t.Fatal(err)
	}
	b.open()
	defer func() { b.stop() }()
	b.until(id, engine.StepInDoubt, 1)
}

// underWay is a run whose only attempt was dispatched and waits for b.hold.
func underWay(t *testing.T) (b *bench, run string) {
	t.Helper()
	b = &bench{
		t: t, c: &clock{now: time.Date(2026, 1, 5, 10, 0, 0, 0, time.UTC), moved: make(chan struct{})},
		path: filepath.Join(t.TempDir(), "tocsin.db"), world: map[string]*hosttest.World{}, progs: map[string]*engine.Program{},
		hold: make(chan struct{}),
	}
	w := hosttest.NewWorld(1)
	put, _ := w.Action("sim.put")
	step := &playbook.Block{ID: "put", Kind: playbook.KindAction, OnError: "fail", Action: &playbook.Action{
		Ref: "sim.put", Action: put, With: expr.Literal(map[string]any{}), Timeout: time.Minute,
	}}
	b.progs["v"] = engine.Compile(&playbook.Playbook{Slug: "sim", Steps: []*playbook.Block{step}, Timeout: time.Hour}, w.Action)
	run = newID(ident.Run, b.c.time())
	b.world[run] = w
	b.open()
	st := engine.Start{ID: run, Key: run, Playbook: "sim", Version: "v", At: b.c.time(), Trigger: engine.Trigger{Kind: "manual"}}
	if _, err := b.s.Start(t.Context(), []engine.Start{st}, nil); err != nil {
		t.Fatal(err)
	}
	b.until(run, engine.StepRunning, 1)
	return b, run
}

// A stop takes no new work and waits for what was sent: its outcome is recorded, so
// that the next start has nothing to find out.
func TestAStopRecordsWhatWasSent(t *testing.T) {
	b, id := underWay(t)
	close(b.hold)
	b.h.Stop(time.Hour)
	b.until(id, engine.StepSucceeded, 1)
	if err := b.s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// until waits for the state of a run's only step.
func (b *bench) until(run string, status engine.StepStatus, attempts int) {
	b.t.Helper()
	for range 5_000 {
		r, err := b.s.Run(b.t.Context(), run)
		if err != nil {
			b.t.Fatal(err)
		}
		if len(r.Steps) == 1 && r.Steps[0].Status == status && r.Steps[0].Attempts == attempts {
			return
		}
		time.Sleep(time.Millisecond) //nolint:forbidigo // a pause between two looks at a condition
	}
	r, err := b.s.Run(b.t.Context(), run)
	b.t.Fatalf("the step does not become %s: %+v, %v", status, r, err)
}
