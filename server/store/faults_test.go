package store

import (
	"context"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	sqlite3 "modernc.org/sqlite/lib" //nolint:depguard // see handle.go

	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/lookup"
)

// Fact 4: a commit that returns an error may be on disk all the same.
func TestACommitThatFailsIsAnsweredByWhatIsOnDisk(t *testing.T) {
	broken := &engineError{sqlite3.SQLITE_IOERR_FSYNC, "injected"}
	for name, tc := range map[string]struct {
		fault func(really func() error) error
		kept  bool
	}{
		"done, and an error returned": {func(really func() error) error { return errors.Join(really(), broken) }, true},
		"not done":                    {func(func() error) error { return broken }, false},
		"not done, the disk is full":  {func(func() error) error { return &engineError{sqlite3.SQLITE_FULL, "injected"} }, false},
		"done, and the disk is then full": {func(really func() error) error {
			return errors.Join(really(), &engineError{sqlite3.SQLITE_FULL, "injected"})
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			o, _ := options(t, t.TempDir())
			var armed atomic.Bool
			o.faults.commit = func(really func() error) error {
				if armed.Swap(false) {
					return tc.fault(really)
				}
				return really()
			}
			s := open1(t, o)
			armed.Store(true)
			var wg sync.WaitGroup
			var kept, lost atomic.Int64
			for i := range 50 {
				wg.Go(func() {
					if _, err := s.Accept(t.Context(), aDelivery(i), keepNew); err != nil {
						if fault.KindOf(err) != fault.Unavailable {
							t.Error(err)
						}
						lost.Add(1)
						return
					}
					kept.Add(1)
				})
			}
			wg.Wait()
			if tc.kept && lost.Load() != 0 {
				t.Errorf("%d acts were told lost that are on disk", lost.Load())
			}
			if !tc.kept && lost.Load() == 0 {
				t.Error("an act that is not on disk was told done")
			}
			if n := rows(t, s, "SELECT count(*) FROM alert"); n != kept.Load() {
				t.Errorf("%d alerts, %d told", n, kept.Load())
			}
			waitReady(t, s)
			accept(t, s, 1000)
			verified(t, s)
		})
	}
}

// F07: as long as it is not known whether a batch is there, nothing is taken.
func TestWhileACommitIsInDoubtNothingIsTaken(t *testing.T) {
	for name, back := range map[string]bool{"and then it is known": true, "and then the server stops": false} {
		t.Run(name, func(t *testing.T) {
			o, _ := options(t, t.TempDir())
			var armed atomic.Bool
			away := o.Path + ".away"
			o.faults.commit = func(really func() error) error {
				if !armed.Swap(false) {
					return really()
				}
				return errors.Join(really(), os.Rename(o.Path, away), &engineError{sqlite3.SQLITE_IOERR_FSYNC, "injected"})
			}
			s := open1(t, o)
			armed.Store(true)
			first := make(chan error, 1)
			go func() {
				_, err := s.Accept(t.Context(), aDelivery(1), keepNew)
				first <- err
			}()
			await(t, func() bool { return fault.CodeOf(s.Ready()) == "database_recovering" })
			if _, err := s.Accept(t.Context(), aDelivery(2), keepNew); fault.KindOf(err) != fault.Unavailable {
				t.Errorf("taken: %v", err)
			}
			if back {
				if err := os.Rename(away, o.Path); err != nil {
					t.Fatal(err)
				}
				if err := <-first; err != nil {
					t.Errorf("it is on disk, and was told %v", err)
				}
				waitReady(t, s)
				accept(t, s, 3)
				return
			}
			_ = s.Close(t.Context()) // instance.lock cannot be written
			if err := <-first; fault.CodeOf(err) != "outcome_unknown" {
				t.Errorf("told %v", err)
			}
			if _, err := s.Accept(t.Context(), aDelivery(4), keepNew); fault.CodeOf(err) != "stopping" {
				t.Errorf("after the end: %v", err)
			}
		})
	}
}

// waitReady waits until the store takes something again.
func waitReady(t *testing.T, s *Store) {
	t.Helper()
	await(t, func() bool { return s.Ready() == nil })
}

// await looks again and again until something holds.
func await(t *testing.T, holds func() bool) {
	t.Helper()
	for !holds() {
		if t.Context().Err() != nil {
			t.Fatal("it never held")
		}
		pause, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		<-pause.Done()
		cancel()
	}
}

