package document

import (
	"fmt"
	"strings"

	"github.com/tocsin-soar/tocsin/server/expr"
	"github.com/tocsin-soar/tocsin/server/fault"
)

// Value turns a node into a value in which ${{ }} is evaluated later. The schema
// (JSON Schema, nil for anything) is that of the place it stands at: literals are
// checked against it at once, expressions against its type, and x-sink says for
// what a text is written. An object that lists its properties takes no others
// unless it says additionalProperties. All problems are given, each with its place;
// the value is nil when one of them is an error.
func Value(n *Node, s *expr.Scope, schema map[string]any) (*expr.Value, []fault.Problem) {
	return ValueWith(n, s, schema, func(*Node, *expr.Value) {})
}

// ValueWith is Value, and calls leaf for every text with an expression in it.
func ValueWith(n *Node, s *expr.Scope, schema map[string]any, leaf func(n *Node, v *expr.Value)) (*expr.Value, []fault.Problem) {
	b := valuer{scope: s, root: schema, leaf: leaf}
	v := b.value(n, schema, "the value")
	if fault.Broken(b.problems) {
		return nil, b.problems
	}
	return v, b.problems
}

// Empty gives an empty map at n's place, for values that were left away.
func (n *Node) Empty() *Node {
	return &Node{Kind: Map, Line: n.Line, Column: n.Column, doc: n.doc}
}

// Expression compiles a node that holds bare CEL whose result has the wanted
// type (the zero Type for any).
func Expression(n *Node, s *expr.Scope, want expr.Type) (*expr.Expr, []fault.Problem) {
	src, ps := bare(n)
	if ps != nil {
		return nil, ps
	}
	e, issues := expr.Compile(src, s, want)
	return compiled(n, e, issues)
}

// Condition compiles a node that holds bare CEL of type bool.
func Condition(n *Node, s *expr.Scope) (*expr.Expr, []fault.Problem) {
	src, ps := bare(n)
	if ps != nil {
		return nil, ps
	}
	e, issues := expr.Cond(src, s)
	return compiled(n, e, issues)
}

func compiled(n *Node, e *expr.Expr, issues []expr.Issue) (*expr.Expr, []fault.Problem) {
	ps := Issues(n, issues)
	if fault.Broken(ps) {
		return nil, ps
	}
	return e, ps
}

// bare gives the text of a node that holds CEL without ${{ }}. true, false and
// numbers are CEL too.
func bare(n *Node) (string, []fault.Problem) {
	switch n.Kind {
	case Text, Bool, Int, Float:
		if text := strings.TrimSpace(n.text); strings.HasPrefix(text, "${{") && strings.HasSuffix(text, "}}") {
			return "", []fault.Problem{n.Problem("no_braces", "an expression stands here by itself, without ${{ }}", strings.TrimSpace(text[3:len(text)-2]))}
		}
		return n.text, nil
	case Null:
		return "", []fault.Problem{n.Problem("no_value", "an expression is missing", "")}
	case List, Map:
	}
	return "", []fault.Problem{n.Problem("wrong_type", "an expression must be text, not "+n.Kind.word(), "put it in quotes")}
}

// Issues gives what is wrong inside an expression its place in the document.
func Issues(n *Node, issues []expr.Issue) []fault.Problem {
	out := make([]fault.Problem, 0, len(issues))
	for _, i := range issues {
		out = append(out, n.ProblemIn(i.Offset, i.Severity, i.Code, i.Message, i.Hint))
	}
	return out
}

type valuer struct {
	scope    *expr.Scope
	root     map[string]any
	leaf     func(n *Node, v *expr.Value)
	problems []fault.Problem
}

func (b *valuer) add(p ...fault.Problem) { b.problems = append(b.problems, p...) }

func (b *valuer) value(n *Node, schema map[string]any, what string) *expr.Value {
	if n == nil {
		return expr.Literal(nil)
	}
	schema = b.deref(schema)
	switch n.Kind {
	case Text:
		return b.text(n, schema, what)
	case List:
		return b.list(n, schema, what)
	case Map:
		return b.mapping(n, schema, what)
	case Null, Bool, Int, Float:
	}
	b.literal(n, schema, what)
	return expr.Literal(n.Plain())
}

func (b *valuer) text(n *Node, schema map[string]any, what string) *expr.Value {
	if !Dynamic(n.text) {
		b.literal(n, schema, what)
	}
	options := expr.TextOptions{Sink: sink(schema)}
	if Dynamic(n.text) && schema != nil {
		options.Want = expr.SchemaType(schema)
	}
	v, issues := expr.Text(n.text, b.scope, options)
	b.add(Issues(n, issues)...)
	if v == nil {
		return expr.Literal(nil) // a mistake has been named
	}
	if Dynamic(n.text) {
		b.leaf(n, v)
	}
	return v
}

// Dynamic says whether a text holds an expression.
func Dynamic(text string) bool {
	return strings.Contains(strings.ReplaceAll(text, "$${{", ""), "${{")
}

func (b *valuer) list(n *Node, schema map[string]any, what string) *expr.Value {
	if !allows(schema, "array") {
		b.mistyped(n, schema, what)
		return expr.Literal(nil)
	}
	b.count(n, schema, len(n.items), "minItems", "maxItems", what, "elements")
	items, _ := schema["items"].(map[string]any)
	values := make([]*expr.Value, 0, len(n.items))
	for i, item := range n.items {
		values = append(values, b.value(item, items, fmt.Sprintf("%s[%d]", what, i)))
	}
	return expr.ListOf(values)
}

func (b *valuer) mapping(n *Node, schema map[string]any, what string) *expr.Value {
	if !allows(schema, "object") {
		b.mistyped(n, schema, what)
		return expr.Literal(nil)
	}
	keys := make([]string, 0, len(n.entries))
	values := make([]*expr.Value, 0, len(n.entries))
	for _, e := range n.entries {
		property, known := b.property(schema, e.Key)
		if !known {
			b.add(unknownParameter(e, propertyNames(schema)))
			b.value(e.Value, nil, fmt.Sprintf("%q", e.Key)) // for what is wrong inside it
			continue
		}
		keys = append(keys, e.Key)
		values = append(values, b.value(e.Value, property, fmt.Sprintf("%q", e.Key)))
	}
	for _, name := range texts(schema["required"]) {
		if property, _ := b.property(schema, name); !n.Has(name) && property["default"] == nil {
			b.add(n.Problem("missing_parameter", fmt.Sprintf("the parameter %q is missing", name), b.describe(schema, name)))
		}
	}
	return expr.MapOf(keys, values)
}

func unknownParameter(e Entry, known []string) fault.Problem {
	hint := "it takes no parameters"
	if len(known) > 0 {
		hint = "it takes: " + strings.Join(known, ", ")
	}
	if near := fault.Suggest(e.Key, known); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	return e.key.Problem("unknown_parameter", fmt.Sprintf("unknown parameter %q", e.Key), hint)
}

func (b *valuer) describe(schema map[string]any, name string) string {
	property, _ := b.property(schema, name)
	property = b.deref(property)
	hint := "add " + name + ": …"
	if words := typesOf(property); len(words) > 0 {
		hint += " (" + inWords(words) + ")"
	}
	if text, ok := property["description"].(string); ok && text != "" {
		hint += ", " + text
	}
	return hint
}
