// Package tocsin is the platform itself as an integration: alerts, notes and runs
// for playbooks.
package tocsin

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/ident"
	"github.com/tocsin-soar/tocsin/server/native"
)

// Alerts is what this integration needs to change alerts. Key is the idempotency
// key of the step: the same key changes nothing a second time. Errors are of the
// kinds of server/fault; not_found for an alert that is not there.
type Alerts interface {
	// Create raises an alert with the fields of a normalised one.
	Create(ctx context.Context, from native.Origin, key string, fields map[string]any) (id string, isNew bool, err error)
	// Change updates an alert and gives its status.
	Change(ctx context.Context, from native.Origin, key string, c Change) (status string, err error)
	// Note writes a note on an alert.
	Note(ctx context.Context, from native.Origin, key, alert, text string) error
}

// Change is what becomes of an alert; nil leaves a part as it is.
type Change struct {
	Alert    string // alr_…
	Status   *string
	Owner    *string
	Severity *string
	Verdict  *string
	Reason   *string
	Labels   []string // added
}

// Lookup searches; items are JSON objects as the API lists them.
type Lookup interface {
	Alerts(ctx context.Context, q AlertQuery) (items []map[string]any, more bool, err error)
	Runs(ctx context.Context, q RunQuery) (items []map[string]any, more bool, err error)
}

// AlertQuery filters alerts; empty fields do not filter.
type AlertQuery struct {
	Q, Severity, Status, Source string
	Since                       time.Time
	Limit                       int
}

// RunQuery filters runs; empty fields do not filter.
type RunQuery struct {
	Playbook, Status, Alert string
	Since                   time.Time
	Limit                   int
}

// People tells people something and says how many it reaches.
type People interface {
	Notify(ctx context.Context, from native.Origin, key string, n Notice) (told int, err error)
}

// Notice is a message to people.
type Notice struct {
	To    []string // role:x, team:y, user:z
	Title string
	Text  string
	Alert string // alr_… that it links to; "" for the run
}

// Platform is what stands behind the actions. Those whose part is nil are
// answered with unavailable.
type Platform struct {
	Alerts Alerts
	Lookup Lookup
	People People
}

// New makes the integration.
func New(p Platform) native.Integration { return &integration{p} }

type integration struct{ on Platform }

// Describe names the actions.
func (*integration) Describe() native.Description {
	return native.Description{ID: "tocsin", Actions: []string{
		"create_alert", "update_alert", "close_alert", "add_note", "notify", "search_alerts", "search_runs",
	}}
}

// Do makes one attempt. Its parameters were checked against the manifest.
func (i *integration) Do(ctx context.Context, c native.Call) (native.Result, error) {
	out, err := i.do(ctx, c)
	if err == nil {
		return native.Result{Did: connector.DidDone, Output: out}, nil
	}
	switch fault.KindOf(err) { //nolint:exhaustive // these refuse before anything is written
	case fault.InvalidInput, fault.NotFound, fault.Conflict, fault.Forbidden, fault.TooLarge, fault.Bound:
		return native.Result{Did: connector.DidNothing}, err
	}
	// The key makes a repetition harmless: what is unknown is sent again.
	return native.Result{Did: connector.DidUnknown}, err
}

func (i *integration) do(ctx context.Context, c native.Call) (any, error) {
	switch c.Action {
	case "search_alerts", "search_runs":
		if i.on.Lookup == nil {
			return nil, absent(c.Action)
		}
		return i.search(ctx, c)
	case "notify":
		if i.on.People == nil {
			return nil, absent(c.Action)
		}
		return i.notify(ctx, c)
	}
	if i.on.Alerts == nil {
		return nil, absent(c.Action)
	}
	return i.alert(ctx, c)
}

func absent(action string) error {
	return fault.New(fault.NotFound, "this server does not offer tocsin.%s", action)
}

