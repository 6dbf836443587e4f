package e2e

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// concurrency of the crash test's connections: at most so many attempts are under
// way when the server is killed.
const concurrency = 16

// crashFiles is a workspace in which each alert makes a run of three sends.
func crashFiles(action, with, idempotent string) files {
	var steps strings.Builder
	for i := 1; i <= 3; i++ {
		fmt.Fprintf(&steps, "  - id: s%d\n    action: %s\n%s    timeout: 10s\n", i, action, with)
	}
	return files{
		"sources/edr.yaml": standard["sources/edr.yaml"],
		"connections/stub.yaml": `name: stub
integration: http
environment: test
base_url: STUB
egress: { allow: ["127.0.0.1"] }
idempotent: ` + idempotent + `
concurrency: ` + strconv.Itoa(concurrency) + `
default: true
`,
		"connections/lab.yaml":           strings.Replace(standard["connections/lab.yaml"], "default: true", "default: true\nconcurrency: "+strconv.Itoa(concurrency), 1),
		"integrations/lab/manifest.yaml": labManifest,
		"playbooks/three.yaml":           "name: Three sends\non:\n  - alert: alert.category == 'crash'\nsteps:\n" + steps.String(),
	}
}

// crash is one variant of the crash test while it runs.
type crash struct {
	*world
	t      *testing.T
	rand   *rand.Rand
	alerts int
	kills  int

	mu       sync.Mutex
	runs     []string
	inFlight int // attempts under way at the kills, in all, at most
}

func newCrash(t *testing.T, f files, honours bool) *crash {
	t.Helper()
	c := &crash{t: t, alerts: 60, kills: 4}
	if os.Getenv("CRASH") == "full" {
		c.alerts, c.kills = 500, 10
	}
	seed := uint64(time.Now().UnixNano())
	if given, err := strconv.ParseUint(os.Getenv("CRASH_SEED"), 10, 64); err == nil {
		seed = given
	}
	t.Logf("CRASH_SEED=%d, %d alerts, %d kills", seed, c.alerts, c.kills)
	c.rand = rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // a test that can be repeated from its seed
	c.world = newWorld(t, f)
	c.stub.honours = honours
	c.stub.slow = 3 * time.Millisecond
	return c
}

