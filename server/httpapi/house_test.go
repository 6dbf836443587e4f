package httpapi_test

import (
	"context"
	"encoding/json"
	"strconv"
	"sync"
	"time"

	"github.com/tocsin-soar/tocsin/server/alert"
	"github.com/tocsin-soar/tocsin/server/approval"
	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/control"
	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/gate"
	"github.com/tocsin-soar/tocsin/server/httpapi"
	"github.com/tocsin-soar/tocsin/server/intake"
	"github.com/tocsin-soar/tocsin/server/ledger"
	"github.com/tocsin-soar/tocsin/server/lookup"
	"github.com/tocsin-soar/tocsin/server/notification"
)

// house stands in for everything behind the API. It counts what changes.
type house struct {
	called    []any // bodies of callbacks
	mu        sync.Mutex
	changes   int // acts that changed something
	received  []httpapi.Delivery
	alert     alert.Alert
	version   int64
	run       engine.Run
	outbox    []lookup.Change
	listeners map[int]func([]lookup.Change)
	fail      error // what every use case answers, when set
	crash     bool  // panic instead
	wishes    []httpapi.ConnectionWish
	starts    []httpapi.StartRun
	halt      control.Halt
	actor     control.Actor

	reader  lookup.Reader
	unread  bool
	readIDs []string
	readAll bool
}

func newHouse() *house {
	return &house{
		alert:   alert.Alert{ID: alertID, Title: "<script>alert(1)</script>", Status: alert.New, Severity: alert.High, Fields: map[string]any{"secret": "payload"}},
		version: 7, run: engine.Run{ID: runID, Playbook: "isolate", Status: engine.RunRunning}, listeners: map[int]func([]lookup.Change){},
	}
}

// act counts a change.
func (h *house) act(by control.Actor) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.crash {
		panic("a fault of /var/lib/tocsin: SELECT password FROM user")
	}
	if h.fail != nil {
		return h.fail
	}
	h.changes++
	h.actor = by
	return nil
}

func (h *house) changed() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.changes
}

func (h *house) look() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.crash {
		panic("a fault of /var/lib/tocsin: SELECT password FROM user")
	}
	return h.fail
}

