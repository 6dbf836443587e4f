package playbook

import (
	"fmt"
	"strings"

	"github.com/tocsin-soar/tocsin/server/document"
	"github.com/tocsin-soar/tocsin/server/expr"
)

// switchBlock checks the ways of a switch. They are asked in order, so each stands
// where the conditions before it did not hold.
func (k *compiler) switchBlock(d *draft, raw *rawSwitch, f facts) facts {
	s := &Switch{}
	d.block.Switch = s
	if raw.Switch != nil {
		s.Value = k.value(raw.Switch, f, nil)
	}
	if d.node.Has("cases") && len(raw.Cases) == 0 && d.node.Get("cases").Kind == document.List {
		k.add(d.node.Get("cases").Problem("no_value", "cases has no case", "cases: [ { is: value, do: [ … ] } ]"))
	}
	seen := map[string]int{}
	var ends []facts
	for i, n := range raw.Cases {
		c, holds := k.oneCase(d, n, s, f, seen)
		arm := d.arm(caseArm(i))
		ends = append(ends, k.flow(arm, holds.clone()))
		c.Do = blocksOf(arm)
		s.Cases = append(s.Cases, c)
		if c.When != nil {
			f = k.knowing(f, k.negated(c.When, f))
		}
	}
	out := k.flow(d.arm("default"), f.clone())
	s.Default = blocksOf(d.arm("default"))
	for _, end := range ends {
		out = join(out, end)
	}
	return out
}

// oneCase checks one element of cases and gives what is sure inside it. seen are the
// literals of the cases before, with their lines.
func (k *compiler) oneCase(d *draft, n *document.Node, s *Switch, f facts, seen map[string]int) (Way, facts) {
	var raw rawCase
	k.add(document.DecodeAs(n, &raw, "a case")...)
	c := Way{}
	if n.Kind != document.Map {
		return c, f
	}
	switch {
	case n.Has("is") == n.Has("when"):
		k.add(n.Problem("bad_value", "a case needs exactly one of is and when", "{ is: value, do: [ … ] } or { when: condition, do: [ … ] }"))
	case n.Has("when"):
		c.When = k.condition(raw.When, f)
		c.Text = shownText(raw.When)
		return c, k.knowing(f, c.When)
	case !d.node.Has("switch"):
		k.add(n.KeyNode("is").Problem("missing_key", "is needs the key \"switch\" beside cases", "switch: \"${{ … }}\", or write when: with a condition"))
	default:
		c.Is, c.Text = k.isOneOf(raw.Is, s, f, seen)
	}
	return c, f
}

func (k *compiler) isOneOf(n *document.Node, s *Switch, f facts, seen map[string]int) (list []*expr.Value, text string) {
	nodes := []*document.Node{n}
	if n.Kind == document.List {
		nodes = n.Items()
		if len(nodes) == 0 {
			k.add(n.Problem("no_value", "is has no value", ""))
		}
	}
	var texts []string
	for _, v := range nodes {
		texts = append(texts, shownText(v))
		value := k.value(v, f, nil)
		if value == nil {
			continue
		}
		list = append(list, value)
		if s.Value != nil {
			k.comparable(v, s.Value.Type(), value.Type())
		}
		lit, static := value.Static()
		if !static {
			continue
		}
		key := fmt.Sprintf("%T %v", lit, lit)
		if line, twice := seen[key]; twice {
			k.add(v.Problem("unreachable", fmt.Sprintf("the case of line %d has the same value", line), "the first that holds is gone; remove this one"))
		} else {
			seen[key] = v.Line
		}
	}
	return list, strings.Join(texts, ", ")
}

// comparable says where a case can never hold, because its value is of another type.
func (k *compiler) comparable(n *document.Node, switched, is expr.Type) {
	a, b := switched.String(), is.String()
	number := map[string]bool{"integer": true, "number": true}
	plain := map[string]bool{"integer": true, "number": true, "text": true, "bool": true}
	if a == b || !plain[a] || !plain[b] || number[a] && number[b] {
		return
	}
	hint := ""
	if a == "integer" && b == "text" {
		hint = "write a number, or, for a severity, \"${{ severity.high }}\""
	}
	k.add(n.Problem("type_mismatch", fmt.Sprintf("switch is %s and this is %s: they are never equal", a, b), hint))
}

// shownText is how a value stands in the file, in one line.
func shownText(n *document.Node) string {
	if n == nil {
		return ""
	}
	switch n.Kind {
	case document.Map, document.List:
		return "…"
	case document.Null, document.Bool, document.Int, document.Float, document.Text:
	}
	return strings.Join(strings.Fields(n.Scalar()), " ")
}

