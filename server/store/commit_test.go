package store

import (
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

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

func TestEveryTransactionIsCounted(t *testing.T) {
	o, _ := options(t, t.TempDir())
	var mu sync.Mutex
	acts, bad := 0, 0
	o.Committed = func(n int, _ time.Duration, err error) {
		mu.Lock()
		defer mu.Unlock()
		acts += n
		if err != nil {
			bad++
		}
	}
	broken := errors.New("a broken disk")
	fail := false
	o.faults.commit = func(really func() error) error {
		if err := really(); err != nil || !fail {
			return err
		}
		fail = false
		return broken
	}
	s := open1(t, o)
	mu.Lock()
	before := acts
	mu.Unlock()
	for range 3 {
		if err := s.commit(t.Context(), func(*tx) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.chore(t.Context(), func(*handle) error { fail = true; return nil }); err != nil {
		t.Fatal(err)
	}
	if err := s.commit(t.Context(), func(*tx) error { return nil }); err != nil {
		t.Fatal(err) // it was there after all
	}
	mu.Lock()
	defer mu.Unlock()
	if acts-before != 4 || bad != 1 {
		t.Errorf("%d acts and %d errors, want 4 and 1", acts-before, bad)
	}
}
