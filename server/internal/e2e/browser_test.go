package e2e

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"
)

var (
	logInLink = regexp.MustCompile(`https?://\S+/link[?#]\S+`)
	rangeText = regexp.MustCompile(`(?i)range\S*\s+(?:at\s+|on\s+|is\s+)?(https?://127\.0\.0\.1:\d+)`)
)

// browse runs a script of web/e2e with the system's browser.
func browse(t *testing.T, script string, env ...string) {
	t.Helper()
	ctx, stop := context.WithTimeout(context.Background(), 15*time.Minute)
	defer stop()
	cmd := exec.CommandContext(ctx, "node", "e2e/"+script) //nolint:gosec // a script of this repository
	cmd.Dir = "../../../web"
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("the browser: %v", err)
	}
}

func needsBrowser(t *testing.T) {
	t.Helper()
	if os.Getenv("TOCSIN_E2E") != "browser" {
		t.Skip("needs a browser and the built web app: make e2e")
	}
}

// TestBrowser starts the binary as `make run` does and lets a browser do what a
// newcomer does: follow the link, see alerts and runs, approve, see the host
// isolated in the range, undo, confirm, see it released.
func TestBrowser(t *testing.T) {
	needsBrowser(t)
	srv := prepare(t, setup{args: []string{"--demo"}})
	srv.env = append(srv.env, "TOCSIN_ADMIN_PASSWORD=")
	begin := time.Now()
	srv.launch()
	link := ""
	eventually(t, "a log-in link is printed", func() bool {
		link = srv.find(logInLink)
		return link != ""
	})
	t.Logf("ready with a link after %s", time.Since(begin).Round(time.Millisecond))
	browse(t, "main.mjs", "TOCSIN_URL="+srv.url, "TOCSIN_LINK="+link, "RANGE_URL="+srv.rangeURL())
}

// TestBrowserScreens shows every screen on fixtures: axe-core, the content policy,
// keyboard, states, hostile payloads (S029), small screens, budgets.
func TestBrowserScreens(t *testing.T) {
	needsBrowser(t)
	browse(t, "fixture.mjs")
}

// rangeURL gives the demo range's address: as the server printed it, or as the
// range noted it.
func (s *server) rangeURL() string {
	for _, line := range s.lines() {
		if m := rangeText.FindStringSubmatch(line); m != nil {
			return m[1]
		}
	}
	var last struct{ Port int }
	raw, err := os.ReadFile(filepath.Join(s.data, "demo", "address.json"))
	if err != nil || json.Unmarshal(raw, &last) != nil {
		s.t.Fatalf("the demo range's address is not known: %v %v", s.lines(), err)
	}
	return "http://127.0.0.1:" + strconv.Itoa(last.Port)
}

// TestDemo is point 2 of the newcomer's minute without a browser.
func TestDemo(t *testing.T) {
	srv := start(t, setup{args: []string{"--demo"}})
	c := srv.admin()
	page := func() string {
		g := &client{t: t, base: srv.rangeURL(), http: c.http}
		return string(g.do("GET", "/", nil).want(t, 200).raw)
	}
	var approval reply
	within(t, time.Minute, "an approval for FIN-LT-0231 waits", func() bool {
		for _, a := range c.get("/approvals?status=pending&limit=200").list("items") {
			if walk(a, "action") == "range-edr.isolate_host" && walk(a, "targets", 0, "value") == "FIN-LT-0231" {
				approval = c.get("/approvals/" + walk(a, "id").(string))
				return true
			}
		}
		return false
	})
	if isolatedInRange(page(), "FIN-LT-0231") {
		t.Fatal("the host is isolated before anybody said yes")
	}
	decide(c, approval, "approve", "seen").want(t, 200)
	eventually(t, "the range shows the host isolated", func() bool { return isolatedInRange(page(), "FIN-LT-0231") })

	var effect string
	eventually(t, "the effect stands in the ledger", func() bool {
		for _, e := range c.get("/effects?status=in_force&limit=200").list("items") {
			if walk(e, "targets", 0, "value") == "FIN-LT-0231" {
				effect, _ = walk(e, "id").(string)
			}
		}
		return effect != ""
	})
	if got := len(c.get("/alerts?limit=200").list("items")); got < 5 {
		t.Errorf("alerts: got %d, want at least five", got)
	}
	if !regexp.MustCompile(`data-ticket="SEC-\d+"`).MatchString(page()) {
		t.Error("no ticket was opened in the range")
	}

	c.post("/effects/"+effect+"/undo", map[string]any{"reason": "it was a test"}).want(t, 200, 202)
	var release reply
	eventually(t, "the release asks for its confirmation", func() bool {
		for _, a := range c.get("/approvals?status=pending&limit=200").list("items") {
			if walk(a, "action") == "range-edr.release_host" {
				release = c.get("/approvals/" + walk(a, "id").(string))
				return true
			}
		}
		return false
	})
	decide(c, release, "approve", "").want(t, 200)
	eventually(t, "the range shows the host released", func() bool { return !isolatedInRange(page(), "FIN-LT-0231") })

	before := len(c.get("/alerts?limit=200").list("items"))
	if err := srv.stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	srv.launch()
	time.Sleep(4 * time.Second) // as long as the first burst took
	if got := len(srv.admin().get("/alerts?limit=200").list("items")); got != before {
		t.Errorf("the second start brought %d alerts, %d before", got, before)
	}
	if srv.find(logInLink) == "" {
		t.Error("the second start with --demo printed no log-in link")
	}
}

func isolatedInRange(page, host string) bool {
	return regexp.MustCompile(`data-host="` + regexp.QuoteMeta(host) + `" data-isolated="true"`).MatchString(page)
}
