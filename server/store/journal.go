package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/perform"
)

// open are the runs that are not final, as the index run_open has them.
const open = `status IN ('queued', 'running', 'waiting')`

// Unfinished lists runs that may go on by themselves, or for which a signal waits:
// highest priority first, then the oldest; after is the last one of the page before.
func (s *Store) Unfinished(ctx context.Context, after string, limit int) ([]perform.Unfinished, error) {
	const wanted = `SELECT id, priority, head > 0 FROM run WHERE ` + open + ` AND (parked = 0 OR EXISTS (SELECT 1 FROM signal WHERE signal.run = run.id))`
	const order = ` ORDER BY priority DESC, id LIMIT ?`
	query, args := wanted+order, []any{limit}
	if after != "" {
		query = wanted + ` AND (priority < (SELECT priority FROM run WHERE id = ?1)
			OR priority = (SELECT priority FROM run WHERE id = ?1) AND id > ?1) ORDER BY priority DESC, id LIMIT ?2`
		args = []any{after, limit}
	}
	out := []perform.Unfinished{}
	err := s.each(ctx, query, args, func(scan func(...any) error) error {
		var u perform.Unfinished
		if err := scan(&u.Run, &u.Priority, &u.Begun); err != nil {
			return err
		}
		out = append(out, u)
		return nil
	})
	return out, err
}

// strings reads one column of texts.
func (s *Store) strings(ctx context.Context, query string, args ...any) ([]string, error) {
	out := []string{}
	err := s.each(ctx, query, args, func(scan func(...any) error) error {
		var v string
		if err := scan(&v); err != nil {
			return err
		}
		out = append(out, v)
		return nil
	})
	return out, err
}

// each runs a query on a reading connection.
func (s *Store) each(ctx context.Context, query string, args []any, row func(scan func(...any) error) error) error {
	rows, err := s.pool.QueryContext(ctx, query, args...)
	if err != nil {
		return reading(ctx, err)
	}
	defer func() { _ = rows.Close() }() // its error is that of Err
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return fmt.Errorf("read a row: %w", err)
		}
	}
	if err := rows.Err(); err != nil {
		return reading(ctx, err)
	}
	return nil
}

// reading says what went wrong with a read.
func reading(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fault.Wrap(ctx.Err(), fault.Timeout, "the caller gave up")
	}
	return fmt.Errorf("read the database: %w", err)
}

// Load gives a run with its journal and the signals it has not consumed.
func (s *Store) Load(ctx context.Context, run string) (perform.Stored, error) {
	tx, err := s.pool.BeginTx(ctx, &sql.TxOptions{ReadOnly: true}) // one moment for all tables
	if err != nil {
		return perform.Stored{}, reading(ctx, err)
	}
	defer func() { _ = tx.Rollback() }() // nothing was written
	out, err := loadRun(ctx, tx, run)
	if err != nil {
		return perform.Stored{}, err
	}
	if out.Events, err = loadJournal(ctx, tx, run); err != nil {
		return perform.Stored{}, err
	}
	out.Signals, err = loadSignals(ctx, tx, run)
	return out, err
}

func loadRun(ctx context.Context, tx *sql.Tx, run string) (perform.Stored, error) {
	var out perform.Stored
	var start []byte
	var at int64
	st := &out.Start
	err := tx.QueryRowContext(ctx, `SELECT id, start_key, playbook, digest, alert, priority, created_at, lost,
			coalesce((SELECT bytes FROM payload WHERE sha256 = run.start_sha256), start),
			(SELECT bytes FROM payload WHERE sha256 = run.program),
			(SELECT bytes FROM payload WHERE sha256 = run.alert_sha256)
		FROM run WHERE id = ?`, run).
		Scan(&st.ID, &st.Key, &st.Playbook, &st.Version, &st.Alert, &st.Priority, &at, &out.Lost, &start, &st.Program, &st.AlertRaw)
	if errors.Is(err, sql.ErrNoRows) {
		return out, fault.New(fault.NotFound, "there is no such run")
	}
	if err != nil {
		return out, reading(ctx, err)
	}
	var text startText
	if err := json.Unmarshal(start, &text); err != nil {
		return out, fmt.Errorf("read the start of run %s: %w", run, err)
	}
	st.At, st.Trigger, st.Inputs, st.Effect, st.Error = micro(at), text.Trigger, text.Inputs, text.Effect, text.Error
	return out, nil
}

