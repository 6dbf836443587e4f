package demo

import (
	"encoding/json"
	"io/fs"
	"os"
	"path"
	"testing"

	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/expr"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/ident"
)

// rangeManifests reads the manifests that describe the range.
func rangeManifests(t *testing.T) []*connector.Manifest {
	t.Helper()
	root := os.DirFS("../../integrations")
	names, err := fs.Glob(root, "range-*/manifest.yaml")
	if err != nil || len(names) != 7 {
		t.Fatalf("got %v %v, want seven manifests", names, err)
	}
	var out []*connector.Manifest
	for _, n := range names {
		raw, err := fs.ReadFile(root, n)
		if err != nil {
			t.Fatal(err)
		}
		m, problems := connector.Parse(n, raw)
		if fault.Broken(problems) {
			t.Fatalf("%s: %v", n, problems)
		}
		if m.ID != path.Dir(n) {
			t.Errorf("%s: id %q", n, m.ID)
		}
		out = append(out, m)
	}
	return out
}

// perform sends an action as the product would and gives its mapped output.
func perform(t *testing.T, r *Range, a *connector.Action, params map[string]any, key string) any {
	t.Helper()
	product := a.Integration[len("range-"):]
	q, err := a.Render(params, key, connector.Connection{Name: a.Integration, BaseURL: r.URL() + "/" + product})
	if err != nil {
		t.Fatalf("%s: %v", a.Ref(), err)
	}
	to := "/" + product + "/" + trimSlash(q.Path)
	if len(q.Query) > 0 {
		to += "?" + q.Query.Encode()
	}
	header := []string{}
	if a.Idempotency != "" {
		header = append(header, a.Idempotency, key)
	}
	got := ask(t, r, q.Method, to, string(q.Body), header...)
	if got.status != 200 {
		t.Fatalf("%s: got %d %s", a.Ref(), got.status, got.text)
	}
	out, err := ident.Decode([]byte(got.text))
	if err != nil {
		t.Fatal(err)
	}
	if places := a.CheckOutput(out); len(places) > 0 {
		t.Errorf("%s: the output does not fit its schema: %v\n%s", a.Ref(), places, got.text)
	}
	return out
}

func trimSlash(p string) string {
	if p != "" && p[0] == '/' {
		return p[1:]
	}
	return p
}

// first are the actions that make what others' examples speak of.
var first = map[string][]string{"range-tickets": {"create_ticket"}}

func TestEveryExampleOfAManifestWorksOnTheRange(t *testing.T) {
	for _, m := range rangeManifests(t) {
		for _, a := range m.Actions {
			t.Run(a.Ref(), func(t *testing.T) {
				r := open(t, t.TempDir(), newClock())
				for i, id := range first[m.ID] {
					perform(t, r, m.Action(id), m.Action(id).ExampleInput, ident.Key("run", "first", i+1))
				}
				perform(t, r, a, a.ExampleInput, ident.Key("run", a.ID, 1))
			})
		}
	}
}

func TestWhatAManifestSaysOfEffectsHoldsOnTheRange(t *testing.T) {
	for _, m := range rangeManifests(t) {
		for _, a := range m.Actions {
			if a.Inverse == nil {
				continue
			}
			t.Run(a.Ref(), func(t *testing.T) {
				r := open(t, t.TempDir(), newClock())
				for i, id := range first[m.ID] {
					perform(t, r, m.Action(id), m.Action(id).ExampleInput, ident.Key("run", "first", i+1))
				}
				out := perform(t, r, a, a.ExampleInput, ident.Key("run", a.ID, 1))
				if was, err := a.WasAlready(out); err != nil || was {
					t.Errorf("already, the first time: got %v %v", was, err)
				}
				if !inForce(t, r, m, a, out) {
					t.Error("it is not in force after it was done")
				}
				if a.Already != nil {
					again := perform(t, r, a, a.ExampleInput, ident.Key("run", a.ID, 2))
					if was, err := a.WasAlready(again); err != nil || !was {
						t.Errorf("already, the second time: got %v %v", was, err)
					}
				}
				back, err := a.Undo(a.ExampleInput, out, nil)
				if err != nil {
					t.Fatal(err)
				}
				perform(t, r, m.Action(a.Inverse.Action), back, ident.Key("run", "undo", 1))
				if inForce(t, r, m, a, out) {
					t.Error("it is still in force after it was undone")
				}
			})
		}
	}
}

// inForce asks the probe that the manifest names.
func inForce(t *testing.T, r *Range, m *connector.Manifest, a *connector.Action, out any) bool {
	t.Helper()
	if a.InForce == nil {
		t.Fatalf("%s has an inverse and no in_force", a.Ref())
	}
	vars := expr.Vars{"input": a.ExampleInput, "output": out, "key": "k"}
	with, err := a.InForce.With.Eval(vars)
	if err != nil {
		t.Fatal(err)
	}
	params, _ := with.(map[string]any)
	vars["result"] = perform(t, r, m.Action(a.InForce.Action), params, "k")
	yes, err := a.InForce.Yes.Bool(vars)
	if err != nil {
		t.Fatal(err)
	}
	return yes
}

func TestWhetherAnAttemptTookEffectCanBeAskedOfTheRange(t *testing.T) {
	for _, m := range rangeManifests(t) {
		for _, a := range m.Actions {
			if a.Happened == nil {
				continue
			}
			t.Run(a.Ref(), func(t *testing.T) {
				r := open(t, t.TempDir(), newClock())
				for i, id := range first[m.ID] {
					perform(t, r, m.Action(id), m.Action(id).ExampleInput, ident.Key("run", "first", i+1))
				}
				key := ident.Key("run", a.ID, 1)
				happened := func() (bool, any) {
					vars := expr.Vars{"input": a.ExampleInput, "key": key}
					with, err := a.Happened.With.Eval(vars)
					if err != nil {
						t.Fatal(err)
					}
					params, _ := with.(map[string]any)
					vars["result"] = perform(t, r, m.Action(a.Happened.Action), params, "q")
					yes, err := a.Happened.Yes.Bool(vars)
					if err != nil {
						t.Fatal(err)
					}
					if !yes || a.Happened.Output == nil {
						return yes, vars["result"]
					}
					out, err := a.Happened.Output.Eval(vars)
					if err != nil {
						t.Fatal(err)
					}
					return yes, out
				}
				if yes, _ := happened(); yes {
					t.Error("it happened before it was sent")
				}
				want := perform(t, r, a, a.ExampleInput, key)
				yes, got := happened()
				if places := a.CheckOutput(got); !yes || len(places) > 0 {
					w, _ := json.Marshal(want)
					t.Errorf("after it was sent: %v, %v; want %s", yes, places, w)
				}
			})
		}
	}
}
