package expr

import (
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
)

// typeOf gives our type of a checked one.
func (c *compiler) typeOf(t *types.Type) Type {
	switch t.Kind() { //nolint:exhaustive // the other kinds need nothing special
	case types.DynKind, types.AnyKind, types.TypeParamKind:
		return Dyn
	case types.NullTypeKind:
		return Type{cel: t, null: true}
	case types.ListKind:
		return List(c.typeOf(t.Parameters()[0]))
	case types.MapKind:
		e := c.typeOf(t.Parameters()[1])
		return Type{cel: t, elem: &e}
	case types.StructKind:
		if p, ok := c.env.CELTypeProvider().(provider); ok {
			return Type{cel: t, obj: p.objects[t.TypeName()]}
		}
	case types.OpaqueKind:
		if t.TypeName() == "optional_type" && len(t.Parameters()) == 1 {
			return Nullable(c.typeOf(t.Parameters()[0]))
		}
	}
	return Type{cel: t}
}

// review looks at what the checker lets pass: the wanted type, patterns, open
// ends.
func (c *compiler) review(tree *ast.AST, want Type) []Issue {
	issues := []Issue{}
	got := c.typeOf(tree.GetType(tree.Expr().ID()))
	if i, bad := fits(got, want, startOf(tree.SourceInfo(), c.src, tree.Expr())); bad {
		issues = append(issues, i)
	}
	ast.PostOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == fnMatches {
			issues = append(issues, c.reviewPattern(tree, e)...)
		}
	}))
	return append(issues, c.openEnds(tree)...)
}

// fits says whether a value of type got may stand where want is needed.
func fits(got, want Type, at int) (Issue, bool) {
	if want.isDyn() {
		return Issue{}, false
	}
	if got.isDyn() {
		return warning(at, "dyn", "the type of this value is known only when it runs; "+want.String()+" is needed", ""), true
	}
	if assignable(got, want) {
		return Issue{}, false
	}
	hint := ""
	switch {
	case want.cel.Kind() == types.StringKind:
		hint = "turn it into text with string(x)"
	case got.cel.Kind() == types.StringKind && want.cel.Kind() == types.IntKind:
		hint = "turn it into a number with int(x)"
	case want.cel.Kind() == types.BoolKind:
		hint = "write a comparison"
	case got.null:
		hint = "null may come: give a value for that case"
	}
	return problem(at, "type_mismatch", "this gives "+got.String()+" where "+want.String()+" is needed", hint), true
}

func assignable(got, want Type) bool {
	if got.isDyn() || want.isDyn() {
		return true
	}
	switch k, w := got.cel.Kind(), want.cel.Kind(); w { //nolint:exhaustive // the other kinds need nothing special
	case types.StringKind:
		return k == w || k == types.TimestampKind || k == types.DurationKind || k == types.BytesKind ||
			k == types.OpaqueKind || k == types.NullTypeKind && want.null
	case types.DoubleKind, types.IntKind:
		return k == w || k == types.UintKind || k == types.IntKind || k == types.NullTypeKind && want.null
	case types.StructKind, types.MapKind:
		return k == types.StructKind || k == types.MapKind || k == types.NullTypeKind && want.null
	case types.ListKind:
		return k == w && assignable(got.Elem(), want.Elem()) || k == types.NullTypeKind && want.null
	case types.TimestampKind:
		return k == w || k == types.StringKind || k == types.NullTypeKind && want.null
	default:
		return k == w || k == types.NullTypeKind && want.null
	}
}

func (c *compiler) reviewPattern(tree *ast.AST, e ast.Expr) []Issue {
	pattern := e.AsCall().Args()[1]
	at := startOf(tree.SourceInfo(), c.src, pattern)
	if pattern.Kind() != ast.LiteralKind {
		if c.scope.dynamic {
			return nil
		}
		return []Issue{problem(at, "dynamic_regex", "a pattern must be a literal", "write the pattern here, or allow others with regex: dynamic")}
	}
	text, ok := pattern.AsLiteral().(types.String)
	if !ok {
		return nil
	}
	if _, err := compileRegex(string(text)); err != nil {
		return []Issue{problem(at, "regex", err.Error(), "")}
	}
	return nil
}

// openEnds warns of an index that may be out of range.
func (c *compiler) openEnds(tree *ast.AST) []Issue {
	issues := []Issue{}
	known := map[string]bool{}
	ast.PostOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == "size" {
			call := e.AsCall()
			of := call.Target()
			if !call.IsMemberFunction() {
				of = call.Args()[0]
			}
			known[path(of)] = true
		}
	}))
	ast.PostOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.CallKind || e.AsCall().FunctionName() != "_[_]" {
			return
		}
		of, index := e.AsCall().Args()[0], e.AsCall().Args()[1]
		if of.Kind() == ast.ListKind || tree.GetType(of.ID()).Kind() != types.ListKind && index.Kind() != ast.LiteralKind {
			return
		}
		if p := path(of); p != "" && known[p] {
			return
		}
		issues = append(issues, warning(locationOf(tree.SourceInfo(), c.src, e.ID()), "index_range",
			"this index may be out of range", "write [?0] in place of [0] and say what holds otherwise: .orValue(…)"))
	}))
	return issues
}

// path writes a plain path as text; "" for anything else.
func path(e ast.Expr) string {
	switch e.Kind() { //nolint:exhaustive // the other kinds need nothing special
	case ast.IdentKind:
		return e.AsIdent()
	case ast.SelectKind:
		if p := path(e.AsSelect().Operand()); p != "" {
			return p + "." + e.AsSelect().FieldName()
		}
	}
	return ""
}