// loadJournal reads a journal, also one that was compacted, and holds it to its
// chain.
func loadJournal(ctx context.Context, tx *sql.Tx, run string) ([]perform.Event, error) {
	out, chain, err := loadEvents(ctx, tx, run)
	if err != nil {
		return nil, err
	}
	if len(out) == 0 {
		if out, err = fromArchive(ctx, tx, run); err != nil {
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
	var head int
	var last []byte
	if err := tx.QueryRowContext(ctx, `SELECT head, chain FROM run WHERE id = ?`, run).Scan(&head, &last); err != nil {
		return nil, reading(ctx, err)
	}
	if head != len(out) || !bytes.Equal(last, before) {
		return nil, damaged(run, len(out)+1)
	}
	return out, nil
}

// loadEvents reads the rows of a journal with the chain that each has.
func loadEvents(ctx context.Context, tx *sql.Tx, run string) (out []perform.Event, chains [][]byte, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT seq, at, kind, coalesce((SELECT bytes FROM payload WHERE sha256 = journal.body_sha256), body), chain
		FROM journal WHERE run = ? ORDER BY seq`, run)
	if err != nil {
		return nil, nil, reading(ctx, err)
	}
	defer func() { _ = rows.Close() }() // its error is that of Err
	for rows.Next() {
		var e perform.Event
		var at int64
		var chain []byte
		if err := rows.Scan(&e.Seq, &at, &e.Kind, &e.Body, &chain); err != nil {
			return nil, nil, fmt.Errorf("read the journal of run %s: %w", run, err)
		}
		e.At = micro(at)
		out, chains = append(out, e), append(chains, chain)
	}
	if err := rows.Err(); err != nil {
		return nil, nil, reading(ctx, err)
	}
	return out, chains, nil
}

// damaged refuses a journal in which something was changed, put in or taken out:
// nothing may be done on the ground of it.
func damaged(run string, seq int) error {
	return fault.New(fault.Internal, "the journal of run %s is not what was written, from event %d on", run, seq).WithCode("journal_damaged")
}

func loadSignals(ctx context.Context, tx *sql.Tx, run string) ([]perform.Signal, error) {
	rows, err := tx.QueryContext(ctx, `SELECT id, run, kind, body, at FROM signal WHERE run = ? ORDER BY id`, run)
	if err != nil {
		return nil, reading(ctx, err)
	}
	defer func() { _ = rows.Close() }() // its error is that of Err
	var out []perform.Signal
	for rows.Next() {
		var m perform.Signal
		var at int64
		if err := rows.Scan(&m.ID, &m.Run, &m.Kind, &m.Body, &at); err != nil {
			return nil, fmt.Errorf("read the signals of run %s: %w", run, err)
		}
		m.At = micro(at)
		out = append(out, m)
	}
	if err := rows.Err(); err != nil {
		return nil, reading(ctx, err)
	}
	return out, nil
}

// Due lists timers that are due, earliest first, and the moment of the next one
// after now (zero: none). While the database is quarantined none is due.
func (s *Store) Due(ctx context.Context, now time.Time, limit int) (due []perform.DueTimer, next time.Time, err error) {
	err = s.each(ctx, `SELECT run, path, kind, due FROM timer WHERE due <= ? AND NOT EXISTS (SELECT 1 FROM instance WHERE quarantine = 1)
		ORDER BY due, run, path, kind LIMIT ?`, []any{now.UnixMicro(), limit}, func(scan func(...any) error) error {
		var d perform.DueTimer
		var at int64
		if err := scan(&d.Run, &d.Path, &d.Kind, &at); err != nil {
			return err
		}
		d.Due = micro(at)
		due = append(due, d)
		return nil
	})
	if err != nil {
		return nil, time.Time{}, err
	}
	err = s.each(ctx, `SELECT due FROM timer WHERE due > ? ORDER BY due LIMIT 1`, []any{now.UnixMicro()}, func(scan func(...any) error) error {
		var at int64
		if err := scan(&at); err != nil {
			return err
		}
		next = micro(at)
		return nil
	})
	return due, next, err
}
