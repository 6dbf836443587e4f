package perform

import (
	"fmt"
	"time"

	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/gate"
	"github.com/tocsin-soar/tocsin/server/ledger"
)

// consequences writes what follows from an outcome outside the journal.
func (p *Performer) consequences(l *Live, w engine.Wanted, body engine.Body, g Ground, at time.Time, rec *Record) {
	switch b := body.(type) {
	case engine.Succeeded:
		if b.Attempt != w.Attempt || !l.State.Dispatched(w.Path) {
			return
		}
		p.succeeded(l, w, b.Effect, g, at, rec)
		if w.Approval != "" {
			rec.UsedUp = append(rec.UsedUp, w.Approval)
		}
	case engine.Verified:
		if b.Found == "yes" {
			p.succeeded(l, w, b.Effect, g, at, rec)
		}
	case engine.Resolved:
		if b.As == "done" {
			p.succeeded(l, w, b.Effect, g, at, rec)
		}
		if b.As == "failed" {
			rec.Free = append(rec.Free, claimOf(l, w))
		}
	case engine.Failed:
		rec.Free = append(rec.Free, claimOf(l, w))
	default:
	}
}

// claimOf names the reservation of the attempt that certainly did nothing.
func claimOf(l *Live, w engine.Wanted) Claim {
	return Claim{Decision: w.Decision, Run: l.Start.ID, Step: w.Path, Occurrence: w.Occurrence, Action: w.Action.Ref()}
}

func (p *Performer) succeeded(l *Live, w engine.Wanted, m *engine.Made, g Ground, at time.Time, rec *Record) {
	switch {
	case w.Purpose == gate.ForExtend:
		p.extended(l, w, g, at, rec)
	case m != nil:
		p.take(l, w, m, g, at, rec)
	default:
		p.released(l, w, at, rec)
	}
}

// take begins an effect, or adds this run's hold to one that is in force.
func (p *Performer) take(l *Live, w engine.Wanted, m *engine.Made, g Ground, at time.Time, rec *Record) {
	targets, _ := p.targets(w) // the same that were frozen before
	e := ledger.Effect{
		ID: m.ID, Key: m.Key, Action: w.Action.Ref(), Connection: w.Connection, Status: ledger.InForce,
		Impact: string(w.Action.Impact), Since: at, Until: m.Until, Run: l.Start.ID, Step: w.Path,
		Playbook: l.Start.Playbook, Params: w.Params,
		Inverse: ledger.Inverse{Action: m.Action, Params: m.Params, Manifest: m.Manifest},
	}
	for _, t := range targets {
		e.Targets = append(e.Targets, ledger.Target(t))
	}
	if m.Foreign {
		e.Status = ledger.Foreign
	}
	outcome := string(gate.Allow)
	if w.Approval != "" {
		outcome = string(gate.Approve)
	}
	e.Holds = []ledger.Hold{{
		Run: l.Start.ID, Step: w.Path, Until: m.Until, ApprovedBy: approvedBy(g.Approval),
		Decision: w.Decision, Outcome: outcome, LeaseSeconds: m.Lease,
	}}
	rec.Effects = append(rec.Effects, Grip{Verb: GripTake, Effect: e, Audit: effectAudit(l, w, "effect.begin", at)})
}

// released ends the effect whose inverse this action was: by an undo or expiry of
// the ledger, by this run's own undo, or because a playbook did it as a step.
func (p *Performer) released(l *Live, w engine.Wanted, at time.Time, rec *Record) {
	if w.Action.Impact == connector.Read {
		return
	}
	key, err := ledger.Key(w.Connection, w.Action.Ref(), w.Params)
	if err != nil {
		return
	}
	e := ledger.Effect{Key: key, Status: ledger.Undone, EndedBy: endedBy(l, w), UndoRun: l.Start.ID}
	rec.Effects = append(rec.Effects, Grip{Verb: GripState, Effect: e, Audit: effectAudit(l, w, "effect.end", at)})
}