// while checks a loop. Its condition is asked before the first turn too, so what only
// a turn makes is not sure in it.
func (k *compiler) while(d *draft, raw *rawWhile, f facts) facts {
	w := &While{Limit: raw.Limit}
	d.block.While = w
	if !d.node.Has("limit") {
		w.Limit = 1 // said already
	}
	if raw.While != nil {
		w.If = k.condition(raw.While, f)
	}
	k.loops = append(k.loops, loop{id: d.block.ID})
	inner := k.flow(d.arm("do"), k.knowing(f, w.If).clone())
	k.loops = k.loops[:len(k.loops)-1]
	w.Do = blocksOf(d.arm("do"))
	return k.behindLoop(d, f, inner)
}

func (k *compiler) try(d *draft, raw *rawTry, f facts) facts {
	t := &Try{}
	d.block.Try = t
	if len(raw.Catch) == 0 && len(raw.Finally) == 0 && !d.node.Has("catch") && !d.node.Has("finally") {
		k.add(d.node.KeyNode("try").Problem("missing_key", "try needs the key \"catch\" or \"finally\"", "catch: followed by what is done when it fails"))
	}
	tried := k.flow(d.arm("try"), f.clone())
	t.Do = blocksOf(d.arm("try"))
	out := tried
	some := unsure(f, tried) // it may have stopped anywhere
	some.dead = false
	if d.node.Has("catch") {
		k.catching++
		caught := k.flow(d.arm("catch"), some.clone())
		k.catching--
		t.Catch = blocksOf(d.arm("catch"))
		out = join(tried, caught)
		some = unsure(some, caught)
		some.dead = false
	}
	if d.node.Has("finally") {
		k.finally++
		last := k.flow(d.arm("finally"), some.clone())
		k.finally--
		t.Finally = blocksOf(d.arm("finally"))
		out = both(out, last)
	}
	return out
}

// takeBack checks an undo block.
func (k *compiler) takeBack(d *draft, raw *rawTakeBack) {
	u := &Undo{}
	d.block.Undo = u
	k.declare(d, expr.Object(map[string]expr.Type{"undone": expr.List(expr.String), "kept": expr.List(expr.String)}))
	if d.block.ID == "undo" {
		k.add(commonOf(raw).ID.Problem("reserved", "an undo block may not be called undo", "choose another id, for example take_back"))
	}
	if raw.Undo == nil || raw.Undo.Step == nil {
		k.somethingToUndo(d)
		return
	}
	n := raw.Undo.Step
	u.Step = n.Scalar()
	step, known := k.byID[u.Step]
	switch {
	case !known:
		k.add(n.Problem("unknown_step", fmt.Sprintf("there is no step %q", u.Step), k.nearStep(u.Step)))
	case step.block.Kind != KindAction:
		k.add(n.Problem("no_inverse", u.Step+" is no action: it puts nothing in force", "name an action"))
	case !undoable(step):
		k.add(n.Problem("no_inverse", step.block.Action.Ref+" cannot be undone", "name an action that has an inverse"))
	case step.at >= d.at:
		k.add(n.Problem("used_before", fmt.Sprintf("%s stands in line %d and has not run here", u.Step, step.block.Line), "move it before this place"))
	}
}

// somethingToUndo warns where no step before could have put anything in force.
func (k *compiler) somethingToUndo(d *draft) {
	for _, in := range k.drafts {
		if in.at < d.at && in.block.Kind == KindAction && undoable(in) || in.loop != "" && in.loop == d.loop && undoable(in) {
			return
		}
	}
	k.add(d.node.KeyNode("undo").Warning("no_effect", "no step before puts anything in force", "remove it"))
}

// undoable says whether a block is an action with an inverse. One that is not known is
// taken for one: that is said at its own place.
func undoable(d *draft) bool {
	raw, ok := d.raw.(*rawAction)
	if !ok || raw.Action == nil {
		return ok
	}
	return d.block.Action == nil || d.block.Action.Action == nil || d.block.Action.Action.Inverse != nil
}

// transform checks a jq program. It is literal text: what an alert says never becomes
// a part of it.
func (k *compiler) transform(d *draft, raw *rawTransform, f facts) {
	t := &Transform{}
	d.block.Transform = t
	if raw.Transform == nil {
		return
	}
	if raw.Transform.Value != nil {
		t.Value = k.value(raw.Transform.Value, f, nil)
	}
	n := raw.Transform.JQ
	switch {
	case n == nil:
	case n.Kind != document.Text:
		k.add(n.Problem("wrong_type", "jq must be text", "put the program in quotes, or behind |"))
	case strings.Contains(n.Scalar(), "${{"):
		k.add(n.Problem("expression", "a jq program holds no ${{ }}", "give what it needs in value: { a: \"${{ … }}\" }, and read it as .a"))
	default:
		program, issues := expr.CompileJQ(n.Scalar())
		for _, i := range issues {
			k.add(n.ProblemIn(i.Offset, i.Severity, i.Code, i.Message, i.Hint))
		}
		t.JQ = program
	}
}
