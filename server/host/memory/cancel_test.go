package memory_test

import (
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

func waiting(id, long string) *playbook.Block {
	return &playbook.Block{ID: id, Kind: playbook.KindWait, OnError: "fail", Wait: &playbook.Wait{For: expr.Literal(long)}}
}

// careful waits an hour, with a catch and a finally around; limit is the playbook's.
func careful(t *testing.T, limit time.Duration) (*memory.Host, *memory.Run) {
	t.Helper()
	w := hosttest.NewWorld(7)
	pb := &playbook.Playbook{Slug: "sim", Timeout: limit, Steps: []*playbook.Block{{
		ID: "careful", Kind: playbook.KindTry, OnError: "fail", Try: &playbook.Try{
			Do:      []*playbook.Block{waiting("work", "1h")},
			Catch:   []*playbook.Block{waiting("caught", "1m")},
			Finally: []*playbook.Block{waiting("last", "10m"), waiting("after", "2h")},
		},
	}}}
	start := time.Date(2026, 1, 5, 10, 0, 0, 0, time.UTC)
	h := memory.New(&perform.Performer{Gate: w, Estate: w, Caller: w, Instance: func() string { return "sim" }}, start)
	st := engine.Start{ID: "run_1", Playbook: "sim", At: start}
	if err := h.Start(st, engine.Compile(pb, w.Action), gate.Playbook{Name: "sim"}, nil, nil); err != nil {
		t.Fatal(err)
	}
	return h, h.Run("run_1")
}

func TestFinallyIsNotCancelledByTheCancelThatBeganIt(t *testing.T) {
	cancel, force := engine.CancelRequested{By: "bea"}, engine.CancelRequested{By: "bea", Force: true}
	over := "cancelled: work cancelled, last succeeded, after succeeded"
	for name, tc := range map[string]struct {
		limit time.Duration
		do    []engine.Body // one after the other, a minute apart
		want  string
	}{
		"one cancel":                     {24 * time.Hour, []engine.Body{cancel}, over},
		"a second one without force":     {24 * time.Hour, []engine.Body{cancel, cancel}, over},
		"one by force":                   {24 * time.Hour, []engine.Body{force}, over},
		"a second one by force":          {24 * time.Hour, []engine.Body{cancel, force}, "cancelled: work cancelled, last cancelled"},
		"the playbook's time is over":    {30 * time.Minute, nil, "failed: work cancelled, last succeeded, after cancelled"},
		"a cancel, and the time is over": {30 * time.Minute, []engine.Body{cancel}, "failed: work cancelled, last succeeded, after cancelled"},
	} {
		t.Run(name, func(t *testing.T) {
			h, run := careful(t, tc.limit)
			for _, b := range tc.do {
				if err := h.Take("run_1", b); err != nil {
					t.Fatal(err)
				}
				if err := h.Advance(h.Now.Add(time.Minute)); err != nil {
					t.Fatal(err)
				}
			}
			if err := h.Advance(h.Now.Add(24 * time.Hour)); err != nil {
				t.Fatal(err)
			}
			var steps []string
			for _, s := range run.State.Steps()[1:] {
				steps = append(steps, s.ID+" "+string(s.Status))
			}
			got := string(run.State.Status()) + ": " + strings.Join(steps, ", ")
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
			if at, ticking := h.Next(); ticking {
				t.Errorf("a timer is left at %s", at)
			}
		})
	}
}
