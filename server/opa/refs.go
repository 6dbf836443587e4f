package opa

import (
	"fmt"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/tocsin-soar/tocsin/server/fault"
)

// walker follows what is read of the input and of data.config through compiled
// rules. OPA's type checker finds a misspelt field in a plain reference; this
// finds the ways around it: a computed name, a whole object handed to a function,
// the body of an every, a document that does not exist.
type walker struct {
	c        *ast.Compiler
	input    *node
	config   *node
	vars     map[ast.Var]*node
	problems []fault.Problem
	seen     map[string]bool
}

// references checks every rule of the compiled modules.
func references(c *ast.Compiler, input *node) []fault.Problem {
	w := &walker{c: c, input: input, config: books()[schemaConfig].root, seen: map[string]bool{}}
	for _, m := range c.Modules {
		for _, r := range m.Rules {
			w.rule(r)
		}
	}
	return w.problems
}

func (w *walker) rule(r *ast.Rule) {
	w.vars = map[ast.Var]*node{}
	for w.bind(r) {
		// each round may know one more variable, so this ends
	}
	for _, t := range headTerms(r) {
		w.leaves(t, "give the fields that are needed")
	}
	ast.NewGenericVisitor(w.visit).Walk(r)
}

func headTerms(r *ast.Rule) []*ast.Term {
	out := []*ast.Term{}
	for rule := r; rule != nil; rule = rule.Else {
		out = append(out, rule.Head.Args...)
		if rule.Head.Key != nil {
			out = append(out, rule.Head.Key)
		}
		if rule.Head.Value != nil {
			out = append(out, rule.Head.Value)
		}
		if len(rule.Head.Reference) > 1 {
			out = append(out, rule.Head.Reference[1:]...)
		}
	}
	return out
}

// bind learns which variables stand for a place in the input; true when it
// learnt something.
func (w *walker) bind(r *ast.Rule) bool {
	learnt := false
	learn := func(t *ast.Term, n *node) {
		if v, ok := t.Value.(ast.Var); ok && n != nil && w.vars[v] == nil && v != "input" && v != "data" {
			w.vars[v], learnt = n, true
		}
	}
	ast.WalkExprs(r, func(e *ast.Expr) bool {
		switch terms := e.Terms.(type) {
		case *ast.Every:
			if n := w.place(terms.Domain); n != nil {
				learn(terms.Value, below(n))
			}
		case []*ast.Term:
			if (e.IsEquality() || e.IsAssignment()) && len(terms) == 3 {
				learn(terms[1], w.place(terms[2]))
				learn(terms[2], w.place(terms[1]))
			}
		}
		return false
	})
	return learnt
}

// below gives the place of an element.
func below(n *node) *node {
	switch {
	case n.free:
		return n
	case n.elem != nil:
		return n.elem
	}
	return n.values
}

// place gives where in the input a term stands, nil where it is not of it.
func (w *walker) place(t *ast.Term) *node {
	switch v := t.Value.(type) {
	case ast.Var:
		return w.vars[v]
	case ast.Ref:
		n, _, _ := w.follow(v)
		return n
	case *ast.ArrayComprehension:
		return listOf(w.place(v.Term))
	case *ast.SetComprehension:
		return listOf(w.place(v.Term))
	}
	return nil
}

func listOf(n *node) *node {
	if n == nil {
		return nil
	}
	return &node{elem: n}
}

// root gives the place where a reference begins and its first segment after that.
func (w *walker) root(r ast.Ref) (*node, int) {
	head, ok := r[0].Value.(ast.Var)
	switch {
	case !ok:
		return nil, 0
	case head == "input":
		return w.input, 1
	case head == "data":
		if len(r) > 1 && r[1].Value.Compare(ast.String("config")) == 0 {
			return w.config, 2
		}
		return nil, 0
	}
	return w.vars[head], 1
}

// follow walks a reference down; where it cannot go on it gives the index of the
// segment and the place before it.
func (w *walker) follow(r ast.Ref) (at *node, stuck int, before *node) {
	n, i := w.root(r)
	for ; n != nil && i < len(r); i++ {
		var next *node
		switch {
		case n.free:
			return n, 0, nil
		case n.fields != nil:
			name, ok := r[i].Value.(ast.String)
			if !ok {
				return nil, i, n
			}
			next = n.fields[string(name)]
		case n.elem != nil:
			next = n.elem
		case n.values != nil:
			next = n.values
		}
		if next == nil {
			return nil, i, n
		}
		n = next
	}
	return n, 0, nil
}

