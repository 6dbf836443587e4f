package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// starts says that a server with this setup starts and stops again.
func starts(t *testing.T, s setup) {
	t.Helper()
	if err := start(t, s).stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
}

// refuses says that a start is refused, with these words.
func refuses(t *testing.T, s setup, words ...string) {
	t.Helper()
	srv := prepare(t, s)
	srv.spawn()
	<-srv.done
	said := strings.Join(srv.lines(), "\n") + srv.logged()
	if srv.cmd.ProcessState.ExitCode() == 0 {
		t.Errorf("the start was not refused; it said\n%s", said)
	}
	for _, w := range words {
		if !strings.Contains(said, w) {
			t.Errorf("%q is not in\n%s", w, said)
		}
	}
}

// TestContractSettings holds the server to the page's table of settings.
func TestContractSettings(t *testing.T) {
	t.Run("an unknown key is an error that names the nearest known one", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "tocsin.yaml")
		put(t, file, "revieww: files\n")
		refuses(t, setup{args: []string{"--config", file}}, "revieww", "review")
		refuses(t, setup{env: []string{"TOCSIN_REVIEWW=files"}}, "TOCSIN_REVIEWW", "TOCSIN_REVIEW")
	})
	t.Run("a bad value of a known key stops the start", func(t *testing.T) {
		refuses(t, setup{env: []string{"TOCSIN_REVIEW=nobody"}}, "review")
		refuses(t, setup{env: []string{"TOCSIN_BASE_URL=http://tocsin.example.org"}}, "https")
	})
	t.Run("flags over environment over file over defaults, printed with their origins, secrets masked", func(t *testing.T) {
		dir := t.TempDir()
		file := filepath.Join(dir, "tocsin.yaml")
		put(t, file, "addr: 127.0.0.1:1111\nreview: files\n")
		env := []string{"TOCSIN_ADDR=127.0.0.1:2222", "TOCSIN_ADMIN_PASSWORD=" + adminPassword}
		r := run(t, "", env, "serve", "--config", file, "--data", dir, "--print-config").want(t, 0)
		if !strings.Contains(r.stdout, "127.0.0.1:2222") || strings.Contains(r.stdout, "127.0.0.1:1111") || !strings.Contains(r.stdout, "files") || strings.Contains(r.stdout, adminPassword) {
			t.Errorf("got %s", r.stdout)
		}
		r = run(t, "", env, "serve", "--config", file, "--data", dir, "--addr", "127.0.0.1:3333", "--print-config").want(t, 0)
		if !strings.Contains(r.stdout, "127.0.0.1:3333") {
			t.Errorf("got %s", r.stdout)
		}
		if _, err := os.Stat(filepath.Join(dir, "tocsin.db")); err == nil {
			t.Error("printing the settings made a database")
		}
	})
	t.Run("postgres and temporal are refused with a clear error until they are built", func(t *testing.T) {
		refuses(t, setup{env: []string{"TOCSIN_DB=postgres://u:secretpw@localhost/x"}}, "PostgreSQL")
		refuses(t, setup{env: []string{"TOCSIN_ENGINE=temporal://localhost:7233/x"}}, "Temporal")
	})
	t.Run("without TOCSIN_ADMIN_PASSWORD a one-time link is printed and works", func(t *testing.T) {
		srv := prepare(t, setup{})
		srv.env = append(srv.env, "TOCSIN_ADMIN_PASSWORD=")
		srv.launch()
		var token string
		eventually(t, "a link is printed", func() bool {
			if m := tokenText.FindStringSubmatch(strings.Join(srv.lines(), "\n")); m != nil {
				token = m[1]
			}
			return token != ""
		})
		c := srv.guest()
		c.post("/session/link", map[string]any{"token": token, "password": "the first password 1"}).want(t, 200, 201, 204)
		if got := c.get("/me").text("name"); got != "admin" {
			t.Errorf("got %q", got)
		}
		srv.login("admin", "the first password 1")
		if strings.Contains(srv.logged(), token) {
			t.Error("the link stands in the log")
		}
	})
	t.Run("the key is made with a new database; missing beside one the start is refused; mode 0600", func(t *testing.T) {
		data := filepath.Join(t.TempDir(), "data")
		starts(t, setup{data: data})
		key := filepath.Join(data, "key")
		info, err := os.Stat(key)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Fatalf("key: %v %v", info, err)
		}
		if err := os.Rename(key, key+".away"); err != nil {
			t.Fatal(err)
		}
		refuses(t, setup{data: data}, "key")
		if _, err := os.Stat(key); err == nil {
			t.Error("a new key was made beside an existing database")
		}
		if err := os.Rename(key+".away", key); err != nil {
			t.Fatal(err)
		}
		starts(t, setup{data: data})
	})
	t.Run("the data folder is for its owner only", func(t *testing.T) {
		data := filepath.Join(t.TempDir(), "data")
		start(t, setup{data: data})
		for name, want := range map[string]os.FileMode{"": 0o700, "tocsin.db": 0o600} {
			if info, err := os.Stat(filepath.Join(data, name)); err != nil || info.Mode().Perm() != want {
				t.Errorf("%q: got %v %v, want %o", name, info, err, want)
			}
		}
	})
	t.Run("a second server on the same database is refused", func(t *testing.T) {
		srv := start(t, setup{})
		refuses(t, setup{data: srv.data})
		srv.guest().do("GET", "/readyz", nil).want(t, 200)
	})
	t.Run("a graceful stop ends with 0, and the next start goes on with what was", func(t *testing.T) {
		w := newWorld(t, standard)
		id, started := w.alert(t, "note", "low", "ws-1")
		w.settle(t, started[0])
		if err := w.stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
		w.launch()
		if got := w.admin().get("/alerts/" + id).text("id"); got != id {
			t.Errorf("got %q", got)
		}
	})
	t.Run("metrics.public opens /metrics", func(t *testing.T) {
		srv := start(t, setup{env: []string{"TOCSIN_METRICS_PUBLIC=true"}})
		r := srv.guest().do("GET", "/metrics", nil).want(t, 200)
		for _, want := range []string{"# TYPE tocsin_", `tocsin_commits_total{result="ok"}`} { // the start wrote something
			if !strings.Contains(string(r.raw), want) {
				t.Errorf("no %s in %.300s", want, r.raw)
			}
		}
	})
	t.Run("references read only what the settings name, never TOCSIN_*", func(t *testing.T) {
		refuses(t, setup{env: []string{"TOCSIN_SECRETS_ENV=LAB_TOKEN,TOCSIN_ADMIN_PASSWORD"}}, "secrets.env")
		secrets := filepath.Join(t.TempDir(), "secrets")
		put(t, filepath.Join(secrets, "lab"), labToken)
		put(t, filepath.Join(filepath.Dir(secrets), "outside"), "outside")
		for name, tc := range map[string]struct {
			ref  string
			good bool
		}{
			"a listed variable":       {"env://LAB_TOKEN", true},
			"a file of the directory": {"file://lab", true},
			"an unlisted variable":    {"env://PATH", false},
			"a setting":               {"env://TOCSIN_ADMIN_PASSWORD", false},
			"a path out of it":        {"file://../outside", false},
			"an absolute path":        {"file:///etc/hostname", false},
		} {
			t.Run(name, func(t *testing.T) {
				f := standard.with(files{"connections/lab.yaml": strings.Replace(standard["connections/lab.yaml"], "env://LAB_TOKEN", tc.ref, 1)})
				st := newStub(t)
				env := append(append([]string{}, standardEnv...), "TOCSIN_SECRETS_DIR="+secrets, "TOCSIN_SECRETS_ENV=LAB_TOKEN,EDR_SECRET,OLD_EDR_SECRET,HUB_SECRET,SIEM_TOKEN,BASIC_PASS,STD_SECRET")
				srv := start(t, setup{workspace: f.write(t, st.URL), env: env})
				problems := string(srv.admin().get("/problems").raw)
				if shown := strings.Contains(problems, "lab.yaml"); shown == tc.good {
					t.Errorf("problems: %s", problems)
				}
				if strings.Contains(problems, adminPassword) || strings.Contains(problems, "outside\"") {
					t.Error("a value is shown")
				}
			})
		}
	})
	t.Run("review people: a workspace's contain playbook is a draft until a second person publishes it", func(t *testing.T) {
		w := newWorld(t, standard, "TOCSIN_REVIEW=people")
		if r := w.people["admin"].post("/playbooks/contain/runs", map[string]any{"inputs": map[string]any{"host": "ws-1"}}); r.status < 400 {
			t.Errorf("the draft started: %s", r.raw)
		}
		w.run(t, w.people["admin"], "note-it", map[string]any{})
		w.person(t, "engineer").post("/playbooks/contain/publish", nil).want(t, 200)
		r := w.run(t, w.people["admin"], "contain", map[string]any{"host": unique("pub")})
		if r.text("waiting", 0, "kind") != "approval" {
			t.Errorf("got %s", r.raw)
		}
	})
}

