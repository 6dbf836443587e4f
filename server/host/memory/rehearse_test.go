package memory_test

import (
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-soar/tocsin/integrations"
	"github.com/tocsin-soar/tocsin/playbooks"
	"github.com/tocsin-soar/tocsin/server/alert"
	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/host/memory"
	"github.com/tocsin-soar/tocsin/server/opa"
	"github.com/tocsin-soar/tocsin/server/playbook"
	"github.com/tocsin-soar/tocsin/server/schedule"
)

// shelf is every shipped action.
type shelf struct {
	actions map[string]*connector.Action
	refs    []string
	maps    map[string]alert.Mapping
}

func (s shelf) Action(ref string) (*connector.Action, bool) { a, ok := s.actions[ref]; return a, ok }
func (s shelf) Actions() []string                           { return s.refs }
func (shelf) Connections(string) []string                   { return nil }
func (shelf) Outline(slug string) (playbook.Outline, bool) {
	raw, err := os.ReadFile("testdata/called/" + slug + ".yaml") //nolint:gosec // a file of testdata
	if err != nil {
		return playbook.Outline{}, false
	}
	return playbook.OutlineOf(slug, raw)
}
func (shelf) Slugs() []string { return nil }
func (shelf) Text(slug string) ([]byte, bool) {
	raw, err := os.ReadFile("testdata/called/" + slug + ".yaml") //nolint:gosec // a file of testdata
	return raw, err == nil
}

func (shelf) CheckSchedule(cron, zone string) error {
	_, err := schedule.Parse(cron, zone)
	return err
}

func shipped(t *testing.T) shelf {
	t.Helper()
	s := shelf{actions: map[string]*connector.Action{}, maps: map[string]alert.Mapping{"generic": alert.Generic()}}
	files, err := fs.Glob(integrations.FS, "*/manifest.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no manifests", err)
	}
	for _, f := range files {
		raw, err := fs.ReadFile(integrations.FS, f)
		if err != nil {
			t.Fatal(err)
		}
		m, problems := connector.Parse(f, raw)
		if m == nil {
			t.Fatal(problems)
		}
		for _, a := range m.Actions {
			s.actions[a.Ref()] = a
			s.refs = append(s.refs, a.Ref())
		}
		if m.Alerts != nil {
			s.maps[m.ID], _ = alert.CompileMapping(alert.Text{Items: m.Alerts.Items, When: m.Alerts.When, Closes: m.Alerts.Closes, Map: m.Alerts.Map})
		}
	}
	return s
}

func rehearse(t *testing.T, file string, src, tests []byte) memory.Report {
	t.Helper()
	s := shipped(t)
	judge, err := opa.NewEngine(t.Context(), func() time.Time { return time.Date(2026, 1, 5, 10, 0, 0, 0, time.UTC) })
	if err != nil {
		t.Fatal(err)
	}
	tf, problems := playbook.ParseTests(file, tests)
	if fault.Broken(problems) {
		t.Fatal(problems)
	}
	return memory.Rehearse(memory.Stage{
		Catalog: s, Judge: judge, Source: src, File: file,
		Fixture: func(p string) ([]byte, error) { return fs.ReadFile(playbooks.FS, path.Join(path.Dir(file), p)) },
		Mapping: func(n string) (alert.Mapping, bool) { m, ok := s.maps[n]; return m, ok },
	}, tf)
}

// TestShippedPlaybooksPassTheirTests plays every shipped test on the real compiler,
// engine and policy, and asks for every step, branch and error path.
func TestShippedPlaybooksPassTheirTests(t *testing.T) {
	files, err := fs.Glob(playbooks.FS, "*/*.test.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no tests", err)
	}
	for _, file := range files {
		t.Run(file, func(t *testing.T) {
			book := strings.TrimSuffix(file, ".test.yaml") + ".yaml"
			src, err := fs.ReadFile(playbooks.FS, book)
			if err != nil {
				t.Fatal(err)
			}
			tests, err := fs.ReadFile(playbooks.FS, file)
			if err != nil {
				t.Fatal(err)
			}
			rep := rehearse(t, book, src, tests)
			if fault.Broken(rep.Problems) {
				t.Fatal(rep.Problems)
			}
			for _, c := range rep.Cases {
				for _, f := range c.Failures {
					t.Errorf("%s: %s: want %v, got %v", c.Name, f.At, f.Want, f.Got)
				}
			}
			c := rep.Coverage
			if missing := slices.Concat(c.Steps.Missing, c.Branches.Missing, c.Errors.Missing); len(missing) > 0 {
				t.Errorf("not covered: %v", missing)
			}
		})
	}
}

// TestARehearsalFindsWhatIsOtherwise breaks expectations of a passing test one by
// one: each must be named.
func TestARehearsalFindsWhatIsOtherwise(t *testing.T) {
	src := []byte("name: small\non:\n  - manual: {}\nsteps:\n  - id: get\n    action: http.get\n    with: { path: /a }\noutputs:\n  code: ${{ steps.get.output.status }}\n")
	for name, tc := range map[string]struct{ expect, at string }{
		"status":             {"{ status: failed }", "status"},
		"a call too many":    {"{ calls: [] }", "calls[0]"},
		"a call too few":     {"{ calls: [ { action: http.get }, { action: http.get } ] }", "calls[1]"},
		"another action":     {"{ calls: [ { action: http.send } ] }", "calls[0]"},
		"another parameter":  {"{ calls: [ { action: http.get, with: { path: /b } } ] }", "calls[0].with.path"},
		"another output":     {"{ outputs: { code: 418 } }", "outputs.code"},
		"an output too many": {"{ outputs: { other: 1 } }", "outputs.other"},
		"another step":       {"{ steps: { get: failed } }", "steps.get"},
		"an effect":          {"{ effects: [ { action: http.send } ] }", "effects"},
		"an error":           {"{ error: { kind: denied } }", "error"},
	} {
		t.Run(name, func(t *testing.T) {
			tests := []byte("playbook: small\ncases:\n  - name: it runs\n    replies: { http.get: { output: { status: 200, headers: {}, body: {} } } }\n    expect: " + tc.expect + "\n")
			rep := rehearse(t, "small.yaml", src, tests)
			if len(rep.Cases) != 1 || len(rep.Cases[0].Failures) == 0 || rep.Cases[0].Failures[0].At != tc.at {
				t.Errorf("got %+v %+v, want a failure at %s", rep.Cases, rep.Problems, tc.at)
			}
		})
	}
}

// TestNamesInsideLoopsAndOfTheRun plays expressions that name a step of the same
// turn, and what started the run.
func TestNamesInsideLoopsAndOfTheRun(t *testing.T) {
	src := []byte("name: names\non:\n  - manual: {}\nsteps:\n  - id: turns\n    for_each: [a, b]\n    do:\n      - id: get\n        action: http.get\n        with: { path: \"/${{ item }}\" }\n      - id: kept\n        set: { last: \"${{ steps.get.output.status }}\" }\n  - id: kind\n    set: { by: \"${{ run.trigger.kind }}\" }\noutputs:\n  by: ${{ vars.by }}\n")
	tests := []byte("playbook: names\ncases:\n  - name: it runs\n    replies: { http.get: { output: { status: 200, headers: {}, body: {} } } }\n    expect: { status: succeeded, outputs: { by: manual } }\n")
	rep := rehearse(t, "names.yaml", src, tests)
	if !rep.Passed() {
		t.Errorf("got %+v %+v", rep.Cases, rep.Problems)
	}
}
