package intake

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/tocsin-soar/tocsin/server/alert"
	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/expr"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/ident"
	"github.com/tocsin-soar/tocsin/server/trigger"
)

// verb is what the audit log calls taking an alert in.
const verb = "alert.receive"

// Platform is the name of the source of alerts that runs create. No other
// source may have it.
const Platform = "tocsin"

// accept matches the triggers of what may be new before the act, so that the
// act stays short, and hands the delivery to the store.
func (in *Intake) accept(ctx context.Context, d Delivery) (Answer, error) {
	f := folder{in: in, at: d, candidates: in.o.Catalog.Triggers(), hits: map[string][]trigger.Hit{}, outcomes: map[string]string{}}
	for _, it := range d.Items {
		if !it.Ignore && !it.Closes {
			f.hits[it.Alert.ID] = f.match(it.Alert, false, f.candidates)
		}
	}
	answer, err := in.o.Store.Accept(ctx, d, f.fold)
	if err != nil {
		return Answer{}, fmt.Errorf("accept a delivery of %s: %w", d.Source, err)
	}
	for _, o := range f.outcomes {
		in.o.Count(d.Source, o)
	}
	return answer, nil
}

// folder decides inside the act what an item comes to. A store may call it again
// when the act has to be repeated: it then says the same.
type folder struct {
	in         *Intake
	at         Delivery
	candidates []trigger.Candidate
	hits       map[string][]trigger.Hit // of items that are new, by the alert's id
	outcomes   map[string]string        // by the item's alert's id
}

func (f *folder) match(a alert.Alert, repeat bool, candidates []trigger.Candidate) []trigger.Hit {
	if len(candidates) == 0 {
		return nil
	}
	return trigger.Match(trigger.Alert{Value: alert.Value(a, true), Depth: a.Depth, Repeat: repeat}, candidates)
}

func (f *folder) fold(old *alert.Alert, it Item) Folded {
	if it.Ignore {
		f.outcomes[it.Alert.ID] = "ignored"
		return Folded{}
	}
	a, outcome := alert.Fold(old, it.Alert, it.Window, it.Closes, f.at.At)
	f.outcomes[it.Alert.ID] = string(outcome)
	switch outcome {
	case alert.Nothing:
		return Folded{Alert: a}
	case alert.IsNew:
		return Folded{Alert: a, New: true, Store: true, Starts: f.starts(a, f.hits[it.Alert.ID]), Audit: f.audit(a, "a new alert")}
	case alert.Repeat:
		return Folded{Alert: a, Store: true, Starts: f.starts(a, f.repeats(a))}
	case alert.Reopened:
		return Folded{Alert: a, Store: true, Starts: f.starts(a, f.repeats(a)), Audit: f.audit(a, "came again and is open again")}
	case alert.IsClosed:
		return Folded{Alert: a, Store: true, Audit: f.audit(a, "closed by its source")}
	}
	return Folded{Alert: a}
}

// repeats asks only the triggers that want repeats, so most acts ask none. They
// are asked inside the act and may take little: one that takes more becomes a
// run that has failed.
func (f *folder) repeats(a alert.Alert) []trigger.Hit {
	var wanting []trigger.Candidate
	for _, c := range f.candidates {
		if c.Repeat && c.If != nil {
			c.If = f.in.short(c.If)
			wanting = append(wanting, c)
		}
	}
	return f.match(a, true, wanting)
}

func (f *folder) audit(a alert.Alert, reason string) []audit.Draft {
	actor := audit.Actor{Kind: "system", ID: a.Source, Name: a.Source}
	return []audit.Draft{{
		At: f.at.At, Actor: actor, Verb: verb, Object: audit.Object{Kind: "alert", ID: a.ID}, Run: a.Run,
		After: a.Raw.SHA256, Reason: reason, Outcome: audit.Done,
	}}
}

// starts queues the runs that an alert wakes.
func (f *folder) starts(a alert.Alert, hits []trigger.Hit) []engine.Start {
	if len(hits) == 0 {
		return nil
	}
	raw, err := json.Marshal(a)
	if err != nil { // an alert holds what came as JSON
		raw = nil
	}
	out := make([]engine.Start, len(hits))
	for i, h := range hits {
		key := startKey(a, h)
		out[i] = engine.Start{
			// Derived, so that an act that is repeated queues the same run.
			ID: ident.Derive(ident.Run, f.at.At, key), Key: key, Playbook: h.Playbook, Version: h.Version,
			Trigger: engine.Trigger{Kind: "alert", Index: h.Index, Source: a.Source, Depth: a.Depth},
			Alert:   a.ID, AlertRaw: raw, Priority: a.Severity.Rank(), At: f.at.At,
		}
		if h.Err != nil {
			out[i].Error = &engine.Error{Kind: string(fault.Expression), Message: h.Err.Message}
		}
	}
	return out
}

// startKey makes a start unique: alert, its count at that moment, playbook and
// trigger (alerts.md).
func startKey(a alert.Alert, h trigger.Hit) string {
	return fmt.Sprintf("alert/%s/%d/%s/%d", a.ID, a.Count, h.Playbook, h.Index)
}

// maxWork is what a condition may cost inside an act.
const maxWork = 10_000

// short gives a condition its limit for use inside an act, made once.
func (in *Intake) short(e *expr.Expr) *expr.Expr {
	in.mu.Lock()
	defer in.mu.Unlock()
	if s, ok := in.shorts[e]; ok {
		return s
	}
	s, err := e.Within(maxWork)
	if err != nil { // it was prepared once already
		return e
	}
	const many = 4096 // conditions of playbooks that are long replaced
	if len(in.shorts) > many {
		clear(in.shorts)
	}
	in.shorts[e] = s
	return s
}

// Creation is an alert that a run makes of itself (tocsin.create_alert). Fields
// are the names of a normalised alert.
type Creation struct {
	Run    string
	Depth  int64  // of the alert that started that run
	Key    string // idempotency key of the step: the same key makes one alert
	Fields map[string]any
}

// Create takes an alert from a run. It is one deeper than what started the run;
// alerts of depth 3 start nothing. Errors: invalid_input without a title or with
// a severity that is none, and what the store says.
func (in *Intake) Create(ctx context.Context, c Creation) (Answer, error) {
	raw, err := json.Marshal(c.Fields)
	if err != nil {
		return Answer{}, fault.Wrap(err, fault.InvalidInput, "the alert's fields are not JSON")
	}
	if len(raw) > DefaultBody {
		return Answer{}, fault.New(fault.TooLarge, "an alert may not exceed %d bytes", DefaultBody)
	}
	payload, err := ident.Decode(raw)
	if err != nil {
		return Answer{}, fault.Wrap(err, fault.InvalidInput, "the alert's fields cannot be kept exactly")
	}
	now := in.o.Now()
	found, err := alert.Normalise(alert.Generic(), payload, nil, Platform, now)
	if err != nil {
		return Answer{}, err
	}
	if n := found[0]; !n.Alert.Mapped {
		return Answer{}, fault.New(fault.InvalidInput, "an alert's fields cannot be read: %v", n.Unread)
	}
	items := in.items(Source{Name: Platform}, raw, found)
	for i := range items {
		items[i].Alert.Run, items[i].Alert.Depth = c.Run, c.Depth+1
	}
	return in.accept(ctx, Delivery{
		ID: in.o.NewID(ident.Delivery), Source: Platform, Identity: "key:" + c.Key,
		SHA256: ident.Sum(raw), Raw: raw, At: now, Items: items,
	})
}
