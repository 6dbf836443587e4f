package e2e

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestContractHTTP holds the server to the page's chapter HTTP, one test a line.
func TestContractHTTP(t *testing.T) {
	w := newWorld(t, standard)
	for _, group := range []func(*testing.T, *world){sessions, public, lists, alerts, playbooks, runs, halts, catalogue, errorShapes, streams} {
		group(t, w)
	}
}

func sessions(t *testing.T, w *world) {
	t.Helper()
	t.Run("POST /session logs in, GET /me says who and what one may, DELETE logs out", func(t *testing.T) {
		w.use(t)
		c := w.admin()
		me := c.get("/me")
		if me.text("name") != "admin" || !slices.Contains(me.list("roles"), any("responder")) || !slices.Contains(me.list("verbs"), any("connection.manage")) {
			t.Errorf("me: got %s", me.raw)
		}
		c.do("DELETE", "/api/v1/session", nil).want(t, 200, 204)
		c.do("GET", "/api/v1/me", nil).refused(t, 401, "unauthorized")
	})
	t.Run("the first person has the roles admin, engineer and responder", func(t *testing.T) {
		w.use(t)
		got := w.people["admin"].get("/me").list("roles")
		for _, role := range []string{"admin", "engineer", "responder"} {
			if !slices.Contains(got, any(role)) {
				t.Errorf("got %v, want %s among them", got, role)
			}
		}
	})
	t.Run("a wrong password and an unknown person get one and the same answer", func(t *testing.T) {
		w.use(t)
		wrong := w.guest().do("POST", "/api/v1/session", map[string]any{"username": "admin", "password": "wrong password 1"}).want(t, 401)
		nobody := w.guest().do("POST", "/api/v1/session", map[string]any{"username": "nobody", "password": "wrong password 1"}).want(t, 401)
		if wrong.text("code") != nobody.text("code") || wrong.text("detail") != nobody.text("detail") {
			t.Errorf("got %s and %s", wrong.raw, nobody.raw)
		}
	})
	t.Run("the cookie on plain http is tocsin, HttpOnly and SameSite", func(t *testing.T) {
		w.use(t)
		r := w.guest().do("POST", "/api/v1/session", map[string]any{"username": "admin", "password": adminPassword}).want(t, 200, 201, 204)
		cookie := r.header.Get("Set-Cookie")
		if !strings.HasPrefix(cookie, "tocsin=") || !strings.Contains(cookie, "HttpOnly") || !strings.Contains(cookie, "SameSite") || strings.Contains(cookie, "Secure") {
			t.Errorf("got %q", strings.SplitN(cookie, "=", 2)[0]+"=…"+cookie[strings.Index(cookie, ";")+1:])
		}
	})
	t.Run("POST /session/link sets the password and logs in, once", func(t *testing.T) {
		w.use(t)
		out := run(t, "", nil, "user", "link", "pia", "--data", w.data).want(t, 0).stdout
		token := linkToken(t, out)
		c := w.guest()
		c.post("/session/link", map[string]any{"token": token, "password": "pia has a long password"}).want(t, 200, 201, 204) //nolint:gosec // a password of a test
		if got := c.get("/me").text("name"); got != "pia" {
			t.Errorf("logged in as %q, want pia", got)
		}
		if again := w.guest().post("/session/link", map[string]any{"token": token, "password": "another long password"}); again.status < 400 {
			t.Errorf("the link worked twice: %d", again.status)
		}
		w.login("pia", "pia has a long password")
	})
	t.Run("a request from another site changes nothing", func(t *testing.T) {
		w.use(t)
		for name, h := range map[string][]string{
			"Sec-Fetch-Site": {"Sec-Fetch-Site", "cross-site"}, "same-site": {"Sec-Fetch-Site", "same-site"},
			"Origin": {"Origin", "https://evil.example"}, "null": {"Origin", "null"},
		} {
			r := w.people["admin"].do("PUT", "/api/v1/halt", map[string]any{"on": true, "reason": "x"}, h...)
			if r.status != 403 {
				t.Errorf("%s: got %d, want 403", name, r.status)
			}
		}
		if w.people["admin"].get("/halt").at("on") != false {
			t.Error("a foreign page set the halt")
		}
	})
}

var tokenText = regexp.MustCompile(`link[?#](?:token=)?([A-Za-z0-9_.-]{16,})`)

// linkToken takes the one-time token out of a printed log-in link.
func linkToken(t *testing.T, text string) string {
	t.Helper()
	m := tokenText.FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("no log-in link in %q", text)
	}
	return m[1]
}

