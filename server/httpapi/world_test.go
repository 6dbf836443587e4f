package httpapi_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/tocsin-soar/tocsin/server/account"
	"github.com/tocsin-soar/tocsin/server/alert"
	"github.com/tocsin-soar/tocsin/server/approval"
	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/control"
	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/gate"
	"github.com/tocsin-soar/tocsin/server/httpapi"
	"github.com/tocsin-soar/tocsin/server/intake"
	"github.com/tocsin-soar/tocsin/server/internal/fakes"
	"github.com/tocsin-soar/tocsin/server/ledger"
	"github.com/tocsin-soar/tocsin/server/lookup"
	"github.com/tocsin-soar/tocsin/server/observe"
	"github.com/tocsin-soar/tocsin/server/opa"
)

const (
	alertID    = "alr_019aaf0000007000800000000000000a"
	runID      = "run_019aaf0000007000800000000000000b"
	approvalID = "apr_019aaf0000007000800000000000000c"
	effectID   = "eff_019aaf0000007000800000000000000d"
	decisionID = "dec_019aaf0000007000800000000000000e"
	tokenID    = "tok_019aaf0000007000800000000000000f"
	password   = "correct horse battery"
)

// house stands in for everything behind the API. It counts what changes.
type house struct {
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
	return []fault.Problem{{File: name, Message: fmt.Sprint(len(src))}}, nil, h.look()
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
func (h *house) Sources(context.Context) ([]httpapi.Source, error)           { return nil, h.look() }
func (h *house) Problems(context.Context) ([]fault.Problem, error)           { return nil, h.look() }
func (h *house) Schema(name string) (json.RawMessage, bool) {
	return json.RawMessage(`{"title":"playbook"}`), name == "playbook"
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

type state struct{ why string }

func (s *state) Ready() (bool, string) { return s.why == "", s.why }
func (s *state) Quarantined() bool     { return true }

// world is a server on a listener of its own.
type world struct {
	*house
	t      *testing.T
	url    string
	srv    *httpapi.Server
	desk   *account.Desk
	store  *fakes.Accounts
	state  *state
	log    *safeBuffer
	mu     sync.Mutex
	now    time.Time
	cookie string
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// rules are the shipped ones: the access table of the contract as it is in force.
var rules = sync.OnceValues(func() (*opa.Policy, error) {
	p, problems := opa.Compile(context.Background(), nil)
	if p == nil {
		return nil, fmt.Errorf("shipped policies: %v", problems)
	}
	return p, nil
})

func newWorld(t *testing.T, change ...func(*httpapi.Deps)) *world {
	t.Helper()
	access, err := rules()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{house: newHouse(), t: t, store: fakes.NewAccounts(), state: &state{}, log: &safeBuffer{}, now: time.Date(2026, 11, 23, 2, 14, 7, 0, time.UTC), cookie: "tocsin"}
	w.desk = account.New(account.Options{
		Users: w.store, Links: w.store, Sessions: w.store, Tokens: w.store, Log: w.store, Clock: w.clock, Random: rand.Reader,
	})
	h := w.house
	d := httpapi.Deps{
		Gatekeeper: w.desk, Access: access, Log: observe.NewLogger(w.log, "debug", &observe.Scrubber{}), AuditLog: w.store, Hooks: h,
		Alerts: h, Runs: h, RunControl: h, Approvals: h, Inbox: h, Effects: h, EffectControl: h, Decisions: h, Playbooks: h, Authors: h,
		Policies: h, Connections: h, Catalogue: h, Schedules: h, Halt: h, Audit: h, People: w.desk, Tokens: w.desk, Changes: h,
		Numbers: observe.NewMetrics("test"), State: w.state, About: httpapi.About{Version: "v1", Instance: "inst"},
		App: fstest.MapFS{
			"index.html": {Data: []byte(`<meta nonce="__NONCE__"><div id=app>`)}, "assets/app-1a2b.js": {Data: []byte("let a=1")},
			"assets/app-1a2b.js.br": {Data: []byte("BR")}, "assets/app-1a2b.js.gz": {Data: []byte("GZ")}, "bell.svg": {Data: []byte("<svg/>")},
			".gitkeep": {Data: []byte("kept")},
		},
		Clock: w.clock, Random: func(p []byte) { _, _ = rand.Read(p) },
		BaseURL: &url.URL{Scheme: "http", Host: "127.0.0.1:8080"}, Delivery: 1 << 20, Connected: 16384, Streams: 100,
	}
	for _, c := range change {
		c(&d)
	}
	if d.Secure {
		w.cookie = "__Host-tocsin"
	}
	if w.srv, err = httpapi.New(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.url = "http://" + l.Addr().String()
	done := make(chan error, 1)
	go func() { done <- w.srv.Serve(l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		http.DefaultClient.CloseIdleConnections()
		if err := errors.Join(w.srv.Shutdown(ctx), <-done); err != nil {
			t.Error(err)
		}
	})
	return w
}

// reply is an answer with its body read.
type reply struct {
	*http.Response
	body string
}

func (r reply) problem(t *testing.T) httpapi.Problem {
	t.Helper()
	var p httpapi.Problem
	if r.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%s %s: a refusal of type %q: %s", r.Request.Method, r.Request.URL, r.Header.Get("Content-Type"), r.body)
		return p
	}
	if err := json.Unmarshal([]byte(r.body), &p); err != nil {
		t.Error(err)
	}
	return p
}

// ask sends a request; head holds "Name: value" lines.
func (w *world) ask(method, path, body string, head ...string) reply {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.url+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, h := range head {
		k, v, _ := strings.Cut(h, ": ")
		if strings.EqualFold(k, "Host") {
			req.Host = v
		} else if v == "" {
			req.Header.Del(k)
		} else {
			req.Header.Set(k, v)
		}
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return reply{res, string(raw)}
}

// person adds somebody without a password, which would take its time to hash,
// and gives the header of a session of theirs.
func (w *world) person(name string, roles ...string) string {
	w.t.Helper()
	u, err := w.desk.Add(w.t.Context(), audit.Actor{Kind: "system", Name: "operator"}, account.Wish{Name: name, Roles: roles})
	if err != nil {
		w.t.Fatal(err)
	}
	return w.session(u)
}

func (w *world) session(u account.User) string {
	w.t.Helper()
	id := base64.RawURLEncoding.EncodeToString([]byte(rand.Text() + rand.Text())[:32])
	sum := sha256.Sum256([]byte(id))
	s := account.Session{Hash: hex.EncodeToString(sum[:]), User: u.ID, Auth: "password", CreatedAt: w.clock(), SeenAt: w.clock()}
	if err := w.store.AddSession(w.t.Context(), s, u.Version, "", nil); err != nil {
		w.t.Fatal(err)
	}
	return "Cookie: " + w.cookie + "=" + id
}

func (w *world) find(name string) account.User {
	w.t.Helper()
	u, err := w.desk.Find(w.t.Context(), name)
	if err != nil {
		w.t.Fatal(err)
	}
	return u
}

// token gives the header of a new token of a person.
func (w *world) token(name string, scopes ...string) string {
	w.t.Helper()
	text, _, err := w.desk.NewToken(w.t.Context(), account.Identity{User: w.find(name), Kind: "user"}, account.TokenWish{Name: "t", Scopes: scopes})
	if err != nil {
		w.t.Fatal(err)
	}
	return "Authorization: Bearer " + text
}

// example gives a request that a route takes, when one may.
func example(r httpapi.RouteInfo) (path, body string) {
	path = r.Path
	for from, to := range map[string]string{
		"/alerts/:id": "/alerts/" + alertID, "/runs/:id": "/runs/" + runID, "/approvals/:id": "/approvals/" + approvalID,
		"/effects/:id": "/effects/" + effectID, "/decisions/:id": "/decisions/" + decisionID, "/tokens/:id": "/tokens/" + tokenID,
		"/schedules/:id": "/schedules/nightly", "/users/:name": "/users/root", "/hooks/:name": "/hooks/edr",
		":file": "playbook.json", ":name": "isolate",
	} {
		path = strings.ReplaceAll(path, from, to)
	}
	bodies := map[string]string{
		"POST /api/v1/session": `{"username":"nobody-here","password":"wrong wrong"}`, "POST /api/v1/session/link": `{"token":"x","password":"correct horse"}`,
		"PATCH /api/v1/alerts/:id": `{"status":"in_progress"}`, "POST /api/v1/playbooks/check": `{"source":"name: x"}`,
		"PUT /api/v1/playbooks/:name": `{"source":"name: x"}`, "POST /api/v1/playbooks/:name/publish": `{}`, "POST /api/v1/playbooks/:name/runs": `{}`,
		"POST /api/v1/runs/:id/cancel": `{}`, "POST /api/v1/runs/:id/undo": `{"reason":"r"}`,
		"POST /api/v1/runs/:id/resolve":       `{"step":"a","as":"failed","reason":"r"}`,
		"POST /api/v1/approvals/:id/decision": `{"decision":"approve","digest":"sha256:x"}`, "POST /api/v1/approvals/:id/answer": `{"digest":"x","answer":{}}`,
		"POST /api/v1/approvals/:id/extend": `{"by":"15m"}`, "POST /api/v1/effects/:id/undo": `{"reason":"r"}`,
		"POST /api/v1/effects/:id/extend": `{"until":"2026-11-24T00:00:00Z"}`, "POST /api/v1/policies/check": `{"files":[]}`,
		"POST /api/v1/connections": `{"name":"jira","integration":"jira"}`, "PUT /api/v1/connections/:name": `{"name":"isolate","integration":"jira"}`,
		"PUT /api/v1/halt": `{"on":true,"reason":"r"}`, "POST /api/v1/users": `{"name":"new","roles":[]}`, "PATCH /api/v1/users/:name": `{"email":""}`,
		"POST /api/v1/tokens": `{"name":"t","scopes":["read"]}`, "POST /hooks/:name": `{}`,
	}
	return path, bodies[r.Method+" "+r.Path]
}

// writes says whether a route changes something when it is let in.
func writes(r httpapi.RouteInfo) bool {
	return r.Method != http.MethodGet && !slices.Contains([]string{"/api/v1/playbooks/check", "/api/v1/policies/check"}, r.Path)
}

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
