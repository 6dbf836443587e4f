package expr

import (
	"maps"
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
)

// facts are what an expression reads, and what its being true means.
type facts struct {
	reads   []Read
	implies sure
}

// sure is what a condition makes sure of.
type sure struct {
	ok    map[string]bool // steps.X.ok holds
	alert bool            // the alert is there
}

func (s sure) and(t sure) sure {
	out := sure{ok: maps.Clone(s.ok), alert: s.alert || t.alert}
	if out.ok == nil {
		out.ok = map[string]bool{}
	}
	maps.Copy(out.ok, t.ok)
	return out
}

// or keeps what both make sure of.
func (s sure) or(t sure) sure {
	out := sure{ok: map[string]bool{}, alert: s.alert && t.alert}
	for id := range s.ok {
		if t.ok[id] {
			out.ok[id] = true
		}
	}
	return out
}

// Reads lists what it reads, in order of the text.
func (e *Expr) Reads() []Read { return slices.Clone(e.facts.reads) }

// Implies lists the ids X for which the expression being true means steps.X.ok.
func (e *Expr) Implies() []string { return slices.Sorted(maps.Keys(e.facts.implies.ok)) }

// ImpliesAlert says that the expression being true means alert != null.
func (e *Expr) ImpliesAlert() bool { return e.facts.implies.alert }

func readsOf(src string, tree *ast.AST) facts {
	w := &walker{src: src, info: tree.SourceInfo()}
	w.walk(tree.Expr(), sure{}, nil)
	slices.SortStableFunc(w.reads, func(a, b Read) int { return a.Offset - b.Offset })
	return facts{reads: w.reads, implies: implied(tree.Expr(), true, nil)}
}

type walker struct {
	src   string
	info  *ast.SourceInfo
	reads []Read
}

// walk goes through an expression with what is sure at that place; local names
// hide those at the top.
func (w *walker) walk(e ast.Expr, s sure, local []string) {
	switch e.Kind() {
	case ast.IdentKind:
		w.read(e, nil, s, local)
	case ast.SelectKind:
		w.walkPath(e, s, local)
	case ast.CallKind:
		w.walkCall(e, s, local)
	case ast.ListKind:
		for _, x := range e.AsList().Elements() {
			w.walk(x, s, local)
		}
	case ast.MapKind:
		for _, entry := range e.AsMap().Entries() {
			w.walk(entry.AsMapEntry().Key(), s, local)
			w.walk(entry.AsMapEntry().Value(), s, local)
		}
	case ast.ComprehensionKind:
		c := e.AsComprehension()
		w.walk(c.IterRange(), s, local)
		w.walk(c.AccuInit(), s, local)
		inner := append(slices.Clone(local), c.IterVar(), c.IterVar2(), c.AccuVar())
		w.walk(c.LoopCondition(), s, inner)
		w.walk(c.LoopStep(), s, inner)
		w.walk(c.Result(), s, append(slices.Clone(local), c.AccuVar()))
	case ast.UnspecifiedExprKind, ast.LiteralKind, ast.StructKind:
	}
}

func (w *walker) walkCall(e ast.Expr, s sure, local []string) {
	call := e.AsCall()
	args := call.Args()
	switch {
	case call.FunctionName() == "_?._" && len(args) == 2:
		w.walkPath(e, s, local)
	case call.FunctionName() == "_&&_":
		w.walk(args[0], s, local)
		w.walk(args[1], s.and(implied(args[0], true, local)), local)
	case call.FunctionName() == "_||_":
		w.walk(args[0], s, local)
		w.walk(args[1], s.and(implied(args[0], false, local)), local)
	case call.FunctionName() == "_?_:_":
		w.walk(args[0], s, local)
		w.walk(args[1], s.and(implied(args[0], true, local)), local)
		w.walk(args[2], s.and(implied(args[0], false, local)), local)
	default:
		if call.IsMemberFunction() {
			w.walk(call.Target(), s, local)
		}
		for _, a := range args {
			w.walk(a, s, local)
		}
	}
}

// part is one step of a path behind the name at the top.
type part struct {
	name     string
	optional bool
}

// walkPath reads a chain of fields as one place, or goes on where its root is
// no name.
func (w *walker) walkPath(e ast.Expr, s sure, local []string) {
	root, parts := chain(e)
	if root.Kind() == ast.IdentKind {
		w.read(root, parts, s, local)
		return
	}
	w.walk(root, s, local)
}