func (i *integration) alert(ctx context.Context, c native.Call) (any, error) {
	id := text(c.Params, "id")
	switch c.Action {
	case "create_alert":
		id, isNew, err := i.on.Alerts.Create(ctx, c.Origin, c.Key, c.Params)
		return map[string]any{"id": id, "new": isNew}, wrap(err)
	case "add_note":
		return map[string]any{"id": id}, wrap(i.on.Alerts.Note(ctx, c.Origin, c.Key, id, text(c.Params, "text")))
	case "update_alert":
		ch := Change{
			Alert: id, Status: given(c.Params, "status"), Owner: given(c.Params, "owner"),
			Severity: given(c.Params, "severity"), Labels: texts(c.Params, "labels"),
		}
		status, err := i.on.Alerts.Change(ctx, c.Origin, c.Key, ch)
		return map[string]any{"id": id, "status": status}, wrap(err)
	case "close_alert":
		closed := "closed"
		ch := Change{Alert: id, Status: &closed, Verdict: given(c.Params, "verdict"), Reason: given(c.Params, "reason")}
		status, err := i.on.Alerts.Change(ctx, c.Origin, c.Key, ch)
		return map[string]any{"id": id, "status": status}, wrap(err)
	}
	return nil, fault.New(fault.InvalidInput, "there is no action tocsin.%s", c.Action)
}

func (i *integration) search(ctx context.Context, c native.Call) (any, error) {
	var items []map[string]any
	var more bool
	since, err := moment(c.Params, "since")
	if err != nil {
		return nil, err
	}
	if c.Action == "search_alerts" {
		items, more, err = i.on.Lookup.Alerts(ctx, AlertQuery{
			Q: text(c.Params, "q"), Severity: text(c.Params, "severity"), Status: text(c.Params, "status"),
			Source: text(c.Params, "source"), Since: since, Limit: whole(c.Params, "limit"),
		})
	} else {
		items, more, err = i.on.Lookup.Runs(ctx, RunQuery{
			Playbook: text(c.Params, "playbook"), Status: text(c.Params, "status"), Alert: text(c.Params, "alert"),
			Since: since, Limit: whole(c.Params, "limit"),
		})
	}
	if err != nil {
		return nil, wrap(err)
	}
	return plain(map[string]any{"items": nonNil(items), "more": more})
}

// plain gives a value in JSON's own types, whatever structs stand in it.
func plain(v any) (any, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("write what was found: %w", err)
	}
	out, err := ident.Decode(raw)
	if err != nil {
		return nil, fmt.Errorf("read what was found: %w", err)
	}
	return out, nil
}

func (i *integration) notify(ctx context.Context, c native.Call) (any, error) {
	n := Notice{To: texts(c.Params, "to"), Title: text(c.Params, "title"), Text: text(c.Params, "text"), Alert: text(c.Params, "alert")}
	told, err := i.on.People.Notify(ctx, c.Origin, c.Key, n)
	return map[string]any{"told": int64(told)}, wrap(err)
}

func wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("ask the platform: %w", err)
}

func text(params map[string]any, name string) string {
	s, _ := params[name].(string)
	return s
}

func given(params map[string]any, name string) *string {
	if s, ok := params[name].(string); ok {
		return &s
	}
	return nil
}

func texts(params map[string]any, name string) []string {
	list, _ := params[name].([]any)
	out := make([]string, 0, len(list))
	for _, e := range list {
		if s, ok := e.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

func whole(params map[string]any, name string) int {
	switch n := params[name].(type) {
	case int64:
		return int(n)
	case float64:
		return int(n)
	}
	return 0
}

func moment(params map[string]any, name string) (time.Time, error) {
	s := text(params, name)
	if s == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}, fault.Wrap(err, fault.InvalidInput, "%s is no time in RFC 3339", name)
	}
	return at, nil
}

func nonNil(items []map[string]any) []map[string]any {
	if items == nil {
		return []map[string]any{}
	}
	return items
}
