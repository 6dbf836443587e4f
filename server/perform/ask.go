package perform

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/tocsin-soar/tocsin/server/approval"
	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/gate"
	"github.com/tocsin-soar/tocsin/server/ident"
)

// Prepare finds the connection, checks the parameters, freezes the targets and
// asks the policy. Its error is for the step: the question could not be asked.
func (p *Performer) Prepare(ctx context.Context, l *Live, w engine.Wanted, at time.Time, facts gate.Facts, req *approval.Request) (*Prepared, error) {
	conn, err := p.Estate.Connection(w.Connection, w.Action.Integration)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", w.Action.Ref(), err)
	}
	if conn.Disabled && !UsesDisabled(w) {
		return nil, fault.New(fault.Unavailable, "the connection %s is disabled", conn.Name).WithCode("connection_disabled")
	}
	conn.Disabled = false // not for this attempt: the caller below refuses one that is
	if places := w.Action.CheckInput(w.Params); len(places) > 0 {
		return nil, fault.New(fault.InvalidInput, "%s: %s: %s", w.Action.Ref(), places[0].At, places[0].Message).WithPlaces(places...)
	}
	targets, err := p.targets(w)
	if err != nil {
		return nil, err
	}
	pr := &Prepared{wanted: w, conn: conn, targets: targets}
	if err := p.ask(ctx, l, pr, at, facts, req); err != nil {
		return nil, err
	}
	if most := pr.answer.Limits.MaxForSeconds; most != nil && pr.wanted.Lease > time.Duration(*most)*time.Second {
		pr.wanted.Lease = time.Duration(*most) * time.Second
		if err := p.ask(ctx, l, pr, at, facts, req); err != nil {
			return nil, err
		}
	}
	return pr, nil
}

// targets reads what the action touches and adds what is known of it.
func (p *Performer) targets(w engine.Wanted) ([]approval.Target, error) {
	ts, err := w.Action.TargetsOf(w.Params)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", w.Action.Ref(), err)
	}
	for i, t := range ts {
		ts[i].Tags, ts[i].Owner = p.Estate.Tags(t.Kind, t.Value)
		if ts[i].Tags == nil {
			ts[i].Tags = []string{}
		}
	}
	if ts == nil {
		ts = []approval.Target{}
	}
	return ts, nil
}

func (p *Performer) ask(ctx context.Context, l *Live, pr *Prepared, at time.Time, facts gate.Facts, req *approval.Request) error {
	pr.preimage = p.preimage(l, pr)
	digest, text, err := pr.preimage.Digest()
	if err != nil {
		return fault.Wrap(err, fault.InvalidInput, "%s: the parameters have no digest: %s", pr.wanted.Action.Ref(), err)
	}
	pr.digest, pr.text = digest, text
	pr.question = p.question(l, pr, at, facts, req)
	pr.answer = p.Gate.Judge(ctx, pr.question)
	return nil
}

// preimage is what the digest is made of, but for what the caller sees itself.
func (p *Performer) preimage(l *Live, pr *Prepared) approval.Preimage {
	w := pr.wanted
	pre := approval.Preimage{
		Kind: approval.KindAction, Instance: p.Instance(), Run: l.Start.ID, Step: w.Path,
		Occurrence: int64(w.Occurrence), Targets: pr.targets,
		Action: w.Action.Ref(), ActionSHA256: w.Action.SHA256, Connection: pr.conn.Name,
		BaseURL: pr.conn.BaseURL, CredentialVersion: pr.conn.CredentialVersion,
		Params: w.Params, Impact: string(w.Action.Impact),
	}
	if l.Start.Version != "" {
		pre.PlaybookSHA256 = l.Start.Version
	}
	if w.Lease > 0 {
		pre.LeaseSeconds = int64(w.Lease / time.Second)
	}
	if w.Purpose == gate.ForExtend {
		pre.Kind = approval.KindExtend
	}
	return pre
}

func (p *Performer) question(l *Live, pr *Prepared, at time.Time, facts gate.Facts, req *approval.Request) gate.Question {
	w := pr.wanted
	params := w.Params
	if params == nil {
		params = map[string]any{}
	}
	started, trig := l.State.Started()
	q := gate.Question{
		Action: gate.Action{
			ID: w.Action.Ref(), Integration: w.Action.Integration, Impact: string(w.Action.Impact),
			Params: params, LeaseSeconds: int64(w.Lease / time.Second), Digest: pr.digest,
		},
		Purpose: w.Purpose, Targets: pr.targets,
		Connection: gate.Connection{Name: pr.conn.Name, Environment: pr.conn.Environment, Tags: orEmpty(pr.conn.Tags)},
		Playbook:   l.Playbook,
		Run:        gate.Run{ID: l.Start.ID, Trigger: trig.Kind, Depth: trig.Depth, StartedAt: stamp(started)},
		Alert:      l.Alert, Effect: effectOf(l), Actor: actorOf(trig), Approvals: votesOf(req),
		Attempt: gate.Attempt{Number: int64(w.Attempt), Error: w.LastError},
		Now:     p.Gate.Moment(at), Facts: facts,
	}
	if l.Start.Playbook == "" {
		q.Playbook = gate.Playbook{Reviewed: true}
		q.Run = gate.Run{}
	}
	return q.Whole()
}

