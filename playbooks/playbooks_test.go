package playbooks_test

import (
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/tocsin-soar/tocsin/integrations"
	"github.com/tocsin-soar/tocsin/playbooks"
	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/ident"
	"github.com/tocsin-soar/tocsin/server/playbook"
	"github.com/tocsin-soar/tocsin/server/schedule"
)

// catalog is every shipped action, with capabilities as a test file binds them.
type catalog struct {
	actions  map[string]*connector.Action
	bindings map[string]string
}

func (c catalog) Action(ref string) (*connector.Action, bool) {
	if a, ok := c.actions[ref]; ok {
		return a, true
	}
	for _, a := range c.actions {
		if a.Implements == ref && a.Integration == c.bindings[ref] {
			return a, true
		}
	}
	return nil, false
}

func (c catalog) Actions() []string {
	var out []string
	for ref := range c.actions {
		out = append(out, ref)
	}
	slices.Sort(out)
	return out
}

func (catalog) Connections(string) []string { return nil }

func (catalog) CheckSchedule(cron, zone string) error {
	_, err := schedule.Parse(cron, zone)
	return err
}

func shipped(t *testing.T) map[string]*connector.Action {
	t.Helper()
	out := map[string]*connector.Action{}
	files, err := fs.Glob(integrations.FS, "*/manifest.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no manifests", err)
	}
	for _, file := range files {
		raw, err := fs.ReadFile(integrations.FS, file)
		if err != nil {
			t.Fatal(err)
		}
		m, ps := connector.Parse(file, raw)
		if m == nil {
			t.Fatalf("%s: %+v", file, ps)
		}
		for _, a := range m.Actions {
			out[a.Ref()] = a
		}
	}
	return out
}

func TestEveryShippedPlaybookIsSoundAndHasTests(t *testing.T) {
	actions := shipped(t)
	seen := map[string]string{}
	files, err := fs.Glob(playbooks.FS, "*/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, ".test.yaml") {
			continue
		}
		slug := strings.TrimSuffix(path.Base(file), ".yaml")
		t.Run(slug, func(t *testing.T) {
			if other, twice := seen[slug]; twice || !ident.Slug(slug) {
				t.Errorf("the name %s is taken by %s, or none", slug, other)
			}
			seen[slug] = file
			raw, err := fs.ReadFile(playbooks.FS, strings.TrimSuffix(file, ".yaml")+".test.yaml")
			if err != nil {
				t.Fatalf("it has no test: %v", err)
			}
			tests, ps := playbook.ParseTests(slug+".test.yaml", raw)
			if tests == nil {
				t.Fatalf("its test cannot be read: %+v", ps)
			}
			if tests.Playbook != slug {
				t.Errorf("its test is one of %s", tests.Playbook)
			}
			src, err := fs.ReadFile(playbooks.FS, file)
			if err != nil {
				t.Fatal(err)
			}
			p, ps := playbook.Compile(slug, file, src, catalog{actions, tests.Capabilities})
			if p == nil || len(ps) > 0 {
				t.Errorf("%+v", ps)
			}
			named(t, tests, actions)
		})
	}
}

// named says that a test names actions that are there, and errors that it can have.
func named(t *testing.T, tests *playbook.TestFile, actions map[string]*connector.Action) {
	t.Helper()
	check := func(ref string, line int) {
		if _, ok := actions[ref]; !ok {
			t.Errorf("line %d names %s; did you mean %s?", line, ref, fault.Suggest(ref, slices.Collect(func(yield func(string) bool) {
				for k := range actions {
					if !yield(k) {
						return
					}
				}
			})))
		}
	}
	for _, c := range tests.Cases {
		for ref, replies := range c.Replies {
			check(ref, c.Line)
			for _, r := range replies {
				if r.Error != nil || actions[ref] == nil {
					continue
				}
				if places := actions[ref].CheckOutput(r.Output); len(places) > 0 {
					t.Errorf("line %d: the reply of %s does not fit its schema: %+v", r.Line, ref, places)
				}
			}
		}
		for _, call := range c.Expect.Calls {
			check(call.Action, call.Line)
		}
		for _, e := range c.Expect.Effects {
			check(e.Action, e.Line)
		}
	}
}
