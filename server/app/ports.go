package app

import (
	"context"
	"encoding/json"
	"runtime"
	"strings"
	"time"

	"github.com/tocsin-soar/tocsin/server/approval"
	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/control"
	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/gate"
	"github.com/tocsin-soar/tocsin/server/httpapi"
	"github.com/tocsin-soar/tocsin/server/inbox"
	"github.com/tocsin-soar/tocsin/server/intake"
	"github.com/tocsin-soar/tocsin/server/ledger"
	"github.com/tocsin-soar/tocsin/server/lookup"
	"github.com/tocsin-soar/tocsin/server/observe"
	"github.com/tocsin-soar/tocsin/server/opa"
	"github.com/tocsin-soar/tocsin/server/store"
)

// The types of this file fit the pieces to the words of the API.

// judge counts what the policy answers. It lets as many questions be answered at
// once as there are processors: more would only make each of them late.
type judge struct {
	*opa.Engine
	num   *observe.Metrics
	seats chan struct{}
}

func newJudge(e *opa.Engine, num *observe.Metrics) judge {
	return judge{e, num, make(chan struct{}, max(2, runtime.GOMAXPROCS(0)))}
}

// Judge asks the policy in force.
func (j judge) Judge(ctx context.Context, q gate.Question) gate.Answer {
	j.seats <- struct{}{}
	defer func() { <-j.seats }()
	a := j.Engine.Judge(ctx, q)
	j.num.Decision(string(a.Outcome), a.Took)
	return a
}

// meter counts calls.
type meter struct{ num *observe.Metrics }

// Called counts one.
func (m meter) Called(integration, _ string, did connector.Did, _ fault.Kind, took time.Duration) {
	m.num.Call(integration, string(did), took)
}

// hooks hands deliveries to the intake.
type hooks struct{ in *intake.Intake }

// Receive takes one delivery in.
func (h hooks) Receive(ctx context.Context, d httpapi.Delivery) (intake.Answer, error) {
	headers := make(map[string]string, len(d.Headers))
	for name, values := range d.Headers {
		headers[strings.ToLower(name)] = strings.Join(values, ", ")
	}
	return h.in.Receive(ctx, intake.Request{
		Source: d.Source, ContentType: d.ContentType, Body: d.Body, Headers: headers, IP: d.Address,
	})
}

// runs reads runs.
type runs struct {
	*store.Store
	a *App
}

// Runs lists runs.
func (r runs) Runs(ctx context.Context, f lookup.Runs, p lookup.Page) (lookup.List[engine.Run], error) {
	list, err := r.Store.Runs(ctx, f, p)
	for i := range list.Items {
		r.untilTried(list.Items[i].Waiting)
	}
	return list, err
}

// Run gives one with its steps.
func (r runs) Run(ctx context.Context, id string) (engine.Run, error) {
	run, err := r.Store.Run(ctx, id)
	r.untilTried(run.Waiting)
	return run, err
}

// untilTried puts in when a broken connection is tried next; what is stored is when
// the step gives it up.
func (r runs) untilTried(list []engine.Waiting) {
	for i, w := range list {
		if w.Kind != engine.WaitConnection {
			continue
		}
		if line := r.a.lines.Line(w.Ref); line.Open && (w.Until == nil || line.Until.Before(*w.Until)) {
			list[i].Until = &line.Until
		}
	}
}

// effects reads the ledger.
type effects struct{ *store.Store }

// Effect gives one.
func (e effects) Effect(ctx context.Context, id string) (ledger.Effect, error) {
	return e.EffectByID(ctx, id)
}

// decisions reads decisions.
type decisions struct{ *store.Store }

// Decision gives one with its input.
func (d decisions) Decision(ctx context.Context, id string) (lookup.Decision, error) {
	return d.DecisionByID(ctx, id)
}

// voices takes people's answers.
type voices struct{ in *inbox.Inbox }

// Decide is a yes or a no.
func (v voices) Decide(ctx context.Context, by control.Actor, id, decision, digest, comment string) (approval.Request, error) {
	return v.in.Decide(ctx, by.Actor, id, decision, digest, comment)
}

// Answer fills a question's form.
func (v voices) Answer(ctx context.Context, by control.Actor, id, digest string, answer map[string]any) (approval.Request, error) {
	return v.in.Answer(ctx, by.Actor, id, digest, answer)
}

