package e2e

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// away is an other side that can be taken away and given back at the same address.
type away struct {
	t    *testing.T
	addr string
	srv  *httptest.Server
	hits atomic.Int64
}

func newAway(t *testing.T) *away {
	t.Helper()
	return &away{t: t, addr: strings.TrimPrefix(deadURL(t), "http://")}
}

func (a *away) up() {
	a.t.Helper()
	l, err := net.Listen("tcp", a.addr)
	if err != nil {
		a.t.Fatal(err)
	}
	a.srv = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		a.hits.Add(1)
		say(w, http.StatusOK, map[string]any{"ok": true})
	}))
	_ = a.srv.Listener.Close()
	a.srv.Listener = l
	a.srv.Start()
	a.t.Cleanup(a.srv.Close)
}

// brokenFiles is a workspace with one connection, at an address where a test may
// listen or not.
func brokenFiles(addr string) files {
	return files{
		"connections/far.yaml": fmt.Sprintf("name: far\nintegration: http\nenvironment: test\nbase_url: http://%s\negress: { allow: [\"127.0.0.1\"] }\n", addr),
		"playbooks/far.yaml": `name: Over a connection that breaks
on:
  - manual: {}
inputs:
  secret: { type: string }
steps:
  - id: send
    action: http.send
    connection: far
    timeout: 2s
    with: { method: POST, path: /x, json: { a: "${{ inputs.secret }}" } }
`,
	}
}

func TestRunsWaitForAConnectionThatBreaksAndFinishWhenItIsBack(t *testing.T) {
	other := newAway(t)
	w := newWorld(t, standard.with(brokenFiles(other.addr)))
	admin := w.people["admin"]
	const canary = "canary-of-the-request"
	begin := func() string {
		return admin.post("/playbooks/far/runs", map[string]any{"inputs": map[string]any{"secret": canary}}).want(t, 200, 201, 202).text("id")
	}
	first := w.end(t, begin())
	if m := first.text("error", "message"); first.text("status") != "failed" || first.text("error", "kind") != "unavailable" || !strings.Contains(m, "far") {
		t.Errorf("the first run does not say which connection is broken: %s", first.raw)
	}
	c := admin.get("/connections/far")
	if c.text("status") != "degraded" || c.text("breaker") != "closed" || len(strings.Fields(c.text("last_error"))) < 3 || c.at("since") == nil {
		t.Errorf("after one failure: %s", c.raw)
	}
	var runs []string
	eventually(t, "the breaker opens", func() bool {
		runs = append(runs, begin())
		return admin.get("/connections/far").text("breaker") == "open"
	})
	for range 20 {
		runs = append(runs, begin())
	}
	c = admin.get("/connections/far")
	if c.text("status") != "failing" || c.at("next_try") == nil || strings.Contains(string(c.raw), canary) {
		t.Errorf("when it is broken: %s", c.raw)
	}
	waits := w.settle(t, runs[len(runs)-1])
	if waits.text("status") != "waiting" || waits.text("waiting", 0, "kind") != "connection" || waits.text("waiting", 0, "ref") != "far" ||
		waits.at("waiting", 0, "until") == nil || !strings.Contains(waits.text("waiting", 0, "text"), "far") || waits.step("send")["status"] != "waiting" {
		t.Errorf("the run does not say what it waits for: %s", waits.raw)
	}
	if n := len(admin.get("/runs?waiting=connection&limit=200").list("items")); n < 20 {
		t.Errorf("%d runs are listed as waiting for a connection", n)
	}

	w.kill() // what is known, and who waits, survives
	w.launch()
	admin = w.admin()
	w.people["admin"] = admin
	if c = admin.get("/connections/far"); c.text("status") != "failing" || c.text("breaker") == "closed" {
		t.Errorf("after a restart: %s", c.raw)
	}
	other.up()
	waiting := 0
	for _, id := range runs {
		if r := admin.get("/runs/" + id); r.text("status") == "waiting" {
			waiting++
		}
	}
	within(t, 90*time.Second, "the runs that wait finish by themselves", func() bool {
		done := 0
		for _, id := range runs {
			if admin.get("/runs/"+id).text("status") == "succeeded" {
				done++
			}
		}
		return done == waiting
	})
	if int(other.hits.Load()) != waiting {
		t.Errorf("%d calls arrived for %d runs", other.hits.Load(), waiting)
	}
	if c = admin.get("/connections/far"); c.text("status") != "ok" || c.text("breaker") != "closed" || c.text("last_error") != "" {
		t.Errorf("when it is back: %s", c.raw)
	}
}

func TestADisabledConnectionHoldsItsRunsUntilItIsEnabled(t *testing.T) {
	other := newAway(t)
	other.up()
	f := brokenFiles(other.addr)
	delete(f, "connections/far.yaml")
	w := newWorld(t, standard.with(f))
	admin := w.people["admin"]
	wish := map[string]any{
		"name": "far", "integration": "http", "environment": "test", "base_url": "http://" + other.addr,
		"egress": map[string]any{"allow": []string{"127.0.0.1"}}, "disabled": true,
	}
	admin.post("/connections", wish).want(t, 201)
	id := admin.post("/playbooks/far/runs", map[string]any{"inputs": map[string]any{"secret": "x"}}).want(t, 200, 201, 202).text("id")
	r := w.settle(t, id)
	if r.text("waiting", 0, "kind") != "connection" || r.text("waiting", 0, "ref") != "far" || !strings.Contains(r.text("waiting", 0, "text"), "disabled") {
		t.Errorf("got %s", r.raw)
	}
	c := admin.get("/connections/far")
	if c.text("status") != "disabled" || other.hits.Load() != 0 {
		t.Errorf("%d calls; %s", other.hits.Load(), c.raw)
	}
	wish["disabled"] = false
	admin.do("PUT", "/api/v1/connections/far", wish, "If-Match", c.header.Get("ETag")).want(t, 200)
	if r = w.end(t, id); r.text("status") != "succeeded" || other.hits.Load() != 1 {
		t.Errorf("%d calls; %s", other.hits.Load(), r.raw)
	}
}
