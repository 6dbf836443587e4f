package httpapi_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-soar/tocsin/server/account"
	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/httpapi"
)

// public is what contract.md names, and nothing else.
var public = []string{
	"GET /healthz", "GET /readyz", "GET /openapi.json", "GET /schemas/:file", "POST /api/v1/session", "POST /api/v1/session/link",
}

func TestS001NothingButThePublicListAnswersAStranger(t *testing.T) {
	w := newWorld(t)
	for _, r := range w.srv.Routes() {
		path, body := example(r)
		got := w.ask(r.Method, path, body)
		at := r.Method + " " + r.Path
		if slices.Contains(public, at) {
			if r.Verb != httpapi.Public {
				t.Errorf("%s is public and its verb is %q", at, r.Verb)
			}
			continue
		}
		if strings.Contains(r.Path, "/callbacks/") { // without the token there is nothing
			if got.StatusCode != http.StatusNotFound {
				t.Errorf("%s answered a stranger with %d", at, got.StatusCode)
			}
			continue
		}
		if got.StatusCode != http.StatusUnauthorized && got.StatusCode != http.StatusForbidden {
			t.Errorf("%s answered a stranger with %d: %s", at, got.StatusCode, got.body)
		}
	}
	for _, path := range []string{
		"/api", "/api/", "/api/v1", "/api/v1/", "/api/v2/runs", "/api/v1/nothing", "/API/v1/runs", "/Api/V1/Runs", "/api/v1/runs/", "//api/v1/runs",
		"/api//v1/runs", "/api/v1/runs/..", "/api/v1/%72uns", "/x/../api/v1/runs", `/api\v1\runs`, "/debug/pprof/", "/DEBUG/pprof/heap", "/metrics", "/metrics/",
		"/hooks", "/hooks/", "/hooks/edr", "/api/v1/runs/" + runID + "/journal/x", "/api/v1/alerts.json",
	} {
		got := w.ask(http.MethodGet, path, "")
		if got.StatusCode != http.StatusUnauthorized {
			t.Errorf("GET %s answered a stranger with %d: %.80s", path, got.StatusCode, got.body)
		}
	}
	if w.changed() != 0 {
		t.Errorf("strangers changed %d things", w.changed())
	}
}

func TestS001AFreshTableIsTheOneThatIsServed(t *testing.T) {
	if d := cmp.Diff(httpapi.Routes(), newWorld(t).srv.Routes()); d != "" {
		t.Error(d)
	}
}

// may is the table of contract.md, written down a second time.
var may = map[string][]string{
	account.Viewer:    {"see", "approval.decide"},
	account.Analyst:   {"see", "approval.decide", "alert.edit", "run.start", "note.add"},
	account.Responder: {"see", "approval.decide", "alert.edit", "run.start", "note.add", "run.cancel", "run.retry", "run.resolve", "effect.undo", "effect.extend", "action.try", "halt.on"},
	account.Engineer:  {"see", "approval.decide", "playbook.edit", "policy.edit", "source.edit", "connection.manage", "schedule.edit", "playbook.publish", "policy.activate"},
	account.Lead: {
		"see", "approval.decide", "alert.edit", "run.start", "note.add", "run.cancel", "run.retry", "run.resolve", "effect.undo", "effect.extend", "action.try",
		"halt.on", "halt.off", "playbook.publish", "policy.activate", "audit.read", "audit.export", "decision.read",
	},
	account.Auditor: {"see", "approval.decide", "audit.read", "audit.export", "decision.read"},
	account.Admin: {
		"see", "approval.decide", "audit.read", "audit.export", "decision.read", "halt.on", "halt.off",
		"user.manage", "token.manage", "connection.grant", "backup", "settings",
	},
}