func (h *house) Receive(_ context.Context, d httpapi.Delivery) (intake.Answer, error) {
	if d.Headers.Get("X-Signature") != "good" {
		return intake.Answer{}, fault.New(fault.Unauthorized, "not a delivery of a source").WithCode("unauthorized")
	}
	if err := h.act(control.Actor{}); err != nil {
		return intake.Answer{}, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.received = append(h.received, d)
	return intake.Answer{Alerts: []intake.Taken{{ID: alertID, New: true}}, Runs: []string{runID}}, nil
}

func (h *house) Alerts(context.Context, lookup.Alerts, lookup.Page) (lookup.List[alert.Alert], error) {
	return lookup.List[alert.Alert]{Items: []alert.Alert{h.alert}}, h.look()
}

func (h *house) Alert(context.Context, string) (lookup.Alert, error) {
	h.mu.Lock()
	a, v := h.alert, h.version
	h.mu.Unlock()
	return lookup.Alert{Alert: a, Version: v, Runs: []engine.Run{}, Related: []lookup.Related{}}, h.look()
}

func (h *house) UpdateAlert(_ context.Context, _ string, change func(alert.Alert, int64) (alert.Alert, []audit.Draft, error)) (alert.Alert, error) {
	h.mu.Lock()
	a, v := h.alert, h.version
	h.mu.Unlock()
	next, drafts, err := change(a, v)
	if err != nil {
		return a, err
	}
	if len(drafts) > 0 {
		if err := h.act(control.Actor{}); err != nil {
			return a, err
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.alert, h.version = next, v+1
	return next, nil
}

func (h *house) Runs(context.Context, lookup.Runs, lookup.Page) (lookup.List[engine.Run], error) {
	return lookup.List[engine.Run]{Items: []engine.Run{h.run}}, h.look()
}

func (h *house) Run(context.Context, string) (engine.Run, error) {
	h.mu.Lock()
	r := h.run
	h.mu.Unlock()
	return r, h.look()
}

func (h *house) Journal(context.Context, string) ([]lookup.Event, error) { return nil, h.look() }

func (h *house) StartRun(_ context.Context, by control.Actor, o httpapi.StartRun) (string, error) {
	err := h.act(by)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.starts = append(h.starts, o)
	return runID, err
}

func (h *house) Cancel(_ context.Context, by control.Actor, _ string, _ bool, _ string) error {
	return h.act(by)
}

func (h *house) UndoRun(_ context.Context, by control.Actor, _, _ string) ([]ledger.Effect, error) {
	return nil, h.act(by)
}

func (h *house) Resolve(_ context.Context, by control.Actor, _ string, _ control.Resolution) error {
	return h.act(by)
}

func (h *house) Notifications(_ context.Context, who lookup.Reader, unread bool, _ lookup.Page) (lookup.Notifications, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.reader, h.unread = who, unread
	return lookup.Notifications{List: lookup.List[notification.Notification]{Items: []notification.Notification{}}, Unread: 3}, h.fail
}

func (h *house) ReadNotifications(_ context.Context, who lookup.Reader, ids []string, all bool) (int64, error) {
	h.mu.Lock()
	h.reader, h.readIDs, h.readAll = who, ids, all
	h.mu.Unlock()
	return 2, h.act(control.Actor{})
}

func (h *house) Approvals(context.Context, lookup.Approvals, lookup.Page) (lookup.List[approval.Request], error) {
	return lookup.List[approval.Request]{Items: []approval.Request{{ID: approvalID, Preimage: "{}", Params: map[string]any{"host": "x"}}}}, h.look()
}

func (h *house) Approval(context.Context, string) (approval.Request, error) {
	return approval.Request{ID: approvalID}, h.look()
}

func (h *house) Decide(_ context.Context, by control.Actor, _, _, _, _ string) (approval.Request, error) {
	return approval.Request{ID: approvalID}, h.act(by)
}

func (h *house) Answer(_ context.Context, by control.Actor, _, _ string, _ map[string]any) (approval.Request, error) {
	return approval.Request{ID: approvalID}, h.act(by)
}

func (h *house) Withdraw(_ context.Context, by control.Actor, _ string) (approval.Request, error) {
	return approval.Request{ID: approvalID}, h.act(by)
}

func (h *house) Extend(_ context.Context, by control.Actor, _ string, _ time.Duration) (approval.Request, error) {
	return approval.Request{ID: approvalID}, h.act(by)
}

func (h *house) Effects(context.Context, lookup.Effects, lookup.Page) (lookup.List[ledger.Effect], error) {
	return lookup.List[ledger.Effect]{Items: []ledger.Effect{{ID: effectID}}}, h.look()
}

func (h *house) EffectByID(context.Context, string) (ledger.Effect, error) {
	return ledger.Effect{ID: effectID}, h.look()
}

func (h *house) UndoEffect(_ context.Context, by control.Actor, _, _ string) (ledger.Effect, error) {
	return ledger.Effect{ID: effectID}, h.act(by)
}

func (h *house) ExtendEffect(_ context.Context, by control.Actor, _ string, _ time.Time, _ string) (ledger.Effect, error) {
	return ledger.Effect{ID: effectID}, h.act(by)
}

func (h *house) Decisions(context.Context, lookup.Decisions, lookup.Page) (lookup.List[gate.Decision], error) {
	return lookup.List[gate.Decision]{Items: []gate.Decision{{ID: decisionID}}}, h.look()
}

func (h *house) DecisionByID(context.Context, string) (lookup.Decision, error) {
	return lookup.Decision{Decision: gate.Decision{ID: decisionID}, Input: json.RawMessage(`{"action":"x"}`)}, h.look()
}

func (h *house) Playbooks(context.Context, lookup.Page) (lookup.List[httpapi.Playbook], error) {
	return lookup.List[httpapi.Playbook]{Items: []httpapi.Playbook{}}, h.look()
}

func (h *house) Playbook(_ context.Context, name, _ string) (httpapi.Playbook, error) {
	return httpapi.Playbook{Name: name, Version: "sha256:aa"}, h.look()
}

func (h *house) Versions(context.Context, string) ([]httpapi.Version, error) { return nil, h.look() }

func (h *house) Graph(context.Context, string, string) (httpapi.Graph, error) {
	return httpapi.Graph{}, h.look()
}

func (h *house) CheckPlaybook(_ context.Context, name string, src []byte) ([]fault.Problem, *httpapi.Graph, error) {
	return []fault.Problem{{File: name, Message: strconv.Itoa(len(src))}}, nil, h.look()
}

func (h *house) Draft(_ context.Context, by control.Actor, name string, _ []byte, seen string) (httpapi.Playbook, error) {
	if seen != "" && seen != "sha256:aa" {
		return httpapi.Playbook{}, fault.New(fault.Conflict, "changed").WithCode("changed_meanwhile")
	}
	return httpapi.Playbook{Name: name, Version: "sha256:bb"}, h.act(by)
}

func (h *house) Publish(_ context.Context, by control.Actor, name, _ string) (httpapi.Playbook, error) {
	return httpapi.Playbook{Name: name}, h.act(by)
}

func (h *house) Policies(context.Context) (httpapi.PolicyState, error) {
	return httpapi.PolicyState{}, h.look()
}

func (h *house) CheckPolicies(context.Context, []httpapi.PolicyFile) ([]fault.Problem, error) {
	return nil, h.look()
}

func (h *house) Connections(context.Context) ([]httpapi.Connection, error) {
	return []httpapi.Connection{{Name: "jira"}}, h.look()
}

func (h *house) Connection(context.Context, string) (httpapi.Connection, error) {
	return httpapi.Connection{Name: "jira", Version: 3}, h.look()
}

func (h *house) PutConnection(_ context.Context, by control.Actor, w httpapi.ConnectionWish, _ bool, seen int64) (httpapi.Connection, error) {
	if seen != 0 && seen != 3 {
		return httpapi.Connection{}, fault.New(fault.Conflict, "changed").WithCode("changed_meanwhile")
	}
	err := h.act(by)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.wishes = append(h.wishes, w)
	return httpapi.Connection{Name: w.Name, Version: 4}, err
}

func (h *house) DeleteConnection(_ context.Context, by control.Actor, _ string, _ int64) error {
	return h.act(by)
}

func (h *house) TestConnection(_ context.Context, by control.Actor, _ string) (httpapi.ConnectionTest, error) {
	return httpapi.ConnectionTest{}, h.act(by)
}

func (h *house) Integrations(context.Context) ([]httpapi.Integration, error) { return nil, h.look() }

func (h *house) Sources(context.Context) ([]httpapi.Source, error) {
	return []httpapi.Source{{Name: "edr"}}, h.fail
}

func (h *house) Problems(context.Context) ([]fault.Problem, error) { return nil, h.look() }

func (h *house) Schema(name string) (json.RawMessage, bool) {
	return json.RawMessage(`{"title":"playbook"}`), name == "playbook"
}

func (h *house) Source(_ context.Context, name string) (httpapi.Source, error) {
	return httpapi.Source{Name: name, Version: 3}, h.fail
}

func (h *house) PutSource(_ context.Context, by control.Actor, w httpapi.SourceWish, _ bool, seen int64) (httpapi.SourceMade, error) {
	if seen != 0 && seen != 3 {
		return httpapi.SourceMade{}, fault.New(fault.Conflict, "changed").WithCode("changed_meanwhile")
	}
	return httpapi.SourceMade{Source: httpapi.Source{Name: w.Name, Version: 4}, Secret: "made once"}, h.act(by)
}

func (h *house) DeleteSource(_ context.Context, by control.Actor, _ string, _ int64) error {
	return h.act(by)
}

func (h *house) TrySource(context.Context, httpapi.SourceWish, string) (httpapi.Trial, error) {
	return httpapi.Trial{Alerts: []httpapi.Tried{}}, h.fail
}
func (h *house) Schedules(context.Context) ([]httpapi.Schedule, error) { return nil, h.look() }
func (h *house) PauseSchedule(_ context.Context, by control.Actor, id string, p bool) (httpapi.Schedule, error) {
	return httpapi.Schedule{ID: id, Paused: p}, h.act(by)
}

func (h *house) RunSchedule(_ context.Context, by control.Actor, _ string) (string, error) {
	return runID, h.act(by)
}

func (h *house) HaltState(context.Context) (control.Halt, error) { return h.halt, h.look() }
func (h *house) HaltOn(_ context.Context, by control.Actor, reason string) (control.Halt, error) {
	return control.Halt{On: true, Reason: reason}, h.act(by)
}

func (h *house) HaltOff(_ context.Context, by control.Actor, _ string) (control.Halt, error) {
	return control.Halt{On: true, Approval: approvalID}, h.act(by)
}

func (h *house) AuditEntries(context.Context, lookup.Audit, lookup.Page) (lookup.List[lookup.AuditEntry], error) {
	return lookup.List[lookup.AuditEntry]{Items: []lookup.AuditEntry{}}, h.look()
}

func (h *house) Checkpoint(context.Context) (audit.Checkpoint, error) {
	return audit.Checkpoint{}, h.look()
}

func (h *house) Changes(_ context.Context, after int64, limit int) ([]lookup.Change, int64, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []lookup.Change
	newest := int64(0)
	for _, c := range h.outbox {
		newest = max(newest, c.Seq)
		if c.Seq > after && len(out) < limit {
			out = append(out, c)
		}
	}
	return out, newest, nil
}

func (h *house) Subscribe(hear func([]lookup.Change)) (cancel func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	id := len(h.listeners)
	h.listeners[id] = hear
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.listeners, id)
	}
}

// commit puts changes into the outbox and tells the listeners.
func (h *house) commit(changes ...lookup.Change) {
	h.mu.Lock()
	h.outbox = append(h.outbox, changes...)
	var all []func([]lookup.Change)
	for _, f := range h.listeners {
		all = append(all, f)
	}
	h.mu.Unlock()
	for _, f := range all {
		f(changes)
	}
}

// CallBack takes one token, once.
func (h *house) CallBack(_ context.Context, token string, body any) error {
	if token != "good-token" || h.called != nil {
		return fault.New(fault.NotFound, "nobody waits for this callback")
	}
	h.called = []any{body}
	return nil
}