func (w *walker) visit(x any) bool {
	switch x := x.(type) {
	case *ast.Expr:
		w.call(x)
	case *ast.Term:
		w.term(x)
	}
	return false
}

// call refuses to hand a place with named fields to a function.
func (w *walker) call(e *ast.Expr) {
	if !e.IsCall() {
		return
	}
	switch op := e.Operator().String(); op {
	case "eq", "equal", "neq", "assign", "count", "is_null", "is_object", "is_array", "internal.member_2", "internal.member_3":
		return
	default:
		for _, a := range e.Operands() {
			w.leaves(a, "hand over the field, not the object: "+op+" would not notice a misspelt one")
		}
	}
}

// leaves refuses a term that carries a place with named fields out of the rule.
func (w *walker) leaves(t *ast.Term, hint string) {
	if w.place(t).named() {
		w.add(t.Location, "whole_object", w.text(t)+" has named fields and may not be handed on whole", hint)
	}
}

func (w *walker) term(t *ast.Term) {
	switch v := t.Value.(type) {
	case ast.Ref:
		w.ref(v, t.Location)
	case *ast.Array:
		v.Foreach(func(e *ast.Term) { w.leaves(e, "list the fields that are needed") })
	case ast.Set:
		v.Foreach(func(e *ast.Term) { w.leaves(e, "list the fields that are needed") })
	case ast.Object:
		v.Foreach(func(_, e *ast.Term) { w.leaves(e, "list the fields that are needed") })
	case *ast.ObjectComprehension:
		w.leaves(v.Value, "take the fields that are needed")
	}
}

func (w *walker) ref(r ast.Ref, loc *ast.Location) {
	if head, ok := r[0].Value.(ast.Var); ok && len(r) == 1 && (head == "input" || head == "data") {
		w.add(loc, "whole_input", string(head)+" is read by the names of its fields only", "as in input.action.impact")
		return
	}
	if r[0].Value.Compare(ast.DefaultRootDocument.Value) == 0 {
		w.document(r, loc)
	}
	_, i, before := w.follow(r)
	if before == nil {
		return
	}
	known := before.known()
	if name, ok := r[i].Value.(ast.String); ok {
		w.add(loc, "unknown_field", fmt.Sprintf("undefined ref: %s has no %q", w.refText(r[:i]), string(name)), didYouMean(string(name), known))
		return
	}
	if before.fields == nil {
		w.add(loc, "unknown_field", "undefined ref: nothing stands below "+w.refText(r[:i]), "")
		return
	}
	w.add(loc, "computed_field", "fields are read by their own names: "+w.refText(r[:i])+" is no list",
		"write one of "+strings.Join(known, ", "))
}

// document refuses a reference to a document that no rule makes: it would be
// undefined for ever, and a denial that reads it would never speak.
func (w *walker) document(r ast.Ref, loc *ast.Location) {
	if len(r) > 1 && r[1].Value.Compare(ast.String("config")) == 0 {
		return
	}
	fixed := r.ConstantPrefix()
	if len(fixed) < 3 {
		w.add(loc, "unknown_document", "data holds data.config and the rules of the packages below tocsin", "name the rule that is meant")
		return
	}
	for n := len(fixed); n >= 3; n-- {
		if len(w.c.GetRulesExact(fixed[:n])) > 0 {
			return
		}
	}
	if len(fixed) < len(r) && len(w.c.GetRulesWithPrefix(fixed)) > 0 {
		w.add(loc, "computed_document", "rules are read by their own names", "")
		return
	}
	w.add(loc, "unknown_document", "no rule makes "+w.refText(fixed), "data.config holds the values; rules stand below data."+pkgLib)
}

func (w *walker) text(t *ast.Term) string { return readable(t.String(), w.c.RewrittenVars) }

func (w *walker) refText(r ast.Ref) string { return readable(r.String(), w.c.RewrittenVars) }

func (w *walker) add(loc *ast.Location, code, message, hint string) {
	p := wrongAt(loc, code, message, hint)
	key := fmt.Sprint(p.File, p.Line, p.Column, p.Code, p.Message)
	if !w.seen[key] {
		w.seen[key] = true
		w.problems = append(w.problems, p)
	}
}
