package main

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tocsin-soar/tocsin/server/app"
	"github.com/tocsin-soar/tocsin/server/config"
	"github.com/tocsin-soar/tocsin/server/fault"
)

// dataFolder makes a data folder as a first start does, and stops the server again.
func dataFolder(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	cfg, problems := config.Load(config.Input{Flags: map[string]string{"data": dir, "addr": "127.0.0.1:0"}})
	if fault.Broken(problems) {
		t.Fatal(problems)
	}
	a, err := app.New(t.Context(), cfg, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := a.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestADataFolderIsWorkedOnWithoutAServer(t *testing.T) {
	dir := dataFolder(t)
	on := func(t *testing.T, code int, args ...string) said {
		t.Helper()
		return typed(t, "anna has a long password\n", nil, append(args, "--data", dir)...).want(t, code)
	}
	t.Run("people come, get a link and go", func(t *testing.T) {
		on(t, done, "user", "add", "anna", "--role", "analyst,responder", "--email", "anna@example.test", "--password-stdin")
		if s := on(t, failed, "user", "add", "anna", "--role", "analyst"); s.err == "" {
			t.Error("a second anna is taken without a word")
		}
		on(t, failed, "user", "add", "bob", "--role", "boss")
		if s := on(t, done, "user", "link", "anna"); !strings.Contains(s.out, "/link#") {
			t.Errorf("got %s", s.out)
		}
		on(t, failed, "user", "link", "nobody")
		var list struct{ Items []struct{ Name string } }
		if s := on(t, done, "user", "list", "--json"); json.Unmarshal([]byte(s.out), &list) != nil || len(list.Items) != 2 || strings.Contains(s.out, "argon2") {
			t.Errorf("got %s", s.out)
		}
	})
	t.Run("tokens are shown once and end", func(t *testing.T) {
		var made struct {
			Token string
			About struct{ ID string }
		}
		s := on(t, done, "token", "new", "anna", "--scope", "read", "--days", "3", "--json")
		if err := json.Unmarshal([]byte(s.out), &made); err != nil || made.Token == "" {
			t.Fatalf("%v in %s", err, s.out)
		}
		if l := on(t, done, "token", "list", "anna"); !strings.Contains(l.out, made.About.ID) || strings.Contains(l.out, made.Token) {
			t.Errorf("got %s", l.out)
		}
		on(t, done, "token", "revoke", made.About.ID)
		if l := on(t, done, "token", "list"); !strings.Contains(l.out, "revoked") {
			t.Errorf("got %s", l.out)
		}
		on(t, done, "user", "disable", "anna")
		on(t, failed, "token", "new", "anna", "--scope", "everything")
	})
	t.Run("the halt is thrown and told", func(t *testing.T) {
		if s := on(t, done, "halt", "status"); !strings.Contains(s.out, "off") {
			t.Errorf("got %s", s.out)
		}
		on(t, done, "halt", "on", "--reason", "a drill")
		if s := on(t, done, "halt", "status"); !strings.Contains(s.out, "a drill") {
			t.Errorf("got %s", s.out)
		}
	})
	t.Run("the audit log is verified here and elsewhere", func(t *testing.T) {
		var report struct{ Key string }
		if s := on(t, done, "audit", "verify", "--json"); json.Unmarshal([]byte(s.out), &report) != nil || report.Key == "" {
			t.Fatalf("got %s", s.out)
		}
		on(t, done, "audit", "verify", "--key", report.Key)
		on(t, failed, "audit", "verify", "--key", "ed25519:nonsense")
		file := filepath.Join(t.TempDir(), "audit.jsonl")
		on(t, done, "audit", "export", "--out", file)
		on(t, failed, "audit", "export", "--out", file) // it is there
		on(t, done, "audit", "verify", file, "--key", report.Key)
		raw, err := os.ReadFile(file) //nolint:gosec // a file of the test
		if err != nil {
			t.Fatal(err)
		}
		write(t, file, strings.Replace(string(raw), "a drill", "a thrill", 1))
		on(t, failed, "audit", "verify", file)
	})
	t.Run("a backup is restored beside, never over", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "backup.db")
		on(t, done, "backup", file)
		on(t, failed, "restore", file)
		other := filepath.Join(t.TempDir(), "other")
		tocsin(t, nil, "restore", file, "--data", other).want(t, done)
		raw, err := os.ReadFile(filepath.Join(dir, "key")) //nolint:gosec // a file of the test
		if err != nil {
			t.Fatal(err)
		}
		tocsin(t, nil, "halt", "status", "--data", other).want(t, failed) // no key yet
		write(t, filepath.Join(other, "key"), string(raw))
		if s := tocsin(t, nil, "halt", "status", "--data", other).want(t, done); !strings.Contains(s.out, "quarantine") {
			t.Errorf("got %s", s.out)
		}
		tocsin(t, nil, "audit", "verify", "--data", other).want(t, done)
	})
}

func TestAFolderWithoutADatabaseIsNotMadeOneByAQuestion(t *testing.T) {
	dir := t.TempDir()
	if s := tocsin(t, nil, "user", "list", "--data", dir).want(t, failed); !strings.Contains(s.err, "there is no database") {
		t.Errorf("got %s", s.err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("it left %v, %v", left, err)
	}
}

func TestAPasswordIsOneLineOfStandardInput(t *testing.T) {
	for name, tc := range map[string]struct{ in, want string }{
		"a line":                 {"one\ntwo\n", "one"},
		"without its end":        {"one", "one"},
		"from a Windows file":    {"one\r\n", "one"},
		"spaces are part of it":  {" one \n", " one "},
		"nothing at all":         {"", ""},
		"more than any password": {strings.Repeat("x", 2*maxPassword), strings.Repeat("x", maxPassword)},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := readPassword(strings.NewReader(tc.in))
			if got != tc.want || (err != nil) != (tc.in == "") {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}
