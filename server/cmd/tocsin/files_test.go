package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/tocsin-soar/tocsin/integrations"
	"github.com/tocsin-soar/tocsin/policies"
	"github.com/tocsin-soar/tocsin/server/document"
)

const book = `name: Note
on: [ { manual: {} } ]
inputs: { name: { type: string, default: a } }
steps:
  - if: inputs.name != 'b'
    then:
      - id: look
        action: http.get
        with: { path: "/x/${{ inputs.name }}" }
`

const ownBook = `name: Own
on: [ { manual: {} } ]
steps:
  - action: acme.get_item
    with: { id: i-1 }
`

const bookTest = `playbook: note
cases:
  - name: it looks once
    expect: { status: succeeded, calls: [ { action: http.get, times: 1 } ] }
`

// workspace writes files into a new folder and gives it.
func workspace(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		write(t, filepath.Join(dir, name), text)
	}
	return dir
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil { //nolint:gosec // a file of the test
		t.Fatal(err)
	}
}

func TestPlaybookCheckFindsItsWorkspaceAndSaysWhereWhatIsWrong(t *testing.T) {
	dir := workspace(t, map[string]string{
		"playbooks/a/note.yaml": book, "playbooks/a/note.test.yaml": bookTest,
		"playbooks/bad.yaml":                strings.Replace(book, "http.get", "http.gett", 1),
		"playbooks/own.yaml":                ownBook,
		"integrations/acme/manifest.yaml":   mustNew(t),
		"connections/acme.yaml":             "name: acme\nintegration: acme\nbase_url: https://acme.test\nauth: { type: bearer, token: \"env://NOT_SET\" }\n",
		"playbooks/testdata/elsewhere.yaml": "no: playbook\n",
	})
	at := func(name string) string { return filepath.Join(dir, "playbooks", name) }
	t.Run("a good one, and its tests", func(t *testing.T) {
		tocsin(t, nil, "playbook", "check", at("a/note.yaml"), at("a/note.test.yaml"), at("own.yaml")).want(t, done)
	})
	t.Run("a mistake has file, line, column and hint", func(t *testing.T) {
		s := tocsin(t, nil, "playbook", "check", at("bad.yaml")).want(t, failed)
		if !strings.Contains(s.out, at("bad.yaml")+":8:") || !strings.Contains(s.out, "http.get") {
			t.Errorf("got %s", s.out)
		}
	})
	t.Run("JSON is one object whatever was found", func(t *testing.T) {
		for name, code := range map[string]int{"a/note.yaml": done, "bad.yaml": failed} {
			var got struct{ Problems []struct{ Line int } }
			s := tocsin(t, nil, "playbook", "check", "--json", at(name)).want(t, code)
			if err := json.Unmarshal([]byte(s.out), &got); err != nil || (len(got.Problems) > 0) != (code == failed) || !strings.Contains(s.out, `"problems": [`) {
				t.Errorf("%s: %v in %s", name, err, s.out)
			}
		}
	})
	t.Run("a folder stands for the playbooks in it", func(t *testing.T) {
		s := tocsin(t, nil, "playbook", "check", dir).want(t, failed)
		if strings.Contains(s.out, "elsewhere") || strings.Contains(s.out, "manifest.yaml") || !strings.Contains(s.out, "bad.yaml") {
			t.Errorf("got %s", s.out)
		}
	})
	t.Run("a folder without any is no success", func(t *testing.T) {
		tocsin(t, nil, "playbook", "check", t.TempDir()).want(t, failed)
	})
	t.Run("a file that is not there", func(t *testing.T) {
		if s := tocsin(t, nil, "playbook", "check", at("none.yaml")).want(t, failed); !strings.Contains(s.err, "cannot be read") {
			t.Errorf("got %s", s.err)
		}
	})
	t.Run("a link out of the workspace is not followed", func(t *testing.T) {
		outside := workspace(t, map[string]string{"manifest.yaml": mustNew(t)})
		linked := workspace(t, map[string]string{"playbooks/own.yaml": ownBook})
		if err := os.MkdirAll(filepath.Join(linked, "integrations"), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(outside, filepath.Join(linked, "integrations/acme")); err != nil {
			t.Fatal(err)
		}
		tocsin(t, nil, "playbook", "check", filepath.Join(linked, "playbooks/own.yaml")).want(t, failed)
	})
}

func mustNew(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	tocsin(t, nil, "integration", "new", "acme", "--workspace", dir).want(t, done)
	raw, err := os.ReadFile(filepath.Join(dir, "integrations/acme/manifest.yaml")) //nolint:gosec // a file of the test
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestPlaybookTestSaysWhatHeldAndWhatWasNotEntered(t *testing.T) {
	dir := workspace(t, map[string]string{"playbooks/note.yaml": book, "playbooks/note.test.yaml": bookTest})
	file := filepath.Join(dir, "playbooks/note.test.yaml")
	t.Run("a playbook stands for its tests", func(t *testing.T) {
		s := tocsin(t, nil, "playbook", "test", filepath.Join(dir, "playbooks/note.yaml"), "--coverage").want(t, done)
		if !strings.Contains(s.out, "ok    it looks once") || !strings.Contains(s.out, "not entered: if1: else") {
			t.Errorf("got %s", s.out)
		}
	})
	t.Run("too little coverage is a failure", func(t *testing.T) {
		tocsin(t, nil, "playbook", "test", file, "--min", "100").want(t, failed)
		tocsin(t, nil, "playbook", "test", file, "--min", "50").want(t, done)
	})
	t.Run("a case that fails, for people, machines and JUnit", func(t *testing.T) {
		write(t, file, strings.Replace(bookTest, "times: 1", "times: 2", 1))
		junit := filepath.Join(t.TempDir(), "report.xml")
		s := tocsin(t, nil, "playbook", "test", dir, "--junit", junit).want(t, failed)
		if !strings.Contains(s.out, "FAIL  it looks once") {
			t.Errorf("got %s", s.out)
		}
		raw, err := os.ReadFile(junit) //nolint:gosec // a file of the test
		if err != nil {
			t.Fatal(err)
		}
		var got junitSuites
		if err := xml.Unmarshal(raw, &got); err != nil || len(got.Suites) != 1 || got.Suites[0].Failures != 1 || got.Suites[0].Tests != 1 {
			t.Errorf("%v in %s", err, raw)
		}
		if s := tocsin(t, nil, "playbook", "test", dir, "--json").want(t, failed); !strings.Contains(s.out, `"status": "failed"`) || !json.Valid([]byte(s.out)) {
			t.Errorf("got %s", s.out)
		}
	})
	t.Run("a file that cannot be played fails, in JUnit too", func(t *testing.T) {
		write(t, file, "playbook: note\ncases: []\nnonsense: 1\n")
		junit := filepath.Join(t.TempDir(), "report.xml")
		tocsin(t, nil, "playbook", "test", file, "--junit", junit).want(t, failed)
		raw, err := os.ReadFile(junit) //nolint:gosec // a file of the test
		if err != nil || !bytes.Contains(raw, []byte("<failure")) {
			t.Errorf("%v in %s", err, raw)
		}
	})
	t.Run("tests of another playbook", func(t *testing.T) {
		write(t, file, strings.Replace(bookTest, "playbook: note", "playbook: other", 1))
		tocsin(t, nil, "playbook", "test", file).want(t, failed)
	})
	t.Run("a fixture outside the folder is not read", func(t *testing.T) {
		write(t, filepath.Join(dir, "secret.json"), `{"title":"x"}`)
		write(t, file, "playbook: note\ncases:\n  - name: it reads\n    alert: { fixture: ../secret.json }\n    expect: { status: succeeded }\n")
		tocsin(t, nil, "playbook", "test", file).want(t, failed)
	})
	t.Run("the workspace's own policy rules", func(t *testing.T) {
		write(t, file, bookTest)
		write(t, filepath.Join(dir, "policies/a/a.rego"), "package tocsin.action\n\nimport rego.v1\n\ndeny contains {\"rule\": \"never\", \"reason\": \"never\"} if input.action.integration == \"http\"\n")
		tocsin(t, nil, "playbook", "test", file).want(t, failed)
	})
}

func TestPolicyCommandsKnowTheSourceOfTheShippedOnes(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, policies.FS); err != nil {
		t.Fatal(err)
	}
	tocsin(t, nil, "policy", "check", dir).want(t, done)
	names, err := filepath.Glob(filepath.Join(dir, "contain/*.rego"))
	if err != nil || len(names) == 0 {
		t.Fatal("no shipped rules", err)
	}
	write(t, names[0], "package tocsin.shipped\n")
	for _, word := range []string{"check", "test"} {
		if s := tocsin(t, nil, "policy", word, dir).want(t, failed); !strings.Contains(s.out, "build it anew") {
			t.Errorf("%s: got %s", word, s.out)
		}
	}
}

func TestPolicyTestCountsTestsAndLines(t *testing.T) {
	rule := "package tocsin.action\n\nimport rego.v1\n\ndeny contains {\"rule\": \"a\", \"reason\": \"a\"} if input.action.id == \"http.get\"\n\ndeny contains {\"rule\": \"b\", \"reason\": \"b\"} if {\n\tinput.action.id == \"http.send\"\n\tinput.action.impact == \"write\"\n}\n"
	tests := "package tocsin.action_test\n\nimport data.tocsin.action\nimport rego.v1\n\ntest_a if {\n\tsome m in action.deny with input as {\"action\": {\"id\": \"http.get\", \"impact\": \"read\"}}\n\tm.rule == \"RULE\"\n}\n"
	dir := workspace(t, map[string]string{"a/a.rego": rule, "a/a_test.rego": strings.Replace(tests, "RULE", "a", 1)})
	s := tocsin(t, nil, "policy", "test", dir, "--coverage").want(t, done)
	if !strings.Contains(s.out, "1 test, 0 failed") {
		t.Errorf("got %s", s.out)
	}
	tocsin(t, nil, "policy", "test", dir, "--min", "100").want(t, failed)
	write(t, filepath.Join(dir, "a/a_test.rego"), strings.Replace(tests, "RULE", "z", 1))
	if s := tocsin(t, nil, "policy", "test", dir).want(t, failed); !strings.Contains(s.out, "FAIL") || !strings.Contains(s.out, "test_a") {
		t.Errorf("got %s", s.out)
	}
}

func TestANewIntegrationIsSoundAndOverwritesNothing(t *testing.T) {
	dir := t.TempDir()
	tocsin(t, nil, "integration", "new", "acme", "--workspace", dir).want(t, done)
	tocsin(t, nil, "integration", "check", "--strict", filepath.Join(dir, "integrations")).want(t, done)
	tocsin(t, nil, "integration", "new", "acme", "--workspace", dir).want(t, failed)
	if s := tocsin(t, nil, "integration", "list", "--workspace", dir, "--json").want(t, done); !strings.Contains(s.out, `"id": "acme"`) {
		t.Errorf("it is not listed: %s", s.out)
	}
	if err := os.Rename(filepath.Join(dir, "integrations/acme"), filepath.Join(dir, "integrations/other")); err != nil {
		t.Fatal(err)
	}
	if s := tocsin(t, nil, "integration", "check", filepath.Join(dir, "integrations/other")).want(t, failed); !strings.Contains(s.out, "they must be equal") {
		t.Errorf("got %s", s.out)
	}
}

func TestTheSchemaOfManifestsTakesEveryShippedOne(t *testing.T) {
	printed := tocsin(t, nil, "schema", "manifest").want(t, done)
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(printed.out))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("mem:///manifest.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("mem:///manifest.json")
	if err != nil {
		t.Fatal(err)
	}
	files, err := fs.Glob(integrations.FS, "*/manifest.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no manifests", err)
	}
	for _, name := range files {
		raw, err := fs.ReadFile(integrations.FS, name)
		if err != nil {
			t.Fatal(err)
		}
		n, ps := document.Parse(name, raw)
		if n == nil {
			t.Fatal(ps)
		}
		plain, err := json.Marshal(n.Plain())
		if err != nil {
			t.Fatal(err)
		}
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(plain))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(v); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
