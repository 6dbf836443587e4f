package store

import (
	"context"
	"fmt"
	"time"

	"github.com/tocsin-soar/tocsin/server/breaker"
)

// Lines gives what is known of connections with trouble, by name (health.Store).
func (s *Store) Lines(ctx context.Context) (map[string]breaker.Line, error) {
	out := map[string]breaker.Line{}
	err := s.each(ctx, `SELECT connection, failures, away, looked, error, since, until FROM line`, nil, func(scan func(...any) error) error {
		var name string
		var l breaker.Line
		var since int64
		var until *int64
		if err := scan(&name, &l.Failures, &l.Away, &l.Looked, &l.Error, &since, &until); err != nil {
			return err
		}
		l.Since = micro(since)
		if until != nil {
			l.Open, l.Until = true, micro(*until)
		}
		out[name] = l
		return nil
	})
	return out, err
}

// SaveLine keeps what is known of a connection; one of which all is well has no row
// (health.Store).
func (s *Store) SaveLine(ctx context.Context, connection string, l breaker.Line) error {
	return s.commit(ctx, func(t *tx) error {
		version := int64(0)
		_, err := t.one(`SELECT version FROM line WHERE connection = ?`, func(r row) error {
			version = r.int(0)
			return nil
		}, connection)
		if err != nil {
			return fmt.Errorf("read the line of %s: %w", connection, err)
		}
		if l == (breaker.Line{}) {
			err = t.exec(`DELETE FROM line WHERE connection = ?`, connection)
		} else {
			var until *time.Time
			if l.Open {
				until = &l.Until
			}
			err = t.exec(`INSERT INTO line (connection, failures, away, looked, error, since, until, version) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
				ON CONFLICT (connection) DO UPDATE SET failures = excluded.failures, away = excluded.away, looked = excluded.looked,
					error = excluded.error, since = excluded.since, until = excluded.until, version = excluded.version`,
				connection, l.Failures, l.Away, l.Looked, l.Error, l.Since, until, version+1)
		}
		if err != nil {
			return fmt.Errorf("write the line of %s: %w", connection, err)
		}
		return t.changed("connection", connection, version+1)
	})
}
