package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestContractCommands holds the command line to the page: words, exit codes,
// --json and --help.
func TestContractCommands(t *testing.T) {
	t.Run("each command has --help with an example", func(t *testing.T) {
		for _, c := range []string{
			"serve", "playbook check", "playbook test", "policy check", "policy test", "integration list", "integration new", "integration check",
			"runs list", "runs show", "runs cancel", "runs resolve", "approvals list", "approvals show", "approvals approve", "approvals deny",
			"effects list", "effects undo", "alerts list", "alerts show", "alerts send", "halt on", "halt off", "halt status",
			"audit verify", "audit export", "backup", "restore", "user add", "user link", "user disable", "user list", "token new", "token list", "token revoke",
			"schema", "openapi", "version",
		} {
			r := run(t, "", nil, append(strings.Fields(c), "--help")...)
			if r.code != 0 || !strings.Contains(r.stdout+r.stderr, "tocsin "+c) {
				t.Errorf("%s --help: code %d\n%s%s", c, r.code, r.stdout, r.stderr)
			}
		}
	})
	t.Run("misuse is exit code 2", func(t *testing.T) {
		for _, args := range [][]string{{}, {"nonsense"}, {"serve", "--nonsense"}, {"playbook"}, {"playbook", "check"}, {"user", "add"}, {"schema"}, {"halt", "perhaps"}} {
			run(t, "", nil, args...).want(t, 2)
		}
	})
	t.Run("version prints one", func(t *testing.T) {
		if r := run(t, "", nil, "version").want(t, 0); strings.TrimSpace(r.stdout) == "" {
			t.Error("nothing is printed")
		}
		var v any
		if r := run(t, "", nil, "version", "--json").want(t, 0); json.Unmarshal([]byte(r.stdout), &v) != nil {
			t.Errorf("not JSON: %s", r.stdout)
		}
	})
	t.Run("schema prints the schema of every file of a workspace", func(t *testing.T) {
		for _, name := range []string{"playbook", "source", "connection", "manifest", "policy-input", "policy-member", "errors"} {
			var v map[string]any
			r := run(t, "", nil, "schema", name).want(t, 0)
			if err := json.Unmarshal([]byte(r.stdout), &v); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		run(t, "", nil, "schema", "nonsense").want(t, 2)
	})
	t.Run("playbook check: 0 for a good one, 1 for a bad one, 1 for a warning with --strict", func(t *testing.T) {
		dir := standard.write(t, "http://127.0.0.1:1")
		good := filepath.Join(dir, "playbooks/note-it.yaml")
		run(t, "", nil, "playbook", "check", "--workspace", dir, good).want(t, 0)
		put(t, filepath.Join(dir, "playbooks/bad.yaml"), strings.Replace(standard["playbooks/note-it.yaml"], "steps.note.output", "steps.noet.output", 1))
		r := run(t, "", nil, "playbook", "check", "--workspace", dir, "--json", filepath.Join(dir, "playbooks/bad.yaml")).want(t, 1)
		if !strings.Contains(r.stdout, `"line"`) || !strings.Contains(r.stdout, "bad.yaml") {
			t.Errorf("got %s", r.stdout)
		}
	})
	t.Run("playbook test: 0 when all cases pass, 1 when one fails", func(t *testing.T) {
		dir := standard.write(t, "http://127.0.0.1:1")
		file := filepath.Join(dir, "playbooks/note-it.test.yaml")
		text := `playbook: note-it
cases:
  - name: a note is written once
    inputs: { text: hello }
    replies:
      lab.note: { output: { applied: 1 } }
    expect:
      status: succeeded
      calls: [ { action: lab.note, times: TIMES, with: { text: hello } } ]
`
		put(t, file, strings.Replace(text, "TIMES", "1", 1))
		run(t, "", nil, "playbook", "test", "--workspace", dir, file).want(t, 0)
		put(t, file, strings.Replace(text, "TIMES", "2", 1))
		r := run(t, "", nil, "playbook", "test", "--workspace", dir, "--json", file).want(t, 1)
		if !strings.Contains(r.stdout, `"failed"`) {
			t.Errorf("got %s", r.stdout)
		}
	})
	t.Run("policy check and policy test work on a folder", func(t *testing.T) {
		dir := standard.with(files{"policies/lab/lab.rego": quickPolicy}).write(t, "http://127.0.0.1:1")
		policies := filepath.Join(dir, "policies")
		run(t, "", nil, "policy", "check", policies).want(t, 0)
		run(t, "", nil, "policy", "test", policies).want(t, 0)
		put(t, filepath.Join(policies, "lab/lab.rego"), strings.Replace(quickPolicy, "deny contains", "denny contains", 1))
		if r := run(t, "", nil, "policy", "check", policies).want(t, 1); !strings.Contains(r.stdout+r.stderr, "denny") {
			t.Errorf("got %s%s", r.stdout, r.stderr)
		}
	})
	t.Run("integration list, new and check", func(t *testing.T) {
		if r := run(t, "", nil, "integration", "list").want(t, 0); !strings.Contains(r.stdout, "http") {
			t.Errorf("list: got %s", r.stdout)
		}
		dir := t.TempDir()
		bin := program(t)
		_ = bin
		old, err := os.Getwd()
		if err != nil {
			t.Fatal(err)
		}
		t.Chdir(dir)
		run(t, "", nil, "integration", "new", "acme").want(t, 0)
		run(t, "", nil, "integration", "check", filepath.Join(dir, "integrations/acme")).want(t, 0)
		put(t, filepath.Join(dir, "integrations/acme/manifest.yaml"), strings.Replace(strings.Replace(labManifest, "id: lab", "id: acme", 1), "    inverse: { action: free, with: { host: \"${{ output.host }}\" } }\n", "", 1))
		if r := run(t, "", nil, "integration", "check", filepath.Join(dir, "integrations/acme")).want(t, 1); !strings.Contains(r.stdout+r.stderr, "inverse") {
			t.Errorf("a contain action without inverse: got %s%s", r.stdout, r.stderr)
		}
		t.Chdir(old)
	})
	onServer(t)
	onData(t)
}

// onServer tests the commands that speak to a server with a token.
func onServer(t *testing.T) {
	t.Helper()
	w := newWorld(t, standard)
	token := newToken(t, w, "admin", "read", "write", "operate", "decide", "admin")
	env := []string{"TOCSIN_URL=" + w.url, "TOCSIN_TOKEN=" + token}
	cli := func(t *testing.T, code int, args ...string) ran {
		t.Helper()
		return run(t, "", env, args...).want(t, code)
	}

	t.Run("without a server or a token a command says so: exit code 1 or 2", func(t *testing.T) {
		w.use(t)
		for _, e := range [][]string{nil, {"TOCSIN_URL=" + w.url}, {"TOCSIN_URL=http://127.0.0.1:1", "TOCSIN_TOKEN=" + token}, {"TOCSIN_URL=" + w.url, "TOCSIN_TOKEN=tok_wrong"}} {
			if r := run(t, "", e, "runs", "list"); r.code == 0 || r.stdout+r.stderr == "" {
				t.Errorf("%v: code %d, said %q", e, r.code, r.stderr)
			}
		}
	})
	t.Run("alerts send, list, show and close", func(t *testing.T) {
		w.use(t)
		file := filepath.Join(t.TempDir(), "alert.json")
		put(t, file, alertBody(unique("cli"), "quiet", "low", "ws-cli"))
		id, _ := w.alert(t, "quiet", "low", "ws-cli")
		if r := cli(t, 0, "alerts", "list", "--json"); !strings.Contains(r.stdout, id) || !json.Valid([]byte(r.stdout)) {
			t.Errorf("list: got %s", r.stdout)
		}
		if r := cli(t, 0, "alerts", "show", id, "--json"); !strings.Contains(r.stdout, `"related"`) {
			t.Errorf("show: got %s", r.stdout)
		}
		cli(t, 0, "alerts", "close", id, "--reason", "a test", "--verdict", "benign")
		if got := w.people["admin"].get("/alerts/" + id).text("status"); got != "closed" {
			t.Errorf("close: got %q", got)
		}
		cli(t, 1, "alerts", "show", "alr_00000000000070008000000000000000")
	})
	t.Run("playbook run, runs list and show", func(t *testing.T) {
		w.use(t)
		r := cli(t, 0, "playbook", "run", "note-it", "--json")
		var run map[string]any
		if err := json.Unmarshal([]byte(r.stdout), &run); err != nil || !isID("run", fmt.Sprint(run["id"])) {
			t.Fatalf("run: got %s", r.stdout)
		}
		id := fmt.Sprint(run["id"])
		w.settle(t, id)
		if r := cli(t, 0, "runs", "list", "--json"); !strings.Contains(r.stdout, id) {
			t.Errorf("list: got %s", r.stdout)
		}
		if r := cli(t, 0, "runs", "show", id, "--json"); !strings.Contains(r.stdout, `"steps"`) {
			t.Errorf("show: got %s", r.stdout)
		}
	})
	t.Run("approvals list, show, deny; runs resolve and cancel", func(t *testing.T) {
		w.use(t)
		r := w.run(t, w.person(t, "responder"), "contain", map[string]any{"host": unique("cli")})
		a := w.pending(t, r.text("id"))
		if got := cli(t, 0, "approvals", "list", "--json"); !strings.Contains(got.stdout, a.text("id")) {
			t.Errorf("list: got %s", got.stdout)
		}
		cli(t, 0, "approvals", "show", a.text("id"))
		cli(t, 0, "approvals", "deny", a.text("id"), "--comment", "no")
		if got := w.end(t, r.text("id")); got.text("status") != "failed" {
			t.Errorf("after deny: got %s", got.raw)
		}
		doubt := w.run(t, w.people["admin"], "send", map[string]any{"how": "500"})
		cli(t, 0, "runs", "resolve", doubt.text("id"), "--step", "send", "--as", "failed", "--reason", "looked")
		if got := w.end(t, doubt.text("id")); got.text("status") != "failed" {
			t.Errorf("after resolve: got %s", got.raw)
		}
		waits := w.run(t, w.person(t, "responder"), "contain", map[string]any{"host": unique("cli")})
		cli(t, 0, "runs", "cancel", waits.text("id"))
		if got := w.end(t, waits.text("id")); got.text("status") != "cancelled" {
			t.Errorf("after cancel: got %s", got.raw)
		}
	})
	t.Run("a token has no more rights than its scopes", func(t *testing.T) {
		w.use(t)
		reader := newToken(t, w, "admin", "read")
		c := w.bearer(reader)
		c.get("/alerts")
		c.do("PUT", "/api/v1/halt", map[string]any{"on": true, "reason": "x"}).refused(t, 403, "forbidden")
		w.bearer(newToken(t, w, "admin", "metrics")).do("GET", "/metrics", nil).want(t, 200)
		c.do("GET", "/metrics", nil).want(t, 401, 403)
	})
}

// newToken makes a token by the command line and gives its text.
func newToken(t *testing.T, w *world, owner string, scopes ...string) string {
	t.Helper()
	r := run(t, "", nil, "token", "new", "--user", owner, "--name", unique("token"), "--scopes", strings.Join(scopes, ","), "--data", w.data, "--json").want(t, 0)
	var made map[string]any
	if err := json.Unmarshal([]byte(r.stdout), &made); err != nil {
		t.Fatalf("token new: %v in %s", err, r.stdout)
	}
	for _, name := range []string{"token", "secret", "value"} {
		if text, ok := made[name].(string); ok && text != "" {
			return text
		}
	}
	t.Fatalf("token new gave no token: %s", r.stdout)
	return ""
}

// onData tests the commands that work on a data folder.
func onData(t *testing.T) {
	t.Helper()
	w := newWorld(t, standard)
	t.Run("user, token, halt and audit go through the socket of a running server", func(t *testing.T) {
		w.use(t)
		info, err := os.Stat(filepath.Join(w.data, "tocsin.sock"))
		if err != nil || info.Mode().Perm() != 0o600 || info.Mode()&os.ModeSocket == 0 {
			t.Fatalf("socket: %v %v", info, err)
		}
		run(t, "a long enough password 7\n", nil, "user", "add", "the-analyst", "--role", "analyst", "--password-stdin", "--data", w.data).want(t, 0)
		w.people["analyst"] = w.login("the-analyst", "a long enough password 7")
		if r := run(t, "", nil, "user", "list", "--data", w.data, "--json").want(t, 0); !strings.Contains(r.stdout, "the-analyst") {
			t.Errorf("user list: got %s", r.stdout)
		}
		run(t, "", nil, "user", "disable", "the-analyst", "--data", w.data).want(t, 0)
		w.people["analyst"].do("GET", "/api/v1/me", nil).want(t, 401)
		run(t, "", nil, "halt", "on", "--reason", "a drill", "--data", w.data).want(t, 0)
		if w.people["admin"].get("/halt").at("on") != true {
			t.Error("the halt is not on")
		}
		if r := run(t, "", nil, "halt", "status", "--data", w.data).want(t, 0); !strings.Contains(r.stdout, "on") {
			t.Errorf("halt status: got %s", r.stdout)
		}
		if r := run(t, "", nil, "audit", "verify", "--data", w.data).want(t, 0); r.stdout == "" {
			t.Error("audit verify says nothing")
		}
		if got := string(w.people["admin"].get("/audit?limit=50").raw); !strings.Contains(got, "operator") {
			t.Error("the actor operator is not in the audit log")
		}
	})
	t.Run("backup under load, audit export, and restore into quarantine", func(t *testing.T) {
		w.use(t)
		dir := t.TempDir()
		backup := filepath.Join(dir, "backup")
		run(t, "", nil, "backup", backup, "--data", w.data).want(t, 0)
		if entries, err := os.ReadDir(backup); err != nil || len(entries) == 0 {
			if info, err := os.Stat(backup); err != nil || info.Size() == 0 {
				t.Fatalf("no backup: %v", err)
			}
		}
		export := run(t, "", nil, "audit", "export", "--data", w.data).want(t, 0).stdout
		lines := strings.Split(strings.TrimSpace(export), "\n")
		if len(lines) < 3 || !json.Valid([]byte(lines[0])) {
			t.Errorf("export: got %d lines, first %.200s", len(lines), lines[0])
		}
		run(t, "", nil, "restore", backup, "--data", w.data).want(t, 1) // a server runs there
		fresh := filepath.Join(dir, "restored")
		run(t, "", nil, "restore", backup, "--data", fresh).want(t, 0)
		key, err := os.ReadFile(filepath.Join(w.data, "key"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(fresh, "key")); err == nil {
			t.Error("the backup carries the key")
		}
		put(t, filepath.Join(fresh, "key"), string(key))
		if err := os.Chmod(filepath.Join(fresh, "key"), 0o600); err != nil {
			t.Fatal(err)
		}
		r := start(t, setup{workspace: w.workspace, data: fresh, env: standardEnv})
		ready := r.guest().do("GET", "/readyz", nil).want(t, 200)
		if ready.at("quarantine") != true {
			t.Errorf("readyz: got %s, want quarantine", ready.raw)
		}
		if r.admin().get("/halt").at("on") != true {
			t.Error("a restored server is not halted")
		}
	})
	t.Run("audit verify names an edited entry", func(t *testing.T) {
		w.use(t)
		export := run(t, "", nil, "audit", "export", "--data", w.data).want(t, 0).stdout
		file := filepath.Join(t.TempDir(), "audit.jsonl")
		put(t, file, export)
		run(t, "", nil, "audit", "verify", file).want(t, 0)
		lines := strings.Split(export, "\n")
		put(t, file, strings.Join(append(lines[:1:1], lines[2:]...), "\n"))
		if r := run(t, "", nil, "audit", "verify", file).want(t, 1); !strings.Contains(r.stdout+r.stderr, "2") {
			t.Errorf("got %s%s", r.stdout, r.stderr)
		}
	})
}
