package playbook

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-soar/tocsin/server/document"
	"github.com/tocsin-soar/tocsin/server/expr"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/ident"
)

func (k *compiler) wait(d *draft, raw *rawWait, f facts) {
	w := &Wait{}
	d.block.Wait = w
	k.declare(d, expr.Dyn)
	if raw.Wait == nil {
		return
	}
	n := d.node.Get("wait")
	var has []string
	for _, word := range []string{"for", "until", "event", "callback"} {
		if n.Has(word) {
			has = append(has, word)
		}
	}
	if len(has) != 1 {
		k.add(n.Problem("bad_value", "wait needs exactly one of for, until, event and callback", "wait: { for: 10m }"))
		return
	}
	if has[0] == "event" || has[0] == "callback" {
		k.listen(d, raw.Wait, n, has[0], f)
		return
	}
	for _, word := range []string{"match", "within", "otherwise"} {
		if n.Has(word) {
			k.add(n.KeyNode(word).Problem("unknown_key", word+" belongs to event and callback", ""))
		}
	}
	text := map[string]any{"type": "string"}
	if raw.Wait.For != nil {
		w.For = k.value(raw.Wait.For, f, text)
		k.literalDuration(raw.Wait.For)
		return
	}
	w.Until = k.value(raw.Wait.Until, f, map[string]any{})
	if at := raw.Wait.Until; at.Kind == document.Text && !document.Dynamic(at.Scalar()) {
		if _, err := time.Parse(time.RFC3339Nano, at.Scalar()); err != nil {
			k.add(at.Problem("bad_value", fmt.Sprintf("%q is no time", at.Scalar()), "RFC 3339: 2026-01-05T10:00:00Z"))
		}
	}
}

// listen checks a wait for an event or a callback.
func (k *compiler) listen(d *draft, raw *rawWaitFor, n *document.Node, word string, f facts) {
	w := d.block.Wait
	w.Within = raw.Within
	if !n.Has("within") {
		k.add(n.Problem("missing_key", "waiting for "+word+" needs the key \"within\"", "within: 1h"))
	}
	k.between(n, "within", raw.Within, time.Second, longestRun)
	if raw.Otherwise != nil {
		w.Otherwise = k.value(raw.Otherwise, f, nil)
	}
	if word == "callback" {
		w.Callback = true
		if n.Has("match") {
			k.add(n.KeyNode("match").Problem("unknown_key", "match belongs to event", "look at the callback's body behind it"))
		}
		return
	}
	w.Event = k.subject(raw.Event)
	if raw.Match == nil {
		return
	}
	if k.tooMany(raw.Match, 1) {
		return
	}
	e, ps := document.Condition(raw.Match, k.scope(textOf(raw.Match), f).With("event", EventType()))
	k.add(ps...)
	if e != nil {
		k.reads(raw.Match, e.Reads(), f)
	}
	w.Match = e
}

func (k *compiler) literalDuration(n *document.Node) {
	if n.Kind != document.Text || document.Dynamic(n.Scalar()) {
		return
	}
	d, err := document.ParseDuration(n.Scalar())
	switch {
	case err != nil:
		k.add(n.Problem("duration", fmt.Sprintf("%q is no duration", n.Scalar()), err.Error()))
	case d > longestRun:
		k.add(n.Problem("out_of_range", "a run lasts at most "+document.FormatDuration(longestRun), ""))
	}
}

func (k *compiler) question(d *draft, raw *rawQuestion, f facts) {
	q := &Question{Form: map[string]any{}}
	d.block.Question = q
	if raw.Question == nil {
		k.declare(d, expr.Dyn)
		return
	}
	n, ask := d.node.Get("question"), raw.Question
	if ask.Title != nil {
		q.Title = k.value(ask.Title, f, wording())
	}
	q.To = k.people(ask.To)
	q.Within = ask.Within
	k.between(n, "within", ask.Within, time.Second, longestRun)
	k.fieldsOf(ask.Form, q)
	schema := FormSchema(q.Form, q.Fields)
	if ask.Otherwise != nil {
		q.Otherwise = k.value(ask.Otherwise, f, schema)
	}
	k.declare(d, expr.SchemaType(schema))
}

// fieldsOf reads the fields of a question.
func (k *compiler) fieldsOf(n *document.Node, q *Question) {
	if n == nil {
		return
	}
	if n.Kind != document.Map || len(n.Entries()) == 0 {
		k.add(n.Problem("wrong_type", "form must be a map of fields", "form: { verdict: { type: string, enum: [yes, no] } }"))
		return
	}
	for _, e := range n.Entries() {
		f, ps := readField(e)
		k.add(ps...)
		if f == nil {
			continue
		}
		if !e.Value.Has("type") && !e.Value.Has("enum") {
			k.add(e.Value.Problem("missing_key", fmt.Sprintf("the field %q needs a type", e.Key), "type: string, boolean, integer or number"))
		}
		schema := f.schema
		schema["optional"] = f.optional
		q.Form[e.Key] = schema
		q.Fields = append(q.Fields, e.Key)
	}
}

