package connector

import (
	"fmt"

	"github.com/tocsin-soar/tocsin/server/document"
	"github.com/tocsin-soar/tocsin/server/expr"
	"github.com/tocsin-soar/tocsin/server/fault"
)

// relate reads what an action says about others: how it is asked after, whether
// it holds, how it is undone.
func (p *parser) relate(a *parsed) {
	if !a.opened {
		return
	}
	in := expr.NewScope().With("input", expr.SchemaType(a.action.Input))
	inOut := in.With("output", expr.SchemaType(a.action.Output))
	if f := a.file.Happened; f != nil && f.Action != nil && f.Yes != nil {
		p.happened(a, f, in.With("key", expr.String))
	}
	if f := a.file.Inverse; f != nil && f.Action != nil {
		p.inverse(a, f, inOut)
	}
	if f := a.file.InForce; f != nil && f.Action != nil && f.Yes != nil {
		if other := p.probe(f.Action); other != nil {
			yes, ps := document.Condition(f.Yes, inOut.With("result", expr.SchemaType(other.Output)))
			p.say(ps...)
			a.action.InForce = &Probe{Action: other.ID, With: p.with(f.Action, f.With, inOut, other), Yes: yes}
		}
	}
	p.reversible(a)
}

func (p *parser) happened(a *parsed, f *happenedFile, scope *expr.Scope) {
	other := p.probe(f.Action)
	if other == nil {
		return
	}
	seen := scope.With("result", expr.SchemaType(other.Output))
	yes, ps := document.Condition(f.Yes, seen)
	p.say(ps...)
	h := &Happened{Action: other.ID, With: p.with(f.Action, f.With, scope, other), Yes: yes, Settle: f.Settle}
	if f.Output != nil {
		out, ps := document.Expression(f.Output, seen, expr.Dyn)
		p.say(ps...)
		h.Output = out
	}
	a.action.Happened = h
}

// probe finds an action that only looks.
func (p *parser) probe(n *document.Node) *Action {
	other := p.action(n)
	if other == nil || !other.opened {
		return nil
	}
	if other.action.Impact != Read {
		p.say(n.Problem("bad_value", "only a read can be asked", ""))
		return nil
	}
	return other.action
}

// with compiles the parameters for another action against its input schema.
func (p *parser) with(at, n *document.Node, scope *expr.Scope, other *Action) *expr.Value {
	if n == nil {
		n = at.Empty()
	}
	return p.value(n, scope, closedCopy(other.Input))
}

func (p *parser) inverse(a *parsed, f *inverseFile, scope *expr.Scope) {
	other := p.action(f.Action)
	if other == nil || !other.opened {
		return
	}
	switch {
	case a.action.Impact == Read:
		p.say(f.Action.Problem("bad_value", "a read has nothing to undo", ""))
	case a.action.Impact == Contain && other.action.Impact != Release:
		p.say(f.Action.Problem("bad_value", other.entry.Key+" undoes a contain action, so its impact must be release", ""))
	case other.action.Impact == Read:
		p.say(f.Action.Problem("bad_value", "a read undoes nothing", ""))
	case other == a:
		p.say(f.Action.Problem("bad_value", "an action does not undo itself", ""))
	}
	p.inverseFits(a, other.action, f.Action)
	a.action.Inverse = &Inverse{Action: other.action.ID, With: p.with(f.Action, f.With, scope, other.action)}
}

func (p *parser) reversible(a *parsed) {
	key := a.entry.KeyNode()
	undo := a.file.Inverse != nil
	switch {
	case a.action.Impact == Contain && !undo && !a.action.Irreversible:
		p.say(key.Problem("missing_inverse", "a contain action needs an inverse", "inverse: { action: …, with: … }, or irreversible: true"))
	case undo && a.action.Irreversible:
		p.say(key.Problem("bad_value", "an action with an inverse is not irreversible", ""))
	case a.action.Impact == Read && a.action.Irreversible:
		p.say(key.Problem("bad_value", "a read is not irreversible", ""))
	case a.action.Already != nil && !undo:
		p.say(key.Warning("bad_value", "already: says nothing where there is no inverse", ""))
	case a.action.Impact != Read && a.action.Happened == nil && a.action.Idempotency == "" && a.file.Happened == nil:
		p.say(key.Warning("in_doubt", "after a lost reply nobody can tell whether it was done: a person decides", "happened: …, or idempotency: { header: … }"))
	}
}

// example checks the documented call: it must fit the schemas, make a request,
// name its targets and give parameters that undo it.
func (p *parser) example(a *parsed) {
	f := a.file.Example
	if f == nil {
		p.say(a.entry.KeyNode().Problem("missing_key", "the action needs an example", "example: { input: {…}, output: {…} }"))
		return
	}
	if !a.opened || fault.Broken(p.problems) {
		return
	}
	input, output := map[string]any{}, any(nil)
	if f.Input != nil {
		got, ok := f.Input.Plain().(map[string]any)
		if !ok {
			p.say(f.Input.Problem("wrong_type", "an input is a map", ""))
			return
		}
		input = got
	}
	if f.Output != nil {
		output = f.Output.Plain()
	}
	a.action.ExampleInput, a.action.ExampleOutput = input, output
	p.places(place(f.Input, a.entry.Value.Get("example")), "the example's input", a.action.CheckInput(input))
	p.places(place(f.Output, a.entry.Value.Get("example")), "the example's output", a.action.CheckOutput(output))
	if fault.Broken(p.problems) {
		return
	}
	p.tryExample(a, a.entry.Value.Get("example"))
}

func (p *parser) places(n *document.Node, what string, ps []fault.Place) {
	for _, pl := range ps {
		p.say(n.Problem("bad_example", fmt.Sprintf("%s: %s %s", what, pl.At, pl.Message), ""))
	}
}

// tryExample runs the example through everything that is pure.
func (p *parser) tryExample(a *parsed, n *document.Node) {
	act := a.action
	conn := Connection{Name: "example", Integration: p.m.ID, Environment: "test", BaseURL: "https://api.example"}
	if act.Request != nil {
		r, err := act.Render(act.ExampleInput, "0123456789abcdef0123456789abcdef", conn)
		if err == nil {
			base, _ := BaseURL(conn.BaseURL)
			_, err = Join(base, r.Path)
		}
		if err == nil {
			err = act.CheckHeaders(r, conn)
		}
		if err != nil {
			p.say(n.Problem("bad_example", "the example makes no request: "+err.Error(), ""))
		}
	}
	if _, err := act.TargetsOf(act.ExampleInput); err != nil {
		p.say(n.Problem("bad_example", "the example's targets: "+err.Error(), ""))
	}
	if act.Inverse == nil {
		return
	}
	params, err := act.Undo(act.ExampleInput, act.ExampleOutput, nil)
	if err != nil {
		p.say(n.Problem("bad_example", "the example cannot be undone: "+err.Error(), ""))
		return
	}
	p.places(n, "the parameters that undo the example", p.actions[act.Inverse.Action].action.CheckInput(params))
	if _, err := act.WasAlready(act.ExampleOutput); err != nil {
		p.say(n.Problem("bad_example", "the example: "+err.Error(), ""))
	}
}
