package inbox

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/tocsin-soar/tocsin/server/approval"
	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/ident"
)

// Policy may object to a yes or an answer that somebody is about to give. It can
// only add refusals; a no is never held back.
type Policy interface {
	Objections(ctx context.Context, r approval.Request, voter approval.Person, decision string, at time.Time) []approval.Reason
}

// Inbox is the use case. Now is the process's clock.
type Inbox struct {
	Store  Store
	Policy Policy
	Now    func() time.Time
}

// Decide takes a person's approve or deny on what they saw, named by its digest.
// by.Name is the person, also where a token of theirs is used. Errors have the codes
// of approval.Cast; every refusal is audited.
func (i *Inbox) Decide(ctx context.Context, by audit.Actor, id, decision, digest, comment string) (approval.Request, error) {
	return i.change(ctx, by, id, act{verb: "approval.decide", said: said(decision, comment)}, func(b Ballot, now time.Time) (approval.Request, error) {
		after, err := approval.Cast(b.Request, b.People, approval.Word{By: by.Name, Decision: decision, Digest: digest, Comment: comment}, now)
		if err == nil && decision == approval.Yes {
			err = i.objects(ctx, b, by.Name, "approve", now)
		}
		return after, err
	})
}

// Answer takes a person's answer to a question; the first valid one decides.
func (i *Inbox) Answer(ctx context.Context, by audit.Actor, id, digest string, answer map[string]any) (approval.Request, error) {
	return i.change(ctx, by, id, act{verb: "approval.answer", said: "answer"}, func(b Ballot, now time.Time) (approval.Request, error) {
		after, err := approval.Answer(b.Request, b.People, by.Name, digest, answer, now)
		if err == nil {
			err = i.objects(ctx, b, by.Name, "answer", now)
		}
		return after, err
	})
}

// Withdraw takes a person's yes back, as long as the request is pending or its
// undo window runs.
func (i *Inbox) Withdraw(ctx context.Context, by audit.Actor, id string) (approval.Request, error) {
	return i.change(ctx, by, id, act{verb: "approval.withdraw", said: "withdraw"}, func(b Ballot, now time.Time) (approval.Request, error) {
		return approval.Withdraw(b.Request, b.People, by.Name, now)
	})
}

// Extend gives people more time, once and within what the policy grants.
func (i *Inbox) Extend(ctx context.Context, by audit.Actor, id string, d time.Duration) (approval.Request, error) {
	return i.change(ctx, by, id, act{verb: "approval.extend", said: "extend by " + approval.DurationText(d)}, func(b Ballot, now time.Time) (approval.Request, error) {
		return approval.Extend(b.Request, b.People, by.Name, d, now)
	})
}

// act is what the audit log says of an attempt.
type act struct{ verb, said string }

func said(decision, comment string) string {
	switch {
	case decision != approval.Yes && decision != approval.No:
		return "neither approve nor deny"
	case comment == "" || len(comment) > approval.MaxComment:
		return decision
	}
	return decision + ": " + comment
}

// change runs one rule of approval inside an act of the store and says what
// follows from it.
func (i *Inbox) change(ctx context.Context, by audit.Actor, id string, a act, rule func(Ballot, time.Time) (approval.Request, error)) (approval.Request, error) {
	if !ident.Valid(ident.Approval, id) {
		return approval.Request{}, fault.New(fault.NotFound, "there is no such approval")
	}
	now := i.Now()
	return i.Store.Change(ctx, id, approval.Canonical(by.Name), func(b Ballot) (Change, error) {
		d := draft(by, b.Request, a, now)
		after, err := rule(b, now)
		if err != nil {
			d.Outcome, d.Reason = audit.Refused, a.said+" refused: "+err.Error()
			return Change{}, &Refusal{Err: err, Audit: []audit.Draft{d}}
		}
		if same(b.Request, after) {
			return Change{Request: after}, nil
		}
		d.Before, d.After = state(b.Request), state(after)
		c := Change{Request: after, Audit: []audit.Draft{d}}
		c.HaltOff = after.Kind == approval.KindHalt && after.Status == approval.Approved
		c.Signal, err = signal(b.Request, after)
		return c, err
	})
}

func (i *Inbox) objects(ctx context.Context, b Ballot, name, decision string, now time.Time) error {
	if i.Policy == nil {
		return nil
	}
	voter := b.People[approval.Canonical(name)]
	if voter.Name == "" {
		voter.Name = name
	}
	why := i.Policy.Objections(ctx, b.Request, voter, decision, now)
	if len(why) == 0 {
		return nil
	}
	return fault.New(fault.Forbidden, "%s: %s", why[0].Rule, why[0].Reason).WithCode("not_entitled")
}

func draft(by audit.Actor, r approval.Request, a act, now time.Time) audit.Draft {
	return audit.Draft{
		At: now, Actor: by, Verb: a.verb, Object: audit.Object{Kind: "approval", ID: r.ID},
		Run: r.Run, Step: r.Step, Digest: r.Digest, Reason: a.said, Outcome: audit.Done,
	}
}

// same says whether an answer changed nothing: the second click.
func same(before, after approval.Request) bool {
	return before.Status == after.Status && before.Deadline.Equal(after.Deadline) &&
		slices.EqualFunc(before.Votes, after.Votes, func(x, y approval.Vote) bool {
			return x.By == y.By && x.Decision == y.Decision && x.At.Equal(y.At) && x.Comment == y.Comment
		})
}

// state names a request as it is: the hash of its JSON.
func state(r approval.Request) string {
	raw, err := json.Marshal(r)
	if err != nil { // it came from the store as JSON and holds nothing else
		return ""
	}
	return ident.Sum(raw)
}

// signal is what the run must know: a decision, a withdrawn yes, a later deadline.
// A vote that decides nothing yet is none of its business.
func signal(before, after approval.Request) (*Signal, error) {
	if after.Run == "" {
		return nil, nil
	}
	var body engine.Body
	switch {
	case before.Status != after.Status:
		body = decided(after)
	case !before.Deadline.Equal(after.Deadline):
		deadline := after.Deadline
		body = engine.Requested{Path: after.Step, Approval: after.ID, Deadline: &deadline}
	default:
		return nil, nil
	}
	kind, raw, err := engine.Encode(body)
	if err != nil {
		return nil, fmt.Errorf("tell the run: %w", err)
	}
	return &Signal{Kind: kind, Body: raw}, nil
}

// decided is the end of a request; By names those whose word it was, the last one
// last.
func decided(r approval.Request) engine.ApprovalDecided {
	word := approval.Yes
	if r.Status == approval.Denied {
		word = approval.No
	}
	e := engine.ApprovalDecided{
		Path: r.Step, Approval: r.ID, Status: string(r.Status), HeldUntil: r.HeldUntil,
		By: []string{}, Answer: engine.Value{V: r.Answer},
	}
	for _, v := range r.Votes {
		if v.Counts && v.Decision == word {
			e.By = append(e.By, v.By)
			if v.Comment != "" {
				e.Comment = v.Comment
			}
		}
	}
	return e
}
