package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/perform"
)

// loader is a connection of its own for the one read that every run needs. Its
// statements stay prepared, which the reading pool cannot do (docs/adr/0002).
type loader struct {
	mu   sync.Mutex
	open func() (*handle, error)
	h    *handle // nil until it is needed, and after an error
}

// read calls do within one moment of the database.
func (l *loader) read(do func(h *handle) error) (err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.h == nil {
		if l.h, err = l.open(); err != nil {
			return err
		}
	}
	if err := l.h.exec("BEGIN"); err != nil {
		l.drop()
		return fmt.Errorf("read the database: %w", err)
	}
	err = do(l.h)
	if end := l.h.exec("COMMIT"); end != nil {
		l.drop()
		return errors.Join(err, fmt.Errorf("read the database: %w", end))
	}
	if _, broken := errors.AsType[*engineError](err); broken {
		l.drop()
	}
	return err
}

func (l *loader) drop() {
	l.h.close()
	l.h = nil
}

func (l *loader) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open = func() (*handle, error) {
		return nil, fault.New(fault.Unavailable, "the server is stopping").WithCode("stopping")
	}
	if l.h != nil {
		l.drop()
	}
}

// Load gives a run with its journal and the signals it has not consumed.
func (s *Store) Load(ctx context.Context, run string) (perform.Stored, error) {
	if err := ctx.Err(); err != nil {
		return perform.Stored{}, fault.Wrap(err, fault.Timeout, "the caller gave up")
	}
	var out perform.Stored
	err := s.loader.read(func(h *handle) (err error) {
		out, err = loadRun(h, run)
		return err
	})
	return out, err
}

func loadRun(h *handle, run string) (perform.Stored, error) {
	var out perform.Stored
	var start, last []byte
	var head int
	st := &out.Start
	found, err := h.one(`SELECT id, start_key, playbook, digest, alert, priority, created_at, lost,
			coalesce((SELECT bytes FROM payload WHERE sha256 = run.start_sha256), start),
			(SELECT bytes FROM payload WHERE sha256 = run.program),
			(SELECT bytes FROM payload WHERE sha256 = run.alert_sha256), head, chain
		FROM run WHERE id = ?`, func(r row) error {
		st.ID, st.Key, st.Playbook, st.Version, st.Alert = r.text(0), r.text(1), r.text(2), r.text(3), r.text(4)
		st.Priority, st.At, out.Lost = int(r.int(5)), r.time(6), uint64(r.int(7)) //nolint:gosec // a sequence
		start, st.Program, st.AlertRaw = r.blob(8), r.blob(9), r.blob(10)
		head, last = int(r.int(11)), r.blob(12)
		return nil
	}, run)
	if err != nil {
		return out, fmt.Errorf("read run %s: %w", run, err)
	}
	if !found {
		return out, fault.New(fault.NotFound, "there is no such run")
	}
	var text startText
	if err := json.Unmarshal(start, &text); err != nil {
		return out, fmt.Errorf("read the start of run %s: %w", run, err)
	}
	st.Trigger, st.Inputs, st.Effect, st.Error, st.Calls = text.Trigger, text.Inputs, text.Effect, text.Error, text.Calls
	if out.Events, err = loadJournal(h, run, head, last); err != nil {
		return out, err
	}
	out.Signals, err = loadSignals(h, run)
	return out, err
}

// loadJournal reads a journal, also one that was compacted, and holds it to its
// chain, which must end as the run says.
func loadJournal(h *handle, run string, head int, last []byte) ([]perform.Event, error) {
	out, chain, err := loadEvents(h, run)
	if err != nil {
		return nil, err
	}
	if len(out) == 0 && head > 0 {
		if out, err = fromArchive(h, run); err != nil {
			return nil, err
		}
	}
	before := make([]byte, 32)
	for i, e := range out {
		before = chainOf(before, e)
		if e.Seq != uint64(i)+1 || chain != nil && !bytes.Equal(chain[i], before) {
			return nil, damaged(run, i+1)
		}
	}
	if head != len(out) || !bytes.Equal(last, before) {
		return nil, damaged(run, len(out)+1)
	}
	return out, nil
}

// loadEvents reads the rows of a journal with the chain that each has.
func loadEvents(h *handle, run string) (out []perform.Event, chains [][]byte, err error) {
	err = h.query(`SELECT seq, at, kind, coalesce((SELECT bytes FROM payload WHERE sha256 = journal.body_sha256), body), chain
		FROM journal WHERE run = ? ORDER BY seq`, func(r row) error {
		out = append(out, perform.Event{Seq: uint64(r.int(0)), At: r.time(1), Kind: r.text(2), Body: r.blob(3)}) //nolint:gosec // a sequence
		chains = append(chains, r.blob(4))
		return nil
	}, run)
	if err != nil {
		return nil, nil, fmt.Errorf("read the journal of run %s: %w", run, err)
	}
	return out, chains, nil
}

// fromArchive reads the journal of a run that was compacted; nil where it was not.
func fromArchive(h *handle, run string) ([]perform.Event, error) {
	var raw []byte
	found, err := h.one(`SELECT bytes FROM archive WHERE run = ?`, func(r row) error { raw = r.blob(0); return nil }, run)
	if err != nil || !found {
		return nil, err
	}
	return unpack(raw)
}

// damaged refuses a journal in which something was changed, put in or taken out:
// nothing may be done on the ground of it.
func damaged(run string, seq int) error {
	return fault.New(fault.Internal, "the journal of run %s is not what was written, from event %d on", run, seq).WithCode("journal_damaged")
}

func loadSignals(h *handle, run string) (out []perform.Signal, err error) {
	err = h.query(`SELECT id, run, kind, body, at FROM signal WHERE run = ? ORDER BY id`, func(r row) error {
		out = append(out, perform.Signal{ID: r.int(0), Run: r.text(1), Kind: r.text(2), Body: r.blob(3), At: r.time(4)})
		return nil
	}, run)
	if err != nil {
		return nil, fmt.Errorf("read the signals of run %s: %w", run, err)
	}
	return out, nil
}