func public(t *testing.T, w *world) {
	t.Helper()
	t.Run("what is public needs no log-in, all else does", func(t *testing.T) {
		w.use(t)
		for _, path := range []string{"/healthz", "/readyz", "/openapi.json", "/schemas/playbook.json", "/schemas/errors.json", "/"} {
			w.guest().do("GET", path, nil).want(t, 200)
		}
		for _, path := range []string{
			"/metrics", "/api/v1/me", "/api/v1/alerts", "/api/v1/runs", "/api/v1/approvals", "/api/v1/effects", "/api/v1/decisions", "/api/v1/policies",
			"/api/v1/playbooks", "/api/v1/integrations", "/api/v1/connections", "/api/v1/sources", "/api/v1/schedules", "/api/v1/halt", "/api/v1/audit",
			"/api/v1/users", "/api/v1/tokens", "/api/v1/stream",
		} {
			w.guest().do("GET", path, nil).want(t, 401)
			w.guest().do("GET", strings.ToUpper(path), nil).want(t, 401, 404)
		}
	})
	t.Run("GET /readyz says the status only", func(t *testing.T) {
		w.use(t)
		r := w.guest().do("GET", "/readyz", nil).want(t, 200)
		for k := range asMap(r.json) {
			if !slices.Contains([]string{"status", "quarantine"}, k) {
				t.Errorf("it tells %q", k)
			}
		}
	})
	t.Run("GET /openapi.json is OpenAPI 3.1 and equals tocsin openapi", func(t *testing.T) {
		w.use(t)
		served := w.guest().do("GET", "/openapi.json", nil).want(t, 200)
		if v := served.text("openapi"); !strings.HasPrefix(v, "3.1") {
			t.Errorf("openapi: got %q", v)
		}
		printed := run(t, "", nil, "openapi").want(t, 0).stdout
		var a, b any
		if json.Unmarshal(served.raw, &a) != nil || json.Unmarshal([]byte(printed), &b) != nil || fmt.Sprint(a) != fmt.Sprint(b) {
			t.Error("what is served differs from what the command prints")
		}
		for _, path := range []string{"/hooks/{source}", "/api/v1/alerts", "/api/v1/runs/{id}/resolve", "/api/v1/stream", "/api/v1/approvals/{id}/decision"} {
			if served.at("paths", path) == nil {
				t.Errorf("%s is not described", path)
			}
		}
	})
	t.Run("a path that does not exist is 404", func(t *testing.T) {
		w.use(t)
		w.people["admin"].do("GET", "/api/v1/nothing", nil).refused(t, 404, "not_found")
	})
}

