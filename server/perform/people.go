package perform

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tocsin-soar/tocsin/server/approval"
	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/gate"
	"github.com/tocsin-soar/tocsin/server/ident"
	"github.com/tocsin-soar/tocsin/server/playbook"
)

// ruling is what an answer and the votes come to.
type ruling struct {
	permitted bool
	approval  string
	deadline  *time.Time
	open      *approval.Request // to be written, new or changed
}

// verdict weighs the votes on exactly this digest against what the policy asks
// for now. Only an unmet requirement opens or keeps a request.
func verdict(l *Live, pr *Prepared, g Ground, at time.Time) ruling {
	switch g.Answer.Outcome {
	case gate.Allow:
		return ruling{permitted: true, approval: pr.wanted.Approval}
	case gate.Approve:
	case gate.Deny:
		return ruling{approval: pr.wanted.Approval}
	default: // no word is a no
		return ruling{approval: pr.wanted.Approval}
	}
	old := g.Approval
	if old == nil || old.Digest != pr.digest || !alive(*old, at) {
		req := pr.request(l, g, at)
		return ruling{approval: req.ID, deadline: &req.Deadline, open: &req}
	}
	req := *old
	req.Requirements = approval.Stricter(old.Requirements, g.Answer.Required)
	req.Revision = g.Answer.Revision
	tally := approval.Weigh(req, g.Voters, at)
	if tally.Met && req.Status == approval.Approved && !tally.Held {
		return ruling{permitted: true, approval: req.ID}
	}
	req.Status, req.DecidedAt, req.HeldUntil, req.ValidUntil = approval.Pending, nil, nil, nil
	req.Required, req.Votes, req.Reasons = tally.Needs, tally.Votes, g.Answer.Reasons
	return ruling{approval: req.ID, deadline: &req.Deadline, open: &req}
}

// alive says whether a request may still lead to a permission.
func alive(r approval.Request, at time.Time) bool {
	switch r.Status {
	case approval.Pending:
		return !r.Late(at)
	case approval.Approved:
		return !r.UsedUp && (r.ValidUntil == nil || at.Before(*r.ValidUntil))
	case approval.Denied, approval.Expired, approval.Void, approval.Withdrawn:
	}
	return false
}

// request asks people about a prepared action.
func (pr *Prepared) request(l *Live, g Ground, at time.Time) approval.Request {
	w := pr.wanted
	terms := approval.TermsOf(g.Answer.Required)
	req := approval.Request{
		ID:   ident.Derive(ident.Approval, at, l.Start.ID, w.Path, strconv.Itoa(w.Occurrence), strconv.Itoa(w.Requests+1)),
		Kind: pr.preimage.Kind, Status: approval.Pending, Digest: pr.digest, Preimage: pr.text,
		Run: l.Start.ID, Step: w.Path, Occurrence: w.Occurrence, Action: w.Action.Ref(),
		Impact: string(w.Action.Impact), Connection: pr.conn.Name, Params: w.Params, Targets: pr.targets,
		Reasons: g.Answer.Reasons, Votes: []approval.Vote{}, Escalated: []approval.Widening{}, Deadline: at.Add(terms.Within),
		Title: headline(w, pr.targets), Alert: l.Start.Alert, Playbook: l.Start.Playbook, CreatedAt: at,
		Requirements: g.Answer.Required, Starter: starter(l.Start.Trigger), Author: l.Playbook.Author,
		Revision: g.Answer.Revision, Inverse: inverseOf(w),
	}
	if w.Lease > 0 {
		n := int64(w.Lease / time.Second)
		req.LeaseSeconds = &n
	}
	req.Required = approval.Weigh(req, nil, at).Needs
	return req
}

// inverseOf says how the action would be undone. Its parameters are known before
// the action only where they come from the input alone.
func inverseOf(w engine.Wanted) *approval.Inverse {
	if w.Action.Inverse == nil {
		return nil
	}
	inv := &approval.Inverse{Action: w.Action.Integration + "." + w.Action.Inverse.Action}
	if params, err := w.Action.Undo(w.Params, nil, nil); err == nil {
		inv.Params = params
	}
	return inv
}

// headline is made from verb and target, never from an alert's text alone.
func headline(w engine.Wanted, targets []approval.Target) string {
	verb := w.Action.Title
	if verb == "" {
		verb = w.Action.Ref()
	}
	if w.Purpose == gate.ForExtend {
		verb = "Keep longer: " + verb
	}
	switch len(targets) {
	case 0:
		return verb
	case 1:
		return verb + ": " + targets[0].Value
	}
	return fmt.Sprintf("%s: %s and %d more", verb, targets[0].Value, len(targets)-1)
}

func starter(tr engine.Trigger) string { return tr.By }

// votesOf are the valid yes votes as the policy sees them.
func votesOf(r *approval.Request) []gate.Approval {
	out := []gate.Approval{}
	if r == nil {
		return out
	}
	for _, v := range r.Votes {
		if v.Counts && v.Decision == approval.Yes {
			out = append(out, gate.Approval{By: v.By, At: stamp(v.At), Roles: []string{}})
		}
	}
	return out
}

