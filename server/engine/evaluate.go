package engine

import (
	"fmt"
	"maps"
	"time"

	"github.com/tocsin-soar/tocsin/server/document"
	"github.com/tocsin-soar/tocsin/server/expr"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/playbook"
)

// Evaluate computes what an Evaluate command wants, from the state as it is. The
// answer is recorded; a replay reads it instead of computing it again.
func (s State) Evaluate(p *Program, c Evaluate) Evaluated {
	out := Evaluated{Path: c.Path, What: c.What}
	v, err := s.evaluate(p, c)
	if err != nil {
		kind := fault.KindOf(err)
		if kind == fault.Internal {
			kind = fault.Expression
		}
		out.Error = &Error{Kind: string(kind), Message: err.Error(), Step: c.Path}
		return out
	}
	out.Value = Value{v}
	return out
}

func (s State) evaluate(p *Program, c Evaluate) (any, error) {
	if c.Path == "" {
		return s.evaluateRun(p, c.What)
	}
	st, ok := s.steps[c.Path]
	if !ok {
		return nil, fmt.Errorf("no step %s", c.Path)
	}
	vars, b := s.names(p, st.scope), st.block
	switch c.What {
	case "if":
		return b.If.Eval(vars)
	case "with":
		if b.Call != nil {
			return callInputs(b.Call, vars)
		}
		return b.Action.With.Eval(vars)
	case "items":
		return b.ForEach.Items.Eval(vars)
	case "for":
		return b.Wait.For.Eval(vars)
	case "until":
		return b.Wait.Until.Eval(vars)
	case "message":
		return b.Fail.Eval(vars)
	case "set":
		return named(b.Set, vars)
	case "return":
		return named(b.Return, vars)
	case "title":
		if b.Question != nil {
			return b.Question.Title.Eval(vars)
		}
		return b.Approval.Title.Eval(vars)
	case "otherwise":
		if b.Wait != nil {
			return b.Wait.Otherwise.Eval(vars)
		}
		return b.Question.Otherwise.Eval(vars)
	case "match":
		vars["event"] = st.heard
		return b.Wait.Match.Eval(vars)
	case "switch":
		return choose(b.Switch, vars)
	case "while":
		return b.While.If.Eval(vars)
	case "transform":
		return transform(b.Transform, vars)
	}
	return nil, fmt.Errorf("nothing to evaluate as %q", c.What)
}

func (s State) evaluateRun(p *Program, what string) (any, error) {
	vars := s.names(p, nil)
	switch what {
	case "outputs":
		return named(p.Playbook.Outputs, vars)
	case "key":
		return p.Playbook.Concurrency.Key.Eval(vars)
	}
	out := map[string]any{}
	maps.Copy(out, s.inputs)
	for _, in := range p.Playbook.Inputs {
		if _, given := out[in.Name]; given {
			continue
		}
		switch {
		case in.Default != nil:
			vars["inputs"] = out
			v, err := in.Default.Eval(vars)
			if err != nil {
				return nil, fmt.Errorf("input %s: %w", in.Name, err)
			}
			out[in.Name] = v
		case in.Optional:
			out[in.Name] = nil
		default:
			return nil, fault.New(fault.InvalidInput, "input %s is missing", in.Name)
		}
	}
	return out, nil
}

func named(list []playbook.Named, vars expr.Vars) (any, error) {
	out := make(map[string]any, len(list))
	for _, n := range list {
		v, err := n.Value.Eval(vars)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", n.Name, err)
		}
		out[n.Name] = v
	}
	return out, nil
}

// names are the names an expression in a scope sees.
func (s State) names(p *Program, sc *scope) expr.Vars {
	at := sc // the loop below walks on
	v := expr.Vars{
		"inputs": s.inputs, "vars": s.vars, "now": s.now,
		"steps": func() any { return s.stepVars(p, at) },
		"run":   func() any { return s.runVar() },

		"callbacks": func() any { return s.tokens(p, at) },
	}
	if s.alert != nil {
		v["alert"] = s.alert
	} else {
		v["alert"] = nil
	}
	for ; sc != nil; sc = sc.parent {
		if sc.caught != nil && !has(v, "error") {
			v["error"] = errorVar(sc.caught)
		}
		if sc.iter == "" {
			continue
		}
		if !has(v, "index") {
			v["index"] = int64(sc.index)
		}
		if !sc.turn && !has(v, sc.as) {
			v[sc.as] = sc.item
		}
	}
	return v
}

func has(v expr.Vars, name string) bool {
	_, ok := v[name]
	return ok
}

func (s State) runVar() any {
	m := map[string]any{
		"id": s.id, "playbook": s.playbook, "started_at": nil, "trigger": s.trigger.value(),
	}
	if s.started != nil {
		m["started_at"] = *s.started
	}
	return m
}

// stepVars are the declared steps as an expression sees them from a scope: each
// exists, also one that has not begun.
func (s State) stepVars(p *Program, sc *scope) map[string]any {
	prefix := map[string]string{} // for_each id → path of the iteration we are in
	for c := sc; c != nil; c = c.parent {
		if _, inner := prefix[c.iter]; c.iter != "" && !inner {
			prefix[c.iter] = c.path
		}
	}
	out := make(map[string]any, len(p.ids))
	for _, id := range p.ids {
		n := p.nodes[id]
		path := n.rel
		if n.iter != "" {
			in, inside := prefix[n.iter]
			if !inside {
				continue
			}
			path = join(in, n.rel)
		}
		out[id] = stepVar(s.steps[path])
	}
	return out
}

