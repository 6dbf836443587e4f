package store

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/ledger"
	"github.com/tocsin-soar/tocsin/server/perform"
)

func TestACompactedJournalReadsAsBefore(t *testing.T) {
	s, c := fresh(t)
	var runs [4]string
	for i := range runs {
		runs[i] = aRun(t, s, i)
		v := view(runs[i], engine.RunSucceeded)
		if i == 1 {
			v = view(runs[i], engine.RunRunning)
		}
		if err := s.Append(t.Context(), perform.Record{Run: runs[i], Events: events(0, 3), View: v}, nil); err != nil {
			t.Fatal(err)
		}
	}
	gripped3 := perform.Record{Run: runs[2], Expect: 3, Effects: []perform.Grip{grip(perform.GripTake, runs[2], "eff_1", nil)}}
	if err := s.Append(t.Context(), gripped3, nil); err != nil {
		t.Fatal(err)
	}
	before, err := s.Load(t.Context(), runs[0])
	if err != nil {
		t.Fatal(err)
	}
	if n, err := s.Compact(t.Context(), noon, 10); n != 0 || err != nil {
		t.Errorf("too early: %d (%v)", n, err)
	}
	c.Add(time.Hour)
	for _, want := range []int{2, 0} { // not the one that goes on, nor the one that holds an effect
		if n, err := s.Compact(t.Context(), c.Now(), 10); n != want || err != nil {
			t.Errorf("compacted %d, want %d (%v)", n, want, err)
		}
	}
	if n := rows(t, s, "SELECT count(*) FROM journal"); n != 6 {
		t.Errorf("%d events are left", n)
	}
	after, err := s.Load(t.Context(), runs[0])
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Error(diff)
	}
	if j, err := s.Journal(t.Context(), runs[3]); err != nil || len(j) != 3 {
		t.Errorf("the journal: %+v (%v)", j, err)
	}
	done := grip(perform.GripState, runs[2], "", nil)
	done.Effect.Status, done.Effect.UndoRun = ledger.Undone, runs[2]
	if err := s.Append(t.Context(), perform.Record{Run: runs[2], Expect: 3, Effects: []perform.Grip{done}}, nil); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Compact(t.Context(), c.Now(), 10); n != 1 || err != nil {
		t.Errorf("after the undo: %d (%v)", n, err)
	}
}

func FuzzAnArchiveIsReadOrRefused(f *testing.F) {
	good, err := pack(events(0, 2))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Fuzz(func(t *testing.T, raw []byte) {
		list, err := unpack(raw)
		if err != nil {
			return
		}
		again, err := pack(list)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := unpack(again); err != nil {
			t.Fatal(err)
		}
	})
}
