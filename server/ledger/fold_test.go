package ledger_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tocsin-soar/tocsin/server/ledger"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func at(h int) *time.Time { t := noon.Add(time.Duration(h) * time.Hour); return &t }

// fresh is an effect as one run begins it; hours 0 means without end.
func fresh(run string, hours int) ledger.Effect {
	h := ledger.Hold{Run: run, Step: "isolate", Outcome: "approve"}
	if hours > 0 {
		h.Until, h.LeaseSeconds = at(hours), int64(hours)*3600
	}
	return ledger.Effect{ID: "eff_" + run, Key: "k", Status: ledger.InForce, Holds: []ledger.Hold{h}, Since: noon, Run: run}
}

func TestAnEffectHeldByTwoRunsIsReleasedOnlyAfterBoth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		runs := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c", "d", "e"}), 1, 5, rapid.ID[string]).Draw(t, "runs")
		var e *ledger.Effect
		for _, r := range runs {
			for range rapid.IntRange(1, 2).Draw(t, "times") { // a repeated hold is one hold
				n := ledger.Take(e, fresh(r, rapid.IntRange(0, 3).Draw(t, "hours")))
				e = &n
			}
		}
		order := rapid.Permutation(runs).Draw(t, "order")
		for i, r := range order {
			before := slices.Clone(e.Holds)
			var n ledger.Effect
			var undo bool
			if rapid.Bool().Draw(t, "a stranger ends first") {
				if n, undo = ledger.End(*e, "nobody", ledger.ByRun); undo || len(n.Holds) != len(before) {
					t.Fatal("a run without a hold ended something")
				}
			}
			n, undo = ledger.End(*e, r, ledger.ByRun)
			if last := i == len(order)-1; undo != last {
				t.Fatalf("hold %d of %d ended: undo is %v", i+1, len(order), undo)
			}
			if len(e.Holds) != len(before) {
				t.Fatal("End wrote through the effect it was given")
			}
			e = &n
		}
		if e.Status != ledger.Undoing || e.EndedBy != ledger.ByRun {
			t.Fatalf("ended as %s by %s", e.Status, e.EndedBy)
		}
		if _, again := ledger.End(*e, order[0], ledger.ByRun); again {
			t.Fatal("undone twice")
		}
	})
}

func TestHoldsExpireOneByOneAndTheLastAsksForTheInverse(t *testing.T) {
	e := ledger.Take(nil, fresh("a", 1))
	e = ledger.Take(&e, fresh("b", 2))
	if e.Until == nil || !e.Until.Equal(*at(2)) {
		t.Errorf("in force until %v", e.Until)
	}
	for name, tc := range map[string]struct {
		now   time.Time
		holds int
		undo  bool
	}{
		"a second before the first": {at(1).Add(-time.Second), 2, false},
		"at the first":              {*at(1), 1, false},
		"at the second":             {*at(2), 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			got, undo := ledger.Expire(e, tc.now)
			if len(got.Holds) != tc.holds || undo != tc.undo {
				t.Errorf("got %d holds, undo %v", len(got.Holds), undo)
			}
		})
	}
}

func TestWhatWasThereBeforeUsIsForeignAndNobodysToUndo(t *testing.T) {
	f := fresh("a", 1)
	f.Status = ledger.Foreign
	e := ledger.Take(nil, f)
	if e.Status != ledger.Foreign || len(e.Holds) != 0 {
		t.Fatalf("got %s with %d holds", e.Status, len(e.Holds))
	}
	if _, undo := ledger.End(e, "a", ledger.ByRun); undo {
		t.Error("a run undoes it")
	}
	if _, undo := ledger.Expire(e, noon.Add(24*time.Hour)); undo {
		t.Error("expiry undoes it")
	}
	if _, ok := ledger.Due(e); ok {
		t.Error("it has an end")
	}
	if got, undo := ledger.EndAll(e, ledger.ByPerson); !undo || got.Status != ledger.Undoing {
		t.Error("a person cannot undo it")
	}
	ours := ledger.Take(&e, fresh("b", 1))
	if ours.Status != ledger.InForce || ours.Run != "b" || len(ours.Holds) != 1 {
		t.Errorf("done by us after all, it is %s of %s", ours.Status, ours.Run)
	}
}

func TestAlreadyThereWithAHoldOfOursIsOneHoldMore(t *testing.T) {
	e := ledger.Take(nil, fresh("a", 1))
	f := fresh("b", 1)
	f.Status = ledger.Foreign
	if got := ledger.Take(&e, f); got.Status != ledger.InForce || len(got.Holds) != 2 {
		t.Errorf("got %s with %d holds", got.Status, len(got.Holds))
	}
}

