package e2e

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

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
	for n := range strings.FieldsSeq(names) {
		if _, ok := m[n]; !ok {
			t.Errorf("%s has no %s", what, n)
		}
	}
}

func alerts(t *testing.T, w *world) {
	t.Helper()
	t.Run("POST /hooks/{source} answers 202 with alerts and runs", func(t *testing.T) {
		w.use(t)
		r := w.send(alertBody(unique("h"), "note", "high", "ws-1")).want(t, 202)
		if !isID("alr", r.text("alerts", 0, "id")) || r.at("alerts", 0, "new") != true || !isID("run", fmt.Sprint(r.at("runs", 0))) {
			t.Errorf("got %s", r.raw)
		}
	})
	t.Run("an alert has the shape of alerts.md with its runs and what is related", func(t *testing.T) {
		w.use(t)
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
	t.Run("GET /alerts filters by severity, source, status and q", func(t *testing.T) {
		w.use(t)
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
	t.Run("PATCH /alerts/{id} sets status, verdict, owner and reason for those who may", func(t *testing.T) {
		w.use(t)
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
	t.Run("an id that is none is 404", func(t *testing.T) {
		w.use(t)
		for _, path := range []string{"/alerts/alr_0", "/runs/run_00000000000070008000000000000000", "/approvals/x'%20or%201=1", "/effects/eff_0"} {
			r := w.people["admin"].do("GET", "/api/v1"+path, nil)
			if r.status != 404 && r.status != 400 && (!strings.HasPrefix(path, "/effects") || r.status != 405) {
				t.Errorf("%s: got %d", path, r.status)
			}
		}
	})
}

func runs(t *testing.T, w *world) {
	t.Helper()
	t.Run("a run and its steps have their shape", func(t *testing.T) {
		w.use(t)
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
	t.Run("POST …/runs?wait answers with the finished run", func(t *testing.T) {
		w.use(t)
		r := w.people["admin"].do("POST", "/api/v1/playbooks/note-it/runs?wait=20s", map[string]any{"inputs": map[string]any{}}).want(t, 200, 201)
		if r.text("status") != "succeeded" {
			t.Errorf("got %s", r.raw)
		}
	})
	t.Run("a playbook that needs an alert refuses a start without one: 400 alert_required", func(t *testing.T) {
		w.use(t)
		w.people["admin"].post("/playbooks/needs-alert/runs", map[string]any{"inputs": map[string]any{}}).refused(t, 400, "alert_required")
		id, _ := w.alert(t, "quiet", "low", "ws-1")
		w.people["admin"].do("POST", "/api/v1/playbooks/needs-alert/runs?wait=20s", map[string]any{"inputs": map[string]any{}, "alert": id}).want(t, 200, 201, 202)
	})
	t.Run("inputs are checked against their declaration", func(t *testing.T) {
		w.use(t)
		for name, in := range map[string]any{"missing": map[string]any{}, "wrong type": map[string]any{"host": 7}, "unknown": map[string]any{"host": "ws-1", "x": 1}} {
			if r := w.people["admin"].post("/playbooks/contain/runs", map[string]any{"inputs": in}); r.status != 400 {
				t.Errorf("%s: got %d %s", name, r.status, r.raw)
			}
		}
	})
	t.Run("GET /runs filters by playbook, status, waiting, alert and since", func(t *testing.T) {
		w.use(t)
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
	t.Run("GET /runs/{id}/journal lists its events in order", func(t *testing.T) {
		w.use(t)
		r := w.run(t, w.people["admin"], "note-it", map[string]any{})
		events := w.people["admin"].get("/runs/" + r.text("id") + "/journal").list("items")
		text := fmt.Sprint(events)
		if len(events) < 4 || !strings.Contains(text, "dispatched") || strings.Index(text, "dispatched") > strings.LastIndex(text, "succeeded") {
			t.Errorf("got %s", text)
		}
	})
	t.Run("POST /callbacks/{token} answers a wait once, with the token alone", func(t *testing.T) {
		w.use(t)
		r := w.run(t, w.people["admin"], "called-back", map[string]any{})
		if r.text("waiting", 0, "kind") != "event" {
			t.Fatalf("it waits for %v", r.at("waiting"))
		}
		token, _ := asMap(r.step("out")["output"])["token"].(string)
		path := "/api/v1/callbacks/" + token
		w.guest().do("POST", "/api/v1/callbacks/"+strings.Repeat("x", len(token)), map[string]any{}).want(t, 404)
		w.guest().do("POST", path, map[string]any{"said": "yes"}).want(t, 200, 202, 204)
		if end := w.end(t, r.text("id")); end.text("status") != "succeeded" || end.text("outputs", "said") != "yes" {
			t.Errorf("got %s %v", end.text("status"), end.at("outputs"))
		}
		w.guest().do("POST", path, map[string]any{"said": "again"}).want(t, 404)
	})
	t.Run("one run too many waits as concurrency until its turn", func(t *testing.T) {
		w.use(t)
		key := unique("key")
		first := w.run(t, w.people["admin"], "one-by-one", map[string]any{"key": key})
		second := w.run(t, w.people["admin"], "one-by-one", map[string]any{"key": key})
		if first.text("waiting", 0, "kind") != "question" || second.text("waiting", 0, "kind") != "concurrency" || second.text("waiting", 0, "text") == "" {
			t.Errorf("they wait for %v and %v", first.at("waiting"), second.at("waiting"))
		}
		w.people["admin"].post("/runs/"+first.text("id")+"/cancel", map[string]any{}).want(t, 200, 202, 204)
		eventually(t, "the second has its turn", func() bool {
			return w.people["admin"].get("/runs/"+second.text("id")).text("waiting", 0, "kind") == "question"
		})
		w.people["admin"].post("/runs/"+second.text("id")+"/cancel", map[string]any{}).want(t, 200, 202, 204)
		w.end(t, second.text("id"))
	})
	t.Run("a call is a run of its own, whose outputs come up", func(t *testing.T) {
		w.use(t)
		id := w.run(t, w.people["admin"], "calls", map[string]any{}).text("id")
		r := w.end(t, id)
		if r.text("status") != "succeeded" || r.at("outputs", "applied") == nil {
			t.Errorf("got %s %v", r.text("status"), r.at("outputs"))
		}
		found := false
		for _, item := range w.people["admin"].get("/runs?playbook=note-it&limit=50").list("items") {
			found = found || asMap(asMap(item)["trigger"])["parent"] == id
		}
		if !found {
			t.Error("no run names it as its parent")
		}
	})
	t.Run("a failed run wakes the playbook that waits for such events", func(t *testing.T) {
		w.use(t)
		failed := w.end(t, w.run(t, w.people["admin"], "send", map[string]any{"how": "400"}).text("id")).text("id")
		eventually(t, "a run of after-failure names it", func() bool {
			for _, item := range w.people["admin"].get("/runs?playbook=after-failure&limit=50").list("items") {
				if asMap(asMap(asMap(asMap(item)["trigger"])["event"])["data"])["id"] == failed {
					return true
				}
			}
			return false
		})
	})
	t.Run("POST …/cancel ends a run that waits, for those who may", func(t *testing.T) {
		w.use(t)
		r := w.run(t, w.people["admin"], "contain", map[string]any{"host": unique("cancel")})
		if r.text("status") != "waiting" {
			t.Fatalf("got %s", r.raw)
		}
		w.person(t, "analyst").post("/runs/"+r.text("id")+"/cancel", map[string]any{"force": false}).refused(t, 403, "forbidden")
		w.person(t, "responder").post("/runs/"+r.text("id")+"/cancel", map[string]any{"force": false}).want(t, 200, 202)
		if got := w.end(t, r.text("id")); got.text("status") != "cancelled" {
			t.Errorf("got %s", got.raw)
		}
	})
	t.Run("POST …/resolve ends a step in doubt; its path stands in the body", func(t *testing.T) {
		w.use(t)
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
			if got := w.end(t, r.text("id")); got.text("status") != want {
				t.Errorf("as %s: got %s", as, got.raw)
			}
		}
	})
	t.Run("GET /decisions lists decisions; inputs are for those who may", func(t *testing.T) {
		w.use(t)
		r := w.run(t, w.people["admin"], "note-it", map[string]any{})
		id := fmt.Sprint(r.step("note")["decision"])
		lead := w.person(t, "lead")
		got := lead.get("/decisions/" + id)
		has(t, "a decision", got.json, "id outcome reasons revision input_sha256 took_us run step attempt")
		if got.text("outcome") != "allow" || got.text("run") != r.text("id") || got.text("step") != "note" || !regexp.MustCompile("^[0-9a-f]{64}$").MatchString(strings.TrimPrefix(got.text("input_sha256"), "sha256:")) {
			t.Errorf("got %s", got.raw)
		}
		if got.at("input", "action", "id") != "lab.note" {
			t.Errorf("a lead sees the input %v", got.at("input"))
		}
		if seen := w.person(t, "viewer").get("/decisions/" + id); seen.at("input") != nil {
			t.Error("a viewer sees the input")
		}
	})
}

func playbooks(t *testing.T, w *world) {
	t.Helper()
	admin := func() *client { return w.people["admin"] }
	t.Run("GET /playbooks, one, its versions and its graph", func(t *testing.T) {
		w.use(t)
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
	t.Run("POST /playbooks/check answers with problems and a graph", func(t *testing.T) {
		w.use(t)
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
	t.Run("what a workspace brings is read-only: 409 managed_by_files, naming the file", func(t *testing.T) {
		w.use(t)
		r := admin().do("PUT", "/api/v1/playbooks/note-it", standard["playbooks/note-it.yaml"], "Content-Type", "application/yaml")
		r.refused(t, 409, "managed_by_files")
		if !strings.Contains(string(r.raw), "note-it.yaml") {
			t.Errorf("the file is not named: %s", r.raw)
		}
	})
	t.Run("PUT makes a draft, another person publishes it", func(t *testing.T) {
		w.use(t)
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
