package memory

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/ledger"
	"github.com/tocsin-soar/tocsin/server/playbook"
)

// compare holds a finished run to what the case expects.
func (p *play) compare(r *Run) {
	x, v := p.c.Expect, r.State.View()
	if x.Status != "" && x.Status != string(v.Status) {
		got := any(string(v.Status))
		if v.Error != nil {
			got = fmt.Sprintf("%s: %s: %s", v.Status, v.Error.Kind, v.Error.Message)
		}
		p.fail("status", x.Status, got)
	}
	if x.Partial != nil && *x.Partial != v.Partial {
		p.fail("partial", *x.Partial, v.Partial)
	}
	if x.Calls != nil {
		p.compareCalls(x.Calls)
	}
	if x.Effects != nil {
		p.compareEffects(x.Effects)
	}
	if x.Outputs != nil {
		if where, ok := like("outputs", x.Outputs, v.Outputs); !ok {
			p.fail(where, x.Outputs, v.Outputs)
		}
	}
	p.compareSteps(r, x)
	if x.Error != nil {
		p.compareError(*x.Error, v.Error)
	}
}

func (p *play) compareSteps(r *Run, x playbook.Expect) {
	got := map[string]string{}
	for _, s := range r.State.Steps() {
		got[s.Path] = string(s.Status)
	}
	for path, want := range x.Steps {
		g, began := got[path]
		if !began {
			g = string(engine.StepPending)
		}
		if g != want {
			p.fail("steps."+path, want, g)
		}
	}
}

func (p *play) compareError(want playbook.ExpectError, got *engine.Error) {
	switch {
	case got == nil:
		p.fail("error", want.Kind, nil)
	case want.Kind != "" && want.Kind != got.Kind:
		p.fail("error.kind", want.Kind, got.Kind)
	case want.Step != "" && want.Step != got.Step:
		p.fail("error.step", want.Step, got.Step)
	case want.Message != "" && !strings.Contains(got.Message, want.Message):
		p.fail("error.message", want.Message, got.Message)
	}
}

// compareCalls compares the attempts in order, all of them.
func (p *play) compareCalls(want []playbook.ExpectCall) {
	i := 0
	for n, w := range want {
		times := 1
		if w.Times != nil {
			times = *w.Times
		}
		for range times {
			at := fmt.Sprintf("calls[%d]", n)
			if i >= len(p.calls) {
				p.fail(at, w.Action, "no further call")
				return
			}
			got := p.calls[i]
			i++
			if got.action != w.Action {
				p.fail(at, w.Action, got.action)
				return
			}
			if w.Connection != "" && w.Connection != got.connection {
				p.fail(at+".connection", w.Connection, got.connection)
			}
			if where, ok := like(at+".with", mapOf(w.With), got.params); !ok {
				p.fail(where, w.With, got.params)
			}
		}
	}
	if i < len(p.calls) {
		p.fail(fmt.Sprintf("calls[%d]", len(want)), "no further call", p.calls[i].action)
	}
}

func mapOf(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}

// compareEffects compares the ledger, all of it, in the order in which it began.
func (p *play) compareEffects(want []playbook.ExpectEffect) {
	var got []ledger.Effect
	for _, e := range p.h.Effects {
		got = append(got, *e)
	}
	slices.SortFunc(got, func(a, b ledger.Effect) int {
		return cmp.Or(a.Since.Compare(b.Since), strings.Compare(a.ID, b.ID))
	})
	if len(got) != len(want) {
		p.fail("effects", fmt.Sprintf("%d effects", len(want)), names(got))
		return
	}
	left := slices.Clone(got)
	for n, w := range want {
		at := fmt.Sprintf("effects[%d]", n)
		i := slices.IndexFunc(left, func(e ledger.Effect) bool { return e.Action == w.Action })
		if i < 0 {
			p.fail(at, w.Action, names(got))
			continue
		}
		e := left[i]
		left = slices.Delete(left, i, i+1)
		status := w.Status
		if status == "" {
			status = string(ledger.InForce)
		}
		if string(e.Status) != status {
			p.fail(at+".status", status, string(e.Status))
		}
		if w.ExpiresIn != nil {
			p.compareExpiry(at, *w.ExpiresIn, e)
		}
	}
}

func (p *play) compareExpiry(at string, want time.Duration, e ledger.Effect) {
	if e.Until == nil {
		p.fail(at+".expires_in", want.String(), "no end")
		return
	}
	if got := e.Until.Sub(e.Since); got != want {
		p.fail(at+".expires_in", want.String(), got.String())
	}
}

func names(es []ledger.Effect) []string {
	out := []string{}
	for _, e := range es {
		out = append(out, e.Action+" ("+string(e.Status)+")")
	}
	return out
}
