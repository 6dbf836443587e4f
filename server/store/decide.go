package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tocsin-soar/tocsin/server/approval"
	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/gate"
	"github.com/tocsin-soar/tocsin/server/notification"
	"github.com/tocsin-soar/tocsin/server/perform"
)

// maxJudging bounds a question that is asked inside an act: everybody waits. It is
// more than an answer ever needs, because it is time on the wall: a busy machine
// must not turn sound runs into denials (docs/contract-questions.md).
const maxJudging = 250 * time.Millisecond

// decide gives what follows from a question, on the ground of this act. The
// answer of before stands unless a counter has grown since; then the policy is
// asked once more with the counters of this moment.
func (t *tx) decide(ctx context.Context, run string, ask *perform.Asking, ended []perform.Ended) (perform.Record, error) {
	now := t.s.opt.Clock()
	g := perform.Ground{At: now, Question: ask.Question, Answer: ask.Answer, Halted: t.halted(), Ended: ended}
	if ask.Approval != "" {
		req, _, err := t.approval(ask.Approval)
		if err != nil {
			return perform.Record{}, err
		}
		g.Approval = &req
		if g.Voters, err = t.people(voters(req)...); err != nil {
			return perform.Record{}, err
		}
	}
	if ask.Question.Action.ID != "" && ask.Reserves {
		facts := t.facts(run, now)
		if grown(ask.Question.Facts, facts) {
			g.Question.Facts = facts
			g.Answer = judge(ctx, ask, g.Question)
		}
	}
	return ask.Then(g), nil
}

func judge(ctx context.Context, ask *perform.Asking, q gate.Question) gate.Answer {
	ctx, cancel := context.WithTimeout(ctx, maxJudging)
	defer cancel()
	a := ask.Judge(ctx, q)
	if ctx.Err() != nil {
		return gate.DenyAll("timeout", "the policy gave no answer in time", a.Revision)
	}
	return a
}

func voters(r approval.Request) []string {
	names := make([]string, len(r.Votes))
	for i, v := range r.Votes {
		names[i] = v.By
	}
	return names
}

// people reads persons as they are now, by the names given; nobody is no error.
func (t *tx) people(names ...string) (map[string]approval.Person, error) {
	out := map[string]approval.Person{}
	for _, n := range names {
		if _, seen := out[n]; seen {
			continue
		}
		var p approval.Person
		found, err := t.one(`SELECT name, roles, teams, disabled, kind FROM user WHERE name = ?`, func(r row) (err error) {
			p, err = personOf(r)
			return err
		}, n)
		if err != nil {
			return nil, fmt.Errorf("look for a person: %w", err)
		}
		if found {
			out[n] = p
		}
	}
	return out, nil
}

// personOf reads name, roles, teams, disabled, kind.
func personOf(r row) (approval.Person, error) {
	p := approval.Person{Name: r.text(0), Active: !r.bool(3) && r.text(4) == "person"}
	if err := json.Unmarshal([]byte(r.text(1)), &p.Roles); err != nil {
		return p, fmt.Errorf("read roles: %w", err)
	}
	if err := json.Unmarshal([]byte(r.text(2)), &p.Teams); err != nil {
		return p, fmt.Errorf("read teams: %w", err)
	}
	return p, nil
}

