package store

import (
	"context"
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