func TestS054EveryRouteMeetsThePublishedTableForEveryRole(t *testing.T) {
	w := newWorld(t)
	session := map[string]string{"nobody": w.person("nobody.at.all")}
	for role := range may {
		session[role] = w.person("p-"+role, role)
	}
	w.person("root", account.Admin)
	w.person("second.root", account.Admin)
	for _, r := range w.srv.Routes() {
		if r.Verb == httpapi.Public || r.Verb == httpapi.Signed || r.Verb == httpapi.Self || strings.HasSuffix(r.Path, "/stream") {
			continue
		}
		if !slices.Contains(account.Verbs(), r.Verb) {
			t.Errorf("%s %s has the verb %q", r.Method, r.Path, r.Verb)
		}
		path, body := example(r)
		for role, cookie := range session {
			before := w.changed()
			got := w.ask(r.Method, path, body, cookie)
			want := slices.Contains(may[role], r.Verb)
			if (got.StatusCode != http.StatusForbidden) != want {
				t.Errorf("%s %s (%s) as %s: got %d %s, want allowed %v", r.Method, r.Path, r.Verb, role, got.StatusCode, got.body, want)
			}
			if !want && w.changed() != before {
				t.Errorf("%s %s as %s changed something and was refused", r.Method, r.Path, role)
			}
			if want && got.StatusCode >= 400 && !strings.HasPrefix(r.Path, "/api/v1/users") && !strings.HasPrefix(r.Path, "/api/v1/tokens") {
				t.Errorf("%s %s as %s: the example got %d: %s", r.Method, r.Path, role, got.StatusCode, got.body)
			}
		}
	}
}

// scopes says what a token's scope is good for.
func scopeOf(verb string) string {
	switch verb {
	case "see", "audit.read", "audit.export", "decision.read":
		return "read"
	case "alert.edit", "note.add", "playbook.edit", "policy.edit", "source.edit", "connection.manage", "schedule.edit", "playbook.publish", "policy.activate":
		return "write"
	case "approval.decide":
		return "decide"
	case "user.manage", "token.manage", "connection.grant", "backup", "settings":
		return "admin"
	case "metrics":
		return "metrics"
	}
	return "operate"
}

func TestS052EveryRouteMeetsTheTableForEveryTokenScope(t *testing.T) {
	w := newWorld(t)
	w.person("root", account.Roles()...)
	w.person("second.root", account.Admin)
	for _, scope := range account.Scopes() {
		token := w.token("root", scope)
		for _, r := range w.srv.Routes() {
			if r.Verb == httpapi.Public || r.Verb == httpapi.Signed || r.Verb == httpapi.Self || strings.HasSuffix(r.Path, "/stream") {
				continue
			}
			path, body := example(r)
			if r.Path == "/api/v1/users/:name" { // may be changed by no test
				path = strings.Replace(path, "root", "second.root", 1)
			}
			got := w.ask(r.Method, path, body, token)
			want := scopeOf(r.Verb) == scope
			if strings.Contains(got.body, `"code":"forbidden"`) == want {
				t.Errorf("%s %s (%s) with scope %s: got %d %s, want allowed %v", r.Method, r.Path, r.Verb, scope, got.StatusCode, got.body, want)
			}
		}
	}
}

func TestS052ATokenMintsNoneThatIsWider(t *testing.T) {
	w := newWorld(t)
	w.person("root", account.Roles()...)
	admin := w.token("root", "admin", "read")
	for body, want := range map[string]int{
		`{"name":"a","scopes":["read"]}`:                 201,
		`{"name":"a","scopes":["admin","read"]}`:         201,
		`{"name":"a","scopes":["write"]}`:                403,
		`{"name":"a","scopes":["read","decide"]}`:        403,
		`{"name":"a","scopes":["read"],"owner":"other"}`: 404,
		`{"name":"a","scopes":["Read"]}`:                 400,
		`{"name":"a","scopes":["*"]}`:                    400,
	} {
		got := w.ask(http.MethodPost, "/api/v1/tokens", body, admin)
		if got.StatusCode != want {
			t.Errorf("%s: got %d %s, want %d", body, got.StatusCode, got.body, want)
		}
		if want == 201 {
			var n httpapi.NewToken
			if err := json.Unmarshal([]byte(got.body), &n); err != nil || !strings.HasPrefix(n.Token, "tocsin_") {
				t.Errorf("the text of the token is missing: %s", got.body)
			}
			if again := w.ask(http.MethodGet, "/api/v1/tokens", "", admin); strings.Contains(again.body, n.Token) {
				t.Error("the text of a token is shown a second time")
			}
		}
	}
}

