package playbook

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tocsin-soar/tocsin/server/document"
	"github.com/tocsin-soar/tocsin/server/expr"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/ident"
)

// MaxCalls is how many playbooks may call each other, one inside the other.
const MaxCalls = 8

// Outline is what one must know of a playbook to call it.
type Outline struct {
	Slug       string
	SHA256     string // hex, of its bytes
	Inputs     []Input
	Outputs    []string
	Calls      []string // the playbooks that it calls
	NeedsAlert bool     // it reads the alert without asking whether there is one
}

// OutlineOf reads what one must know of a playbook, without checking it. False: it is
// no playbook.
func OutlineOf(slug string, src []byte) (Outline, bool) {
	root, _ := document.Parse(slug+".yaml", src)
	if root == nil {
		return Outline{}, false
	}
	var raw rawPlaybook
	document.Decode(root, &raw)
	out := Outline{Slug: slug, SHA256: ident.Sum(src)}
	for _, e := range raw.Inputs.Entries() {
		field, _ := readField(e)
		if field == nil {
			continue
		}
		in := Input{Name: e.Key, Schema: field.schema, Optional: field.optional}
		if e.Value.Has("default") {
			in.Default = expr.Literal(nil) // there is one; what it is does not matter to a caller
		}
		out.Inputs = append(out.Inputs, in)
	}
	for _, e := range raw.Outputs.Entries() {
		out.Outputs = append(out.Outputs, e.Key)
	}
	k := &compiler{byID: map[string]*draft{}, varType: map[string]expr.Type{}, playbook: &Playbook{}}
	k.draftAll(raw.Steps)
	for _, d := range k.drafts {
		if c, ok := d.raw.(*rawCall); ok && c.Call != nil && !slices.Contains(out.Calls, c.Call.Scalar()) {
			out.Calls = append(out.Calls, c.Call.Scalar())
		}
	}
	k.triggers(root, raw.On)
	out.NeedsAlert = !k.nullable
	return out, true
}

// call checks what is called: its inputs, its outputs, and that nothing calls itself.
func (k *compiler) call(d *draft, raw *rawCall, f facts) {
	c := &Call{Detach: raw.Detach}
	d.block.Call = c
	if raw.Detach {
		k.declare(d, expr.Object(map[string]expr.Type{"run": expr.String}))
	}
	n := raw.Call
	switch {
	case n == nil:
		k.withOf(raw, f, nil)
		return
	case n.Kind != document.Text || !ident.Slug(n.Scalar()):
		k.add(n.Problem("bad_name", "call needs the name of a playbook", "the file's name without .yaml"))
		k.withOf(raw, f, nil)
		return
	}
	c.Playbook = n.Scalar()
	others, ok := k.catalog.(Others)
	if !ok {
		c.With = k.withOf(raw, f, nil)
		return
	}
	o, found := others.Outline(c.Playbook)
	if !found {
		hint := "it must be in force: published, or loaded from files"
		if near := fault.Suggest(c.Playbook, others.Slugs()); near != "" {
			hint = fmt.Sprintf("did you mean %q?", near)
		}
		if c.Playbook == k.playbook.Slug {
			k.recursion(n, []string{c.Playbook})
		} else {
			k.add(n.Problem("unknown_playbook", fmt.Sprintf("there is no playbook %q", c.Playbook), hint))
		}
		k.withOf(raw, f, nil)
		return
	}
	k.chains(n, others, []string{c.Playbook})
	if o.NeedsAlert && k.nullable && !f.alert {
		k.add(n.Problem("alert_may_be_null", c.Playbook+" needs an alert, and this playbook can start without one", "put alert != null before it, or say manual: { alert: required }"))
	}
	c.With = k.withOf(raw, f, inputsSchema(o))
	if !raw.Detach {
		outputs := map[string]expr.Type{}
		for _, name := range o.Outputs {
			outputs[name] = expr.Dyn
		}
		if len(outputs) > 0 {
			k.declare(d, expr.Object(outputs))
		}
	}
}

// withOf compiles the inputs of a call against their schema, nil for anything.
func (k *compiler) withOf(raw *rawCall, f facts, schema map[string]any) *expr.Value {
	with := raw.With
	if with == nil {
		if schema == nil || raw.Call == nil {
			return nil
		}
		with = raw.Call.Empty()
	}
	if with.Kind != document.Map {
		k.add(with.Problem("wrong_type", "with must be a map of inputs", ""))
		return nil
	}
	return k.value(with, f, schema)
}

// inputsSchema is the JSON Schema of a call's inputs.
func inputsSchema(o Outline) map[string]any {
	properties, required := map[string]any{}, []any{}
	for _, in := range o.Inputs {
		properties[in.Name] = maps.Clone(in.Schema)
		if in.Default == nil && !in.Optional {
			required = append(required, in.Name)
		}
	}
	return map[string]any{"type": "object", "properties": properties, "required": required, "additionalProperties": false}
}

// chains follows the calls from the last of a chain on: none may come back, and none
// may be too long.
func (k *compiler) chains(n *document.Node, others Others, chain []string) bool {
	last := chain[len(chain)-1]
	switch {
	case last == k.playbook.Slug || slices.Contains(chain[:len(chain)-1], last):
		k.recursion(n, chain)
		return false
	case len(chain) > MaxCalls:
		k.add(n.Problem("too_deep", fmt.Sprintf("more than %d playbooks call each other: %s", MaxCalls, strings.Join(chain, " → ")), ""))
		return false
	}
	o, found := others.Outline(last)
	if !found {
		return true // that one is told so itself
	}
	for _, next := range o.Calls {
		if !k.chains(n, others, append(slices.Clone(chain), next)) {
			return false // one is enough to be told
		}
	}
	return true
}

func (k *compiler) recursion(n *document.Node, chain []string) {
	all := append([]string{k.playbook.Slug}, chain...)
	k.add(n.Problem("recursion", "the playbooks call each other without end: "+strings.Join(all, " → "), "use while with a limit inside one playbook"))
}
