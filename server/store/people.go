package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tocsin-soar/tocsin/server/approval"
	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/control"
	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/inbox"
	"github.com/tocsin-soar/tocsin/server/ledger"
)

// Change writes a person's answer to a request (inbox.Store).
func (s *Store) Change(ctx context.Context, id, voter string, decide func(b inbox.Ballot) (inbox.Change, error)) (approval.Request, error) {
	var out approval.Request
	var refused error
	err := s.commit(ctx, func(t *tx) error {
		req, version, err := t.approval(id)
		if err != nil {
			return err
		}
		people, err := t.people(append(voters(req), voter)...)
		if err != nil {
			return err
		}
		change, err := decide(inbox.Ballot{Request: req, People: people})
		if r, ok := errors.AsType[*inbox.Refusal](err); ok {
			refused = r.Err
			return t.link(r.Audit...)
		}
		if err != nil {
			return err
		}
		out = change.Request
		if len(change.Audit) == 0 && change.Signal == nil && !change.HaltOff && len(change.Tell) == 0 {
			return nil // the second click
		}
		return t.answer(change, version)
	})
	if err == nil {
		err = refused
	}
	if err != nil {
		return approval.Request{}, err
	}
	return out, nil
}

// answer writes what a person's answer came to.
func (t *tx) answer(c inbox.Change, version int64) error {
	if err := t.saveApproval(c.Request, version+1); err != nil {
		return err
	}
	if c.Signal != nil {
		if err := t.signal(c.Request.Run, c.Signal.Kind, c.Signal.Body); err != nil {
			return err
		}
	}
	if c.HaltOff {
		if err := t.saveHalt(control.Halt{}); err != nil {
			return err
		}
	}
	if err := t.tell(c.Tell...); err != nil {
		return err
	}
	return t.link(c.Audit...)
}

// signal leaves an event for a run that goes on; for one that is over it is
// forgotten.
func (t *tx) signal(run, kind string, body []byte) error {
	var version int64
	goes, err := t.one(`SELECT version FROM run WHERE id = ? AND `+open, func(r row) error { version = r.int(0); return nil }, run)
	if err != nil {
		return fmt.Errorf("look for run %s: %w", run, err)
	}
	if !goes {
		return nil
	}
	err = t.exec(`INSERT INTO signal (run, kind, body, at) VALUES (?, ?, ?, ?)`, run, kind, string(body), t.s.opt.Clock())
	if err != nil {
		return fmt.Errorf("leave a signal: %w", err)
	}
	return t.wake(run, version)
}

// Signal leaves an event for a run, unless check fails (control.Store).
func (s *Store) Signal(ctx context.Context, run string, check func(r engine.Run) (control.Order, error)) error {
	return s.commit(ctx, func(t *tx) error {
		r, err := t.run(run)
		if err != nil {
			return err
		}
		o, err := check(r)
		if err != nil {
			return err
		}
		if err := t.signal(run, o.Kind, o.Body); err != nil {
			return err
		}
		if o.Kind == (engine.Resolved{}).Kind() { // somebody has spoken
			if err := t.heard(run, o); err != nil {
				return err
			}
		}
		return t.link(o.Audit...)
	})
}

// heard settles what was asked about a step, since somebody has spoken.
func (t *tx) heard(run string, o control.Order) error {
	b, err := engine.Decode(o.Kind, o.Body)
	if err != nil {
		return fmt.Errorf("read a resolution: %w", err)
	}
	r, _ := b.(engine.Resolved)
	return t.settledStep(run, r.Path)
}

// Start queues runs (control.Store). Where every key is known nothing is audited.
func (s *Store) Start(ctx context.Context, starts []engine.Start, a []audit.Draft) ([]string, error) {
	var ids []string
	err := s.commit(ctx, func(t *tx) error {
		ids = make([]string, len(starts))
		before := len(t.changes)
		for i, st := range starts {
			id, err := t.insertRun(st)
			if err != nil {
				return err
			}
			ids[i] = id
		}
		if len(t.changes) == before {
			return nil
		}
		return t.link(a...)
	})
	return ids, err
}

// Once starts runs by their keys; one that is known is left out (hunt.EventStore).
func (s *Store) Once(ctx context.Context, starts []engine.Start) error {
	missing := false
	for _, st := range starts {
		known, err := s.strings(ctx, `SELECT id FROM run WHERE start_key = ?`, st.Key)
		if err != nil {
			return err
		}
		missing = missing || len(known) == 0
	}
	if !missing {
		return nil
	}
	_, err := s.Start(ctx, starts, nil)
	return err
}

// Effect changes an effect and queues the run that carries the change out
// (control.Store).
func (s *Store) Effect(ctx context.Context, id string, change func(e ledger.Effect) (control.EffectOrder, error)) (ledger.Effect, error) {
	var out ledger.Effect
	err := s.commit(ctx, func(t *tx) error {
		name, err := t.effectNamed(id)
		if err != nil {
			return err
		}
		e, version, err := t.effectBy(`SELECT version, body FROM effect WHERE id = ?`, name)
		if err != nil {
			return err
		}
		if e == nil {
			return fault.New(fault.NotFound, "there is no such effect")
		}
		o, err := change(*e)
		if err != nil {
			return err
		}
		out = o.Effect
		if err := t.saveEffect(o.Effect, version+1); err != nil {
			return err
		}
		if err := t.tell(o.Tell...); err != nil {
			return err
		}
		if o.Start != nil {
			if _, err := t.insertRun(*o.Start); err != nil {
				return err
			}
		}
		return t.link(o.Audit...)
	})
	return out, err
}

