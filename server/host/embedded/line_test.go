package embedded_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/expr"
	"github.com/tocsin-soar/tocsin/server/host/hosttest"
	"github.com/tocsin-soar/tocsin/server/ident"
	"github.com/tocsin-soar/tocsin/server/playbook"
)

// Who waits for its turn still does after a restart, in the same order, and its own
// time has not begun.
func TestALineOutlivesARestart(t *testing.T) {
	b := &bench{
		t: t, c: &clock{now: time.Date(2026, 1, 5, 10, 0, 0, 0, time.UTC), moved: make(chan struct{})},
		path: filepath.Join(t.TempDir(), "tocsin.db"), world: map[string]*hosttest.World{}, progs: map[string]*engine.Program{},
	}
	w := hosttest.NewWorld(1)
	wait := &playbook.Block{ID: "wait", Kind: playbook.KindWait, OnError: "fail", Wait: &playbook.Wait{For: expr.Literal("50m")}}
	b.progs["v"] = engine.Compile(&playbook.Playbook{
		Slug: "sim", Steps: []*playbook.Block{wait}, Timeout: time.Hour,
		Concurrency: &playbook.Concurrency{Key: expr.Literal("ws-117"), Limit: 1, Then: "queue"},
	}, w.Action)
	b.open()
	defer func() { b.stop() }()
	var ids []string
	for range 3 {
		id := newID(ident.Run, b.c.time())
		b.world[id] = w
		ids = append(ids, id)
		st := engine.Start{ID: id, Key: id, Playbook: "sim", Version: "v", At: b.c.time(), Trigger: engine.Trigger{Kind: "manual"}}
		if _, err := b.s.Start(t.Context(), []engine.Start{st}, nil); err != nil {
			t.Fatal(err)
		}
		b.c.add(time.Second)
		b.settle(ids, len(ids), "waiting")
	}
	for i, want := range [][]string{{"waiting timer", "waiting concurrency", "waiting concurrency"}, {"succeeded", "waiting timer", "waiting concurrency"}, {"succeeded", "succeeded", "waiting timer"}, {"succeeded", "succeeded", "succeeded"}} {
		b.stop()
		b.open()
		var got []string
		for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) { //nolint:forbidigo // the host works on goroutines of its own
			if got = b.states(ids); cmp.Equal(got, want) {
				break
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("after %d times 50 minutes: %s", i, diff)
		}
		b.c.add(50 * time.Minute)
	}
}

// states says what each run does, and what it waits for.
func (b *bench) states(ids []string) []string {
	b.t.Helper()
	var out []string
	for _, id := range ids {
		r, err := b.s.Run(b.t.Context(), id)
		if err != nil {
			b.t.Fatal(err)
		}
		s := string(r.Status)
		if len(r.Waiting) > 0 {
			s += " " + string(r.Waiting[0].Kind)
		}
		out = append(out, s)
	}
	return out
}

// settle waits until all runs are in a state.
func (b *bench) settle(ids []string, n int, status string) {
	b.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) { //nolint:forbidigo // the host works on goroutines of its own
		same := 0
		for _, id := range ids {
			r, err := b.s.Run(b.t.Context(), id)
			if err != nil {
				b.t.Fatal(err)
			}
			if string(r.Status) == status {
				same++
			}
		}
		if same == n {
			return
		}
	}
	b.t.Fatalf("not %d runs are %s: %v", n, status, b.states(ids))
}