func TestLiftingTheHaltNeedsItsOwnVerb(t *testing.T) {
	w := newWorld(t)
	responder, lead := w.person("resp", account.Responder), w.person("lena", account.Lead)
	for who, want := range map[string]int{responder: 403, lead: 202} {
		if got := w.ask(http.MethodPut, "/api/v1/halt", `{"on":false,"reason":"over"}`, who); got.StatusCode != want {
			t.Errorf("got %d %s, want %d", got.StatusCode, got.body, want)
		}
		if got := w.ask(http.MethodPut, "/api/v1/halt", `{"on":true,"reason":"now"}`, who); got.StatusCode != http.StatusOK {
			t.Errorf("got %d %s, want 200", got.StatusCode, got.body)
		}
	}
}

func TestTheInputOfADecisionIsForThoseWhoMayReadIt(t *testing.T) {
	w := newWorld(t)
	for role, want := range map[string]bool{account.Auditor: true, account.Lead: true, account.Analyst: false} {
		got := w.ask(http.MethodGet, "/api/v1/decisions/"+decisionID, "", w.person("p-"+role, role))
		if strings.Contains(got.body, `"input":{"action":"x"}`) != want || got.StatusCode != http.StatusOK {
			t.Errorf("%s: got %d %s", role, got.StatusCode, got.body)
		}
	}
}

func TestARefusalIsAuditedOnceAMinute(t *testing.T) {
	w := newWorld(t)
	viewer := w.person("vic", account.Viewer)
	count := func() int {
		n := 0
		for _, d := range w.store.Audit() {
			if d.Verb == account.RunCancel && d.Outcome == audit.Refused && d.Actor.Name == "vic" && d.Object.ID == runID && d.Actor.IP == "127.0.0.1" {
				n++
			}
		}
		return n
	}
	for range 3 {
		w.ask(http.MethodPost, "/api/v1/runs/"+runID+"/cancel", `{}`, viewer)
	}
	if count() != 1 {
		t.Errorf("got %d entries, want 1", count())
	}
	w.pass(time.Minute)
	w.ask(http.MethodPost, "/api/v1/runs/"+runID+"/cancel", `{}`, viewer)
	if count() != 2 {
		t.Errorf("a minute later: got %d entries, want 2", count())
	}
}

func TestMeSaysWhatOneMay(t *testing.T) {
	w := newWorld(t)
	w.person("root", account.Admin)
	for name, tc := range map[string]struct {
		who   string
		kind  string
		verbs []string
	}{
		"a responder":         {w.person("resp", account.Responder), "user", may[account.Responder]},
		"somebody without":    {w.person("none.at.all"), "user", []string{}},
		"a token that reads":  {w.token("root", "read"), "token", []string{"see", "audit.read", "audit.export", "decision.read"}},
		"a token for metrics": {w.token("root", "metrics"), "token", []string{"metrics"}},
	} {
		got := w.ask(http.MethodGet, "/api/v1/me", "", tc.who)
		var m httpapi.Me
		if err := json.Unmarshal([]byte(got.body), &m); err != nil {
			t.Fatal(err)
		}
		slices.Sort(m.Verbs)
		slices.Sort(tc.verbs)
		if d := cmp.Diff(tc.verbs, m.Verbs); d != "" || m.Kind != tc.kind || m.Server.Version != "v1" || m.Server.Instance != "inst" {
			t.Errorf("%s: %s %+v", name, d, m)
		}
	}
}

func TestMetricsAreForATokenUnlessTheyArePublic(t *testing.T) {
	w := newWorld(t)
	w.person("root", account.Roles()...)
	for who, want := range map[string]int{"": 401, w.person("lena", account.Lead): 403, w.token("root", "read"): 403, w.token("root", "metrics"): 200} {
		if got := w.ask(http.MethodGet, "/metrics", "", who); got.StatusCode != want {
			t.Errorf("%q: got %d, want %d", who, got.StatusCode, want)
		}
	}
	open := newWorld(t, func(d *httpapi.Deps) { d.MetricsPublic = true })
	if got := open.ask(http.MethodGet, "/metrics", ""); got.StatusCode != http.StatusOK || !strings.Contains(got.body, "tocsin_build_info") {
		t.Errorf("public metrics: got %d %.80s", got.StatusCode, got.body)
	}
}
