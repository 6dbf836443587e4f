package library

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-soar/tocsin/server/engine"
)

const (
	caller = "name: caller\non: [ { manual: {} } ]\nsteps: [ { call: callee, with: { n: 3 } } ]\n"
	callee = "name: callee\non: [ { manual: {} } ]\ninputs: { n: { type: integer, default: 1 } }\nsteps: [ { call: last }, { set: { a: \"${{ inputs.n }}\" } } ]\noutputs: { a: \"${{ vars.a }}\" }\n"
	last   = "name: last\non: [ { manual: {} } ]\nsteps: [ { wait: { for: 1m } } ]\n"
)

// A new run pins the versions of everything below it as they are in force; one that is
// going on keeps its own.
func TestARunPinsWhatItCallsAndWhatIsCalledInTurn(t *testing.T) {
	w := newWorld(t, map[string]string{"playbooks/caller.yaml": caller, "playbooks/callee.yaml": callee, "playbooks/last.yaml": last})
	w.reload()
	if got := w.mistakes(); got != nil {
		t.Fatal(got)
	}
	program := func(calls map[string]string) map[string]string {
		e, _ := w.lib.Current().Playbook("caller")
		p, _, err := w.lib.Program(t.Context(), engine.Start{Playbook: "caller", Version: e.Playbook.SHA256, Calls: calls}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return p.Calls
	}
	force := func() map[string]string {
		out := map[string]string{}
		for _, slug := range []string{"callee", "last"} {
			e, _ := w.lib.Current().Playbook(slug)
			out[slug] = e.Playbook.SHA256
		}
		return out
	}
	before := force()
	if diff := cmp.Diff(before, program(nil)); diff != "" {
		t.Error(diff)
	}
	w.write("playbooks/last.yaml", strings.ReplaceAll(last, "1m", "2m"))
	w.reload()
	if diff := cmp.Diff(force(), program(nil)); diff != "" {
		t.Error("a new run pins what is old", diff)
	}
	if cmp.Equal(before, force()) {
		t.Error("nothing has changed")
	}
}

// Whether a call is right depends on what is called: a change there is told here.
func TestAChangeOfWhatIsCalledIsToldToItsCallers(t *testing.T) {
	w := newWorld(t, map[string]string{"playbooks/caller.yaml": caller, "playbooks/callee.yaml": callee, "playbooks/last.yaml": last})
	w.reload()
	for name, tc := range map[string]struct{ file, text, want string }{
		"another input": {"callee", strings.ReplaceAll(strings.ReplaceAll(callee, "n: {", "m: {"), "inputs.n", "inputs.m"), "unknown_parameter"},
		"a circle":      {"last", "name: last\non: [ { manual: {} } ]\nsteps: [ { call: caller } ]\n", "recursion"},
	} {
		t.Run(name, func(t *testing.T) {
			w.write("playbooks/callee.yaml", callee)
			w.write("playbooks/last.yaml", last)
			w.write("playbooks/"+tc.file+".yaml", tc.text)
			w.reload()
			if got := strings.Join(w.mistakes(), "\n"); !strings.Contains(got, tc.want) || !strings.Contains(got, "caller.yaml") {
				t.Errorf("got %q", got)
			}
		})
	}
}
