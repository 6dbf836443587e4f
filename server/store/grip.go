package store

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/ledger"
	"github.com/tocsin-soar/tocsin/server/notification"
	"github.com/tocsin-soar/tocsin/server/perform"
)

// grips changes the ledger, and says what became of each hold that ended.
func (t *tx) grips(h *runHead, rec perform.Record) ([]perform.Ended, error) {
	var ended []perform.Ended
	for _, g := range rec.Effects {
		old, version, err := t.gripped(g.Effect)
		if err != nil {
			return nil, err
		}
		if old == nil && g.Verb != perform.GripTake {
			if g.Verb == perform.GripEnd {
				ended = append(ended, perform.Ended{})
			}
			continue
		}
		var e ledger.Effect
		switch g.Verb {
		case perform.GripTake:
			if e, err = t.take(old, g.Effect); err != nil {
				return nil, err
			}
		case perform.GripEnd:
			var due bool
			e, due = ledger.End(*old, rec.Run, ledger.ByRun)
			ended = append(ended, perform.Ended{Effect: e, Due: due, Kept: keptBy(e, due)})
		case perform.GripExtend:
			if len(g.Effect.Holds) != 1 {
				return nil, fault.New(fault.Internal, "an extension without its hold")
			}
			e, _ = ledger.Extend(*old, g.Effect.Holds[0])
		case perform.GripState:
			e = ledger.State(*old, g.Effect, h.when(t))
		}
		if err := t.keepGrip(g, old, e, version+1); err != nil {
			return nil, err
		}
	}
	return ended, nil
}

// keepGrip writes a changed effect, and enters the change under the name that the
// effect has in the ledger.
func (t *tx) keepGrip(g perform.Grip, old *ledger.Effect, e ledger.Effect, version int64) error {
	if err := t.saveEffect(e, version); err != nil {
		return err
	}
	if err := t.released(old, e); err != nil || g.Audit == nil {
		return err
	}
	d := *g.Audit
	d.Object.ID = e.ID
	return t.link(d)
}

// released publishes that an effect is not in force any more, or should not be.
func (t *tx) released(old *ledger.Effect, e ledger.Effect) error {
	if old == nil || old.Status == e.Status || e.Status != ledger.Undone && e.Status != ledger.UndoFailed {
		return nil
	}
	data := map[string]any{"id": e.ID, "action": e.Action, "connection": e.Connection, "run": e.Run}
	if e.Status == ledger.UndoFailed {
		data["why"] = e.Why
	} else {
		data["ended_by"] = e.EndedBy
	}
	return t.publish("effect."+string(e.Status), 0, data)
}

// when is the moment of a record: of its last event, else now.
func (h *runHead) when(t *tx) time.Time {
	if h.at.IsZero() {
		return t.s.opt.Clock()
	}
	return h.at
}

// gripped finds the effect a grip is on: by id, or the open one with its key.
func (t *tx) gripped(e ledger.Effect) (*ledger.Effect, int64, error) {
	if e.Key != "" {
		return t.effectBy(`SELECT version, body FROM effect WHERE key = ? AND status <> 'undone'`, e.Key)
	}
	id, err := t.effectNamed(e.ID)
	if err != nil {
		return nil, 0, err
	}
	return t.effectBy(`SELECT version, body FROM effect WHERE id = ?`, id)
}

func (t *tx) effectBy(sql string, arg string) (*ledger.Effect, int64, error) {
	var e ledger.Effect
	var version int64
	found, err := t.one(sql, func(r row) error {
		version = r.int(0)
		return readJSON(r.text(1), &e)
	}, arg)
	if err != nil {
		return nil, 0, fmt.Errorf("look for an effect: %w", err)
	}
	if !found {
		return nil, 0, nil
	}
	return &e, version, nil
}

// effectNamed gives the id an effect has, by the one that a run gave it.
func (t *tx) effectNamed(id string) (string, error) {
	_, err := t.one(`SELECT effect FROM effect_alias WHERE alias = ?`, func(r row) error { id = r.text(0); return nil }, id)
	if err != nil {
		return "", fmt.Errorf("look for an effect's name: %w", err)
	}
	return id, nil
}