func stepVar(st *step) map[string]any {
	if st == nil {
		return map[string]any{"status": string(StepPending), "ok": false, "error": nil}
	}
	m := map[string]any{
		"status": string(st.status), "ok": st.status == StepSucceeded, "error": errorVar(st.err),
	}
	if st.status == StepSucceeded {
		m["output"] = st.output
		m["dry_run"] = st.dryRun
	}
	return m
}

// evaluated goes on with a recorded value.
func (t *turn) evaluated(b Evaluated) {
	if b.Path == "" {
		t.evaluatedRun(b)
		return
	}
	t.on(b.Path, func(st *step) {
		if st.stage != atEvaluate {
			return
		}
		if b.Error != nil {
			if b.What == "match" {
				t.deaf(st)
			}
			t.settle(st, StepFailed, nil, copyOf(b.Error))
			return
		}
		t.steer(st, b.What, b.Value.V)
	})
}

func (t *turn) evaluatedRun(b Evaluated) {
	if b.Error != nil {
		t.fail(copyOf(b.Error))
		return
	}
	m, _ := b.Value.V.(map[string]any)
	switch {
	case b.What == "outputs":
		t.s.outputs = m
		t.finish(RunSucceeded)
	case b.What == "key":
		t.lineUp(b.Value.V)
	case t.s.root != nil:
	case t.s.line.wanted && t.p.Playbook.Concurrency != nil:
		t.s.inputs = m
		t.do(Evaluate{"", "key"})
	default:
		t.s.inputs = m
		t.openRoot()
	}
}

// steer uses a value at the place it was computed for.
func (t *turn) steer(st *step, what string, v any) {
	switch what {
	case "if":
		t.steerIf(st, v)
	case "with":
		m, ok := v.(map[string]any)
		if !ok && v != nil {
			t.refuse(st, fault.InvalidInput, "with is not a map")
			return
		}
		st.input = m
		if st.block.Call != nil {
			t.callRun(st)
			return
		}
		t.ask(st)
	case "items":
		t.steerItems(st, v)
	case "for", "until":
		t.steerWait(st, what, v)
	case "message":
		t.settle(st, StepFailed, nil, &Error{Kind: string(fault.Failed), Message: text(v), Step: st.path})
	case "set":
		m, _ := v.(map[string]any)
		vars := make(map[string]any, len(t.s.vars)+len(m))
		maps.Copy(vars, t.s.vars)
		maps.Copy(vars, m)
		t.s.vars = vars
		t.settle(st, StepSucceeded, v, nil)
	case "return":
		t.s.outputs, _ = v.(map[string]any)
		t.s.ending.returned = true
		t.settle(st, StepSucceeded, v, nil)
	case "title":
		st.input = map[string]any{"title": text(v)}
		st.stage = atRequest
		t.do(Request{st.path})
	case "otherwise", "transform":
		t.settle(st, StepSucceeded, v, nil)
	case "match":
		t.steerMatch(st, v)
	case "switch":
		t.steerSwitch(st, v)
	case "while":
		t.steerWhile(st, v)
	}
}

func (t *turn) steerIf(st *step, v any) {
	yes := v == true
	if st.block.Kind != playbook.KindIf {
		if yes {
			t.open(st)
			return
		}
		t.settle(st, StepSkipped, nil, nil)
		return
	}
	blocks := st.block.Else
	if yes {
		blocks = st.block.Then
	}
	st.stage = atChildren
	t.enter(&scope{path: st.path, owner: st, parent: st.scope, blocks: blocks})
}

func (t *turn) steerItems(st *step, v any) {
	items, ok := v.([]any)
	limit := st.block.ForEach.Limit
	switch {
	case !ok:
		t.refuse(st, fault.Expression, "for_each needs a list")
	case len(items) > limit:
		t.refuse(st, fault.Bound, fmt.Sprintf("the list has %d items, more than the limit of %d", len(items), limit))
	default:
		t.openItems(st, items)
	}
}

const maxWait = 30 * 24 * time.Hour

func (t *turn) steerWait(st *step, what string, v any) {
	var due time.Time
	if what == "for" {
		d, err := document.ParseDuration(text(v))
		if err != nil {
			t.refuse(st, fault.InvalidInput, "wait: for is not a duration")
			return
		}
		due = t.after(d)
	} else {
		at, err := time.Parse(time.RFC3339Nano, text(v))
		if err != nil {
			t.refuse(st, fault.InvalidInput, "wait: until is not a time (RFC 3339)")
			return
		}
		due = at.UTC()
	}
	if due.Sub(t.s.now) > maxWait {
		t.refuse(st, fault.Bound, "wait is longer than 30 days")
		return
	}
	if !due.After(t.s.now) {
		t.settle(st, StepSucceeded, nil, nil)
		return
	}
	t.wait(st, atTimer, StepWaiting, &due)
	t.do(SetTimer{st.path, TimerWait, due})
}

func text(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return fmt.Sprint(v)
}