func asMap(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

func lists(t *testing.T, w *world) {
	t.Helper()
	all := []string{"/alerts", "/runs", "/approvals", "/effects", "/decisions", "/playbooks", "/integrations", "/connections", "/sources", "/schedules", "/audit", "/users", "/tokens", "/notifications"}
	t.Run("a list is items and next", func(t *testing.T) {
		w.use(t)
		auditor := w.person(t, "auditor")
		for _, path := range all {
			c := w.people["admin"]
			if path == "/decisions" {
				c = auditor
			}
			r := c.get(path)
			m := asMap(r.json)
			if _, ok := m["items"].([]any); !ok {
				t.Errorf("%s: items is %T", path, m["items"])
			}
			if limited := c.do("GET", "/api/v1"+path+"?limit=1", nil); limited.status != 200 || len(limited.list("items")) > 1 {
				t.Errorf("%s?limit=1: got %d with %d items", path, limited.status, len(limited.list("items")))
			}
			if next, ok := m["next"]; !ok || next != nil && fmt.Sprint(next) == "" {
				t.Errorf("%s: next is %v, there: %v", path, next, ok)
			}
		}
	})
	t.Run("an unknown filter is 400 unknown_parameter", func(t *testing.T) {
		w.use(t)
		for _, path := range all {
			w.people["admin"].do("GET", "/api/v1"+path+"?colour=red", nil).refused(t, 400, "unknown_parameter")
		}
	})
	t.Run("limit and cursor walk through a list once, sort turns it round", func(t *testing.T) {
		w.use(t)
		for range 5 {
			w.alert(t, "page", "low", "ws-page")
		}
		var seen []string
		cursor := ""
		for range 10 {
			r := w.people["admin"].get("/alerts?q=ws-page&limit=2" + cursor)
			if len(r.list("items")) > 2 {
				t.Fatalf("a page of %d", len(r.list("items")))
			}
			for i := range r.list("items") {
				seen = append(seen, r.text("items", i, "id"))
			}
			if r.at("next") == nil {
				break
			}
			cursor = "&cursor=" + r.text("next")
		}
		slices.Sort(seen)
		if len(seen) != 5 || len(slices.Compact(slices.Clone(seen))) != 5 {
			t.Errorf("got %v, want five different alerts", seen)
		}
		w.people["admin"].do("GET", "/api/v1/alerts?limit=0", nil).want(t, 400)
		w.people["admin"].do("GET", "/api/v1/alerts?limit=100000", nil).want(t, 400)
		w.people["admin"].do("GET", "/api/v1/alerts?cursor=nonsense", nil).want(t, 400)
		w.people["admin"].do("GET", "/api/v1/alerts?sort=title);drop", nil).want(t, 400)
	})
	t.Run("lists carry the short form of each", func(t *testing.T) {
		w.use(t)
		w.run(t, w.people["admin"], "note-it", map[string]any{})
		r := w.people["admin"].get("/runs?limit=1")
		for _, long := range []string{"journal"} {
			if _, there := asMap(r.at("items", 0))[long]; there {
				t.Errorf("a run in a list carries %s", long)
			}
		}
		if len(r.list("items", 0, "steps")) > 0 {
			t.Error("a run in a list carries steps")
		}
	})
}

func halts(t *testing.T, w *world) {
	t.Helper()
	t.Run("PUT /halt stops side effects within a second; reads go on; off goes on", func(t *testing.T) {
		w.use(t)
		admin := w.people["admin"]
		w.person(t, "viewer").do("PUT", "/api/v1/halt", map[string]any{"on": true, "reason": "x"}).refused(t, 403, "forbidden")
		admin.do("PUT", "/api/v1/halt", map[string]any{"on": true, "reason": "a drill"}).want(t, 200)
		started := admin.do("POST", "/api/v1/playbooks/note-it/runs", map[string]any{"inputs": map[string]any{}}).want(t, 200, 201, 202).text("id")
		r := w.settle(t, started)
		if r.text("status") != "waiting" || r.text("waiting", 0, "kind") != "halt" {
			t.Errorf("a write under halt: got %s", r.raw)
		}
		if read := w.run(t, admin, "get", map[string]any{"how": "200"}); read.text("status") != "succeeded" {
			t.Errorf("a read under halt: got %s", read.raw)
		}
		off := admin.do("PUT", "/api/v1/halt", map[string]any{"on": false, "reason": "over"}).want(t, 200, 202)
		if off.status == 202 {
			lead := w.person(t, "lead")
			a := lead.get("/approvals/" + off.text("approval"))
			decide(lead, a, "approve", "the drill is over").want(t, 200)
		}
		eventually(t, "the halt is off", func() bool { return admin.get("/halt").at("on") == false })
		if got := w.end(t, started); got.text("status") != "succeeded" {
			t.Errorf("after the halt: got %s", got.raw)
		}
	})
}

func catalogue(t *testing.T, w *world) {
	t.Helper()
	t.Run("GET /integrations has its shape", func(t *testing.T) {
		w.use(t)
		items := w.people["admin"].get("/integrations").list("items")
		for _, it := range items {
			if walk(it, "id") == "lab" {
				has(t, "an integration", it, "id name category version tested actions health")
				has(t, "an action", walk(it, "actions", 0), "id impact capability inverse irreversible idempotency")
				return
			}
		}
		t.Error("lab is missing")
	})
	t.Run("GET /connections has its shape and no secret", func(t *testing.T) {
		w.use(t)
		r := w.people["admin"].get("/connections")
		for _, it := range r.list("items") {
			has(t, "a connection", it, "name integration environment base_url status last_error used_by rate breaker")
		}
		if strings.Contains(string(r.raw), labToken) {
			t.Error("the list shows a credential")
		}
	})
	t.Run("POST /connections/{name}/test makes a call, and says in words what is wrong", func(t *testing.T) {
		w.use(t)
		good := w.people["admin"].post("/connections/lab/test", nil).want(t, 200)
		if strings.Contains(string(good.raw), labToken) {
			t.Error("the answer shows a credential")
		}
		bad := w.people["admin"].post("/connections/dead/test", nil).want(t, 200)
		if bad.at("ok") != false || len(strings.Fields(bad.text("message"))) < 3 {
			t.Errorf("a dead connection is well: %s", bad.raw)
		}
	})
	t.Run("DELETE of what the workspace brings or a run uses is 409", func(t *testing.T) {
		w.use(t)
		r := w.people["admin"].do("DELETE", "/api/v1/connections/lab", nil).want(t, 409)
		if code := r.text("code"); code != "managed_by_files" && code != "in_use" {
			t.Errorf("got %s", r.raw)
		}
	})
	t.Run("GET /policies, /audit, /audit/checkpoint, /users and /tokens answer those who may", func(t *testing.T) {
		w.use(t)
		w.people["admin"].get("/policies")
		e := w.people["admin"].get("/audit?limit=1")
		has(t, "an audit entry", e.at("items", 0), "seq at actor verb object run step decision digest before after reason outcome")
		w.people["admin"].get("/audit/checkpoint")
		w.person(t, "viewer").do("GET", "/api/v1/audit", nil).refused(t, 403, "forbidden")
		w.person(t, "viewer").do("GET", "/api/v1/users", nil).refused(t, 403, "forbidden")
	})
}

func errorShapes(t *testing.T, w *world) {
	t.Helper()
	t.Run("an error is a problem and repeats no value of the request", func(t *testing.T) {
		w.use(t)
		const canary = "CANARY-77aa"
		admin := w.people["admin"]
		for name, send := range map[string]func() reply{
			"a wrong type":     func() reply { return admin.do("PUT", "/api/v1/halt", `{"on":"`+canary+`"}`) },
			"an unknown field": func() reply { return admin.do("PUT", "/api/v1/halt", `{"on":true,"reason":"r","x":"`+canary+`"}`) },
			"a duplicate key":  func() reply { return admin.do("PUT", "/api/v1/halt", `{"on":true,"on":false,"reason":"`+canary+`"}`) },
			"no JSON":          func() reply { return admin.do("PUT", "/api/v1/halt", `{"on":`+canary) },
			"a log-in":         func() reply { return w.guest().do("POST", "/api/v1/session", `{"username":7,"password":"`+canary+`"}`) },
			"another case":     func() reply { return admin.do("PUT", "/api/v1/halt", `{"ON":true,"reason":"`+canary+`"}`) },
			"a connection's": func() reply {
				return admin.do("POST", "/api/v1/connections", `{"name":7,"auth":{"password":"`+canary+`"}}`)
			},
			"a body after that": func() reply { return admin.do("PUT", "/api/v1/halt", `{"on":true,"reason":"x"} "`+canary+`"`) },
		} {
			r := send()
			has(t, name, r.json, "type title status detail code")
			if r.status != 400 || strings.Contains(string(r.raw), canary) || strings.Contains(string(r.raw), "$schema") {
				t.Errorf("%s: got %d %s", name, r.status, r.raw)
			}
		}
		if admin.get("/halt").at("on") != false {
			t.Error("a refused body had an effect")
		}
	})
	t.Run("a body without its type is 415", func(t *testing.T) {
		w.use(t)
		for _, kind := range []string{"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"} {
			if r := w.people["admin"].do("PUT", "/api/v1/halt", `{"on":true,"reason":"x"}`, "Content-Type", kind); r.status != 415 {
				t.Errorf("%q: got %d, want 415", kind, r.status)
			}
		}
	})
	t.Run("Idempotency-Key on POST gives the first answer again", func(t *testing.T) {
		w.use(t)
		key := unique("idem-key-0123456789")
		body := map[string]any{"inputs": map[string]any{}}
		a := w.people["admin"].do("POST", "/api/v1/playbooks/note-it/runs", body, "Idempotency-Key", key).want(t, 200, 201, 202)
		b := w.people["admin"].do("POST", "/api/v1/playbooks/note-it/runs", body, "Idempotency-Key", key).want(t, 200, 201, 202)
		if a.text("id") != b.text("id") {
			t.Errorf("one key started %s and %s", a.text("id"), b.text("id"))
		}
	})
	t.Run("codes are listed at /schemas/errors.json", func(t *testing.T) {
		w.use(t)
		text := string(w.guest().do("GET", "/schemas/errors.json", nil).want(t, 200).raw)
		for _, code := range []string{"unknown_parameter", "digest_changed", "already_decided", "not_entitled", "managed_by_files", "delivery_conflict", "alert_required", "in_use"} {
			if !strings.Contains(text, code) {
				t.Errorf("%s is not listed", code)
			}
		}
	})
}
