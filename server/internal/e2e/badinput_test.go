package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// wrongPlaybook has ten different mistakes; each stands on a line that ends with
// its number.
const wrongPlaybook = `name: Everything wrong
descriptionn: an unknown key # 1
on:
  - alert: alert.severity >= 'high' # 2
steps:
  - id: early
    if: steps.later.ok && steps.later.output.isolated # 3
    action: lab.note
    with: { text: 7 } # 4
  - id: later
    action: lab.look
    with: {} # 5
  - id: misspelt
    action: lab.noet # 6
    with: { text: x }
  - id: lease
    action: lab.note
    with: { text: x }
    for: 4h # 7
  - if: inputs.nothing == 1 # 8
    then:
      - id: inner
        action: lab.look
        with: { host: ws-1 }
  - id: outer
    action: lab.note
    with: { text: "${{ steps.inner.output.host }}" } # 9
  - return: {}
  - id: never # 10
    action: lab.note
    with: { text: x }
`

func TestAPlaybookWithTenMistakesReportsThemAll(t *testing.T) {
	dir := standard.with(files{"playbooks/wrong.yaml": wrongPlaybook}).write(t, "http://127.0.0.1:1")
	r := run(t, "", nil, "playbook", "check", "--workspace", dir, "--json", filepath.Join(dir, "playbooks/wrong.yaml")).want(t, 1)
	var out any
	if err := json.Unmarshal([]byte(r.stdout), &out); err != nil {
		t.Fatalf("%v in %s", err, r.stdout)
	}
	problems := findProblems(out)
	for i, line := range strings.Split(wrongPlaybook, "\n") {
		_, number, marked := strings.Cut(line, "# ")
		if !marked {
			continue
		}
		ok := slices.ContainsFunc(problems, func(p map[string]any) bool {
			column, _ := p["column"].(float64)
			return p["line"] == float64(i+1) && column > 0 && p["message"] != "" && p["code"] != "" && p["hint"] != ""
		})
		if !ok {
			t.Errorf("mistake %s (line %d: %s) is not reported with line, column and hint", number, i+1, strings.TrimSpace(line))
		}
	}
	if t.Failed() {
		t.Logf("reported: %s", r.stdout)
	}
}

// findProblems collects the problems in whatever they are wrapped.
func findProblems(v any) []map[string]any {
	var out []map[string]any
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			out = append(out, findProblems(x)...)
		}
	case map[string]any:
		if _, ok := v["line"]; ok {
			return []map[string]any{v}
		}
		for _, x := range v {
			out = append(out, findProblems(x)...)
		}
	}
	return out
}

func TestABrokenConnectionSaysSoInWords(t *testing.T) {
	w := newWorld(t, standard.with(files{"playbooks/dead.yaml": `name: Over a dead connection
on:
  - manual: {}
steps:
  - id: look
    action: lab.look
    connection: dead
    retry: { attempts: 1 }
    with: { host: ws-1 }
`}))
	r := w.run(t, w.people["admin"], "dead", map[string]any{})
	message := fmt.Sprint(walk(r.step("look"), "error", "message"))
	if r.text("status") != "failed" || walk(r.step("look"), "error", "kind") != "unavailable" || len(strings.Fields(message)) < 3 || r.text("error", "message") == "" {
		t.Errorf("the run: got %s", r.raw)
	}
	w.people["admin"].post("/connections/dead/test", nil).want(t, 200)
	c := w.people["admin"].get("/connections/dead")
	if c.text("status") != "failing" && c.text("status") != "degraded" || len(strings.Fields(c.text("last_error"))) < 3 {
		t.Errorf("the connection: got %s", c.raw)
	}
	if !strings.Contains(fmt.Sprint(c.at("used_by")), "dead") {
		t.Errorf("the playbook that it breaks is not named: %v", c.at("used_by"))
	}
}

// smallDisk gives a folder on a disk of its own of so many MiB, or skips.
func smallDisk(t *testing.T, mib int) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "disk")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("mount", "-t", "tmpfs", "-o", fmt.Sprintf("size=%dm,mode=0700", mib), "tmpfs", dir).CombinedOutput() //nolint:gosec // a folder of this test
	if err != nil {
		t.Skipf("a small disk cannot be mounted here (%s)", strings.TrimSpace(string(out)))
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", "-l", dir).CombinedOutput(); err != nil { //nolint:gosec // the same folder
			t.Errorf("umount: %v %s", err, out)
		}
	})
	return dir
}

func TestAFullDiskRefusesLosesNothingAndRecovers(t *testing.T) {
	disk := smallDisk(t, 32)
	st := newStub(t)
	srv := start(t, setup{workspace: standard.write(t, st.URL), data: filepath.Join(disk, "data"), env: standardEnv})
	send := func(id string) reply {
		body := alertBody(id, "quiet", "low", "ws-full")
		return srv.guest().do("POST", "/hooks/edr", body, append(sign(edrSecret, body, time.Now()), "X-Delivery-Id", id)...)
	}
	taken := map[string]bool{}
	for i := range 10 {
		id := fmt.Sprintf("before-%d", i)
		send(id).want(t, 202)
		taken[id] = true
	}

	filler := filepath.Join(disk, "filler")
	fill(t, filler)
	refused := false
	for i := 0; i < 3000 && !refused; i++ {
		id := fmt.Sprintf("during-%d", i)
		switch r := send(id); r.status {
		case 202:
			taken[id] = true
		case 503:
			refused = true
			if r.text("code") == "" || r.text("detail") == "" {
				t.Errorf("the refusal says nothing: %s", r.raw)
			}
		default:
			t.Fatalf("got %d %s, want 202 or 503", r.status, r.raw)
		}
		if i%200 == 0 {
			fill(t, filler)
		}
	}
	if !refused {
		t.Fatal("a full disk was never said")
	}
	srv.guest().do("GET", "/healthz", nil).want(t, 200)

	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it takes alerts again by itself", func() bool {
		if send("after").status != 202 {
			return false
		}
		taken["after"] = true
		return true
	})
	c := srv.admin()
	found, cursor := map[string]bool{}, ""
	for {
		r := c.get("/alerts?limit=200&q=ws-full" + cursor)
		for _, a := range r.list("items") {
			found[fmt.Sprint(walk(a, "source_id"))] = true
		}
		if r.at("next") == nil {
			break
		}
		cursor = "&cursor=" + r.text("next")
	}
	for id := range taken {
		if !found[id] {
			t.Errorf("%s was taken and is lost", id)
		}
	}
	if err := srv.stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	run(t, "", nil, "audit", "verify", "--data", srv.data).want(t, 0)
}

// fill writes until the disk takes no more.
func fill(t *testing.T, name string) {
	t.Helper()
	f, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600) //nolint:gosec // a file of this test
	if err != nil {
		return // not even a name fits any more
	}
	defer func() { _ = f.Close() }()
	for _, size := range []int64{1 << 20, 4 << 10} {
		for {
			if _, err := io.CopyN(f, zeros{}, size); err != nil {
				break
			}
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