// Withdraw takes a yes back.
func (v voices) Withdraw(ctx context.Context, by control.Actor, id string) (approval.Request, error) {
	return v.in.Withdraw(ctx, by.Actor, id)
}

// Extend gives people more time.
func (v voices) Extend(ctx context.Context, by control.Actor, id string, d time.Duration) (approval.Request, error) {
	return v.in.Extend(ctx, by.Actor, id, d)
}

// steering is what a person may do to runs, effects and the halt.
type steering struct{ a *App }

// StartRun starts a playbook by hand.
func (s steering) StartRun(ctx context.Context, by control.Actor, o httpapi.StartRun) (string, error) {
	e, ok := s.a.lib.Current().Playbook(o.Playbook)
	if !ok {
		return "", fault.New(fault.NotFound, "no such playbook")
	}
	if e.Playbook == nil {
		return "", fault.New(fault.Conflict, "no version of this playbook is published").WithCode("not_published")
	}
	order := control.Ordered{Playbook: e.Playbook, Version: e.Playbook.SHA256, Inputs: o.Inputs, Key: o.Key}
	if o.Alert != "" {
		al, err := s.a.store.Alert(ctx, o.Alert)
		if err != nil {
			return "", err
		}
		raw, err := json.Marshal(al.Alert)
		if err != nil {
			return "", fault.Wrap(err, fault.Internal, "the alert cannot be written down")
		}
		order.Alert, order.AlertRaw = &al.Alert, raw
	}
	return s.a.control.Run(ctx, by, order)
}

// Cancel ends a run early.
func (s steering) Cancel(ctx context.Context, by control.Actor, run string, force bool, reason string) error {
	return s.a.control.Cancel(ctx, by, run, force, reason)
}

// UndoRun undoes what the run has in force, latest first.
func (s steering) UndoRun(ctx context.Context, by control.Actor, run, reason string) ([]ledger.Effect, error) {
	if _, err := s.a.store.Run(ctx, run); err != nil {
		return nil, err
	}
	out := []ledger.Effect{}
	list, err := s.a.store.Effects(ctx, lookup.Effects{Run: run}, lookup.Page{Limit: 200})
	if err != nil {
		return nil, err
	}
	for _, e := range list.Items {
		if e.Status != ledger.InForce && e.Status != ledger.UndoFailed && e.Status != ledger.Drifted {
			continue
		}
		after, err := s.a.control.Undo(ctx, by, e.ID, reason)
		if err != nil && fault.KindOf(err) != fault.Conflict {
			return out, err
		}
		if err == nil {
			out = append(out, after)
		}
	}
	return out, nil
}

// Resolve is a person's word on a step in doubt.
func (s steering) Resolve(ctx context.Context, by control.Actor, run string, r control.Resolution) error {
	return s.a.control.Resolve(ctx, by, run, r)
}

// UndoEffect takes an effect back.
func (s steering) UndoEffect(ctx context.Context, by control.Actor, id, reason string) (ledger.Effect, error) {
	return s.a.control.Undo(ctx, by, id, reason)
}

// ExtendEffect asks for a later end.
func (s steering) ExtendEffect(ctx context.Context, by control.Actor, id string, until time.Time, reason string) (ledger.Effect, error) {
	return s.a.control.Extend(ctx, by, id, until, reason)
}

// HaltState tells the kill switch.
func (s steering) HaltState(ctx context.Context) (control.Halt, error) {
	return s.a.store.HaltState(ctx)
}

// HaltOn throws it.
func (s steering) HaltOn(ctx context.Context, by control.Actor, reason string) (control.Halt, error) {
	return s.a.control.HaltOn(ctx, by, reason)
}

// HaltOff lifts it or asks a second person.
func (s steering) HaltOff(ctx context.Context, by control.Actor, reason string) (control.Halt, error) {
	return s.a.control.HaltOff(ctx, by, reason, s.a.store.Instance())
}

// Ready says whether alerts can be taken.
func (s steering) Ready() (ok bool, why string) {
	if err := s.a.store.Ready(); err != nil {
		return false, err.Error()
	}
	return true, ""
}

// Quarantined says whether the database is a copy that nobody has released.
func (s steering) Quarantined() bool {
	h, err := s.a.store.HaltState(context.Background())
	return err == nil && h.Quarantine
}