func TestAHoldTakenDuringAnUndoLeavesTheEffectDrifted(t *testing.T) {
	e := ledger.Take(nil, fresh("a", 0))
	e, _ = ledger.End(e, "a", ledger.ByRun)
	e = ledger.Take(&e, fresh("b", 0))
	if e.Status != ledger.Undoing {
		t.Fatalf("got %s", e.Status)
	}
	if got := ledger.State(e, ledger.Effect{Status: ledger.Undone}, noon); got.Status != ledger.Drifted {
		t.Errorf("got %s, want drifted", got.Status)
	}
}

func TestWhatIsOverBeginsAnew(t *testing.T) {
	e := ledger.Take(nil, fresh("a", 0))
	e, _ = ledger.End(e, "a", ledger.ByRun)
	e = ledger.State(e, ledger.Effect{Status: ledger.Undone, UndoRun: "run_u"}, noon)
	if e.Status != ledger.Undone || e.EndedAt == nil || e.UndoRun != "run_u" || e.EndedBy != ledger.ByRun {
		t.Fatalf("got %+v", e)
	}
	if got := ledger.Take(&e, fresh("b", 0)); got.ID != "eff_b" || got.Status != ledger.InForce || got.EndedAt != nil {
		t.Errorf("got %+v", got)
	}
}

func TestAnExtensionIsOneHoldMoreThatEndsLater(t *testing.T) {
	e := ledger.Take(nil, fresh("a", 1))
	for name, tc := range map[string]struct {
		e     ledger.Effect
		until *time.Time
		moved bool
	}{
		"later":                       {e, at(5), true},
		"not later":                   {e, at(1), false},
		"without end":                 {e, nil, false},
		"of what has no end":          {ledger.Take(nil, fresh("a", 0)), at(5), false},
		"of what is being undone":     {func() ledger.Effect { n, _ := ledger.EndAll(e, ledger.ByPerson); return n }(), at(5), false},
		"of what was there before us": {ledger.Effect{Status: ledger.Foreign, Until: at(1)}, at(5), false},
	} {
		t.Run(name, func(t *testing.T) {
			got, moved := ledger.Extend(tc.e, ledger.Hold{Run: "x", Until: tc.until})
			if moved != tc.moved || moved && (!got.Until.Equal(*tc.until) || len(got.Holds) != 2) {
				t.Errorf("moved %v to %v", moved, got.Until)
			}
		})
	}
	got, _ := ledger.Extend(e, ledger.Hold{Run: "x", Until: at(5)})
	if got, undo := ledger.Expire(got, *at(1)); undo || len(got.Holds) != 1 {
		t.Error("the first end still undoes it")
	}
}

func TestARunThatReleasesWhatItHeldLeavesNothingBehind(t *testing.T) {
	e := ledger.Take(nil, fresh("a", 0))
	if got := ledger.State(e, ledger.Effect{Status: ledger.Undone, UndoRun: "a"}, noon); got.Status != ledger.Undone || len(got.Holds) != 0 {
		t.Errorf("got %s with %d holds", got.Status, len(got.Holds))
	}
	if got := ledger.State(e, ledger.Effect{Status: ledger.Undone, UndoRun: "b"}, noon); got.Status != ledger.Drifted {
		t.Errorf("released by another run, it is %s", got.Status)
	}
}

func TestTheKeyIsOfConnectionInverseAndItsParameters(t *testing.T) {
	key := func(c, a string, p map[string]any) string {
		k, err := ledger.Key(c, a, p)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	base := key("edr", "edr.release", map[string]any{"host": "h1", "x": int64(1)})
	if base != key("edr", "edr.release", map[string]any{"x": int64(1), "host": "h1"}) {
		t.Error("the order of parameters matters")
	}
	for name, other := range map[string]string{
		"connection": key("edr2", "edr.release", map[string]any{"host": "h1", "x": int64(1)}),
		"action":     key("edr", "edr.free", map[string]any{"host": "h1", "x": int64(1)}),
		"parameter":  key("edr", "edr.release", map[string]any{"host": "h2", "x": int64(1)}),
		"type":       key("edr", "edr.release", map[string]any{"host": "h1", "x": "1"}),
	} {
		if other == base {
			t.Errorf("another %s gives the same key", name)
		}
	}
	if _, err := ledger.Key("c", "a", map[string]any{"n": int64(1) << 60}); err == nil {
		t.Error("a number that cannot be kept exactly is taken")
	}
}