// chain takes a.b.?c apart into its root and the fields behind it.
func chain(e ast.Expr) (ast.Expr, []part) {
	var parts []part
	for {
		switch e.Kind() { //nolint:exhaustive // the other kinds need nothing special
		case ast.SelectKind:
			sel := e.AsSelect()
			parts = append(parts, part{sel.FieldName(), sel.IsTestOnly()})
			e = sel.Operand()
			continue
		case ast.CallKind:
			if call := e.AsCall(); call.FunctionName() == "_?._" && len(call.Args()) == 2 && call.Args()[1].Kind() == ast.LiteralKind {
				if name, ok := call.Args()[1].AsLiteral().(types.String); ok {
					parts = append(parts, part{string(name), true})
					e = call.Args()[0]
					continue
				}
			}
		}
		slices.Reverse(parts)
		return e, parts
	}
}

func (w *walker) read(root ast.Expr, parts []part, s sure, local []string) {
	name := root.AsIdent()
	if slices.Contains(local, name) || strings.HasPrefix(name, "@") {
		return
	}
	if head, _, dotted := strings.Cut(name, "."); dotted && head == "severity" {
		return
	}
	r := Read{Name: name, Offset: locationOf(w.info, w.src, root.ID())}
	if name == "steps" {
		if len(parts) > 0 {
			r.Step, parts = parts[0].name, parts[1:]
		}
		r.Guarded = s.ok[r.Step]
	}
	if len(parts) > 0 {
		r.Field, r.Optional = parts[0].name, parts[0].optional
	}
	if name == "alert" {
		r.Guarded = s.alert
	}
	w.reads = append(w.reads, r)
}

// implied is what is sure when e is true (or false).
func implied(e ast.Expr, truth bool, local []string) sure {
	none := sure{}
	switch e.Kind() { //nolint:exhaustive // the other kinds need nothing special
	case ast.SelectKind:
		if truth {
			return impliedByPath(e, local)
		}
	case ast.CallKind:
		call := e.AsCall()
		args := call.Args()
		switch name := call.FunctionName(); {
		case name == "!_":
			return implied(args[0], !truth, local)
		case name == "_&&_" && truth, name == "_||_" && !truth:
			return implied(args[0], truth, local).and(implied(args[1], truth, local))
		case name == "_&&_", name == "_||_":
			return implied(args[0], truth, local).or(implied(args[1], truth, local))
		case name == "_==_" && truth, name == "_!=_" && !truth:
			return impliedByEqual(args[0], args[1], local).and(impliedByEqual(args[1], args[0], local))
		case name == "_!=_" && truth, name == "_==_" && !truth:
			return impliedByUnequal(args[0], args[1], local).and(impliedByUnequal(args[1], args[0], local))
		}
	}
	return none
}

// impliedByPath knows steps.X.ok, has(steps.X.output) and has(alert.x).
func impliedByPath(e ast.Expr, local []string) sure {
	root, parts := chain(e)
	if root.Kind() != ast.IdentKind || slices.Contains(local, root.AsIdent()) || len(parts) == 0 {
		return sure{}
	}
	test := e.AsSelect().IsTestOnly()
	switch root.AsIdent() {
	case "steps":
		if len(parts) == 2 && parts[1].name == "ok" && !test || len(parts) >= 2 && parts[1].name == "output" && test {
			return sure{ok: map[string]bool{parts[0].name: true}}
		}
	case "alert":
		return sure{alert: test}
	}
	return sure{}
}

// impliedByEqual knows steps.X.ok == true and steps.X.status == 'succeeded'.
func impliedByEqual(a, b ast.Expr, local []string) sure {
	if b.Kind() != ast.LiteralKind {
		return sure{}
	}
	if b.AsLiteral() == types.True {
		return implied(a, true, local)
	}
	root, parts := chain(undyn(a))
	if b.AsLiteral() == types.String("succeeded") && root.Kind() == ast.IdentKind && root.AsIdent() == "steps" &&
		!slices.Contains(local, "steps") && len(parts) == 2 && parts[1].name == "status" {
		return sure{ok: map[string]bool{parts[0].name: true}}
	}
	return sure{}
}

// impliedByUnequal knows alert != null and steps.X.ok != false.
func impliedByUnequal(a, b ast.Expr, local []string) sure {
	if b.Kind() != ast.LiteralKind {
		return sure{}
	}
	switch b.AsLiteral() {
	case types.NullValue:
		a = undyn(a)
		if a.Kind() == ast.IdentKind && a.AsIdent() == "alert" && !slices.Contains(local, "alert") {
			return sure{alert: true}
		}
	case types.False:
		return implied(a, true, local)
	}
	return sure{}
}

// undyn looks through the dyn() that the compiler puts in.
func undyn(e ast.Expr) ast.Expr {
	if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == "dyn" && len(e.AsCall().Args()) == 1 {
		return e.AsCall().Args()[0]
	}
	return e
}