// Halt changes the kill switch (control.Store). others is everybody.
func (s *Store) Halt(ctx context.Context, change func(h control.Halt, others []approval.Person) (control.HaltOrder, error)) (control.Halt, error) {
	var out control.Halt
	err := s.commit(ctx, func(t *tx) error {
		h, err := t.readHalt()
		if err != nil {
			return err
		}
		var others []approval.Person
		err = t.query(`SELECT name, roles, teams, disabled, kind FROM user ORDER BY name`, func(r row) error {
			p, err := personOf(r)
			others = append(others, p)
			return err
		})
		if err != nil {
			return fmt.Errorf("read people: %w", err)
		}
		o, err := change(h, others)
		if err != nil {
			return err
		}
		out = o.Halt
		if o.Open != nil {
			if err := t.saveApproval(*o.Open, 1); err != nil {
				return err
			}
		}
		if err := t.saveHalt(o.Halt); err != nil {
			return err
		}
		return t.link(o.Audit...)
	})
	return out, err
}

const haltColumns = `SELECT halted, halt_reason, halt_by, halt_since, quarantine, halt_approval FROM instance`

func (t *tx) readHalt() (control.Halt, error) {
	var h control.Halt
	err := t.query(haltColumns, func(r row) error {
		h = control.Halt{On: r.bool(0), Reason: r.text(1), By: r.text(2), Since: r.moment(3), Quarantine: r.bool(4), Approval: r.text(5)}
		return nil
	})
	if err != nil {
		return h, fmt.Errorf("read the kill switch: %w", err)
	}
	return h, nil
}

// saveHalt writes the kill switch. A request that would lift a halt that is
// lifted otherwise asks for nothing any more.
func (t *tx) saveHalt(h control.Halt) error {
	old, err := t.readHalt()
	if err != nil {
		return err
	}
	err = t.exec(`UPDATE instance SET halted = ?, halt_reason = ?, halt_by = ?, halt_since = ?, quarantine = ?, halt_approval = ?`,
		h.On, h.Reason, h.By, h.Since, h.Quarantine, h.Approval)
	if err != nil {
		return fmt.Errorf("write the kill switch: %w", err)
	}
	if old.Approval != "" && old.Approval != h.Approval {
		req, version, err := t.approval(old.Approval)
		if err != nil {
			return err
		}
		if req.Status == approval.Pending {
			req.Status, req.Why = approval.Void, "the kill switch changed meanwhile"
			if err := t.saveApproval(req, version+1); err != nil {
				return err
			}
		}
	}
	on := h.On
	t.halt = &on
	t.after = append(t.after, func() { t.s.halted.Store(on) })
	return t.changed("halt", "halt", t.s.opt.Clock().UnixMicro())
}

// HaltState gives the kill switch as it is.
func (s *Store) HaltState(ctx context.Context) (control.Halt, error) {
	var h control.Halt
	err := s.each(ctx, haltColumns, nil, func(scan func(...any) error) error {
		var since *int64
		if err := scan(&h.On, &h.Reason, &h.By, &since, &h.Quarantine, &h.Approval); err != nil {
			return err
		}
		h.Since = microOf(since)
		return nil
	})
	return h, err
}

// DueWarnings lists effects that end soon and whose owners must be told, earliest
// first. While the database is quarantined none is due.
func (s *Store) DueWarnings(ctx context.Context, now time.Time, limit int) ([]string, error) {
	return s.strings(ctx, `SELECT id FROM effect WHERE warn IS NOT NULL AND warn <= ? AND NOT EXISTS (SELECT 1 FROM instance WHERE quarantine = 1)
		ORDER BY warn, id LIMIT ?`, now.UnixMicro(), limit)
}

// DueCalls lists requests about which people must be called on again, earliest
// first (inbox.Store). While the database is quarantined none is due.
func (s *Store) DueCalls(ctx context.Context, now time.Time, limit int) ([]string, error) {
	return s.strings(ctx, `SELECT id FROM approval WHERE due IS NOT NULL AND due <= ?1 AND (deadline > ?1 OR deadline < 0)
		AND NOT EXISTS (SELECT 1 FROM instance WHERE quarantine = 1) ORDER BY due, id LIMIT ?2`, now.UnixMicro(), limit)
}

// DueEffects lists effects of which a hold is over, earliest first, and the
// moment at which the next one will be (zero: none). While the database is
// quarantined none is due.
func (s *Store) DueEffects(ctx context.Context, now time.Time, limit int) (ids []string, next time.Time, err error) {
	ids, err = s.strings(ctx, `SELECT id FROM effect WHERE due IS NOT NULL AND due <= ? AND NOT EXISTS (SELECT 1 FROM instance WHERE quarantine = 1)
		ORDER BY due, id LIMIT ?`, now.UnixMicro(), limit)
	if err != nil {
		return nil, time.Time{}, err
	}
	err = s.each(ctx, `SELECT due FROM effect WHERE due IS NOT NULL AND due > ? ORDER BY due LIMIT 1`, []any{now.UnixMicro()}, func(scan func(...any) error) error {
		var at int64
		if err := scan(&at); err != nil {
			return err
		}
		next = micro(at)
		return nil
	})
	return ids, next, err
}

// microOf reads a stored moment that may be absent.
func microOf(us *int64) *time.Time {
	if us == nil {
		return nil
	}
	t := micro(*us)
	return &t
}