// decision writes a decision with its input, and the reservation it takes.
func (t *tx) decision(d perform.Decided) error {
	body, err := json.Marshal(d.Decision)
	if err != nil {
		return fmt.Errorf("encode a decision: %w", err)
	}
	input, err := digestOf(d.InputSHA256)
	if err != nil || input == nil {
		return fault.New(fault.Internal, "decision %s has no digest of its input", d.ID)
	}
	alert, err := digestOf(d.AlertSHA256)
	if err != nil {
		return fault.Wrap(err, fault.Internal, "decision %s names no alert", d.ID)
	}
	plain := d.Outcome == gate.Allow && d.Impact == string(connector.Read)
	err = t.exec(`INSERT INTO decision (id, run, action, outcome, plain, at, body, input, input_sha256, alert_sha256) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		d.ID, d.Run, d.Action, string(d.Outcome), plain, d.At, string(body), d.Input, input, alert)
	if err != nil {
		return fmt.Errorf("write a decision: %w", err)
	}
	if !plain {
		if err := t.changed("decision", d.ID, 1); err != nil {
			return err
		}
	}
	if len(d.Notify) > 0 {
		if err := t.tell(notification.Ruled(d.Decision, d.Notify)); err != nil {
			return err
		}
	}
	if d.Reserve == nil {
		return nil
	}
	return t.reserve(*d.Reserve)
}

func (t *tx) reserve(c perform.Claim) error {
	kinds := c.TargetKinds
	if kinds == nil {
		kinds = []string{}
	}
	raw, err := json.Marshal(kinds)
	if err != nil {
		return fmt.Errorf("encode a reservation: %w", err)
	}
	err = t.exec(`INSERT INTO reservation (decision, run, step, occurrence, action, impact, target_kinds, playbook, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		c.Decision, c.Run, c.Step, c.Occurrence, c.Action, c.Impact, string(raw), c.Playbook, c.At)
	if err != nil {
		return fmt.Errorf("write a reservation: %w", err)
	}
	t.claims = append(t.claims, claimChange{add: &c})
	return nil
}

// approval reads a request inside an act, with its version.
func (t *tx) approval(id string) (approval.Request, int64, error) {
	var req approval.Request
	var version int64
	found, err := t.one(`SELECT version, body FROM approval WHERE id = ?`, func(r row) error {
		version = r.int(0)
		return readJSON(r.text(1), &req)
	}, id)
	if err != nil {
		return req, 0, fmt.Errorf("read approval %s: %w", id, err)
	}
	if !found {
		return req, 0, fault.New(fault.NotFound, "there is no such approval")
	}
	return req, version, nil
}

// saveApproval writes a request: a new one, or the next version.
func (t *tx) saveApproval(req approval.Request, version int64) error {
	raw, err := json.Marshal(req)
	if err != nil {
		return fmt.Errorf("encode an approval: %w", err)
	}
	var due *time.Time
	if at, ok := req.NextCall(); ok {
		due = &at
	}
	err = t.exec(`INSERT INTO approval (id, kind, status, run, deadline, held_until, version, body, due) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET status = excluded.status, deadline = excluded.deadline, held_until = excluded.held_until,
			version = excluded.version, body = excluded.body, due = excluded.due`,
		req.ID, string(req.Kind), string(req.Status), req.Run, req.Deadline, req.HeldUntil, version, string(raw), due)
	if err != nil {
		return fmt.Errorf("write an approval: %w", err)
	}
	if err := t.call(req, version); err != nil {
		return err
	}
	return t.changed("approval", req.ID, version)
}

// call tells people of a request that waits, once, and that it no longer does.
func (t *tx) call(req approval.Request, version int64) error {
	d := notification.Waiting(req)
	switch {
	case req.Status != approval.Pending:
		return t.settled(req.ID, notification.ApprovalWaiting, notification.ApprovalReminder, notification.ApprovalEscalated)
	case version > 1: // a yes was weighed anew and holds no longer
		return t.again(d.Key)
	}
	return t.tell(d)
}

// requests opens, closes and uses up approvals.
func (t *tx) requests(rec perform.Record) error {
	for _, req := range rec.Open {
		var version int64
		if _, err := t.one(`SELECT version FROM approval WHERE id = ?`, func(r row) error { version = r.int(0); return nil }, req.ID); err != nil {
			return fmt.Errorf("look for an approval: %w", err)
		}
		if err := t.saveApproval(req, version+1); err != nil {
			return err
		}
	}
	for _, c := range rec.Close {
		if err := t.closeRequest(rec, c); err != nil {
			return err
		}
	}
	for _, id := range rec.UsedUp {
		req, version, err := t.approval(id)
		if err != nil {
			return err
		}
		req.UsedUp = true
		if err := t.saveApproval(req, version+1); err != nil {
			return err
		}
	}
	return nil
}

// closeRequest ends a request from the engine's side. Where people decided it
// meanwhile and the run has not heard of that, it is a conflict: the run must
// hear first.
func (t *tx) closeRequest(rec perform.Record, c perform.Close) error {
	req, version, err := t.approval(c.ID)
	if err != nil {
		return err
	}
	if req.Status != approval.Pending {
		unheard, err := t.one(`SELECT id FROM signal WHERE run = ? AND kind = 'approval_decided' LIMIT 1`, func(row) error { return nil }, rec.Run)
		if err != nil {
			return fmt.Errorf("look for signals: %w", err)
		}
		if unheard && len(rec.Signals) == 0 {
			return fault.New(fault.Conflict, "the approval was decided meanwhile").WithCode("already_decided")
		}
		if req.Status != approval.Approved || req.UsedUp {
			return nil
		}
	}
	req.Status, req.Why = c.Status, c.Why
	if c.Answer != nil {
		req.Answer = c.Answer
	}
	now := t.s.opt.Clock()
	req.DecidedAt, req.HeldUntil = &now, nil
	return t.saveApproval(req, version+1)
}

// readJSON reads a column that this package wrote.
func readJSON(text string, into any) error {
	if err := json.Unmarshal([]byte(text), into); err != nil {
		return fmt.Errorf("read a stored value: %w", err)
	}
	return nil
}
