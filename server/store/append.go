package store

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/notification"
	"github.com/tocsin-soar/tocsin/server/perform"
)

// Append writes a record and what follows from its question (embedded.Journal).
func (s *Store) Append(ctx context.Context, rec perform.Record, ask *perform.Asking) error {
	return s.commit(ctx, func(t *tx) error {
		h, err := t.runHead(rec.Run)
		if err != nil {
			return err
		}
		if h.seq != rec.Expect {
			return fault.New(fault.Conflict, "the journal of the run has gone on").WithCode("journal_conflict")
		}
		ended, err := t.record(h, rec)
		if err != nil {
			return err
		}
		if ask != nil {
			then, err := t.decide(ctx, rec.Run, ask, ended)
			if err != nil {
				return err
			}
			if _, err := t.record(h, then); err != nil {
				return err
			}
		}
		return t.saveHead(h)
	})
}

// runHead is where a run's journal stands, with what of the run a record changes.
type runHead struct {
	id      string
	seq     uint64
	chain   []byte
	version int64
	status  string
	view    *engine.Run
	touched bool // somebody may want to see it
	at      time.Time
}

func (t *tx) runHead(id string) (*runHead, error) {
	h := &runHead{id: id}
	found, err := t.one(`SELECT head, chain, version, status FROM run WHERE id = ?`, func(r row) error {
		h.seq, h.chain, h.version, h.status = uint64(r.int(0)), r.blob(1), r.int(2), r.text(3) //nolint:gosec // a sequence
		return nil
	}, id)
	if err != nil {
		return nil, fmt.Errorf("look for run %s: %w", id, err)
	}
	if !found {
		return nil, fault.New(fault.NotFound, "there is no such run")
	}
	return h, nil
}

// record writes everything of a record but the run's own row.
func (t *tx) record(h *runHead, rec perform.Record) ([]perform.Ended, error) {
	if err := t.events(h, rec.Events); err != nil {
		return nil, err
	}
	if rec.View != nil {
		h.view, h.touched = rec.View, true
	}
	ended, err := t.grips(h, rec)
	if err != nil {
		return nil, err
	}
	for i := range rec.Steps {
		if err := t.step(h, i, rec.Steps[i]); err != nil {
			return nil, err
		}
	}
	for _, d := range rec.Decisions {
		if err := t.decision(d); err != nil {
			return nil, err
		}
	}
	if err := t.requests(rec); err != nil {
		return nil, err
	}
	if err := t.clocks(rec); err != nil {
		return nil, err
	}
	if err := t.others(rec); err != nil {
		return nil, err
	}
	return ended, t.link(rec.Audit...)
}