// TestContractWorkspace holds the server to the page's chapter on the workspace
// folder.
func TestContractWorkspace(t *testing.T) {
	w := newWorld(t, standard)
	problems := func() string { return string(w.people["admin"].get("/problems").raw) }
	t.Run("the standard workspace has no problem", func(t *testing.T) {
		w.use(t)
		for _, p := range w.people["admin"].get("/problems").list("items") {
			if walk(p, "severity") == "error" {
				t.Errorf("%v", p)
			}
		}
	})
	broken := map[string]struct{ file, old, with, says string }{
		"an unknown key is an error with its place": {"sources/edr.yaml", "delivery:", "delivry:", "delivry"},
		"a name that differs from its file":         {"connections/stub.yaml", "name: stub", "name: stab", "stab"},
		"a name that is no slug":                    {"connections/stub.yaml", "name: stub", "name: Stub X", "name"},
		"an integration that does not exist":        {"connections/stub.yaml", "integration: http", "integration: htpp", "htpp"},
		"a broken playbook":                         {"playbooks/note-it.yaml", "lab.note", "lab.noet", "lab.noet"},
		"a broken manifest":                         {"integrations/lab/manifest.yaml", "impact: read", "impact: raed", "raed"},
		"a broken table":                            {"assets.csv", "name,aliases", "namee,aliases", "bad_columns"},
		"a role that does not exist":                {"people.yaml", "responder", "respondre", "respondre"},
		"a mapping that does not compile":           {"sources/siem.yaml", "title: item.rule", "title: item.rule +", "siem.yaml"},
	}
	for name, tc := range broken {
		t.Run("the last good version stays: "+name, func(t *testing.T) {
			w.use(t)
			text := standard[tc.file]
			file := filepath.Join(w.workspace, tc.file)
			put(t, file, strings.ReplaceAll(strings.Replace(text, tc.old, tc.with, 1), "STUB", w.stub.URL))
			t.Cleanup(func() {
				if t.Failed() {
					t.Logf("problems: %s", problems())
				}
			})
			eventually(t, "the problem is shown", func() bool { return strings.Contains(problems(), tc.says) })
			for _, p := range w.people["admin"].get("/problems").list("items") {
				if strings.Contains(fmt.Sprint(walk(p, "file")), filepath.Base(tc.file)) && (walk(p, "line") == nil || walk(p, "message") == "") {
					t.Errorf("a problem without place or words: %v", p)
				}
			}
			_, started := w.alert(t, "note", "low", "ws-1")
			if len(started) != 1 {
				t.Fatalf("the alert started %d runs", len(started))
			}
			if r := w.settle(t, started[0]); r.text("status") != "succeeded" {
				t.Errorf("got %s", r.raw)
			}
			put(t, file, strings.ReplaceAll(text, "STUB", w.stub.URL))
			eventually(t, "the problem is gone", func() bool { return !strings.Contains(problems(), tc.says) })
		})
	}
	t.Run("a new file is loaded and a removed one is gone, without a restart", func(t *testing.T) {
		w.use(t)
		file := filepath.Join(w.workspace, "playbooks/deep/er/fresh.yaml")
		put(t, file, strings.Replace(standard["playbooks/note-it.yaml"], "Note it", "Fresh", 1))
		eventually(t, "it is there", func() bool {
			return w.people["admin"].do("GET", "/api/v1/playbooks/fresh", nil).status == 200
		})
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		eventually(t, "it is gone", func() bool {
			return w.people["admin"].do("POST", "/api/v1/playbooks/fresh/runs", map[string]any{"inputs": map[string]any{}}).status >= 400
		})
	})
	t.Run("a name may stand once over all folders of a kind", func(t *testing.T) {
		w.use(t)
		file := filepath.Join(w.workspace, "playbooks/other/note-it.yaml")
		put(t, file, standard["playbooks/note-it.yaml"])
		eventually(t, "the problem is shown", func() bool { return strings.Contains(problems(), "other/note-it.yaml") })
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("a literal secret is accepted with a warning", func(t *testing.T) {
		w.use(t)
		put(t, filepath.Join(w.workspace, "connections/literal.yaml"), "name: literal\nintegration: lab\nenvironment: test\nbase_url: "+w.stub.URL+"\nauth: { type: bearer, token: literal-CANARY-99 }\negress: { allow: [\"127.0.0.1\"] }\n")
		eventually(t, "the warning is shown", func() bool {
			for _, p := range w.people["admin"].get("/problems").list("items") {
				if strings.Contains(fmt.Sprint(walk(p, "file")), "literal.yaml") && walk(p, "severity") == "warning" {
					return true
				}
			}
			return false
		})
		if strings.Contains(problems(), "literal-CANARY-99") || strings.Contains(w.logged(), "literal-CANARY-99") {
			t.Error("the secret is shown")
		}
		raw, err := os.ReadFile(filepath.Join(w.data, "tocsin.db"))
		if err != nil || strings.Contains(string(raw), "literal-CANARY-99") {
			t.Errorf("the secret lies in the database unsealed: %v", err)
		}
	})
	t.Run("every file has a schema, equal on the command line and at /schemas", func(t *testing.T) {
		w.use(t)
		for _, name := range []string{"playbook", "source", "connection", "manifest", "policy-input", "policy-member", "policy-config"} {
			served := w.guest().do("GET", "/schemas/"+name+".json", nil).want(t, 200)
			var a, b any
			printed := run(t, "", nil, "schema", name).want(t, 0).stdout
			if json.Unmarshal(served.raw, &a) != nil || json.Unmarshal([]byte(printed), &b) != nil || fmt.Sprint(a) != fmt.Sprint(b) {
				t.Errorf("%s: served and printed differ", name)
			}
		}
	})
}
