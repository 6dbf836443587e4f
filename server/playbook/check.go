package playbook

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/tocsin-soar/tocsin/server/document"
	"github.com/tocsin-soar/tocsin/server/expr"
	"github.com/tocsin-soar/tocsin/server/fault"
)

// scope is what an expression with this text sees at a point with these facts.
func (k *compiler) scope(text string, f facts) *expr.Scope {
	s := k.base.With("vars", expr.Object(k.varType))
	if f.alert {
		s = s.With("alert", k.alertType(true))
	}
	for _, id := range k.mentioned(text) {
		output := expr.Dyn
		if d, known := k.byID[id]; known {
			output = d.output
		}
		s = s.Step(id, output)
	}
	for _, l := range k.loops {
		s = s.With("index", expr.Int)
		if l.as != "" {
			s = s.With(l.as, l.item)
		}
	}
	if strings.Contains(text, "callbacks") {
		s = s.With("callbacks", k.callbacks())
	}
	if k.catching > 0 {
		s = s.With("error", expr.ErrorType())
	}
	if k.regex {
		s = s.DynamicRegex()
	}
	return s
}

// callbacks are the tokens of the waits that another system may end.
func (k *compiler) callbacks() expr.Type {
	out := map[string]expr.Type{}
	for _, d := range k.drafts {
		raw, ok := d.raw.(*rawWait)
		if ok && raw.Wait != nil && raw.Wait.Callback != nil && (d.loop == "" || k.inside(d.loop)) {
			out[d.block.ID] = expr.String
		}
	}
	return expr.Object(out)
}

var mention = regexp.MustCompile(`\bsteps\b(\s*\.\s*\??\s*([A-Za-z_][A-Za-z0-9_]*))?`)

