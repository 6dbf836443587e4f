package app

import (
	"context"
	"encoding/json"
	"path"
	"strings"

	"github.com/tocsin-soar/tocsin/server/breaker"
	"github.com/tocsin-soar/tocsin/server/control"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/httpapi"
	"github.com/tocsin-soar/tocsin/server/hunt"
	"github.com/tocsin-soar/tocsin/server/library"
	"github.com/tocsin-soar/tocsin/server/opa"
)

// catalogue lists what is there without being edited here.
type catalogue struct{ a *App }

// Integrations lists them by id.
func (c catalogue) Integrations(context.Context) ([]httpapi.Integration, error) {
	out := []httpapi.Integration{}
	for _, m := range c.a.lib.Current().Manifests() {
		w := httpapi.Integration{
			ID: m.ID, Name: m.Name, Category: m.Category, Version: m.Version, Tested: m.Tested, Docs: m.Docs,
			Health: m.Health, Actions: []httpapi.ActionInfo{}, BaseURL: m.BaseURL, Native: m.Native, Alerts: m.Alerts != nil,
			Auth: []httpapi.AuthKind{},
		}
		for _, k := range m.Auth {
			w.Auth = append(w.Auth, httpapi.AuthKind{Type: k.Type, Fields: k.Fields, Name: k.Name})
		}
		for _, x := range m.Actions {
			info := httpapi.ActionInfo{
				ID: x.ID, Title: x.Title, Impact: string(x.Impact), Capability: x.Implements, Irreversible: x.Irreversible,
				Idempotency: x.Idempotency, Input: x.Input, Output: x.Output,
			}
			if x.Inverse != nil {
				info.Inverse = x.Inverse.Action
			}
			w.Actions = append(w.Actions, info)
		}
		out = append(out, w)
	}
	return out, nil
}

// Problems lists what is wrong with loaded files.
func (c catalogue) Problems(context.Context) ([]fault.Problem, error) {
	list := c.a.lib.Problems()
	if list == nil {
		list = []fault.Problem{}
	}
	return list, nil
}

// Schema gives a JSON Schema by name.
func (c catalogue) Schema(name string) (json.RawMessage, bool) { return Schema(name) }

// policies shows what rules.
type policies struct{ a *App }

// Policies tells the policy in force.
func (p policies) Policies(context.Context) (httpapi.PolicyState, error) {
	cur := p.a.opa.Current()
	st := httpapi.PolicyState{
		Revision: cur.Revision(), Modules: []httpapi.PolicyModule{}, Problems: []fault.Problem{}, Disabled: []string{},
	}
	for _, m := range cur.Modules() {
		w := httpapi.PolicyModule{Path: m.Path, Package: m.Package, Origin: "workspace", Source: m.Source}
		if m.Shipped {
			w.Origin = "shipped"
		}
		st.Modules = append(st.Modules, w)
	}
	for _, x := range p.a.lib.Problems() {
		if strings.HasSuffix(x.File, ".rego") || path.Base(x.File) == "data.yaml" {
			st.Problems = append(st.Problems, x)
		}
	}
	if off, ok := cur.Config()["disabled"].([]any); ok {
		for _, r := range off {
			if s, ok := r.(string); ok {
				st.Disabled = append(st.Disabled, s)
			}
		}
	}
	return st, nil
}

// CheckPolicies compiles modules beside the shipped ones.
func (p policies) CheckPolicies(ctx context.Context, files []httpapi.PolicyFile) ([]fault.Problem, error) {
	in := map[string][]byte{}
	for _, f := range files {
		in[f.Path] = []byte(f.Source)
	}
	_, problems := opa.Compile(ctx, in)
	if problems == nil {
		problems = []fault.Problem{}
	}
	return problems, nil
}

// plans shows and steers schedules.
type plans struct{ a *App }

// Schedules lists them.
func (p plans) Schedules(ctx context.Context) ([]httpapi.Schedule, error) {
	list, err := p.a.hunts.List(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]httpapi.Schedule, len(list))
	for i, s := range list {
		out[i] = p.shown(ctx, s)
	}
	return out, nil
}

func (p plans) shown(ctx context.Context, s hunt.Schedule) httpapi.Schedule {
	w := httpapi.Schedule{
		ID: s.ID, Playbook: s.Playbook, Cron: s.Cron, Words: s.Words, Timezone: s.Timezone, Missed: s.Missed,
		Overlap: s.Overlap, Paused: s.Paused, Next: s.Soon,
	}
	if s.LastRun != "" && s.LastAt != nil {
		w.Last = &httpapi.ScheduleRun{PlannedAt: *s.LastAt, Run: s.LastRun}
		if r, err := p.a.store.Run(ctx, s.LastRun); err == nil {
			w.Last.Status = string(r.Status)
		}
	}
	return w
}

// PauseSchedule stops one or lets it go on.
func (p plans) PauseSchedule(ctx context.Context, by control.Actor, id string, paused bool) (httpapi.Schedule, error) {
	act := p.a.hunts.Resume
	if paused {
		act = p.a.hunts.Pause
	}
	s, err := act(ctx, by.Actor, id)
	if err != nil {
		return httpapi.Schedule{}, err
	}
	return p.shown(ctx, s), nil
}