// post sends one alert until it is taken. The delivery has a name, so that a
// sender that heard nothing may send again.
func (c *crash) post(n int) {
	body := alertBody(fmt.Sprintf("crash-%d", n), "crash", "high", "ws-1")
	for {
		c.mu.Lock()
		base := c.url
		c.mu.Unlock()
		g := &client{t: c.t, base: base, http: &http.Client{Timeout: 5 * time.Second}}
		r, err := g.try("POST", "/hooks/edr", body, append(sign(edrSecret, body, time.Now()), "X-Delivery-Id", fmt.Sprintf("crash-%d", n))...)
		if err == nil && r.status == http.StatusAccepted {
			c.mu.Lock()
			for _, id := range r.list("runs") {
				c.runs = append(c.runs, fmt.Sprint(id))
			}
			c.mu.Unlock()
			return
		}
		if err == nil && r.status != http.StatusServiceUnavailable && r.status != http.StatusTooManyRequests {
			c.t.Errorf("alert %d: got %d %s", n, r.status, r.raw)
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// storm sends all alerts while the server is killed at random moments and started
// again, and waits until every run has ended or waits for a person.
func (c *crash) storm() {
	c.t.Helper()
	next := make(chan int)
	var senders sync.WaitGroup
	for range 8 {
		senders.Go(func() {
			for n := range next {
				c.post(n)
			}
		})
	}
	fed := make(chan struct{})
	go func() {
		defer close(fed)
		defer close(next)
		for n := range c.alerts {
			next <- n
			time.Sleep(10 * time.Millisecond)
		}
	}()
	for range c.kills {
		time.Sleep(time.Duration(50+c.rand.IntN(500)) * time.Millisecond)
		c.kill()
		c.inFlight += concurrency
		c.launchLocked()
	}
	<-fed
	senders.Wait()
	c.people["admin"] = c.admin()
	limit := 2 * time.Minute
	if c.alerts > 100 {
		limit = 10 * time.Minute
	}
	within(c.t, limit, "every run has ended or waits for a person", func() bool {
		return c.count("queued")+c.count("running")+len(c.waitingElse()) == 0
	})
	if len(c.runs) != c.alerts {
		c.t.Errorf("the answers name %d runs, want %d", len(c.runs), c.alerts)
	}
}

func (c *crash) launchLocked() {
	c.spawn()
	for end := time.Now().Add(startLimit); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if url := c.find(listening); url != "" {
			c.mu.Lock()
			c.url = url
			c.mu.Unlock()
			if c.ready() {
				return
			}
		}
	}
	c.t.Fatalf("the server did not come back: %s", c.logged())
}

// all gives every run with this status.
func (c *crash) all(status string) []any {
	var out []any
	cursor := ""
	for {
		r := c.people["admin"].get("/runs?limit=200&playbook=three&status=" + status + cursor)
		out = append(out, r.list("items")...)
		if r.at("next") == nil {
			return out
		}
		cursor = "&cursor=" + r.text("next")
	}
}

func (c *crash) count(status string) int { return len(c.all(status)) }

// waitingElse gives the runs that wait for anything but a person's word on a step
// in doubt.
func (c *crash) waitingElse() []any {
	var out []any
	for _, r := range c.all("waiting") {
		if walk(r, "waiting", 0, "kind") != "in_doubt" {
			out = append(out, r)
		}
	}
	return out
}

// resolve says of each step in doubt of a run what became of it, until the run has
// ended: done, or failed.
func (c *crash) resolve(id string, done bool) {
	c.t.Helper()
	resolved := ""
	eventually(c.t, "the run "+id+" ends after a person said what happened", func() bool {
		r := c.people["admin"].get("/runs/" + id)
		step := r.text("waiting", 0, "step")
		if r.at("ended_at") == nil && r.text("waiting", 0, "kind") == "in_doubt" && step != resolved {
			body := map[string]any{"step": step, "as": "failed", "reason": "asked the other side"}
			if done {
				body["as"], body["output"] = "done", map[string]any{"status": 200, "headers": map[string]any{}, "body": map[string]any{}}
			}
			c.people["admin"].post("/runs/"+id+"/resolve", body).want(c.t, 200, 202)
			resolved = step
		}
		return r.at("ended_at") != nil
	})
}

func (c *crash) wantAllSucceeded() {
	c.t.Helper()
	if got := c.count("succeeded"); got != c.alerts {
		c.t.Errorf("succeeded: got %d, want %d; failed %d, waiting %d", got, c.alerts, c.count("failed"), c.count("waiting"))
		for i, r := range append(c.all("failed"), c.all("waiting")...) {
			if i < 3 {
				c.t.Logf("%v", r)
			}
		}
	}
	c.stub.mu.Lock()
	defer c.stub.mu.Unlock()
	if want := 3 * c.alerts; len(c.stub.applied) != want {
		c.t.Errorf("keys: got %d, want %d", len(c.stub.applied), want)
	}
	for key, n := range c.stub.applied {
		if n != 1 || len(key) != 32 {
			c.t.Errorf("key %q was applied %d times", key, n)
		}
	}
}

func TestCrashWhereTheOtherSideHonoursKeys(t *testing.T) {
	c := newCrash(t, crashFiles("http.send", "    with: { method: POST, path: /apply, json: { a: 1 } }\n", "true"), true)
	c.storm()
	c.wantAllSucceeded()
}

func TestCrashWhereTheOtherSideCanBeAsked(t *testing.T) {
	c := newCrash(t, crashFiles("lab.mark", "    with: { n: 1 }\n", "false"), false)
	c.storm()
	c.wantAllSucceeded()
	c.stub.mu.Lock()
	defer c.stub.mu.Unlock()
	if len(c.stub.late) > 0 {
		t.Errorf("%d keys arrived after their effect was confirmed: %v", len(c.stub.late), c.stub.late[0])
	}
}

func TestCrashWhereNothingCanTell(t *testing.T) {
	c := newCrash(t, crashFiles("http.send", "    with: { method: POST, path: /apply, json: { a: 1 } }\n", "false"), false)
	c.storm()
	c.stub.mu.Lock()
	for key, n := range c.stub.applied {
		if n != 1 {
			t.Errorf("key %q was applied %d times", key, n)
		}
	}
	c.stub.mu.Unlock()
	seen := map[string]int{}
	for _, a := range c.stub.arrivals("/apply") {
		if seen[a.key]++; seen[a.key] > 1 {
			t.Errorf("key %q arrived %d times", a.key, seen[a.key])
		}
	}
	doubts := c.all("waiting")
	if got := c.count("succeeded") + len(doubts); got != c.alerts {
		t.Errorf("succeeded or in doubt: got %d, want %d; failed %d", got, c.alerts, c.count("failed"))
	}
	if len(doubts) > c.inFlight {
		t.Errorf("%d in doubt, but at most %d attempts were in flight", len(doubts), c.inFlight)
	}
	t.Logf("%d runs in doubt, at most %d attempts in flight", len(doubts), c.inFlight)
	for i, r := range doubts {
		c.resolve(fmt.Sprint(walk(r, "id")), i%2 == 0)
	}
	if got := c.count("waiting"); got != 0 {
		t.Errorf("%d runs still wait after a person resolved them", got)
	}
}