// Asking makes the act of a prepared question. done is told the attempt that was
// dispatched, if any, and the commands that are left, after Then has run.
func (p *Performer) Asking(l *Live, pr *Prepared, at time.Time, done func(*Attempt, []engine.Command, error)) *Asking {
	return &Asking{
		Question: pr.question, Answer: pr.answer, Judge: p.Gate.Judge,
		Reserves: pr.wanted.Action.Impact.SideEffect(), Approval: pr.wanted.Approval,
		Then: func(g Ground) Record {
			rec := l.Blank()
			att, cmds, err := p.settle(l, pr, g, at, &rec)
			l.Seal(&rec)
			done(att, cmds, err)
			return rec
		},
	}
}

// Outright says that the answer to a prepared question does not depend on what is
// true inside an act: a plainly allowed or denied read, on which nobody voted.
func (pr *Prepared) Outright() bool {
	return !pr.wanted.Action.Impact.SideEffect() && pr.wanted.Approval == "" && pr.answer.Outcome != gate.Approve
}

// Settle is what Asking comes to where the answer is outright.
func (p *Performer) Settle(l *Live, pr *Prepared, at time.Time, rec *Record) (*Attempt, []engine.Command, error) {
	att, cmds, err := p.settle(l, pr, Ground{At: at, Question: pr.question, Answer: pr.answer}, at, rec)
	l.Seal(rec)
	return att, cmds, err
}

// settle turns the answer into events and rows, inside the act.
func (p *Performer) settle(l *Live, pr *Prepared, g Ground, at time.Time, rec *Record) (*Attempt, []engine.Command, error) {
	w := pr.wanted
	if g.Halted && w.Action.Impact.SideEffect() {
		cmds, err := l.Take(at, engine.Halted{Path: w.Path}, rec)
		return nil, cmds, err
	}
	v := verdict(l, pr, g, at)
	dec, input, err := decision(l, pr, g, v.permitted, at)
	if err != nil {
		return nil, nil, err
	}
	row := Decided{Decision: dec, Input: input, AlertSHA256: l.AlertSHA256, Notify: g.Answer.Limits.Notify}
	dry := g.Answer.Limits.DryRun
	if v.permitted && w.Action.Impact.SideEffect() && !dry {
		row.Reserve = reservation(l, pr, dec.ID, at)
	}
	rec.Decisions = append(rec.Decisions, row)
	if a, audited := auditDecision(l, pr, dec); audited {
		rec.Audit = append(rec.Audit, a)
	}
	if v.open != nil {
		rec.Open = append(rec.Open, *v.open)
	}
	body := engine.Decided{
		Path: w.Path, Decision: dec.ID, Outcome: string(g.Answer.Outcome), Permitted: v.permitted,
		Reason: inWords(g.Answer), Digest: pr.digest, Connection: pr.conn.Name,
		Lease: int64(w.Lease / time.Second), DryRun: dry && w.Action.Impact.SideEffect(), Approval: v.approval, Deadline: v.deadline,
	}
	cmds, err := l.Take(at, body, rec)
	if err != nil {
		return nil, nil, err
	}
	return p.dispatch(l, pr, dec, cmds, at, rec)
}

// dispatch writes the attempt of a permitted step, before it is sent.
func (p *Performer) dispatch(l *Live, pr *Prepared, dec gate.Decision, cmds []engine.Command, at time.Time, rec *Record) (*Attempt, []engine.Command, error) {
	w := pr.wanted
	var rest []engine.Command
	var att *Attempt
	for _, c := range cmds {
		if call, ok := c.(engine.Call); !ok || call.Path != w.Path || !l.State.Calls(w.Path) {
			rest = append(rest, c)
			continue
		}
		body := engine.Dispatched{Path: w.Path, Attempt: w.Attempt, Key: w.Key, Digest: pr.digest, Decision: dec.ID}
		more, err := l.Take(at, body, rec)
		if err != nil {
			return nil, nil, err
		}
		rest = append(rest, more...)
		att = &Attempt{
			Path: w.Path, Number: w.Attempt, Wanted: w, Permit: gate.NewPermit(dec.ID, pr.digest),
			DryRun: l.State.DryRun(w.Path),
			Call: connector.Call{
				Action: w.Action, Connection: pr.conn, Params: w.Params, Key: w.Key,
				Timeout: w.Timeout, Preimage: pr.preimage, Depth: l.Start.Trigger.Depth,
			},
		}
		if w.Action.Impact.SideEffect() {
			rec.Audit = append(rec.Audit, audit.Draft{
				At: at, Actor: audit.Actor{Kind: "system", Name: "engine"}, Verb: "action.dispatch",
				Object: audit.Object{Kind: "action", ID: w.Action.Ref()}, Run: l.Start.ID, Step: w.Path,
				Decision: dec.ID, Digest: pr.digest, Outcome: audit.Done,
				Reason: "attempt " + strconv.Itoa(w.Attempt),
			})
		}
	}
	return att, rest, nil
}

