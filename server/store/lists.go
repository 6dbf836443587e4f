package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/tocsin-soar/tocsin/server/alert"
	"github.com/tocsin-soar/tocsin/server/approval"
	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/gate"
	"github.com/tocsin-soar/tocsin/server/ledger"
	"github.com/tocsin-soar/tocsin/server/lookup"
)

// maxQ bounds a free text that is looked for.
const maxQ = 256

// Alerts lists alerts without their fields, newest first; sort words: created_at
// (default), last_seen, severity, count.
func (s *Store) Alerts(ctx context.Context, f lookup.Alerts, p lookup.Page) (lookup.List[alert.Alert], error) {
	ranks := []any{}
	for w := range strings.SplitSeq(f.Severity, ",") {
		rank := alert.Severity(w).Rank()
		if f.Severity != "" && rank == 0 {
			return lookup.List[alert.Alert]{}, fault.New(fault.InvalidInput, "severity is informational, low, medium, high or critical").WithCode("bad_filter")
		}
		ranks = append(ranks, rank)
	}
	if len(f.Q) > maxQ {
		return lookup.List[alert.Alert]{}, fault.New(fault.InvalidInput, "q is at most %d bytes", maxQ).WithCode("bad_filter")
	}
	severity := func(q gorm.ChainInterface[alertRow]) gorm.ChainInterface[alertRow] {
		if f.Severity == "" {
			return q
		}
		return q.Where(clause.IN{Column: clause.Column{Name: "severity"}, Values: ranks})
	}
	return page(ctx, s.read, listing[alertRow, alert.Alert]{
		sorts:  map[string]string{"created_at": "id", "last_seen": "last_seen", "severity": "severity", "count": "count"},
		first:  "-created_at",
		unique: "id",
		read:   "id, dedup, severity, count, last_seen, body",
		value: func(r alertRow, column string) any {
			switch column {
			case "last_seen":
				return r.LastSeen
			case "severity":
				return r.Severity
			case "count":
				return r.Count
			}
			return r.ID
		},
		noun: func(_ context.Context, r alertRow) (alert.Alert, error) {
			a, err := readAlert(r.Body, nil, r.Dedup)
			if err != nil {
				return alert.Alert{}, err
			}
			return *a, nil
		},
	}, p, severity, is[alertRow]("source", f.Source), is[alertRow]("status", f.Status), is[alertRow]("owner", f.Owner),
		where[alertRow](f.Q == "", `search LIKE ? ESCAPE '\'`, contains(f.Q)),
		where[alertRow](f.Since.IsZero(), "last_seen >= ?", f.Since.UnixMicro()))
}

// Approvals lists requests, newest first; sort words: created_at (default),
// deadline.
func (s *Store) Approvals(ctx context.Context, f lookup.Approvals, p lookup.Page) (lookup.List[approval.Request], error) {
	return page(ctx, s.read, listing[approvalRow, approval.Request]{
		sorts:  map[string]string{"created_at": "id", "deadline": "deadline"},
		first:  "-created_at",
		unique: "id",
		read:   "id, deadline, body",
		value: func(r approvalRow, column string) any {
			if column == "deadline" {
				return r.Deadline
			}
			return r.ID
		},
		noun: func(_ context.Context, r approvalRow) (a approval.Request, err error) {
			return a, readJSON(r.Body, &a)
		},
	}, p, is[approvalRow]("status", f.Status), is[approvalRow]("run", f.Run))
}

// Approval gives one request; fault NotFound.
func (s *Store) Approval(ctx context.Context, id string) (approval.Request, error) {
	var a approval.Request
	r, err := first[approvalRow](ctx, s.read, "there is no such approval", "id", id)
	if err != nil {
		return a, err
	}
	return a, readJSON(r.Body, &a)
}

// Effects lists the ledger, newest first; sort words: since (default), until.
func (s *Store) Effects(ctx context.Context, f lookup.Effects, p lookup.Page) (lookup.List[ledger.Effect], error) {
	return page(ctx, s.read, listing[effectRow, ledger.Effect]{
		sorts:  map[string]string{"since": "since"},
		first:  "-since",
		unique: "id",
		read:   "id, since, body",
		value: func(r effectRow, column string) any {
			if column == "since" {
				return r.Since
			}
			return r.ID
		},
		noun: func(_ context.Context, r effectRow) (e ledger.Effect, err error) {
			return e, readJSON(r.Body, &e)
		},
	}, p, is[effectRow]("status", f.Status),
		where[effectRow](f.Run == "", "id IN (SELECT effect FROM effect_run WHERE run = ?)", f.Run),
		where[effectRow](f.Target == "", "id IN (SELECT effect FROM effect_target WHERE value = ?)", strings.ToLower(f.Target)))
}

// EffectByID gives one effect, also by a name that a run gave it; fault NotFound.
func (s *Store) EffectByID(ctx context.Context, id string) (ledger.Effect, error) {
	var e ledger.Effect
	r, err := gorm.G[effectRow](s.read).Where("id = coalesce((SELECT effect FROM effect_alias WHERE alias = ?), ?)", id, id).Take(ctx)
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return e, fault.New(fault.NotFound, "there is no such effect")
	}
	if err != nil {
		return e, reading(ctx, err)
	}
	return e, readJSON(r.Body, &e)
}

