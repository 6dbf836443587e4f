package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	sqlite3 "modernc.org/sqlite/lib" //nolint:depguard // see handle.go

	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/lookup"
)

func note(verb string) audit.Draft {
	return audit.Draft{At: noon, Actor: audit.Actor{Kind: "system"}, Verb: verb, Outcome: audit.Done}
}

// Fact 1 and S109.
func TestTheLinkedSQLiteIsNotOneThatLosesData(t *testing.T) {
	s, _ := fresh(t)
	var version string
	if err := s.pool.QueryRowContext(t.Context(), "SELECT sqlite_version()").Scan(&version); err != nil {
		t.Fatal(err)
	}
	if err := checkVersion(version); err != nil {
		t.Error(err)
	}
	for v, ok := range map[string]bool{
		"3.41.2": false, "3.51.2": false, "3.51.3": true, "3.53.4": true, "4.0.0": true, "3.7.17": false, "": false, "x.y": false, "3.51": false,
	} {
		if got := checkVersion(v) == nil; got != ok {
			t.Errorf("%q is taken: %v", v, got)
		}
	}
	drivers := 0
	for _, d := range sql.Drivers() {
		if d == "sqlite" {
			drivers++
		}
	}
	if drivers != 1 {
		t.Errorf("%d drivers of the name sqlite", drivers)
	}
}

// Fact 2 and S109: every connection, read back from itself.
func TestEveryConnectionKeepsWhatItAcknowledges(t *testing.T) {
	s, _ := fresh(t)
	want := map[string]string{
		"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "trusted_schema": "0", "cell_size_check": "1", "busy_timeout": "10000",
	}
	var conns []*sql.Conn
	for range maxReaders {
		c, err := s.pool.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
	}
	for i, c := range conns {
		for name, w := range want {
			var got string
			if err := c.QueryRowContext(t.Context(), "PRAGMA "+name).Scan(&got); err != nil || got != w {
				t.Errorf("reader %d has %s=%s, want %s (%v)", i, name, got, w, err)
			}
		}
		if _, err := c.ExecContext(t.Context(), "DELETE FROM batch"); err == nil {
			t.Errorf("reader %d may write", i)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	err := s.chore(t.Context(), func(h *handle) error {
		for name, w := range want {
			if got, err := h.pragma(name); err != nil || got != w {
				t.Errorf("the writer has %s=%s, want %s (%v)", name, got, w, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAConnectionThatIsNotDurableIsRefused(t *testing.T) {
	o, _ := options(t, t.TempDir())
	open1(t, o)
	for _, weak := range []pragma{{"synchronous", "NORMAL", "2"}, {"synchronous", "OFF", "2"}, {"foreign_keys", "0", "1"}, {"trusted_schema", "1", "0"}, {"busy_timeout", "0", "10000"}} {
		c, err := newOpener(o.Path, append(durable(), weak))
		if err != nil {
			t.Fatal(err)
		}
		if conn, err := c.Connect(t.Context()); err == nil {
			_ = conn.Close()
			t.Errorf("a connection with %s=%s is taken", weak.name, weak.set)
		}
	}
}

// Fact 3.
func TestEightWritersThatReadFirstAreNeverBusy(t *testing.T) {
	s, _ := fresh(t)
	var failed atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				err := s.commit(t.Context(), func(tx *tx) error {
					var n int64
					if err := tx.query(`SELECT count(*) FROM audit`, func(r row) error { n = r.int(0); return nil }); err != nil {
						return err
					}
					return tx.link(note(fmt.Sprint("count.", n)))
				})
				if err != nil {
					failed.Add(1)
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if n := rows(t, s, "SELECT count(*) FROM audit"); n != 801 || failed.Load() != 0 {
		t.Errorf("%d entries, %d failures", n, failed.Load())
	}
	verified(t, s)
}

func TestAnActThatFailsUndoesOnlyWhatItDid(t *testing.T) {
	s, _ := fresh(t)
	wrong := errors.New("not this one")
	var wg sync.WaitGroup
	var good atomic.Int64
	for i := range 200 {
		wg.Go(func() {
			err := s.commit(t.Context(), func(tx *tx) error {
				if err := tx.link(note("act")); err != nil {
					return err
				}
				if err := tx.changed("alert", strconv.Itoa(i), 1); err != nil {
					return err
				}
				switch i % 4 {
				case 1:
					return wrong
				case 2:
					panic("a hole")
				}
				return nil
			})
			switch {
			case i%4 == 1 && !errors.Is(err, wrong):
				t.Errorf("act %d: %v", i, err)
			case i%4 == 2 && fault.KindOf(err) != fault.Internal:
				t.Errorf("act %d: %v", i, err)
			case i%4 == 0 || i%4 == 3:
				if err != nil {
					t.Errorf("act %d: %v", i, err)
				}
				good.Add(1)
			}
		})
	}
	wg.Wait()
	if n := rows(t, s, "SELECT count(*) FROM audit"); n != 1+good.Load() {
		t.Errorf("%d entries for %d good acts", n, good.Load())
	}
	if n := rows(t, s, "SELECT count(*) FROM outbox"); n != good.Load() {
		t.Errorf("%d lines in the outbox", n)
	}
	verified(t, s)
}

func TestListenersHearEveryCommitInOrder(t *testing.T) {
	s, _ := fresh(t)
	heard := make(chan lookup.Change, 1000)
	cancel := s.Subscribe(func(cs []lookup.Change) {
		for _, c := range cs {
			heard <- c
		}
	})
	defer cancel()
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() { accept(t, s, i) })
	}
	wg.Wait()
	last, wakes := int64(0), 0
	for range 200 { // an alert and a run each
		c := <-heard
		if c.Seq != last+1 {
			t.Fatalf("%d after %d", c.Seq, last)
		}
		last = c.Seq
		if c.Wake {
			wakes++
		}
	}
	if wakes != 100 {
		t.Errorf("%d runs were told to begin", wakes)
	}
	cs, newest, err := s.Changes(t.Context(), 150, 1000)
	if err != nil || newest != 200 || len(cs) != 50 || cs[0].Seq != 151 {
		t.Errorf("resumed with %d changes up to %d (%v)", len(cs), newest, err)
	}
}

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