// L2: every statement of an act fails once, in each of the ways a disk may fail.
func TestWhereverAStatementFailsTheActIsWholeOrNotThere(t *testing.T) {
	for _, code := range []int32{sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_FULL, sqlite3.SQLITE_NOMEM} {
		o, _ := options(t, t.TempDir())
		var count, failing atomic.Int64
		o.faults.exec = func(string) error {
			if count.Add(1) == failing.Load() {
				return &engineError{code, "injected"}
			}
			return nil
		}
		s := open1(t, o)
		accept(t, s, 0)
		for n := 1; ; n++ {
			before := state(t, s)
			count.Store(0)
			failing.Store(int64(n))
			_, err := s.Accept(t.Context(), aDelivery(n), keepNew)
			failing.Store(0)
			if err == nil && count.Load() >= int64(n) {
				t.Fatalf("statement %d failed with %d and nobody was told", n, code)
			}
			if err == nil {
				if n < 10 {
					t.Fatalf("only %d statements were tried", n)
				}
				break
			}
			if diff := cmp.Diff(before, state(t, s)); diff != "" {
				t.Fatalf("statement %d failed and left something: %s", n, diff)
			}
			again, err := s.Accept(t.Context(), aDelivery(n), keepNew)
			if err != nil || len(again.Runs) != 1 {
				t.Fatalf("after statement %d failed: %v", n, err)
			}
		}
		verified(t, s)
	}
}

func state(t *testing.T, s *Store) map[string]int64 {
	t.Helper()
	out := map[string]int64{}
	for _, table := range []string{"alert", "run", "delivery", "payload", "outbox", "audit", "entity"} {
		out[table] = rows(t, s, "SELECT count(*) FROM "+table)
	}
	return out
}

// F08 in small: the file may not grow.
func TestAFullDiskRefusesAndLosesNothingAndIsOverByItself(t *testing.T) {
	s, _ := fresh(t)
	limit := func(pages string) {
		if err := s.chore(t.Context(), func(h *handle) error {
			return errors.Join(h.query("PRAGMA wal_checkpoint(TRUNCATE)", nil), h.script("PRAGMA max_page_count="+pages))
		}); err != nil {
			t.Fatal(err)
		}
	}
	accept(t, s, 0)
	limit("1") // SQLite takes the present size instead
	kept, refused := 1, 0
	for i := 1; refused == 0; i++ {
		_, err := s.Accept(t.Context(), aDelivery(i), keepNew)
		if err == nil {
			kept++
			continue
		}
		refused++
		if fault.CodeOf(err) != "disk_full" || fault.KindOf(err) != fault.Unavailable {
			t.Fatalf("refused with %v", err)
		}
	}
	if s.Ready() == nil {
		t.Error("ready with a full disk")
	}
	if _, err := s.Alerts(t.Context(), lookup.Alerts{}, lookup.Page{}); err != nil {
		t.Errorf("reads do not go on: %v", err)
	}
	limit("1000000")
	waitReady(t, s)
	accept(t, s, 100000)
	if n := rows(t, s, "SELECT count(*) FROM alert"); n != int64(kept)+1 {
		t.Errorf("%d alerts, %d were told kept", n, kept+1)
	}
	verified(t, s)
}

func TestACallerThatGaveUpIsNotCarriedOut(t *testing.T) {
	s, _ := fresh(t)
	ctx, cancel := context.WithCancel(t.Context())
	hold, held := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		_ = s.chore(t.Context(), func(*handle) error { close(held); <-hold; return nil })
	})
	<-held
	wg.Go(func() {
		if err := s.commit(ctx, func(tx *tx) error { return tx.link(note("late")) }); fault.KindOf(err) != fault.Timeout {
			t.Errorf("got %v", err)
		}
	})
	await(t, func() bool { return len(s.queue) > 0 })
	cancel()
	close(hold)
	wg.Wait()
	if n := rows(t, s, "SELECT count(*) FROM audit"); n != 1 {
		t.Errorf("%d entries", n)
	}
}

func TestCloseCarriesOutWhatWasGivenAndTakesNoMore(t *testing.T) {
	o, _ := options(t, t.TempDir())
	s := open1(t, o)
	var wg sync.WaitGroup
	var kept atomic.Int64
	for i := range 100 {
		wg.Go(func() {
			if _, err := s.Accept(t.Context(), aDelivery(i), keepNew); err == nil {
				kept.Add(1)
			} else if fault.KindOf(err) != fault.Unavailable {
				t.Error(err)
			}
		})
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	if err := s.Close(t.Context()); err != nil {
		t.Errorf("a second close: %v", err)
	}
	again := open1(t, o)
	if n := rows(t, again, "SELECT count(*) FROM alert"); n != kept.Load() {
		t.Errorf("%d alerts, %d were told kept", n, kept.Load())
	}
	verified(t, again)
}