// Decisions lists decisions, newest first; sort word: at.
func (s *Store) Decisions(ctx context.Context, f lookup.Decisions, p lookup.Page) (lookup.List[gate.Decision], error) {
	return page(ctx, s.read, listing[decisionRow, gate.Decision]{
		sorts:  map[string]string{"at": "id"},
		first:  "-at",
		unique: "id",
		read:   "id, body",
		value:  func(r decisionRow, _ string) any { return r.ID },
		noun: func(_ context.Context, r decisionRow) (d gate.Decision, err error) {
			return d, readJSON(r.Body, &d)
		},
	}, p, is[decisionRow]("run", f.Run), is[decisionRow]("outcome", f.Outcome), is[decisionRow]("action", f.Action))
}

// AuditEntries lists the audit log, newest first; sort word: seq.
func (s *Store) AuditEntries(ctx context.Context, f lookup.Audit, p lookup.Page) (lookup.List[lookup.AuditEntry], error) {
	return page(ctx, s.read, listing[auditRow, lookup.AuditEntry]{
		sorts:  map[string]string{"seq": "seq"},
		first:  "-seq",
		unique: "seq",
		read:   "seq, entry, leaf, chain",
		value:  func(r auditRow, _ string) any { return r.Seq },
		noun:   func(_ context.Context, r auditRow) (lookup.AuditEntry, error) { return auditEntry(r) },
	}, p, is[auditRow]("actor", f.Actor), is[auditRow]("verb", f.Verb), is[auditRow]("object", f.Object), is[auditRow]("run", f.Run),
		where[auditRow](f.Since.IsZero(), "at >= ?", f.Since.UnixMicro()),
		where[auditRow](f.Until.IsZero(), "at < ?", f.Until.UnixMicro()))
}

func auditEntry(r auditRow) (lookup.AuditEntry, error) {
	e, err := audit.Decode(r.Entry)
	if err != nil {
		return lookup.AuditEntry{}, fmt.Errorf("entry %d: %w", r.Seq, err)
	}
	out := lookup.AuditEntry{Entry: e}
	out.Leaf, _ = audit.HashOf(r.Leaf)
	out.Chain, _ = audit.HashOf(r.Chain)
	return out, nil
}

// DecisionByID gives a decision with its exact input, put together of its two
// parts; fault NotFound. An input that does not have the hash that was recorded
// is not given.
func (s *Store) DecisionByID(ctx context.Context, id string) (lookup.Decision, error) {
	var out lookup.Decision
	r, err := first[decisionRow](ctx, s.read, "there is no such decision", "id", id)
	if err != nil {
		return out, err
	}
	if err := readJSON(r.Body, &out.Decision); err != nil {
		return out, err
	}
	out.Input = json.RawMessage("null")
	var alertRaw []byte
	if r.AlertSHA256 != nil {
		if alertRaw, err = s.payload(ctx, r.AlertSHA256); err != nil {
			return out, err
		}
	}
	input, err := joinInput(r.Input, alertRaw)
	if err != nil {
		return out, err
	}
	if hexOf(sumOf(input)) == out.InputSHA256 {
		out.Input = input
	}
	return out, nil
}

// Changes gives the outbox behind a sequence, oldest first, and the newest
// sequence there is. A sequence whose successor is no longer kept is told by
// the first item not being its successor.
func (s *Store) Changes(ctx context.Context, after int64, limit int) (changes []lookup.Change, newest int64, err error) {
	if limit < 1 || limit > 1000 {
		limit = 1000
	}
	err = s.each(ctx, `SELECT seq, kind, id, version FROM outbox WHERE seq > ? ORDER BY seq LIMIT ?`, []any{after, limit}, func(scan func(...any) error) error {
		var c lookup.Change
		if err := scan(&c.Seq, &c.Kind, &c.ID, &c.Version); err != nil {
			return err
		}
		changes = append(changes, c)
		return nil
	})
	if err != nil {
		return nil, 0, err
	}
	err = s.each(ctx, `SELECT coalesce(max(seq), 0) FROM outbox`, nil, func(scan func(...any) error) error { return scan(&newest) })
	return changes, newest, err
}

// Badges counts what the app shows beside its rail.
func (s *Store) Badges(ctx context.Context) (lookup.Badges, error) {
	var b lookup.Badges
	err := s.each(ctx, `SELECT (SELECT count(*) FROM alert WHERE status = 'new'), (SELECT count(*) FROM approval WHERE status = 'pending'),
		(SELECT count(*) FROM run WHERE `+open+`), (SELECT count(*) FROM run WHERE `+open+` AND waits LIKE '% in_doubt %'),
		(SELECT count(*) FROM effect WHERE status = 'in_force')`, nil, func(scan func(...any) error) error {
		return scan(&b.Alerts, &b.Approvals, &b.Runs, &b.InDoubt, &b.Effects)
	})
	return b, err
}