// events appends to the journal; sequences must go on without a gap.
func (t *tx) events(h *runHead, events []perform.Event) error {
	for _, e := range events {
		if e.Seq != h.seq+1 {
			return fault.New(fault.Conflict, "event %d cannot follow event %d of the journal", e.Seq, h.seq).WithCode("journal_conflict")
		}
		body, sum, err := t.inline(e.Body, e.At)
		if err != nil {
			return err
		}
		chain := chainOf(h.chain, e)
		err = t.exec(`INSERT INTO journal (run, seq, at, kind, body, body_sha256, chain) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			h.id, e.Seq, e.At, e.Kind, body, sum, chain)
		if err != nil {
			return fmt.Errorf("append to the journal: %w", err)
		}
		h.seq, h.chain, h.at = e.Seq, chain, e.At
	}
	return nil
}

// chainOf gives the chain of a run's journal with one more event:
// SHA-256(before ‖ SHA-256(0x00 ‖ seq ‖ µs ‖ len(kind) ‖ kind ‖ body)), numbers as
// 8 bytes, big end first.
func chainOf(before []byte, e perform.Event) []byte {
	var n [24]byte
	binary.BigEndian.PutUint64(n[0:], e.Seq)
	binary.BigEndian.PutUint64(n[8:], uint64(e.At.UnixMicro()))
	binary.BigEndian.PutUint64(n[16:], uint64(len(e.Kind)))
	leaf := sha256.New()
	leaf.Write([]byte{0})
	leaf.Write(n[:])
	leaf.Write([]byte(e.Kind))
	leaf.Write(e.Body)
	link := sha256.New()
	link.Write(before)
	link.Write(leaf.Sum(nil))
	return link.Sum(nil)
}

// saveHead writes the run's own row, and closes what ends with it.
func (t *tx) saveHead(h *runHead) error {
	if h.view == nil {
		err := t.exec(`UPDATE run SET head = ?, chain = ? WHERE id = ?`, h.seq, h.chain, h.id)
		if err != nil {
			return fmt.Errorf("move a run on: %w", err)
		}
		return nil
	}
	v := h.view
	raw, err := json.Marshal(viewText{v.Partial, v.Inputs, v.Outputs, v.Error, v.Waiting})
	if err != nil {
		return fmt.Errorf("encode a run: %w", err)
	}
	view, sum, err := t.inline(raw, h.at)
	if err != nil {
		return err
	}
	waits, parked := waitsOf(v)
	h.version++
	err = t.exec(`UPDATE run SET head = ?, chain = ?, status = ?, waits = ?, parked = ?, view = ?, view_sha256 = ?, started_at = ?, ended_at = ?, version = ?
		WHERE id = ?`,
		h.seq, h.chain, string(v.Status), waits, parked, view, sum, v.StartedAt, v.EndedAt, h.version, h.id)
	if err != nil {
		return fmt.Errorf("move a run on: %w", err)
	}
	if err := t.turned(h); err != nil {
		return err
	}
	return t.changed("run", h.id, h.version)
}

// turned audits the head of the journal when a run begins to wait or ends, and
// drops what only a run that goes on needs.
func (t *tx) turned(h *runHead) error {
	now := h.view.Status
	if string(now) == h.status || now != engine.RunWaiting && !now.Final() {
		return nil
	}
	err := t.link(audit.Draft{
		At: h.at, Actor: audit.Actor{Kind: "system", Name: "engine"}, Verb: "run." + string(now),
		Object: audit.Object{Kind: "run", ID: h.id}, Run: h.id, Digest: "sha256:" + hexOf(h.chain),
		Reason: fmt.Sprintf("the journal has %d events", h.seq), Outcome: audit.Done,
	})
	if err != nil || !now.Final() {
		return err
	}
	t.claims = append(t.claims, claimChange{over: h.id})
	if err := t.settledRun(h.id, notification.StepInDoubt); err != nil {
		return err
	}
	if err := t.endedAs(h.view); err != nil {
		return err
	}
	if err := t.exec(`DELETE FROM timer WHERE run = ?`, h.id); err != nil {
		return fmt.Errorf("drop the timers of a run: %w", err)
	}
	if err := t.exec(`DELETE FROM signal WHERE run = ?`, h.id); err != nil {
		return fmt.Errorf("drop the signals of a run: %w", err)
	}
	return nil
}

// doubt tells people when a step comes to be in doubt.
func (t *tx) doubt(h *runHead, v engine.StepView) error {
	was, alert := "", ""
	_, err := t.one(`SELECT status FROM step WHERE run = ? AND path = ?`, func(r row) error { was = r.text(0); return nil }, h.id, v.Path)
	if err == nil && was != string(engine.StepInDoubt) {
		_, err = t.one(`SELECT alert FROM run WHERE id = ?`, func(r row) error { alert = r.text(0); return nil }, h.id)
		if err == nil {
			err = t.tell(notification.Doubt(h.id, v.Path, v.Action, alert, strconv.FormatUint(h.seq, 10), h.when(t)))
		}
	}
	if err != nil {
		return fmt.Errorf("tell of step %s: %w", v.Path, err)
	}
	return nil
}

// stepText is the column body of a step; numbers stay what they are.
type stepText struct {
	engine.StepView
	Input  engine.Object `json:"input"`
	Output engine.Value  `json:"output"`
}

// step writes the state of one step. place is the order in which steps were
// touched first.
func (t *tx) step(h *runHead, i int, v engine.StepView) error {
	if v.Effect != "" {
		id, err := t.effectNamed(v.Effect)
		if err != nil {
			return err
		}
		v.Effect = id
	}
	raw, err := json.Marshal(stepText{v, v.Input, engine.Value{V: v.Output}})
	if err != nil {
		return fmt.Errorf("encode step %s: %w", v.Path, err)
	}
	if v.Status == engine.StepInDoubt {
		if err := t.doubt(h, v); err != nil {
			return err
		}
	}
	body, sum, err := t.inline(raw, h.at)
	if err != nil {
		return err
	}
	place := int64(h.seq)<<16 + int64(i) //nolint:gosec // a sequence
	err = t.exec(`INSERT INTO step (run, path, place, status, action, connection, body, body_sha256) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (run, path) DO UPDATE SET status = excluded.status, action = excluded.action, connection = excluded.connection,
			body = excluded.body, body_sha256 = excluded.body_sha256`,
		h.id, v.Path, place, string(v.Status), v.Action, v.Connection, body, sum)
	if err != nil {
		return fmt.Errorf("write a step: %w", err)
	}
	return nil
}

// clocks writes timers, consumes signals and frees reservations.
func (t *tx) clocks(rec perform.Record) error {
	for _, k := range rec.DropTimers {
		if err := t.exec(`DELETE FROM timer WHERE run = ? AND path = ? AND kind = ?`, rec.Run, k.Path, k.Kind); err != nil {
			return fmt.Errorf("drop a timer: %w", err)
		}
	}
	for _, m := range rec.SetTimers {
		err := t.exec(`INSERT INTO timer (run, path, kind, due) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET due = excluded.due`,
			rec.Run, m.Path, m.Kind, m.Due)
		if err != nil {
			return fmt.Errorf("set a timer: %w", err)
		}
	}
	for _, id := range rec.Signals {
		if err := t.exec(`DELETE FROM signal WHERE id = ? AND run = ?`, id, rec.Run); err != nil {
			return fmt.Errorf("consume a signal: %w", err)
		}
		if t.handle.changes() == 0 {
			return fault.New(fault.Conflict, "a signal was consumed before").WithCode("journal_conflict")
		}
	}
	for _, c := range rec.Free {
		if err := t.exec(`DELETE FROM reservation WHERE decision = ?`, c.Decision); err != nil {
			return fmt.Errorf("free a reservation: %w", err)
		}
		if t.handle.changes() > 0 {
			if full, ok := t.claimed(c.Decision); ok {
				c = full
			}
			t.claims = append(t.claims, claimChange{drop: &c})
		}
	}
	return nil
}

// claimed finds a reservation as it counts now.
func (t *tx) claimed(decision string) (perform.Claim, bool) {
	for _, ch := range t.claims {
		if ch.add != nil && ch.add.Decision == decision {
			return *ch.add, true
		}
	}
	t.s.count.mu.Lock()
	defer t.s.count.mu.Unlock()
	c, ok := t.s.count.claims[decision]
	return c, ok
}
