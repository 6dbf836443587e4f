package store

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/lookup"
	"github.com/tocsin-soar/tocsin/server/perform"
)

// tx is what an act works on: the writing connection, and what becomes true
// when the batch is durable.
type tx struct {
	*handle
	s       *Store
	head    audit.Row // of the audit log, with this batch's entries
	changes []lookup.Change
	after   []func() // in memory, in order, after the commit
	claims  []claimChange
	halt    *bool // what this batch made of the kill switch; nil: nothing
}

// claimChange is a reservation or an effect that begins or ends to count. Of a
// run that ends the counters forget its own.
type claimChange struct {
	add, drop *perform.Claim
	effect    *counted
	over      string
}

// mark is where a transaction stands before an act.
type mark struct {
	head                   audit.Row
	changes, after, claims int
	halt                   *bool
}

func (t *tx) mark() mark {
	return mark{t.head, len(t.changes), len(t.after), len(t.claims), t.halt}
}

// halted says whether the kill switch is on, inside the act.
func (t *tx) halted() bool {
	if t.halt != nil {
		return *t.halt
	}
	return t.s.halted.Load()
}

func (t *tx) reset(m mark) {
	t.head, t.halt = m.head, m.halt
	t.changes, t.after, t.claims = t.changes[:m.changes], t.after[:m.after], t.claims[:m.claims]
}

// link appends entries to the audit log.
func (t *tx) link(drafts ...audit.Draft) error {
	for _, d := range drafts {
		r := audit.Link(t.head, d)
		err := t.exec(`INSERT INTO audit (seq, entry, leaf, chain, at, actor, verb, object, run) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			r.Seq, r.Entry, r.Leaf[:], r.Chain[:], d.At, d.Actor.Name, d.Verb, d.Object.ID, d.Run)
		if err != nil {
			return fmt.Errorf("append to the audit log: %w", err)
		}
		t.head = r
	}
	return nil
}

// changed tells the outbox that a thing has a new version.
func (t *tx) changed(kind, id string, version int64) error {
	if err := t.exec(`INSERT INTO outbox (kind, id, version) VALUES (?, ?, ?)`, kind, id, version); err != nil {
		return fmt.Errorf("append to the outbox: %w", err)
	}
	t.changes = append(t.changes, lookup.Change{Seq: t.lastID(), Kind: kind, ID: id, Version: version})
	return nil
}

// wake tells the host that a run has something to work on.
func (t *tx) wake(run string, version int64) error {
	if err := t.changed("run", run, version); err != nil {
		return err
	}
	t.changes[len(t.changes)-1].Wake = true
	return nil
}

// queued tells the host that a run is there to be begun.
func (t *tx) queued(run string, priority int) error {
	if err := t.wake(run, 1); err != nil {
		return err
	}
	c := &t.changes[len(t.changes)-1]
	c.Queued, c.Priority = true, priority
	return nil
}

// The bounds of a value: larger ones than maxInline lie in payload, larger ones
// than maxPayload are refused.
const (
	maxInline  = 64 << 10
	maxPayload = 16 << 20
)

// keep stores bytes by their hash, once.
func (t *tx) keep(raw []byte, at time.Time) ([]byte, error) {
	if len(raw) > maxPayload {
		return nil, fault.New(fault.TooLarge, "a value may not exceed %d bytes", maxPayload)
	}
	sum := sha256.Sum256(raw)
	return sum[:], t.keepAs(sum[:], raw, at)
}

func (t *tx) keepAs(sum, raw []byte, at time.Time) error {
	if len(raw) > maxPayload {
		return fault.New(fault.TooLarge, "a value may not exceed %d bytes", maxPayload)
	}
	if err := t.exec(`INSERT INTO payload (sha256, bytes, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`, sum, raw, at); err != nil {
		return fmt.Errorf("keep a payload: %w", err)
	}
	return nil
}

// inline splits a value for a pair of columns: the text itself, or "" and the
// hash it lies under.
func (t *tx) inline(raw []byte, at time.Time) (text string, sum []byte, err error) {
	if len(raw) <= maxInline {
		return string(raw), nil, nil
	}
	sum, err = t.keep(raw, at)
	return "", sum, err
}

// whole reads a pair of columns back.
func (t *tx) whole(text string, sum []byte) ([]byte, error) {
	if sum == nil {
		return []byte(text), nil
	}
	var raw []byte
	found, err := t.one(`SELECT bytes FROM payload WHERE sha256 = ?`, func(r row) error { raw = r.blob(0); return nil }, sum)
	if err != nil {
		return nil, fmt.Errorf("read a payload: %w", err)
	}
	if !found {
		return nil, fmt.Errorf("payload %x is missing", sum)
	}
	return raw, nil
}

// digestOf reads a hex SHA-256; "" gives nil.
func digestOf(text string) ([]byte, error) {
	if text == "" {
		return nil, nil
	}
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != sha256.Size {
		return nil, fmt.Errorf("%q is no SHA-256", text)
	}
	return raw, nil
}

// hexOf writes one; nil gives "".
func hexOf(raw []byte) string { return hex.EncodeToString(raw) }