// mentioned lists the steps that a text names: an expression is compiled with
// these only, since a playbook may have thousands. Ids that no step has are among
// them; readStep names those.
func (k *compiler) mentioned(text string) []string {
	if len(k.drafts) == 0 {
		return nil // no step has run where inputs are made
	}
	out := []string{k.drafts[0].block.ID} // so that the word steps is known
	for _, m := range mention.FindAllStringSubmatch(text, -1) {
		if id := m[2]; id != "" && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

// textOf joins all texts of a tree.
func textOf(n *document.Node) string {
	var out strings.Builder
	var add func(n *document.Node)
	add = func(n *document.Node) {
		out.WriteString(n.Scalar() + " ")
		for _, i := range n.Items() {
			add(i)
		}
		for _, e := range n.Entries() {
			add(e.Value)
		}
	}
	add(n)
	return out.String()
}

// declare says what a step's output is.
func (k *compiler) declare(d *draft, t expr.Type) {
	d.output = t
}

// lastType is the type of the output of a list of blocks.
func (k *compiler) lastType(blocks []*draft) expr.Type {
	if len(blocks) == 0 {
		return expr.Dyn
	}
	return blocks[len(blocks)-1].output
}

// elementOf is the type of the elements of a list.
func (k *compiler) elementOf(list *expr.Value) expr.Type {
	if list == nil {
		return expr.Dyn
	}
	e, issues := expr.Compile("list[0]", expr.NewScope().With("list", list.Type()), expr.Dyn)
	for _, i := range issues {
		if i.Severity == fault.SeverityError {
			return expr.Dyn
		}
	}
	return e.Type()
}

// condition compiles a block's if.
func (k *compiler) condition(n *document.Node, f facts) *expr.Expr {
	if k.tooMany(n, 1) {
		return nil
	}
	e, ps := document.Condition(n, k.scope(textOf(n), f))
	k.add(ps...)
	if e != nil {
		k.reads(n, e.Reads(), f)
	}
	return e
}

// tooMany bounds the work of a check: an expression takes about a millisecond.
func (k *compiler) tooMany(n *document.Node, more int) bool {
	before := k.expressions
	k.expressions += more
	if before <= maxExpressions && k.expressions > maxExpressions {
		k.add(n.Problem("too_large", fmt.Sprintf("a playbook may have at most %d expressions", maxExpressions), "split it"))
	}
	return k.expressions > maxExpressions
}

// dynamics counts the texts with expressions in a tree.
func dynamics(n *document.Node) int {
	count := 0
	if document.Dynamic(n.Scalar()) {
		count = 1
	}
	for _, i := range n.Items() {
		count += dynamics(i)
	}
	for _, e := range n.Entries() {
		count += dynamics(e.Value)
	}
	return count
}

// value compiles what stands at a place with a schema.
func (k *compiler) value(n *document.Node, f facts, schema map[string]any) *expr.Value {
	if k.tooMany(n, dynamics(n)) {
		return nil
	}
	v, ps := document.ValueWith(n, k.scope(textOf(n), f), schema, func(leaf *document.Node, v *expr.Value) {
		k.reads(leaf, v.Reads(), f)
	})
	k.add(ps...)
	return v
}

// wording is the schema of what people read: one value that can be written out.
func wording() map[string]any {
	return map[string]any{"type": []any{"string", "integer", "number", "boolean"}}
}

// named compiles a map of names and values.
func (k *compiler) named(n *document.Node, f facts) []Named {
	if n == nil || n.Kind == document.Null {
		return nil
	}
	if n.Kind != document.Map {
		k.add(n.Problem("wrong_type", "this must be a map of names and values", ""))
		return nil
	}
	var out []Named
	for _, e := range n.Entries() {
		if ps := goodName(e); ps != nil {
			k.add(ps...)
			continue
		}
		out = append(out, Named{Name: e.Key, Value: k.value(e.Value, f, nil)})
	}
	return out
}

// reads checks what an expression reads against what is sure.
func (k *compiler) reads(n *document.Node, reads []expr.Read, f facts) {
	for _, r := range reads {
		switch r.Name {
		case "alert":
			if k.nullable && !f.alert && r.Field != "" && !r.Guarded && !r.Optional {
				k.add(n.ProblemIn(r.Offset, fault.SeverityError, "alert_may_be_null",
					"this playbook can start without an alert",
					"write alert.?"+r.Field+", put alert != null && before it, or say manual: { alert: required }"))
			}
		case "inputs", "vars":
			k.readName(n, r, f)
		case "steps":
			k.readStep(n, r, f)
		}
	}
}

func (k *compiler) readName(n *document.Node, r expr.Read, f facts) {
	if r.Field == "" {
		k.used[r.Name] = true
		return
	}
	k.used[r.Name+"."+r.Field] = true
	if r.Name != "vars" || r.Optional {
		return
	}
	sure, set := f.vars[r.Field]
	switch _, ever := k.varType[r.Field]; {
	case !ever: // said by the type check
	case !set:
		k.add(n.ProblemIn(r.Offset, fault.SeverityError, "not_set", fmt.Sprintf("vars.%s is not set here", r.Field), "set it before, on this way"))
	case !sure:
		k.add(n.ProblemIn(r.Offset, fault.SeverityError, "not_set", fmt.Sprintf("vars.%s may not be set here", r.Field), "set it before in every case, or read vars.?"+r.Field))
	}
}

func (k *compiler) readStep(n *document.Node, r expr.Read, f facts) {
	if r.Step == "" {
		return // steps as a whole
	}
	d, known := k.byID[r.Step]
	if !known {
		k.add(n.ProblemIn(r.Offset, fault.SeverityError, "unknown_step", fmt.Sprintf("there is no step %q", r.Step), k.nearStep(r.Step)))
		return
	}
	if d.loop != "" && !k.inside(d.loop) {
		k.add(n.ProblemIn(r.Offset, fault.SeverityError, "out_of_scope",
			fmt.Sprintf("steps.%s runs inside %s and is seen inside it only", r.Step, d.loop),
			k.loopHint(d.loop)))
		return
	}
	sure, ran := f.steps[r.Step]
	switch {
	case !ran && d.at >= k.current:
		k.add(n.ProblemIn(r.Offset, fault.SeverityError, "used_before",
			fmt.Sprintf("steps.%s stands in line %d and has not run here", r.Step, d.block.Line), "move it before this place"))
	case !ran:
		k.add(n.ProblemIn(r.Offset, fault.SeverityError, "other_branch",
			fmt.Sprintf("steps.%s runs on another branch (line %d) and never before this place", r.Step, d.block.Line), "move it before the branches part"))
	case r.Field == "output" && !sure && !r.Guarded && !r.Optional:
		k.add(n.ProblemIn(r.Offset, fault.SeverityError, "may_have_failed",
			fmt.Sprintf("steps.%s may not have succeeded here, then it has no output", r.Step),
			fmt.Sprintf("write steps.%s.?output, or put steps.%s.ok && before it", r.Step, r.Step)))
	}
}

// loopHint says what to read instead of a step inside a loop.
func (k *compiler) loopHint(id string) string {
	if d, ok := k.byID[id]; ok && d.block.Kind == KindWhile {
		return "set a name inside the loop and read it as vars.NAME"
	}
	return "read steps." + id + ".output, a list of { ok, output, error }"
}

// nearStep gives the ids that may have been meant.
func (k *compiler) nearStep(id string) string {
	ids := make([]string, 0, len(k.drafts))
	for _, d := range k.drafts {
		ids = append(ids, d.block.ID)
	}
	if near := fault.Suggest(id, ids); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	if len(ids) > 12 {
		ids = append(ids[:12], "…")
	}
	return "the steps are: " + strings.Join(ids, ", ")
}

// inside says whether one of the loops around is the for_each with this id.
func (k *compiler) inside(id string) bool {
	for _, l := range k.loops {
		if l.id == id {
			return true
		}
	}
	return false
}

// checkReturns holds what return gives against the declared outputs.
func (k *compiler) checkReturns(outputs *document.Node) {
	if len(outputs.Entries()) == 0 {
		return
	}
	var names []string
	for _, e := range outputs.Entries() {
		names = append(names, e.Key)
	}
	for _, d := range k.drafts {
		raw, ok := d.raw.(*rawReturn)
		if !ok {
			continue
		}
		for _, e := range raw.Return.Entries() {
			if !outputs.Has(e.Key) {
				k.add(unknownName(e, "output", names))
			}
		}
	}
}
