package playbook

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-soar/tocsin/server/document"
	"github.com/tocsin-soar/tocsin/server/expr"
)

// Schedules is what a Catalog may know besides: whether a schedule's text and
// zone are good. Without it only the text's shape is checked.
type Schedules interface {
	CheckSchedule(cron, timezone string) error
}

func (k *compiler) triggers(root, on *document.Node) {
	if !root.Has("on") {
		k.nullable = true
		k.add(root.Warning("no_trigger", "nothing starts this playbook", "add on: with an alert condition, a schedule, or manual: {}"))
		return
	}
	if on.Kind != document.List {
		k.add(on.Problem("wrong_type", "on must be a list of triggers", "on: [ { alert: … }, { manual: {} } ]"))
		return
	}
	for _, item := range on.Items() {
		var raw rawTrigger
		if ps := document.DecodeAs(item, &raw, "a trigger"); len(ps) > 0 {
			k.add(ps...)
		}
		if t, ok := k.trigger(item, &raw); ok {
			k.playbook.Triggers = append(k.playbook.Triggers, t)
		}
	}
	if len(on.Items()) == 0 {
		k.nullable = true
	}
}

var kindsOfTrigger = []string{"alert", "schedule", "manual", "event", "at"} //nolint:gochecknoglobals // a constant table

func (k *compiler) trigger(n *document.Node, raw *rawTrigger) (Trigger, bool) {
	t := Trigger{Line: n.Line}
	if n.Kind != document.Map {
		return t, false
	}
	var has []string
	for _, word := range kindsOfTrigger {
		if n.Has(word) {
			has = append(has, word)
		}
	}
	if len(has) != 1 {
		k.add(n.Problem("bad_trigger", "a trigger is exactly one of alert, schedule, manual, event, at", "write one element of the list for each"))
		return t, false
	}
	for _, word := range []string{"repeat", "priority"} {
		if n.Has(word) && has[0] != "alert" {
			k.add(n.KeyNode(word).Problem("unknown_key", word+" belongs to an alert trigger", ""))
		}
	}
	switch has[0] {
	case "alert":
		return k.onAlert(n, raw, t)
	case "schedule":
		k.nullable = true
		return k.onSchedule(n, raw.Schedule, t)
	case "manual":
		return k.onManual(n.Get("manual"), t)
	}
	k.nullable = true
	if has[0] == "event" {
		return k.onEvent(n, raw.Event, t)
	}
	return k.onceAt(n.Get("at"), t)
}

// onEvent reads a trigger by something that happened. What a run of the playbook does
// may not start it again: a failed run would start one that fails.
func (k *compiler) onEvent(n *document.Node, raw *rawEvent, t Trigger) (Trigger, bool) {
	if raw == nil || raw.Subject == nil {
		return t, false // said already
	}
	e := &EventTrigger{Subject: k.subject(raw.Subject)}
	if raw.If != nil {
		cond, ps := document.Condition(raw.If, expr.NewScope().With("event", EventType()))
		k.add(ps...)
		e.If = cond
	}
	t.Event = e
	return t, e.Subject != "" && n.Kind == document.Map
}

func (k *compiler) onceAt(n *document.Node, t Trigger) (Trigger, bool) {
	at, err := time.Parse(time.RFC3339, n.Scalar())
	if err != nil {
		k.add(n.Problem("bad_value", fmt.Sprintf("%q is no time", n.Scalar()), "RFC 3339: 2026-01-05T10:00:00Z"))
		return t, false
	}
	at = at.UTC()
	t.At = &at
	return t, true
}

func (k *compiler) onAlert(n *document.Node, raw *rawTrigger, t Trigger) (Trigger, bool) {
	e, ps := document.Condition(n.Get("alert"), expr.NewScope().With("alert", expr.AlertType()))
	k.add(ps...)
	t.Alert = &AlertTrigger{If: e, Repeat: raw.Repeat, Priority: raw.Priority}
	return t, true
}

