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
	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/httpapi"
	"github.com/tocsin-soar/tocsin/server/internal/fakes"
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
		Gatekeeper: w.desk, Access: access, Log: observe.NewLogger(w.log, "debug", &observe.Scrubber{}), AuditLog: w.store, Hooks: h, Callbacks: h,
		Alerts: h, Runs: h, RunControl: h, Approvals: h, Inbox: h, Effects: h, EffectControl: h, Decisions: h, Playbooks: h, Authors: h,
		Policies: h, Connections: h, Sources: h, Catalogue: h, Schedules: h, Halt: h, Audit: h, People: w.desk, Tokens: w.desk, Notifications: h, Changes: h,
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
		"/schedules/:id": "/schedules/nightly", "/users/:name": "/users/root", "/hooks/:source": "/hooks/edr",
		":file": "playbook.json", ":name": "isolate",
	} {
		path = strings.ReplaceAll(path, from, to)
	}
	bodies := map[string]string{ //nolint:gosec // of nobody
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
		"POST /api/v1/sources": `{"name":"siem","auth":"bearer"}`, "PUT /api/v1/sources/:name": `{"name":"isolate","auth":"bearer"}`,
		"POST /api/v1/sources/test": `{"payload":"{}"}`, "POST /api/v1/sources/:name/test": `{"payload":"{}"}`,
		"POST /api/v1/notifications/read": `{"all":true}`, "POST /api/v1/tokens": `{"name":"t","scopes":["read"]}`, "POST /hooks/:source": `{}`,
	}
	return path, bodies[r.Method+" "+r.Path]
}

// writes says whether a route changes something when it is let in.
func writes(r httpapi.RouteInfo) bool {
	return r.Method != http.MethodGet && !slices.Contains([]string{"/api/v1/playbooks/check", "/api/v1/policies/check", "/api/v1/sources/test", "/api/v1/sources/:name/test"}, r.Path)
}

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
