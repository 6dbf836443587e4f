package playbook

import (
	"fmt"
	"maps"

	"github.com/tocsin-soar/tocsin/server/document"
	"github.com/tocsin-soar/tocsin/server/expr"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/ident"
)

// facts are what is sure at a point of the playbook, whatever happened before.
type facts struct {
	steps map[string]bool // steps that may have run; true: it surely succeeded
	vars  map[string]bool // names that may be set; true: surely
	alert bool            // there surely is an alert
	dead  bool            // nothing ever gets here
}

func newFacts() facts { return facts{steps: map[string]bool{}, vars: map[string]bool{}} }

func (f facts) clone() facts {
	return facts{steps: maps.Clone(f.steps), vars: maps.Clone(f.vars), alert: f.alert, dead: f.dead}
}

// join is what is sure where two ways meet.
func join(a, b facts) facts {
	switch {
	case a.dead:
		return b
	case b.dead:
		return a
	}
	return facts{steps: meet(a.steps, b.steps), vars: meet(a.vars, b.vars), alert: a.alert && b.alert}
}

func meet(a, b map[string]bool) map[string]bool {
	out := make(map[string]bool, len(a))
	for name, sure := range a {
		out[name] = sure && b[name]
	}
	for name := range b {
		if _, both := a[name]; !both {
			out[name] = false
		}
	}
	return out
}

// both is what is sure where two ways were gone at once.
func both(a, b facts) facts {
	out := a.clone()
	for name, sure := range b.steps {
		out.steps[name] = out.steps[name] || sure
	}
	for name, sure := range b.vars {
		out.vars[name] = out.vars[name] || sure
	}
	out.alert, out.dead = a.alert || b.alert, a.dead || b.dead
	return out
}

// unsure takes away what inner added to f: it may have happened or not.
func unsure(f, inner facts) facts {
	return join(f, facts{steps: inner.steps, vars: inner.vars, alert: inner.alert})
}

// knowing adds what a condition that holds makes sure.
func (k *compiler) knowing(f facts, e *expr.Expr) facts {
	if e == nil {
		return f
	}
	out := f.clone()
	for _, id := range e.Implies() {
		if _, known := k.byID[id]; known {
			out.steps[id] = true
		}
	}
	out.alert = out.alert || e.ImpliesAlert()
	return out
}

// flow checks blocks in the order in which they run, and gives what is sure
// behind them.
func (k *compiler) flow(blocks []*draft, f facts) facts {
	said := false
	for _, d := range blocks {
		if f.dead && !said {
			said = true
			k.add(d.node.Problem("unreachable", "nothing ever gets here: the block before ends the run in every case", "remove it, or move it before"))
		}
		alive := f
		alive.dead = false
		next := k.block(d, alive.clone())
		next.dead = next.dead || f.dead
		f = next
	}
	return f
}

// block checks one block and gives what is sure behind it.
func (k *compiler) block(d *draft, f facts) facts {
	c := commonOf(d.raw)
	before, outside, at := f, k.regex, k.current
	k.current = d.at
	k.regex = outside || c.Regex == "dynamic"
	if d.block.Kind != KindIf && c.If != nil {
		d.block.If = k.condition(c.If, f)
		f = k.knowing(f, d.block.If)
	}
	f = k.work(d, f)
	k.regex, k.current = outside, at
	_, branches := d.raw.(*rawIf)
	guarded := c.If != nil && !branches
	after := f
	if guarded || d.block.OnError == "continue" {
		after = unsure(before, f)
	}
	after = after.clone()
	after.steps[d.block.ID] = !guarded && d.block.OnError != "continue"
	if guarded || d.block.OnError == "continue" {
		after.dead = false
	}
	return after
}

// work checks what is special to a kind of block.
func (k *compiler) work(d *draft, f facts) facts {
	switch raw := d.raw.(type) {
	case *rawAction:
		k.action(d, raw, f)
	case *rawIf:
		return k.ifBlock(d, raw, f)
	case *rawForEach:
		return k.forEach(d, raw, f)
	case *rawParallel:
		return k.parallel(d, raw, f)
	case *rawWait:
		k.wait(d, raw, f)
	case *rawQuestion:
		k.question(d, raw, f)
	case *rawApproval:
		k.approval(d, raw, f)
	case *rawSet:
		return k.set(d, raw, f)
	case *rawSwitch:
		return k.switchBlock(d, raw, f)
	case *rawWhile:
		return k.while(d, raw, f)
	case *rawTry:
		return k.try(d, raw, f)
	case *rawTakeBack:
		k.takeBack(d, raw)
	case *rawTransform:
		k.transform(d, raw, f)
	case *rawCall:
		k.call(d, raw, f)
	case *rawFail:
		if raw.Fail != nil {
			d.block.Fail = k.value(raw.Fail, f, wording())
		}
		f.dead = true
	case *rawReturn:
		if k.finally > 0 {
			k.add(d.node.KeyNode("return").Problem("bad_place", "return may not stand inside finally", "it would hide how the run ended; put it behind the try block"))
		}
		d.block.Return = k.named(raw.Return, f)
		f.dead = true
	}
	return f
}

func (k *compiler) ifBlock(d *draft, raw *rawIf, f facts) facts {
	if raw.If == nil {
		k.add(d.node.Problem("missing_key", "then needs the key \"if\"", "if: followed by a condition"))
	} else {
		d.block.If = k.condition(raw.If, f)
	}
	then := k.flow(d.arm("then"), k.knowing(f, d.block.If).clone())
	otherwise := k.flow(d.arm("else"), k.knowing(f, k.negated(d.block.If, f)).clone())
	d.block.Then, d.block.Else = blocksOf(d.arm("then")), blocksOf(d.arm("else"))
	return join(then, otherwise)
}