// FormSchema is the JSON Schema of a form's answer: every field must be there
// unless it is optional, and no other may.
func FormSchema(form map[string]any, fields []string) map[string]any {
	properties, required := map[string]any{}, []any{}
	for _, name := range fields {
		schema, _ := form[name].(map[string]any)
		field := map[string]any{}
		for word, v := range schema {
			if word != "optional" {
				field[word] = v
			}
		}
		properties[name] = field
		if schema["optional"] != true {
			required = append(required, name)
		}
	}
	return map[string]any{"type": "object", "properties": properties, "required": required, "additionalProperties": false}
}

var addressee = regexp.MustCompile(`^(role|team|user):[A-Za-z0-9._@-]{1,128}$`)

// people reads whom something is put to. An empty list would be nobody, or
// everybody, so it is refused.
func (k *compiler) people(n *document.Node) []string {
	if n == nil {
		return nil
	}
	items := n.Items()
	if n.Kind == document.Text {
		items = []*document.Node{n}
	}
	if len(items) == 0 {
		k.add(n.Problem("wrong_type", "to must be a list of those who may answer", "to: [role:responder]"))
		return nil
	}
	var out []string
	for _, i := range items {
		word, name, _ := strings.Cut(i.Scalar(), ":")
		switch {
		case i.Kind != document.Text || !addressee.MatchString(i.Scalar()):
			k.add(i.Problem("bad_value", "this names nobody", "role:NAME, team:NAME or user:NAME"))
		case word == "role" && !slices.Contains(roles, name):
			hint := "one of: " + strings.Join(roles, ", ")
			if near := fault.Suggest(name, roles); near != "" {
				hint = fmt.Sprintf("did you mean \"role:%s\"?", near)
			}
			k.add(i.Problem("bad_value", fmt.Sprintf("there is no role %q", name), hint))
		default:
			out = append(out, i.Scalar())
		}
	}
	return out
}

func (k *compiler) approval(d *draft, raw *rawApproval, f facts) {
	a := &Approval{Quorum: 1}
	d.block.Approval = a
	k.declare(d, expr.Object(map[string]expr.Type{"who": expr.List(expr.String), "when": expr.Timestamp, "comment": expr.String}))
	if raw.Approval == nil {
		return
	}
	n := d.node.Get("approval")
	if raw.Approval.Title != nil {
		a.Title = k.value(raw.Approval.Title, f, wording())
	}
	a.To = k.people(raw.Approval.To)
	if n.Has("quorum") {
		a.Quorum = raw.Approval.Quorum
	}
	a.Within = raw.Approval.Within
	k.between(n, "within", a.Within, time.Second, longestRun)
}

func (k *compiler) set(d *draft, raw *rawSet, f facts) facts {
	d.block.Set = k.named(raw.Set, f)
	k.declare(d, expr.Dyn)
	out := f.clone()
	for _, s := range d.block.Set {
		t := expr.Dyn
		if s.Value != nil {
			t = s.Value.Type()
		}
		if _, again := k.vars[s.Name]; again {
			t = expr.Dyn // two settings need not agree
		} else if raw.Set != nil {
			k.vars[s.Name] = raw.Set.KeyNode(s.Name)
		}
		k.varType[s.Name] = t
		out.vars[s.Name] = true
	}
	if raw.Set != nil && raw.Set.Kind == document.Map && len(raw.Set.Entries()) == 0 {
		k.add(raw.Set.Problem("no_value", "set sets nothing", "set: { name: value }"))
	}
	return out
}

// goodName says what is wrong with a name in a map of names.
func goodName(e document.Entry) []fault.Problem {
	switch {
	case !ident.Name(e.Key):
		return []fault.Problem{e.KeyNode().Problem("bad_name", fmt.Sprintf("%q cannot be a name", e.Key), "a small letter, then small letters, digits and _, at most 48")}
	case reserved(e.Key):
		return []fault.Problem{e.KeyNode().Problem("reserved", fmt.Sprintf("%q is a word of the expression language", e.Key), "choose another name")}
	}
	return nil
}

func unknownName(e document.Entry, what string, known []string) fault.Problem {
	hint := "one of: " + strings.Join(known, ", ")
	if near := fault.Suggest(e.Key, known); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	return e.KeyNode().Problem("unknown_"+what, fmt.Sprintf("there is no %s %q", what, e.Key), hint)
}