// take folds a hold in, and notes under which name the run knows the effect.
func (t *tx) take(old *ledger.Effect, fresh ledger.Effect) (ledger.Effect, error) {
	e := ledger.Take(old, fresh)
	for _, h := range fresh.Holds {
		if c, ok := t.claimed(h.Decision); ok && e.Impact == "" {
			e.Impact = c.Impact
		}
	}
	if e.ID == fresh.ID {
		return e, nil
	}
	err := t.exec(`INSERT INTO effect_alias (alias, effect) VALUES (?, ?) ON CONFLICT DO NOTHING`, fresh.ID, e.ID)
	if err != nil {
		return e, fmt.Errorf("name an effect: %w", err)
	}
	return e, nil
}

// saveEffect writes an effect: a new one, or the next version.
func (t *tx) saveEffect(e ledger.Effect, version int64) error {
	if e.Holds == nil {
		e.Holds = []ledger.Hold{}
	}
	raw, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encode an effect: %w", err)
	}
	var due, warn *time.Time
	if at, ok := ledger.Due(e); ok {
		due = &at
	}
	if at, ok := ledger.WarnAt(e); ok {
		warn = &at
	}
	if err := t.tellOf(e, version); err != nil {
		return err
	}
	err = t.exec(`INSERT INTO effect (id, key, status, connection, playbook, run, since, due, version, body, warn) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET status = excluded.status, run = excluded.run, since = excluded.since, due = excluded.due,
			version = excluded.version, body = excluded.body, warn = excluded.warn`,
		e.ID, e.Key, string(e.Status), e.Connection, e.Playbook, e.Run, e.Since, due, version, string(raw), warn)
	if constraint(err) {
		return fault.Wrap(err, fault.Conflict, "another effect with this key is open")
	}
	if err != nil {
		return fmt.Errorf("write an effect: %w", err)
	}
	for _, h := range e.Holds {
		if err := t.exec(`INSERT INTO effect_run (run, effect) VALUES (?, ?) ON CONFLICT DO NOTHING`, h.Run, e.ID); err != nil {
			return fmt.Errorf("note who holds an effect: %w", err)
		}
	}
	if version == 1 {
		if err := t.aim(e); err != nil {
			return err
		}
	}
	t.claims = append(t.claims, claimChange{effect: &counted{e.ID, weightOfEffect(e)}})
	return t.changed("effect", e.ID, version)
}

// tellOf tells people when an undo has failed, and settles what was asked about an
// effect that has moved on.
func (t *tx) tellOf(e ledger.Effect, version int64) error {
	if version == 1 && e.Status == ledger.InForce {
		return nil
	}
	was := ""
	if _, err := t.one(`SELECT status FROM effect WHERE id = ?`, func(r row) error { was = r.text(0); return nil }, e.ID); err != nil {
		return fmt.Errorf("look for an effect: %w", err)
	}
	if due, ends := ledger.Due(e); !ends || e.Warned == nil || !e.Warned.Equal(due) {
		if err := t.settled(e.ID, notification.LeaseEnding); err != nil {
			return err
		}
	}
	switch {
	case e.Status == ledger.UndoFailed && was != string(ledger.UndoFailed):
		return t.tell(notification.StillInForce(e.ID, e.Headline(), e.Run, e.Why, version, t.s.opt.Clock()))
	case was == string(ledger.UndoFailed) && e.Status != ledger.UndoFailed:
		return t.settled(e.ID, notification.UndoFailed)
	}
	return nil
}

// aim writes what an effect is on.
func (t *tx) aim(e ledger.Effect) error {
	if err := t.exec(`INSERT INTO effect_run (run, effect) VALUES (?, ?) ON CONFLICT DO NOTHING`, e.Run, e.ID); err != nil {
		return fmt.Errorf("note who made an effect: %w", err)
	}
	for _, g := range e.Targets {
		err := t.exec(`INSERT INTO effect_target (value, kind, effect) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`,
			strings.ToLower(g.Value), g.Kind, e.ID)
		if err != nil {
			return fmt.Errorf("note what an effect is on: %w", err)
		}
	}
	return nil
}

// keptBy says in words who holds an effect whose inverse is not due.
func keptBy(e ledger.Effect, due bool) string {
	if due || len(e.Holds) == 0 {
		return ""
	}
	h := e.Holds[0]
	text := h.Run + " holds it"
	if h.Until != nil {
		text += " until " + h.Until.UTC().Format("2006-01-02 15:04 UTC")
	}
	if more := len(e.Holds) - 1; more > 0 {
		text += fmt.Sprintf(", and %d more", more)
	}
	return text
}