func (k *compiler) onManual(n *document.Node, t Trigger) (Trigger, bool) {
	var raw rawManual
	if n.Kind != document.Null {
		k.add(document.DecodeAs(n, &raw, "manual")...)
	}
	t.Manual = &ManualTrigger{AlertRequired: raw.Alert == "required", Roles: raw.Roles}
	for _, r := range n.Get("roles").Items() {
		if r.Kind == document.Text && !slices.Contains(roles, r.Scalar()) {
			k.add(r.Problem("bad_value", fmt.Sprintf("there is no role %q", r.Scalar()), "one of: "+strings.Join(roles, ", ")))
		}
	}
	k.nullable = k.nullable || !t.Manual.AlertRequired
	return t, true
}

// roles are the roles of a person (contract.md, Access).
var roles = []string{"viewer", "analyst", "responder", "engineer", "lead", "auditor", "admin"} //nolint:gochecknoglobals // a constant table

func (k *compiler) onSchedule(n *document.Node, raw *rawSchedule, t Trigger) (Trigger, bool) {
	at := n.Get("schedule")
	if raw == nil || raw.Cron == "" {
		return t, false // said already
	}
	s := &ScheduleTrigger{Cron: raw.Cron, Timezone: raw.Timezone, Missed: raw.Missed, Overlap: raw.Overlap, Jitter: raw.Jitter}
	if s.Timezone == "" {
		s.Timezone = "UTC"
	}
	if s.Missed == "" {
		s.Missed = "once"
	}
	if s.Overlap == "" {
		s.Overlap = "skip"
	}
	k.between(at, "jitter", s.Jitter, 0, time.Hour)
	k.cron(at, s)
	t.Schedule = s
	return t, true
}

var fields = regexp.MustCompile(`^[-0-9A-Za-z*/,?]+( +[-0-9A-Za-z*/,?]+){4}$`)

// cron refuses what the language refuses; whether the numbers are in range knows
// the catalog.
func (k *compiler) cron(at *document.Node, s *ScheduleTrigger) {
	n := at.Get("cron")
	hint := "five fields (minute hour day month weekday), for example \"15 6 * * 1-5\", or @hourly, @daily, @weekly, @monthly, @yearly"
	text := s.Cron
	shape := fields.MatchString(text) || slices.Contains([]string{"@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually"}, text)
	if !shape {
		k.add(n.Problem("bad_schedule", fmt.Sprintf("%q is no schedule", text), hint))
		return
	}
	if c, ok := k.catalog.(Schedules); ok {
		if err := c.CheckSchedule(text, s.Timezone); err != nil {
			k.add(n.Problem("bad_schedule", "the schedule cannot be used: "+err.Error(), hint))
		}
	}
}

func (k *compiler) declareInputs(n *document.Node) {
	if n == nil {
		return
	}
	if n.Kind != document.Map {
		k.add(n.Problem("wrong_type", "inputs must be a map of names", ""))
		return
	}
	types := map[string]expr.Type{}
	for _, e := range n.Entries() {
		schema, ps := readField(e)
		k.add(ps...)
		if schema == nil {
			continue
		}
		in := Input{Name: e.Key, Schema: schema.schema, Optional: schema.optional}
		if d := e.Value.Get("default"); d != nil {
			k.base = k.base.With("inputs", expr.Object(types))
			in.Default = k.value(d, newFacts(), in.Schema)
		}
		if in.Default == nil && !in.Optional && !e.Value.Has("default") && k.startsAlone() {
			k.add(e.KeyNode().Problem("input_without_default", fmt.Sprintf("an alert or a schedule cannot give the input %q", e.Key), "add default: or optional: true"))
		}
		t := expr.SchemaType(in.Schema)
		if in.Optional && in.Default == nil {
			t = expr.Nullable(t)
		}
		types[e.Key] = t
		k.inputs[e.Key] = e.KeyNode()
		k.playbook.Inputs = append(k.playbook.Inputs, in)
	}
	k.base = k.base.With("inputs", expr.Object(types))
}

// startsAlone says whether something but a person starts the playbook.
func (k *compiler) startsAlone() bool {
	return slices.ContainsFunc(k.playbook.Triggers, func(t Trigger) bool { return t.Manual == nil })
}
