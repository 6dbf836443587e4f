package memory_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/expr"
	"github.com/tocsin-soar/tocsin/server/gate"
	"github.com/tocsin-soar/tocsin/server/host/hosttest"
	"github.com/tocsin-soar/tocsin/server/host/memory"
	"github.com/tocsin-soar/tocsin/server/perform"
	"github.com/tocsin-soar/tocsin/server/playbook"
)

// TestRunsInLineKeepTheirTurn starts several random runs with one key: never are more
// at work than may be, they begin in the order in which they came, and all of them
// end.
func TestRunsInLineKeepTheirTurn(t *testing.T) {
	for seed := range uint64(200) {
		w := hosttest.NewWorld(seed + 1)
		pb := w.Playbook()
		pb.Concurrency = w.Concurrency()
		prog := engine.Compile(pb, w.Action)
		start := time.Date(2026, 1, 5, 10, 0, 0, 0, time.UTC)
		h := memory.New(&perform.Performer{Gate: w, Estate: w, Caller: w, Instance: func() string { return "sim" }}, start)
		h.Async = w.IntN(3) > 0
		calling(w, h, prog)
		for i := range 5 {
			st := engine.Start{ID: fmt.Sprintf("run_%032x", i), Playbook: "sim", Version: "v", At: start}
			if err := h.Start(st, prog, gate.Playbook{Name: "sim"}, nil, nil); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			for range w.IntN(3) {
				if err := move(w, h, h.Run(fmt.Sprintf("run_%032x", w.IntN(i+1)))); err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
				atWork(t, seed, h, pb.Concurrency.Limit)
			}
		}
		for _, r := range h.Runs() {
			if !goOn(t, w, seed, h, r) {
				return
			}
			atWork(t, seed, h, pb.Concurrency.Limit)
		}
		if t.Failed() {
			return
		}
	}
}

// atWork counts the runs that have begun and are not over.
func atWork(t *testing.T, seed uint64, h *memory.Host, limit int) {
	t.Helper()
	n := 0
	var began []string
	for _, r := range h.Runs() {
		if r.Start.Playbook != "sim" {
			continue // what is called stands in a line of its own
		}
		placed := slices.ContainsFunc(r.Journal, func(e engine.Recorded) bool { return e.Kind == "placed" })
		if placed && !r.State.Status().Final() {
			n++
		}
		waits := false
		for _, v := range r.State.View().Waiting {
			waits = waits || v.Kind == engine.WaitConcurrency
		}
		if waits && placed {
			t.Errorf("seed %d: %s has its place and waits for it", seed, r.Start.ID)
		}
		if waits {
			began = append(began, r.Start.ID)
		} else if placed && len(began) > 0 {
			t.Errorf("seed %d: %s began before %v", seed, r.Start.ID, began)
		}
	}
	if n > limit {
		t.Errorf("seed %d: %d runs are at work, at most %d may", seed, n, limit)
	}
}

func TestWhatHappensToOneTooMany(t *testing.T) {
	for name, tc := range map[string]struct {
		then string
		want []string // after the third has come, then hour by hour
	}{
		"queue": {"queue", []string{"waiting timer, waiting concurrency, waiting concurrency", "succeeded, waiting timer, waiting concurrency", "succeeded, succeeded, waiting timer", "succeeded, succeeded, succeeded"}},
		"drop":  {"drop", []string{"waiting timer, cancelled, cancelled", "succeeded, cancelled, cancelled"}},
		// The first cleans up for an hour; the second never began.
		"cancel the oldest": {"cancel_oldest", []string{"waiting timer, cancelled, waiting concurrency", "cancelled, cancelled, waiting timer"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := hosttest.NewWorld(7)
			pb := &playbook.Playbook{
				Slug: "sim", Timeout: 3 * time.Hour, Concurrency: &playbook.Concurrency{Key: expr.Literal("ws-117"), Limit: 1, Then: tc.then},
				Steps: []*playbook.Block{{ID: "t", Kind: playbook.KindTry, OnError: "fail", Try: &playbook.Try{
					Do: []*playbook.Block{waiting("work", "30m")}, Finally: []*playbook.Block{waiting("last", "30m")},
				}}},
			}
			start := time.Date(2026, 1, 5, 10, 0, 0, 0, time.UTC)
			h := memory.New(&perform.Performer{Gate: w, Estate: w, Caller: w, Instance: func() string { return "sim" }}, start)
			for i := range 3 {
				st := engine.Start{ID: fmt.Sprintf("run_%d", i), Playbook: "sim", At: start}
				if err := h.Start(st, engine.Compile(pb, w.Action), gate.Playbook{}, nil, nil); err != nil {
					t.Fatal(err)
				}
			}
			for i, want := range tc.want {
				var states []string
				for _, r := range h.Runs() {
					v := r.State.View()
					word := string(v.Status)
					if len(v.Waiting) > 0 {
						word += " " + string(v.Waiting[0].Kind)
					}
					states = append(states, word)
				}
				got := strings.Join(states, ", ")
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("after %d hours: %s", i, diff)
				}
				if err := h.Advance(h.Now.Add(time.Hour)); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}