// Ask opens the request of an approval or question block.
func (p *Performer) Ask(l *Live, path string, at time.Time) (Record, []engine.Command, error) {
	rec := l.Blank()
	req, err := p.blockRequest(l, path, at)
	if err != nil {
		return rec, nil, err
	}
	rec.Open = append(rec.Open, req)
	cmds, err := l.Take(at, engine.Requested{Path: path, Approval: req.ID, Deadline: &req.Deadline}, &rec)
	l.Seal(&rec)
	return rec, cmds, err
}

func (p *Performer) blockRequest(l *Live, path string, at time.Time) (approval.Request, error) {
	b, title, requests, ok := l.State.Asking(path)
	if !ok {
		return approval.Request{}, fmt.Errorf("step %s asks nobody", path)
	}
	req := approval.Request{
		ID:     ident.Derive(ident.Approval, at, l.Start.ID, path, "block", strconv.Itoa(requests+1)),
		Status: approval.Pending, Run: l.Start.ID, Step: path, Occurrence: 1, Targets: []approval.Target{},
		Reasons: []approval.Reason{}, Votes: []approval.Vote{}, Escalated: []approval.Widening{}, Title: title, Alert: l.Start.Alert,
		Playbook: l.Start.Playbook, CreatedAt: at, Starter: starter(l.Start.Trigger), Author: l.Playbook.Author,
	}
	need := approval.Requirement{Quorum: 1, Not: []string{}, Hold: "0s", ValidFor: approval.DefaultValidFor, Extend: approval.DefaultExtend}
	params := map[string]any{"title": title, "form": nil}
	var within time.Duration
	if q := b.Question; b.Kind == playbook.KindQuestion {
		req.Kind, req.Form, within = approval.KindQuestion, q.Form, q.Within
		need.Rule, need.Reason, need.Who = "question", "the playbook asks", q.To
		params["form"] = q.Form
	} else {
		req.Kind, within = approval.KindApproval, b.Approval.Within
		need.Rule, need.Reason, need.Who, need.Quorum = "approval", "the playbook asks for it", b.Approval.To, max(1, b.Approval.Quorum)
	}
	if within <= 0 {
		within, _ = approval.ParseDuration(approval.DefaultWithin)
	}
	need.Within = approval.DurationText(within)
	params["to"], params["quorum"], params["within"] = anyList(need.Who), need.Quorum, need.Within
	req.Params, req.Deadline, req.Requirements = params, at.Add(within), approval.Merge([]approval.Requirement{need})
	pre := approval.Preimage{
		Kind: req.Kind, Instance: p.Instance(), Run: l.Start.ID, Step: path, Occurrence: 1, Params: params,
	}
	if l.Start.Version != "" {
		pre.PlaybookSHA256 = l.Start.Version
	}
	var err error
	if req.Digest, req.Preimage, err = pre.Digest(); err != nil {
		return req, fmt.Errorf("step %s: %w", path, err)
	}
	req.Required = approval.Weigh(req, nil, at).Needs
	return req, nil
}

// Reask asks the policy again about a request that waits, because the policy
// changed: an allow changes nothing, an approve makes it stricter, a deny voids it.
func (p *Performer) Reask(l *Live, pr *Prepared, at time.Time, done func([]engine.Command, error)) *Asking {
	return &Asking{
		Question: pr.question, Answer: pr.answer, Judge: p.Gate.Judge, Approval: pr.wanted.Approval,
		Then: func(g Ground) Record {
			rec := l.Blank()
			cmds, err := reask(l, pr, g, at, &rec)
			l.Seal(&rec)
			done(cmds, err)
			return rec
		},
	}
}

func reask(l *Live, pr *Prepared, g Ground, at time.Time, rec *Record) ([]engine.Command, error) {
	if g.Approval == nil || g.Approval.Status != approval.Pending && g.Approval.Status != approval.Approved {
		return nil, nil
	}
	dec, input, err := decision(l, pr, g, false, at)
	if err != nil {
		return nil, err
	}
	rec.Decisions = append(rec.Decisions, Decided{Decision: dec, Input: input, AlertSHA256: l.AlertSHA256, Notify: g.Answer.Limits.Notify})
	req := *g.Approval
	switch {
	case g.Answer.Outcome == gate.Allow:
		req.Revision = g.Answer.Revision
	case g.Answer.Outcome == gate.Approve && g.Approval.Status == approval.Pending:
		req.Revision, req.Requirements = g.Answer.Revision, approval.Stricter(req.Requirements, g.Answer.Required)
		tally := approval.Weigh(req, g.Voters, at)
		req.Required, req.Votes, req.Reasons = tally.Needs, tally.Votes, g.Answer.Reasons
	case g.Answer.Outcome == gate.Approve: // weighed at dispatch
		return nil, nil
	default:
		why := "the policy changed: " + inWords(g.Answer)
		rec.Close = append(rec.Close, Close{ID: req.ID, Status: approval.Void, Why: why})
		return l.Take(at, engine.ApprovalDecided{
			Path: pr.wanted.Path, Approval: req.ID, Status: string(approval.Void), By: []string{}, Comment: why,
		}, rec)
	}
	rec.Open = append(rec.Open, req)
	return nil, nil
}

func closing(c engine.Void) Close {
	return Close{ID: c.Approval, Status: approval.Status(c.Status), Why: strings.TrimSpace(c.Why)}
}

func anyList(words []string) []any {
	out := make([]any, len(words))
	for i, w := range words {
		out[i] = w
	}
	return out
}
