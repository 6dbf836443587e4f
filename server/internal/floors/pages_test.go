package floors_test

import (
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tocsin-soar/tocsin/integrations"
	"github.com/tocsin-soar/tocsin/server/config"
	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/playbook"
	"github.com/tocsin-soar/tocsin/server/schedule"
)

const docs = "../../../docs/"

func TestTheReferenceOfSettingsIsWhatTheCodeSays(t *testing.T) {
	const page, from, to = docs + "operating.md", "<!-- settings: written by make generate -->\n", "<!-- end of settings -->"
	raw, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(raw), from)
	_, after, ended := strings.Cut(rest, to)
	if !found || !ended {
		t.Fatal("docs/operating.md has lost the marks between which its settings stand")
	}
	want := before + from + "\n" + config.Markdown() + "\n" + to + after
	if os.Getenv("UPDATE") == "1" {
		if err := os.WriteFile(page, []byte(want), 0o600); err != nil { //nolint:gosec // the page of this repository
			t.Fatal(err)
		}
		return
	}
	if want != string(raw) {
		t.Error("docs/operating.md is out of date: make generate writes it")
	}
}

// shelf is every shipped action; the demo range fulfils the capabilities.
type shelf map[string]*connector.Action

func (s shelf) Action(ref string) (*connector.Action, bool) {
	if a, ok := s[ref]; ok {
		return a, true
	}
	for _, a := range s {
		if a.Implements == ref && strings.HasPrefix(a.Integration, "range-") {
			return a, true
		}
	}
	return nil, false
}

func (s shelf) Actions() []string {
	var refs []string
	for ref := range s {
		refs = append(refs, ref)
	}
	slices.Sort(refs)
	return refs
}

func (shelf) Connections(string) []string { return nil }

func (shelf) CheckSchedule(cron, zone string) error {
	if _, err := schedule.Parse(cron, zone); err != nil {
		return fmt.Errorf("read the schedule: %w", err)
	}
	return nil
}

func shipped(t *testing.T) shelf {
	t.Helper()
	files, err := fs.Glob(integrations.FS, "*/manifest.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no manifest is carried", err)
	}
	s := shelf{}
	for _, name := range files {
		src, err := fs.ReadFile(integrations.FS, name)
		if err != nil {
			t.Fatal(err)
		}
		m, problems := connector.Parse(name, src)
		if m == nil {
			t.Fatal(name, problems)
		}
		for _, a := range m.Actions {
			s[a.Ref()] = a
		}
	}
	return s
}

var example = regexp.MustCompile("(?s)```yaml\n(.*?)```")

// TestEveryExampleOfTheLanguageCompiles takes each YAML text of the two pages: a
// whole playbook as it is, a test file as one, and a list of blocks or triggers as
// those of a playbook that an alert starts.
func TestEveryExampleOfTheLanguageCompiles(t *testing.T) {
	known := shipped(t)
	for _, page := range []string{"language.md", "playbooks.md"} {
		raw, err := os.ReadFile(docs + page) //nolint:gosec // two pages of this repository
		if err != nil {
			t.Fatal(err)
		}
		all := example.FindAllStringSubmatch(string(raw), -1)
		if len(all) < 2 {
			t.Errorf("%s: %d examples found; is the pattern right?", page, len(all))
		}
		for i, m := range all {
			for _, p := range problemsOf(m[1], known) {
				if p.Severity == fault.SeverityError {
					t.Errorf("%s, example %d, line %d: %s (%s)\n%s", page, i+1, p.Line, p.Message, p.Hint, m[1])
				}
			}
		}
	}
}

func problemsOf(text string, known shelf) []fault.Problem {
	const started = "on: [ { manual: { alert: required } } ]\n"
	switch {
	case strings.HasPrefix(text, "playbook:"):
		_, ps := playbook.ParseTests("example.test.yaml", []byte(text))
		return ps
	case strings.HasPrefix(text, "on:"):
		text = "name: x\n" + text + "steps: [ { set: { a: 1 } } ]\n"
	case strings.HasPrefix(text, "- "):
		text = "name: x\n" + started + "steps:\n" + text
	case !strings.HasPrefix(text, "name:"):
		text = "name: x\n" + started + text
	}
	_, ps := playbook.Compile("example", "example.yaml", []byte(text), known)
	return ps
}

var (
	aTest   = regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z0-9]+)`")
	itsFunc = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)[A-Za-z0-9]+)\(`)
)

func TestThePageOfSecurityNamesTestsThatAreThere(t *testing.T) {
	there := map[string]bool{}
	root := os.DirFS("../../..")
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "web" || d.Name() == "testdata" || len(d.Name()) > 1 && d.Name()[0] == '.'):
			return fs.SkipDir
		case !strings.HasSuffix(name, "_test.go"):
			return nil
		}
		src, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		for _, m := range itsFunc.FindAllSubmatch(src, -1) {
			there[string(m[1])] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(docs + "security.md")
	if err != nil {
		t.Fatal(err)
	}
	named := aTest.FindAllSubmatch(raw, -1)
	if len(named) < 20 {
		t.Fatalf("%d tests are named; is the pattern right?", len(named))
	}
	for _, m := range named {
		if !there[string(m[1])] {
			t.Errorf("docs/security.md names %s, which is no test", m[1])
		}
	}
}
