package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestContractHTTP holds the server to the page's chapter HTTP, one test a line.
func TestContractHTTP(t *testing.T) {
	w := newWorld(t, standard)
	for _, group := range []func(*testing.T, *world){sessions, public, lists, alerts, playbooks, runs, halts, catalogue, errorShapes, streams} {
		group(t, w)
	}
}

func sessions(t *testing.T, w *world) {
	w.test(t, "POST /session logs in, GET /me says who and what one may, DELETE logs out", func(t *testing.T) {
		c := w.admin()
		me := c.get("/me")
		if me.text("name") != "admin" || !slices.Contains(me.list("roles"), any("responder")) || !slices.Contains(me.list("verbs"), any("connection.manage")) {
			t.Errorf("me: got %s", me.raw)
		}
		c.do("DELETE", "/api/v1/session", nil).want(t, 200, 204)
		c.do("GET", "/api/v1/me", nil).refused(t, 401, "unauthorized")
	})
	w.test(t, "the first person has the roles admin, engineer and responder", func(t *testing.T) {
		got := w.people["admin"].get("/me").list("roles")
		for _, role := range []string{"admin", "engineer", "responder"} {
			if !slices.Contains(got, any(role)) {
				t.Errorf("got %v, want %s among them", got, role)
			}
		}
	})
	w.test(t, "a wrong password and an unknown person get one and the same answer", func(t *testing.T) {
		wrong := w.guest().do("POST", "/api/v1/session", map[string]any{"username": "admin", "password": "wrong password 1"}).want(t, 401)
		nobody := w.guest().do("POST", "/api/v1/session", map[string]any{"username": "nobody", "password": "wrong password 1"}).want(t, 401)
		if wrong.text("code") != nobody.text("code") || wrong.text("detail") != nobody.text("detail") {
			t.Errorf("got %s and %s", wrong.raw, nobody.raw)
		}
	})
	w.test(t, "the cookie on plain http is tocsin, HttpOnly and SameSite", func(t *testing.T) {
		r := w.guest().do("POST", "/api/v1/session", map[string]any{"username": "admin", "password": adminPassword}).want(t, 200, 201, 204)
		cookie := r.header.Get("Set-Cookie")
		if !strings.HasPrefix(cookie, "tocsin=") || !strings.Contains(cookie, "HttpOnly") || !strings.Contains(cookie, "SameSite") || strings.Contains(cookie, "Secure") {
			t.Errorf("got %q", strings.SplitN(cookie, "=", 2)[0]+"=…"+cookie[strings.Index(cookie, ";")+1:])
		}
	})
	w.test(t, "POST /session/link sets the password and logs in, once", func(t *testing.T) {
		out := run(t, "", nil, "user", "link", "pia", "--data", w.data).want(t, 0).stdout
		token := linkToken(t, out)
		c := w.guest()
		c.post("/session/link", map[string]any{"token": token, "password": "pia has a long password"}).want(t, 200, 201, 204)
		if got := c.get("/me").text("name"); got != "pia" {
			t.Errorf("logged in as %q, want pia", got)
		}
		if again := w.guest().post("/session/link", map[string]any{"token": token, "password": "another long password"}); again.status < 400 {
			t.Errorf("the link worked twice: %d", again.status)
		}
		w.login("pia", "pia has a long password")
	})
	w.test(t, "a request from another site changes nothing", func(t *testing.T) {
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
func linkToken(t testing.TB, text string) string {
	t.Helper()
	m := tokenText.FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("no log-in link in %q", text)
	}
	return m[1]
}

func public(t *testing.T, w *world) {
	w.test(t, "what is public needs no log-in, all else does", func(t *testing.T) {
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
	w.test(t, "GET /readyz says the status only", func(t *testing.T) {
		r := w.guest().do("GET", "/readyz", nil).want(t, 200)
		for k := range asMap(r.json) {
			if !slices.Contains([]string{"status", "quarantine"}, k) {
				t.Errorf("it tells %q", k)
			}
		}
	})
	w.test(t, "GET /openapi.json is OpenAPI 3.1 and equals tocsin openapi", func(t *testing.T) {
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
	w.test(t, "a path that does not exist is 404", func(t *testing.T) {
		w.people["admin"].do("GET", "/api/v1/nothing", nil).refused(t, 404, "not_found")
	})
}

func asMap(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

func lists(t *testing.T, w *world) {
	all := []string{"/alerts", "/runs", "/approvals", "/effects", "/decisions", "/playbooks", "/integrations", "/connections", "/sources", "/schedules", "/audit", "/users", "/tokens"}
	w.test(t, "a list is items and next", func(t *testing.T) {
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
			if next, ok := m["next"]; !ok || next != nil && fmt.Sprint(next) == "" {
				t.Errorf("%s: next is %v, there: %v", path, next, ok)
			}
		}
	})
	w.test(t, "an unknown filter is 400 unknown_parameter", func(t *testing.T) {
		for _, path := range all {
			w.people["admin"].do("GET", "/api/v1"+path+"?colour=red", nil).refused(t, 400, "unknown_parameter")
		}
	})
	w.test(t, "limit and cursor walk through a list once, sort turns it round", func(t *testing.T) {
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
	w.test(t, "lists carry the short form of each", func(t *testing.T) {
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

var ids = map[string]*regexp.Regexp{}

func isID(prefix, text string) bool {
	if ids[prefix] == nil {
		ids[prefix] = regexp.MustCompile("^" + prefix + `_[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}$`)
	}
	return ids[prefix].MatchString(text)
}

// has fails the test for each name that an object lacks.
func has(t *testing.T, what string, v any, names string) {
	t.Helper()
	m := asMap(v)
	for _, n := range strings.Fields(names) {
		if _, ok := m[n]; !ok {
			t.Errorf("%s has no %s", what, n)
		}
	}
}

func alerts(t *testing.T, w *world) {
	w.test(t, "POST /hooks/{source} answers 202 with alerts and runs", func(t *testing.T) {
		r := w.send(alertBody(unique("h"), "note", "high", "ws-1")).want(t, 202)
		if !isID("alr", r.text("alerts", 0, "id")) || r.at("alerts", 0, "new") != true || !isID("run", fmt.Sprint(r.at("runs", 0))) {
			t.Errorf("got %s", r.raw)
		}
	})
	w.test(t, "an alert has the shape of alerts.md with its runs and what is related", func(t *testing.T) {
		id, started := w.alert(t, "note", "high", "ws-1")
		w.alert(t, "other", "low", "ws-1")
		r := w.people["admin"].get("/alerts/" + id)
		has(t, "an alert", r.json, `id source source_id url title description category status verdict severity confidence first_seen last_seen
			count mapped hosts users ips domains urls mails files processes attack labels fields raw runs related`)
		if r.text("severity") != "high" || r.text("status") != "new" || r.at("mapped") != true || r.text("hosts", 0, "name") != "ws-1" {
			t.Errorf("got %s", r.raw)
		}
		if len(r.list("runs")) != 1 || len(started) != 1 || !strings.Contains(fmt.Sprint(r.at("runs", 0)), started[0]) {
			t.Errorf("runs: got %v, want %v", r.at("runs"), started)
		}
		if len(r.list("related")) == 0 {
			t.Error("an alert on the same host is not related")
		}
	})
	w.test(t, "GET /alerts filters by severity, source, status and q", func(t *testing.T) {
		host := unique("filter-host")
		id, _ := w.alert(t, "quiet", "medium", host)
		for query, want := range map[string]bool{
			"severity=medium": true, "severity=high": false, "source=edr": true, "source=hub": false, "status=new": true, "status=closed": false,
		} {
			got := false
			for _, a := range w.people["admin"].get("/alerts?q=" + host + "&" + query).list("items") {
				got = got || walk(a, "id") == id
			}
			if got != want {
				t.Errorf("%s: found %v, want %v", query, got, want)
			}
		}
	})
	w.test(t, "PATCH /alerts/{id} sets status, verdict, owner and reason for those who may", func(t *testing.T) {
		id, _ := w.alert(t, "quiet", "low", "ws-1")
		change := map[string]any{"status": "closed", "verdict": "benign", "owner": "the-analyst", "reason": "a test"}
		w.person(t, "viewer").do("PATCH", "/api/v1/alerts/"+id, change).refused(t, 403, "forbidden")
		r := w.person(t, "analyst").do("PATCH", "/api/v1/alerts/"+id, change).want(t, 200)
		if r.text("status") != "closed" || r.text("verdict") != "benign" || r.text("owner") != "the-analyst" || r.text("reason") != "a test" {
			t.Errorf("got %s", r.raw)
		}
		w.person(t, "analyst").do("PATCH", "/api/v1/alerts/"+id, map[string]any{"severity": "critical"}).want(t, 400)
		w.person(t, "analyst").do("PATCH", "/api/v1/alerts/"+id, map[string]any{"verdict": "perhaps"}).want(t, 400)
	})
	w.test(t, "an id that is none is 404", func(t *testing.T) {
		for _, path := range []string{"/alerts/alr_0", "/runs/run_00000000000070008000000000000000", "/approvals/x'%20or%201=1", "/effects/eff_0"} {
			r := w.people["admin"].do("GET", "/api/v1"+path, nil)
			if r.status != 404 && r.status != 400 && (!strings.HasPrefix(path, "/effects") || r.status != 405) {
				t.Errorf("%s: got %d", path, r.status)
			}
		}
	})
}

func runs(t *testing.T, w *world) {
	w.test(t, "a run and its steps have their shape", func(t *testing.T) {
		r := w.run(t, w.people["admin"], "note-it", map[string]any{"text": "shape"})
		has(t, "a run", r.json, "id playbook version status partial trigger alert inputs outputs error waiting steps started_at ended_at")
		if !isID("run", r.text("id")) || r.text("status") != "succeeded" || r.text("trigger", "kind") != "manual" || r.at("outputs", "applied") != 1.0 {
			t.Errorf("got %s", r.raw)
		}
		step := r.step("note")
		has(t, "a step", step, "path id action connection status attempts started_at ended_at input output error decision approval effect dry_run")
		if step["status"] != "succeeded" || step["action"] != "lab.note" || step["connection"] != "lab" || walk(step, "input", "text") != "shape" || !isID("dec", fmt.Sprint(step["decision"])) {
			t.Errorf("got %v", step)
		}
	})
	w.test(t, "POST …/runs?wait answers with the finished run", func(t *testing.T) {
		r := w.people["admin"].do("POST", "/api/v1/playbooks/note-it/runs?wait=20s", map[string]any{"inputs": map[string]any{}}).want(t, 200, 201)
		if r.text("status") != "succeeded" {
			t.Errorf("got %s", r.raw)
		}
	})
	w.test(t, "a playbook that needs an alert refuses a start without one: 400 alert_required", func(t *testing.T) {
		w.people["admin"].post("/playbooks/needs-alert/runs", map[string]any{"inputs": map[string]any{}}).refused(t, 400, "alert_required")
		id, _ := w.alert(t, "quiet", "low", "ws-1")
		w.people["admin"].do("POST", "/api/v1/playbooks/needs-alert/runs?wait=20s", map[string]any{"inputs": map[string]any{}, "alert": id}).want(t, 200, 201, 202)
	})
	w.test(t, "inputs are checked against their declaration", func(t *testing.T) {
		for name, in := range map[string]any{"missing": map[string]any{}, "wrong type": map[string]any{"host": 7}, "unknown": map[string]any{"host": "ws-1", "x": 1}} {
			if r := w.people["admin"].post("/playbooks/contain/runs", map[string]any{"inputs": in}); r.status != 400 {
				t.Errorf("%s: got %d %s", name, r.status, r.raw)
			}
		}
	})
	w.test(t, "GET /runs filters by playbook, status, waiting, alert and since", func(t *testing.T) {
		id, started := w.alert(t, "note", "low", "ws-1")
		w.settle(t, started[0])
		for query, want := range map[string]bool{
			"alert=" + id: true, "alert=" + id + "&playbook=note-it": true, "alert=" + id + "&playbook=contain": false,
			"alert=" + id + "&status=succeeded": true, "alert=" + id + "&status=failed": false, "alert=" + id + "&waiting=approval": false,
			"alert=" + id + "&since=2020-01-01T00:00:00Z": true, "alert=" + id + "&since=2099-01-01T00:00:00Z": false,
		} {
			if got := len(w.people["admin"].get("/runs?" + query).list("items")); (got == 1) != want {
				t.Errorf("%s: got %d runs, want it found: %v", query, got, want)
			}
		}
	})
	w.test(t, "GET /runs/{id}/journal lists its events in order", func(t *testing.T) {
		r := w.run(t, w.people["admin"], "note-it", map[string]any{})
		events := w.people["admin"].get("/runs/" + r.text("id") + "/journal").list("items")
		text := fmt.Sprint(events)
		if len(events) < 4 || !strings.Contains(text, "dispatched") || strings.Index(text, "dispatched") > strings.LastIndex(text, "succeeded") {
			t.Errorf("got %s", text)
		}
	})
	w.test(t, "POST …/cancel ends a run that waits, for those who may", func(t *testing.T) {
		r := w.run(t, w.people["admin"], "contain", map[string]any{"host": unique("cancel")})
		if r.text("status") != "waiting" {
			t.Fatalf("got %s", r.raw)
		}
		w.person(t, "analyst").post("/runs/"+r.text("id")+"/cancel", map[string]any{"force": false}).refused(t, 403, "forbidden")
		w.person(t, "responder").post("/runs/"+r.text("id")+"/cancel", map[string]any{"force": false}).want(t, 200, 202)
		if got := w.settle(t, r.text("id")); got.text("status") != "cancelled" {
			t.Errorf("got %s", got.raw)
		}
	})
	w.test(t, "POST …/resolve ends a step in doubt; its path stands in the body", func(t *testing.T) {
		for as, want := range map[string]string{"failed": "failed", "done": "succeeded"} {
			r := w.run(t, w.people["admin"], "send", map[string]any{"how": "500"})
			if r.text("status") != "waiting" || r.text("waiting", 0, "kind") != "in_doubt" || r.text("waiting", 0, "text") == "" {
				t.Fatalf("got %s", r.raw)
			}
			body := map[string]any{"step": "send", "as": as, "reason": "looked it up"}
			if as == "done" {
				w.people["admin"].post("/runs/"+r.text("id")+"/resolve", map[string]any{"step": "send", "as": "done", "reason": "x", "output": map[string]any{"status": "a text"}}).want(t, 400)
				body["output"] = map[string]any{"status": 200, "headers": map[string]any{}, "body": nil}
			}
			w.person(t, "analyst").post("/runs/"+r.text("id")+"/resolve", body).refused(t, 403, "forbidden")
			w.people["admin"].post("/runs/"+r.text("id")+"/resolve", body).want(t, 200, 202)
			if got := w.settle(t, r.text("id")); got.text("status") != want {
				t.Errorf("as %s: got %s", as, got.raw)
			}
		}
	})
	w.test(t, "POST …/retry repeats from a step as a new occurrence", func(t *testing.T) {
		r := w.run(t, w.people["admin"], "send", map[string]any{"how": "404"})
		if r.text("status") != "failed" {
			t.Fatalf("got %s", r.raw)
		}
		before := len(w.stub.arrivals("/reply/404"))
		w.people["admin"].post("/runs/"+r.text("id")+"/retry", map[string]any{"from": "send"}).want(t, 200, 202)
		eventually(t, "the step is sent again", func() bool { return len(w.stub.arrivals("/reply/404")) == before+1 })
		sent := w.stub.arrivals("/reply/404")
		if a, b := sent[len(sent)-2].key, sent[len(sent)-1].key; a == b || a == "" || b == "" {
			t.Errorf("keys %q and %q: an occurrence has a key of its own", a, b)
		}
	})
	w.test(t, "GET /decisions lists decisions; inputs are for those who may", func(t *testing.T) {
		r := w.run(t, w.people["admin"], "note-it", map[string]any{})
		id := fmt.Sprint(r.step("note")["decision"])
		lead := w.person(t, "lead")
		got := lead.get("/decisions/" + id)
		has(t, "a decision", got.json, "id outcome reasons revision input_sha256 took_us run step attempt")
		if got.text("outcome") != "allow" || got.text("run") != r.text("id") || got.text("step") != "note" || !regexp.MustCompile("^[0-9a-f]{64}$").MatchString(strings.TrimPrefix(got.text("input_sha256"), "sha256:")) {
			t.Errorf("got %s", got.raw)
		}
		w.person(t, "viewer").do("GET", "/api/v1/decisions/"+id, nil).want(t, 403)
	})
}

func playbooks(t *testing.T, w *world) {
	admin := func() *client { return w.people["admin"] }
	w.test(t, "GET /playbooks, one, its versions and its graph", func(t *testing.T) {
		if got := fmt.Sprint(admin().get("/playbooks?limit=200").list("items")); !strings.Contains(got, "note-it") {
			t.Error("the list lacks note-it")
		}
		admin().get("/playbooks/note-it")
		if len(admin().get("/playbooks/note-it/versions").list("items")) == 0 {
			t.Error("no version")
		}
		g := admin().get("/playbooks/on-malware/graph")
		if len(g.list("nodes")) < 3 || len(g.list("edges")) < 2 {
			t.Errorf("got %s", g.raw)
		}
		admin().do("GET", "/api/v1/playbooks/nothing", nil).refused(t, 404, "not_found")
	})
	w.test(t, "POST /playbooks/check answers with problems and a graph", func(t *testing.T) {
		good := admin().do("POST", "/api/v1/playbooks/check", standard["playbooks/note-it.yaml"], "Content-Type", "application/yaml").want(t, 200)
		if len(good.list("problems")) != 0 || good.at("graph") == nil {
			t.Errorf("a good one: got %s", good.raw)
		}
		bad := admin().do("POST", "/api/v1/playbooks/check", strings.Replace(standard["playbooks/note-it.yaml"], "lab.note", "lab.noet", 1), "Content-Type", "application/yaml").want(t, 200)
		has(t, "a problem", bad.at("problems", 0), "file line column severity code message hint")
		if !strings.Contains(fmt.Sprint(bad.at("problems", 0)), "lab.note") {
			t.Errorf("no hint at the right name: %s", bad.raw)
		}
	})
	w.test(t, "what a workspace brings is read-only: 409 managed_by_files, naming the file", func(t *testing.T) {
		r := admin().do("PUT", "/api/v1/playbooks/note-it", standard["playbooks/note-it.yaml"], "Content-Type", "application/yaml")
		r.refused(t, 409, "managed_by_files")
		if !strings.Contains(string(r.raw), "note-it.yaml") {
			t.Errorf("the file is not named: %s", r.raw)
		}
	})
	w.test(t, "PUT makes a draft, another person publishes it", func(t *testing.T) {
		text := strings.Replace(standard["playbooks/contain.yaml"], "Contain a host", "Contain from the app", 1)
		w.person(t, "viewer").do("PUT", "/api/v1/playbooks/from-app", text, "Content-Type", "application/yaml").want(t, 403)
		author := w.person(t, "engineer")
		author.do("PUT", "/api/v1/playbooks/from-app", text, "Content-Type", "application/yaml").want(t, 200, 201)
		if r := admin().post("/playbooks/from-app/runs", map[string]any{"inputs": map[string]any{"host": "ws-1"}}); r.status < 400 {
			t.Errorf("a draft started: %d", r.status)
		}
		if r := author.post("/playbooks/from-app/publish", nil); r.status != 403 && r.status != 409 {
			t.Errorf("the author published alone: %d %s", r.status, r.raw)
		}
		w.person(t, "engineer2").post("/playbooks/from-app/publish", nil).want(t, 200)
		r := w.run(t, admin(), "from-app", map[string]any{"host": unique("app")})
		if r.text("status") != "waiting" {
			t.Errorf("got %s", r.raw)
		}
	})
}

func halts(t *testing.T, w *world) {
	w.test(t, "PUT /halt stops side effects within a second; reads go on; off goes on", func(t *testing.T) {
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
		if got := w.settle(t, started); got.text("status") != "succeeded" {
			t.Errorf("after the halt: got %s", got.raw)
		}
	})
}

func catalogue(t *testing.T, w *world) {
	w.test(t, "GET /integrations has its shape", func(t *testing.T) {
		items := w.people["admin"].get("/integrations?limit=200").list("items")
		for _, it := range items {
			if walk(it, "id") == "lab" {
				has(t, "an integration", it, "id name category version tested actions health")
				has(t, "an action", walk(it, "actions", 0), "id impact capability inverse irreversible idempotency")
				return
			}
		}
		t.Error("lab is missing")
	})
	w.test(t, "GET /connections has its shape and no secret", func(t *testing.T) {
		r := w.people["admin"].get("/connections?limit=200")
		for _, it := range r.list("items") {
			has(t, "a connection", it, "name integration environment base_url status last_error used_by rate breaker")
		}
		if strings.Contains(string(r.raw), labToken) {
			t.Error("the list shows a credential")
		}
	})
	w.test(t, "POST /connections/{name}/test makes a call, and says in words what is wrong", func(t *testing.T) {
		good := w.people["admin"].post("/connections/lab/test", nil).want(t, 200)
		if strings.Contains(string(good.raw), labToken) {
			t.Error("the answer shows a credential")
		}
		bad := w.people["admin"].post("/connections/nobody/test", nil)
		if bad.status == 200 && bad.at("ok") == true {
			t.Errorf("a dead connection is well: %s", bad.raw)
		}
	})
	w.test(t, "DELETE of what the workspace brings or a run uses is 409", func(t *testing.T) {
		r := w.people["admin"].do("DELETE", "/api/v1/connections/lab", nil).want(t, 409)
		if code := r.text("code"); code != "managed_by_files" && code != "in_use" {
			t.Errorf("got %s", r.raw)
		}
	})
	w.test(t, "GET /policies, /audit, /audit/checkpoint, /users and /tokens answer those who may", func(t *testing.T) {
		w.people["admin"].get("/policies")
		e := w.people["admin"].get("/audit?limit=1")
		has(t, "an audit entry", e.at("items", 0), "seq at actor verb object run step decision digest before after reason outcome")
		w.people["admin"].get("/audit/checkpoint")
		w.person(t, "viewer").do("GET", "/api/v1/audit", nil).refused(t, 403, "forbidden")
		w.person(t, "viewer").do("GET", "/api/v1/users", nil).refused(t, 403, "forbidden")
	})
}

func errorShapes(t *testing.T, w *world) {
	w.test(t, "an error is a problem and repeats no value of the request", func(t *testing.T) {
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
	w.test(t, "a body without its type is 415", func(t *testing.T) {
		for _, kind := range []string{"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"} {
			if r := w.people["admin"].do("PUT", "/api/v1/halt", `{"on":true,"reason":"x"}`, "Content-Type", kind); r.status != 415 {
				t.Errorf("%q: got %d, want 415", kind, r.status)
			}
		}
	})
	w.test(t, "Idempotency-Key on POST gives the first answer again", func(t *testing.T) {
		key := unique("idem-key-0123456789")
		body := map[string]any{"inputs": map[string]any{}}
		a := w.people["admin"].do("POST", "/api/v1/playbooks/note-it/runs", body, "Idempotency-Key", key).want(t, 200, 201, 202)
		b := w.people["admin"].do("POST", "/api/v1/playbooks/note-it/runs", body, "Idempotency-Key", key).want(t, 200, 201, 202)
		if a.text("id") != b.text("id") {
			t.Errorf("one key started %s and %s", a.text("id"), b.text("id"))
		}
	})
	w.test(t, "codes are listed at /schemas/errors.json", func(t *testing.T) {
		text := string(w.guest().do("GET", "/schemas/errors.json", nil).want(t, 200).raw)
		for _, code := range []string{"unknown_parameter", "digest_changed", "already_decided", "not_entitled", "managed_by_files", "delivery_conflict", "alert_required", "in_use"} {
			if !strings.Contains(text, code) {
				t.Errorf("%s is not listed", code)
			}
		}
	})
}

func streams(t *testing.T, w *world) {
	w.test(t, "GET /stream tells what changed, at once and again from Last-Event-ID", func(t *testing.T) {
		ctx, stop := context.WithTimeout(context.Background(), waitLimit)
		defer stop()
		last := ""
		listen := func(want string) {
			q, err := http.NewRequestWithContext(ctx, "GET", w.url+"/api/v1/stream", nil)
			if err != nil {
				t.Fatal(err)
			}
			if last != "" {
				q.Header.Set("Last-Event-ID", last)
			}
			c := *w.people["admin"].http
			c.Timeout = 0
			res, err := c.Do(q)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = res.Body.Close() }()
			if kind := res.Header.Get("Content-Type"); !strings.HasPrefix(kind, "text/event-stream") {
				t.Fatalf("type: got %q", kind)
			}
			if want == "" {
				want, _ = w.alert(t, "quiet", "low", "ws-stream")
			}
			begin := time.Now()
			lines := bufio.NewScanner(res.Body)
			for lines.Scan() {
				line := lines.Text()
				if id, ok := strings.CutPrefix(line, "id:"); ok && strings.TrimSpace(id) != "" {
					last = strings.TrimSpace(id)
				}
				data, ok := strings.CutPrefix(line, "data:")
				if ok && strings.Contains(data, want) {
					var d any
					if err := json.Unmarshal([]byte(data), &d); err != nil {
						t.Errorf("data: %v", err)
					}
					has(t, "a change", d, "kind id version")
					if took := time.Since(begin); took > 3*time.Second {
						t.Errorf("it took %s", took)
					}
					return
				}
			}
			t.Errorf("the stream ended without %s: %v", want, lines.Err())
		}
		listen("")
		missed, _ := w.alert(t, "quiet", "low", "ws-stream")
		listen(missed)
	})
}