// RunSchedule starts it now.
func (p plans) RunSchedule(ctx context.Context, by control.Actor, id string) (string, error) {
	return p.a.hunts.RunNow(ctx, by.Actor, id)
}

// links shows and edits connections.
type links struct{ a *App }

// Connections lists them by name.
func (l links) Connections(context.Context) ([]httpapi.Connection, error) {
	snap := l.a.lib.Current()
	out := []httpapi.Connection{}
	for _, c := range snap.Connections() {
		out = append(out, l.shown(snap, c))
	}
	return out, nil
}

// Connection gives one.
func (l links) Connection(_ context.Context, name string) (httpapi.Connection, error) {
	snap := l.a.lib.Current()
	for _, c := range snap.Connections() {
		if c.Name == name {
			return l.shown(snap, c), nil
		}
	}
	return httpapi.Connection{}, fault.New(fault.NotFound, "no such connection")
}

func (l links) shown(snap *library.Snapshot, c library.Connection) httpapi.Connection {
	used := snap.UsedBy(c.Name)
	if used == nil {
		used = []string{}
	}
	w := httpapi.Connection{
		Name: c.Name, Integration: c.Integration, Environment: c.Environment, Tags: append([]string{}, c.Tags...),
		BaseURL: c.BaseURL, Status: "ok", UsedBy: used, Rate: httpapi.Rate{PerSecond: c.Rate.PerSecond, Burst: c.Rate.Burst},
		Concurrency: c.Concurrency, Breaker: "closed", Default: c.Default, Disabled: c.Disabled, Idempotent: c.Idempotent,
		Egress: httpapi.Egress{Allow: append([]string{}, c.EgressAllow...)}, Auth: httpapi.AuthInfo{Type: c.AuthType, Set: append([]string{}, c.Set...)},
		ManagedBy: c.File, Version: c.Version,
	}
	l.trouble(&w, c)
	if h, checked := l.a.health.of(c.Name); checked {
		w.CheckedAt = &h.at
		w.Health = &httpapi.HealthInfo{Action: h.action, OK: h.ok, At: h.at}
	}
	return w
}

// trouble shows what is known of a connection from its calls, and who waits for it.
func (l links) trouble(w *httpapi.Connection, c library.Connection) {
	w.Waiting = l.a.host.Waiting(c.Name)
	line := l.a.lines.Line(c.Name)
	w.LastError = line.Error
	if !line.Since.IsZero() {
		w.Since = &line.Since
	}
	if line.Open {
		w.NextTry = &line.Until
	}
	w.Breaker = string(line.Reach(l.a.clock(), l.a.host.Trying(c.Name)))
	switch {
	case c.Disabled:
		w.Status = "disabled"
	case c.Err != nil:
		w.Status, w.LastError = string(breaker.Failing), c.Err.Error()
	default:
		w.Status = string(line.Status())
	}
}

// PutConnection makes or replaces one.
func (l links) PutConnection(ctx context.Context, by control.Actor, w httpapi.ConnectionWish, create bool, seen int64) (httpapi.Connection, error) {
	wish := library.Wish{
		Name: w.Name, Integration: w.Integration, Environment: w.Environment, Tags: w.Tags, BaseURL: w.BaseURL, Auth: w.Auth,
		Concurrency: w.Concurrency, Default: w.Default, Disabled: w.Disabled, Idempotent: w.Idempotent,
	}
	if w.Egress != nil {
		wish.EgressAllow = w.Egress.Allow
	}
	if w.Rate != nil {
		wish.PerSecond, wish.Burst = w.Rate.PerSecond, w.Rate.Burst
	}
	c, err := l.a.lib.PutConnection(ctx, by.Actor, wish, create, seen)
	if err != nil {
		return httpapi.Connection{}, err
	}
	l.a.health.forget(ctx, w.Name)
	l.a.host.Reopen()
	return l.shown(l.a.lib.Current(), c), nil
}

// DeleteConnection removes one that nothing uses.
func (l links) DeleteConnection(ctx context.Context, by control.Actor, name string, seen int64) error {
	runs, effects, err := l.a.store.InUse(ctx, name)
	if err != nil {
		return err
	}
	uses := append(runs, effects...)
	if len(uses) > 0 {
		places := make([]fault.Place, len(uses))
		for i, id := range uses {
			places[i] = fault.Place{At: id, Message: "needs this connection"}
		}
		return fault.New(fault.Conflict, "live runs or effects in force need this connection; disable it instead").WithCode("in_use").WithPlaces(places...)
	}
	if err := l.a.lib.DeleteConnection(ctx, by.Actor, name, seen); err != nil {
		return err
	}
	l.a.health.forget(ctx, name)
	return nil
}

// TestConnection asks the connection's health action now.
func (l links) TestConnection(ctx context.Context, _ control.Actor, name string) (httpapi.ConnectionTest, error) {
	if _, err := l.Connection(ctx, name); err != nil {
		return httpapi.ConnectionTest{}, err
	}
	began := l.a.clock()
	h := l.a.health.probe(ctx, name)
	t := httpapi.ConnectionTest{OK: h.ok, Status: "ok", Message: h.message, TookMS: l.a.clock().Sub(began).Milliseconds()}
	if !h.ok {
		t.Status = "failing"
	}
	return t, nil
}