// decision is the record of the answer, with the exact input.
func decision(l *Live, pr *Prepared, g Ground, permitted bool, at time.Time) (gate.Decision, []byte, error) {
	w := pr.wanted
	q := g.Question
	q.Alert = nil
	input, err := ident.Lossless(q)
	if err != nil {
		return gate.Decision{}, nil, fmt.Errorf("record a decision: %w", err)
	}
	whole, err := l.wholeInput(q, input)
	if err != nil {
		return gate.Decision{}, nil, fmt.Errorf("record a decision: %w", err)
	}
	return gate.Decision{
		ID:      ident.Derive(ident.Decision, at, l.Start.ID, w.Path, strconv.FormatUint(l.State.Seq(), 10), string(w.Purpose)),
		Outcome: g.Answer.Outcome, Reasons: g.Answer.Reasons, Revision: g.Answer.Revision,
		InputSHA256: ident.Sum(whole), TookUS: g.Answer.Took.Microseconds(), Run: l.Start.ID, Step: w.Path,
		Attempt: int64(w.Attempt), Action: w.Action.Ref(), Impact: string(w.Action.Impact),
		Connection: pr.conn.Name, Purpose: w.Purpose, At: at, Actor: q.Actor, Permitted: permitted,
	}, input, nil
}

func reservation(l *Live, pr *Prepared, id string, at time.Time) *Claim {
	kinds := make([]string, len(pr.targets))
	for i, t := range pr.targets {
		kinds[i] = t.Kind
	}
	w := pr.wanted
	return &Claim{
		Decision: id, Run: l.Start.ID, Step: w.Path, Occurrence: w.Occurrence, Action: w.Action.Ref(),
		Impact: string(w.Action.Impact), TargetKinds: kinds, Playbook: l.Start.Playbook, At: at,
	}
}

// auditDecision makes the entry of a decision; plainly allowed reads leave none.
func auditDecision(l *Live, pr *Prepared, d gate.Decision) (audit.Draft, bool) {
	if d.Outcome == gate.Allow && d.Impact == string(connector.Read) {
		return audit.Draft{}, false
	}
	a := audit.Draft{
		At: d.At, Actor: audit.Actor{Kind: "system", Name: "policy"}, Verb: "decision",
		Object: audit.Object{Kind: "action", ID: d.Action}, Run: l.Start.ID, Step: d.Step,
		Decision: d.ID, Digest: pr.digest, Reason: string(d.Outcome), Outcome: audit.Done,
	}
	if d.Outcome != gate.Allow && d.Outcome != gate.Approve {
		a.Outcome = audit.Refused
	}
	return a, true
}

func inWords(a gate.Answer) string {
	for _, r := range a.Reasons {
		if r.Outcome == string(a.Outcome) {
			return r.Rule + ": " + r.Reason
		}
	}
	return "no rule allows this"
}

func effectOf(l *Live) *gate.Effect {
	return l.Start.Effect
}

func actorOf(tr engine.Trigger) gate.Actor {
	switch tr.Kind {
	case "manual", "effect":
		if tr.By != "" {
			kind := tr.ActorKind
			if kind == "" {
				kind = "user"
			}
			return gate.Actor{Kind: kind, Name: tr.By, Roles: orEmpty(tr.Roles)}
		}
	case "schedule":
		return gate.Actor{Kind: "schedule", Name: tr.Schedule, Roles: []string{}}
	}
	return gate.Actor{Kind: "system", Name: "", Roles: []string{}}
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// Refusal is the step's error where the question could not be asked.
func Refusal(w engine.Wanted, why error) *engine.Error {
	e := &engine.Error{Kind: string(fault.KindOf(why)), Message: why.Error(), Step: w.Path}
	if fault.KindOf(why) == fault.Internal {
		e.Message = "an internal error; the log of the server says more"
	}
	return e
}
