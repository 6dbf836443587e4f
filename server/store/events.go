package store

import (
	"context"
	"crypto/subtle"
	"fmt"

	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/hunt"
	"github.com/tocsin-soar/tocsin/server/perform"
)

// hearing writes what a run begins and ceases to listen to.
func (t *tx) hearing(rec perform.Record) error {
	for _, path := range rec.Unlisten {
		if err := t.exec(`DELETE FROM listen WHERE run = ? AND path = ?`, rec.Run, path); err != nil {
			return fmt.Errorf("listen no more: %w", err)
		}
	}
	for _, l := range rec.Listens {
		var hash any
		if l.Subject == "" {
			hash = l.Hash[:]
		}
		err := t.exec(`INSERT INTO listen (run, path, subject, hash) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`, rec.Run, l.Path, l.Subject, hash)
		if err != nil {
			return fmt.Errorf("listen: %w", err)
		}
		t.s.wants.Store(l.Subject, true)
	}
	if !rec.Deaf {
		return nil
	}
	if err := t.exec(`DELETE FROM listen WHERE run = ?`, rec.Run); err != nil {
		return fmt.Errorf("listen no more: %w", err)
	}
	return nil
}

// CallBack hands the body of a callback to the run that waits for it, once. A token
// that nobody waits for, or that was used, is fault NotFound.
func (s *Store) CallBack(ctx context.Context, token string, body any) error {
	hash := engine.TokenHash(token)
	return s.commit(ctx, func(t *tx) error {
		run, path, same := "", "", 0
		_, err := t.one(`SELECT run, path, hash FROM listen WHERE hash = ?`, func(r row) error {
			run, path, same = r.text(0), r.text(1), subtle.ConstantTimeCompare(r.blob(2), hash[:])
			return nil
		}, hash[:])
		if err != nil {
			return fmt.Errorf("look for a callback: %w", err)
		}
		if same != 1 {
			return fault.New(fault.NotFound, "nobody waits for this callback")
		}
		if err := t.exec(`DELETE FROM listen WHERE run = ? AND path = ?`, run, path); err != nil {
			return fmt.Errorf("use a callback up: %w", err)
		}
		if err := t.send(run, engine.Heard{Path: path, Body: engine.Value{V: body}}); err != nil {
			return err
		}
		return t.link(audit.Draft{
			At: t.s.opt.Clock(), Actor: audit.Actor{Kind: "system", Name: "callback"}, Verb: "run.callback",
			Object: audit.Object{Kind: "run", ID: run}, Run: run, Step: path, Outcome: audit.Done,
		})
	})
}

// Want says of which subjects triggers want to hear; what runs wait for counts
// besides. Events of other subjects are not kept.
func (s *Store) Want(subjects []string) {
	for _, subject := range subjects {
		s.wants.Store(subject, true)
	}
}

// listened reads of what runs waited for when the process ended.
func (s *Store) listened(ctx context.Context) error {
	subjects, err := s.strings(ctx, `SELECT DISTINCT subject FROM listen WHERE subject <> ''`)
	s.Want(subjects)
	return err
}

// publish keeps an event for those who want to hear of it.
func (t *tx) publish(subject string, depth int64, data map[string]any) error {
	if _, wanted := t.s.wants.Load(subject); !wanted {
		return nil
	}
	raw, err := engine.Object(data).MarshalJSON()
	if err != nil {
		return fmt.Errorf("encode event %s: %w", subject, err)
	}
	err = t.exec(`INSERT INTO event (subject, at, depth, data) VALUES (?, ?, ?, ?)`, subject, t.s.opt.Clock(), depth, string(raw))
	if err != nil {
		return fmt.Errorf("keep event %s: %w", subject, err)
	}
	return nil
}

// Publish keeps an event that happened outside the database.
func (s *Store) Publish(ctx context.Context, subject string, data map[string]any) error {
	if _, wanted := s.wants.Load(subject); !wanted {
		return nil
	}
	return s.commit(ctx, func(t *tx) error { return t.publish(subject, 0, data) })
}

// ended publishes how a run ended.
func (t *tx) endedAs(r *engine.Run) error {
	if r.Playbook == "" { // of a single action: its effect has events of its own
		return nil
	}
	data := map[string]any{"id": r.ID, "playbook": r.Playbook, "alert": nil}
	if r.Alert != nil {
		data["alert"] = *r.Alert
	}
	switch r.Status {
	case engine.RunFailed:
		if e := r.Error; e != nil {
			data["error"] = map[string]any{"kind": e.Kind, "message": e.Message, "step": e.Step}
		}
	case engine.RunSucceeded:
		data["partial"] = r.Partial
	case engine.RunQueued, engine.RunRunning, engine.RunWaiting, engine.RunCancelled:
	}
	return t.publish("run."+string(r.Status), r.Trigger.Depth, data)
}

// Events lists what is to be handed on, oldest first (hunt.EventStore).
func (s *Store) Events(ctx context.Context, limit int) ([]hunt.Event, error) {
	var out []hunt.Event
	err := s.each(ctx, `SELECT id, subject, at, depth, data FROM event ORDER BY id LIMIT ?`, []any{limit}, func(scan func(...any) error) error {
		var e hunt.Event
		var at int64
		var data []byte
		if err := scan(&e.ID, &e.Subject, &at, &e.Depth, &data); err != nil {
			return err
		}
		var o engine.Object
		if err := o.UnmarshalJSON(data); err != nil {
			return fmt.Errorf("read event %d: %w", e.ID, err)
		}
		e.At, e.Data = micro(at), o
		out = append(out, e)
		return nil
	})
	return out, err
}

// HandOn tells the runs that wait for an event, starts others, and forgets it; one
// that was handed on before does nothing (hunt.EventStore).
func (s *Store) HandOn(ctx context.Context, e hunt.Event, starts []engine.Start) error {
	return s.commit(ctx, func(t *tx) error {
		if err := t.exec(`DELETE FROM event WHERE id = ?`, e.ID); err != nil {
			return fmt.Errorf("hand an event on: %w", err)
		}
		if t.handle.changes() == 0 {
			return nil
		}
		type listener struct{ run, path string }
		var all []listener
		err := t.query(`SELECT run, path FROM listen WHERE subject = ? ORDER BY run, path`, func(r row) error {
			all = append(all, listener{r.text(0), r.text(1)})
			return nil
		}, e.Subject)
		if err != nil {
			return fmt.Errorf("look who listens: %w", err)
		}
		for _, l := range all {
			if err := t.send(l.run, engine.Heard{Path: l.path, Body: engine.Value{V: e.Value()}}); err != nil {
				return err
			}
		}
		for _, st := range starts {
			if _, err := t.insertRun(st); err != nil {
				return err
			}
		}
		return nil
	})
}