// negated compiles the opposite of a condition, only to learn what it implies.
func (k *compiler) negated(e *expr.Expr, f facts) *expr.Expr {
	if e == nil {
		return nil
	}
	opposite, issues := expr.Cond("!("+e.Source()+")", k.scope(e.Source(), f))
	for _, i := range issues {
		if i.Severity == fault.SeverityError {
			return nil
		}
	}
	return opposite
}

func (k *compiler) forEach(d *draft, raw *rawForEach, f facts) facts {
	each := &ForEach{As: "item", Concurrency: 1, Limit: defaultLimit, Continue: raw.OnItemError == "continue"}
	if d.node.Has("concurrency") {
		each.Concurrency = raw.Concurrency
	}
	if d.node.Has("limit") {
		each.Limit = raw.Limit
	}
	d.block.ForEach = each
	item := expr.Dyn
	if raw.ForEach != nil {
		each.Items = k.value(raw.ForEach, f, map[string]any{"type": "array"})
		item = k.elementOf(each.Items)
	}
	if raw.As != nil {
		each.As = raw.As.Scalar()
		k.loopName(raw.As)
	}
	k.loops = append(k.loops, loop{id: d.block.ID, as: each.As, item: item})
	inner := k.flow(d.arm("do"), f.clone())
	k.loops = k.loops[:len(k.loops)-1]
	each.Do = blocksOf(d.arm("do"))
	if each.Concurrency > 1 {
		k.race(d)
	}
	k.declare(d, expr.List(expr.Object(map[string]expr.Type{
		"ok": expr.Bool, "output": expr.Nullable(k.lastType(d.arm("do"))), "error": expr.Nullable(expr.ErrorType()),
	})))
	return k.behindLoop(d, f, inner)
}

// behindLoop is what is sure behind a loop: what ran inside is seen inside only, and
// there may have been no turn.
func (k *compiler) behindLoop(d *draft, f, inner facts) facts {
	out := unsure(f, inner)
	for _, in := range k.drafts {
		if in.loop == d.block.ID {
			delete(out.steps, in.block.ID)
		}
	}
	out.dead = false
	return out
}

func (k *compiler) loopName(n *document.Node) {
	switch name := n.Scalar(); {
	case n.Kind != document.Text || !ident.Name(name):
		k.add(n.Problem("bad_name", fmt.Sprintf("%q cannot be a name", name), "a small letter, then small letters, digits and _, at most 48"))
	case reserved(name):
		k.add(n.Problem("reserved", fmt.Sprintf("%q is a word of the expression language", name), "choose another name"))
	case name == "alert" || name == "inputs" || name == "steps" || name == "vars" || name == "run" || name == "now" || name == "index" || name == "error" || name == "severity":
		k.add(n.Problem("reserved", fmt.Sprintf("%q means something already", name), "choose another name"))
	}
}

func (k *compiler) parallel(d *draft, raw *rawParallel, f facts) facts {
	p := &Parallel{}
	out := f.clone()
	types := map[string]expr.Type{}
	ends := make([]facts, 0, len(d.arms))
	for _, a := range d.arms {
		end := k.flow(a.blocks, f.clone())
		ends = append(ends, end)
		types[a.name] = expr.Nullable(k.lastType(a.blocks))
		p.Branches = append(p.Branches, Branch{Name: a.name, Steps: blocksOf(a.blocks)})
	}
	k.race(d)
	p.WaitFor = k.waitFor(raw.WaitFor, len(p.Branches))
	all := p.WaitFor == len(p.Branches)
	for _, end := range ends {
		if all {
			out = both(out, end)
		} else {
			end.dead = false
			out = unsure(out, end)
		}
	}
	d.block.Parallel = p
	if all {
		k.declare(d, expr.Object(types))
	} else {
		k.declare(d, expr.Map(expr.Dyn))
	}
	return out
}

func (k *compiler) waitFor(n *document.Node, branches int) int {
	switch {
	case n == nil || n.Kind == document.Text && n.Scalar() == "all":
		return branches
	case n.Kind == document.Text && n.Scalar() == "any":
		return min(1, branches)
	}
	count, ok := n.Plain().(int64)
	if !ok || count < 1 || count > int64(branches) {
		k.add(n.Problem("bad_value", "wait_for must be all, any, or a number of branches", fmt.Sprintf("there are %d", branches)))
		return branches
	}
	return int(count)
}

// setsIn lists the names that blocks set.
func setsIn(blocks []*draft) []document.Entry {
	var out []document.Entry
	for _, d := range blocks {
		if raw, ok := d.raw.(*rawSet); ok {
			out = append(out, raw.Set.Entries()...)
		}
		for _, a := range d.arms {
			out = append(out, setsIn(a.blocks)...)
		}
	}
	return out
}

// race refuses a name that two ways set which are gone at once: which of them is
// last would be chance.
func (k *compiler) race(d *draft) {
	setBy := map[string]string{}
	for _, a := range d.arms {
		for _, e := range setsIn(a.blocks) {
			other, set := setBy[e.Key]
			switch {
			case d.block.Kind == KindForEach:
				k.add(e.KeyNode().Problem("race", fmt.Sprintf("the turns of %s set vars.%s at once", d.block.ID, e.Key), "leave concurrency at 1, or read steps."+d.block.ID+".output behind the loop"))
			case set && other != a.name:
				k.add(e.KeyNode().Problem("race", fmt.Sprintf("the branches %s and %s both set vars.%s", other, a.name, e.Key), "choose two names"))
			default:
				setBy[e.Key] = a.name
			}
		}
	}
}