func endedBy(l *Live, w engine.Wanted) string {
	switch {
	case w.Purpose == gate.ForExpiry:
		return ledger.ByExpiry
	case l.Start.Trigger.Kind == "effect" || l.Start.Trigger.Kind == "manual":
		return ledger.ByPerson
	}
	return ledger.ByRun
}

// extended makes the hold longer: until the end that was approved.
func (p *Performer) extended(l *Live, w engine.Wanted, g Ground, at time.Time, rec *Record) {
	until := at.Add(w.Lease)
	rec.Effects = append(rec.Effects, Grip{Verb: GripExtend, Audit: effectAudit(l, w, "effect.extend", at), Effect: ledger.Effect{
		ID: l.Start.Trigger.Effect,
		Holds: []ledger.Hold{{
			Run: l.Start.ID, Step: w.Path, Until: &until, ApprovedBy: approvedBy(g.Approval), Decision: w.Decision,
			Outcome: string(gate.Approve), LeaseSeconds: int64(w.Lease / time.Second),
		}},
	}})
}

// undoFailed marks the effect when its undo ended otherwise than with success.
func (p *Performer) undoFailed(l *Live, w engine.Wanted, at time.Time, rec *Record) {
	undo := w.Purpose == gate.ForUndo || w.Purpose == gate.ForExpiry
	if !undo {
		return
	}
	status, why, ended := l.State.Outcome(w.Path)
	if !ended || status == engine.StepSucceeded {
		if status == engine.StepInDoubt {
			rec.Effects = append(rec.Effects, p.mark(w, ledger.InDoubt, "nobody knows whether the undo took effect", l.Start.ID))
		}
		return
	}
	g := p.mark(w, ledger.UndoFailed, why, l.Start.ID)
	g.Audit = effectAudit(l, w, "effect.undo", at)
	g.Audit.Outcome, g.Audit.Reason = audit.Refused, why
	rec.Effects = append(rec.Effects, g)
}

func (p *Performer) mark(w engine.Wanted, s ledger.Status, why, run string) Grip {
	e := ledger.Effect{Key: w.Effect, Status: s, Why: why, UndoRun: run}
	if e.Key == "" {
		key, err := ledger.Key(w.Connection, w.Action.Ref(), w.Params)
		if err == nil {
			e.Key = key
		}
	}
	return Grip{Verb: GripState, Effect: e}
}

// EndHold ends this run's hold on an effect; whether the inverse is due is known
// in the act.
func (p *Performer) EndHold(l *Live, c engine.EndHold, at time.Time, done func([]engine.Command, error)) (Record, *Asking) {
	rec := l.Blank()
	rec.Effects = append(rec.Effects, Grip{Verb: GripEnd, Effect: ledger.Effect{
		Key: c.Key, EndedBy: ledger.ByRun, UndoRun: l.Start.ID, Holds: []ledger.Hold{{Run: l.Start.ID}},
	}})
	return rec, &Asking{Then: func(g Ground) Record {
		rec := l.Blank()
		b := engine.HoldEnded{Path: c.Path, Key: c.Key}
		if len(g.Ended) > 0 {
			b.Due, b.Kept = g.Ended[0].Due, g.Ended[0].Kept
		}
		cmds, err := l.Take(at, b, &rec)
		l.Seal(&rec)
		done(cmds, err)
		return rec
	}}
}

// effectAudit is an entry about an effect; the ledger puts in which.
func effectAudit(l *Live, w engine.Wanted, verb string, at time.Time) *audit.Draft {
	return &audit.Draft{
		At: at, Actor: audit.Actor{Kind: "system", Name: "engine"}, Verb: verb,
		Object: audit.Object{Kind: "effect"}, Run: l.Start.ID, Step: w.Path,
		Decision: w.Decision, Digest: w.Digest, Outcome: audit.Done,
		Reason: fmt.Sprintf("%s through %s", w.Action.Ref(), w.Connection),
	}
}
