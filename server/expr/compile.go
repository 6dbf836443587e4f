package expr

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"

	"github.com/tocsin-soar/tocsin/server/fault"
)

// Expr is a compiled CEL expression. It may be evaluated by many goroutines.
type Expr struct {
	src   string
	typ   Type
	prog  cel.Program
	env   *cel.Env
	tree  *ast.AST
	scope *Scope
	facts facts
}

// Cond compiles bare CEL of type bool.
func Cond(src string, s *Scope) (*Expr, []Issue) { return Compile(src, s, Bool) }

// Compile compiles bare CEL of the wanted type; Dyn takes anything. Where an
// issue is an error the expression is nil; warnings come beside it.
func Compile(src string, s *Scope, want Type) (*Expr, []Issue) {
	if bad := precheck(src); bad != nil {
		return nil, []Issue{*bad}
	}
	env, err := s.environment()
	if err != nil {
		return nil, []Issue{problem(0, "internal", "the expression cannot be checked", "")}
	}
	parsed, iss := env.Parse(src)
	if iss.Err() != nil {
		return nil, parseIssues(src, iss)
	}
	c := &compiler{src: src, scope: s, env: env, next: maxID(parsed.NativeRep()), make: ast.NewExprFactory()}
	if c.rewrite(parsed.NativeRep()) > maxLoops {
		return nil, []Issue{problem(0, "too_deep", fmt.Sprintf("an expression may not go through more than %d lists", maxLoops), "split it with a set step")}
	}
	checked, issues := c.check(parsed)
	if checked == nil {
		return nil, issues
	}
	issues = c.review(checked.NativeRep(), want)
	if broken(issues) {
		return nil, issues
	}
	e, bad := c.plan(checked)
	if bad != nil {
		return nil, append(issues, *bad)
	}
	return e, issues
}

func problem(at int, code, message, hint string) Issue {
	return Issue{Offset: at, Severity: fault.SeverityError, Code: code, Message: message, Hint: hint}
}

func warning(at int, code, message, hint string) Issue {
	return Issue{Offset: at, Severity: fault.SeverityWarning, Code: code, Message: message, Hint: hint}
}

func broken(issues []Issue) bool {
	for _, i := range issues {
		if i.Severity == fault.SeverityError {
			return true
		}
	}
	return false
}

// precheck refuses what the parser should not see: it recurses.
func precheck(src string) *Issue {
	bad := func(at int, code, message, hint string) *Issue {
		i := problem(at, code, message, hint)
		return &i
	}
	switch {
	case len(src) > maxSource:
		return bad(0, "too_large", fmt.Sprintf("an expression may not exceed %d bytes", maxSource), "split it with a set step")
	case !utf8.ValidString(src):
		return bad(0, "syntax", "the expression is not UTF-8", "")
	case strings.TrimSpace(src) == "":
		return bad(0, "syntax", "the expression is empty", "write a condition such as alert.severity >= severity.high")
	}
	depth, signs, choices := 0, 0, 0
	for i := 0; i < len(src); {
		if n := quoted(src, i); n > 0 {
			i += n
			continue
		}
		switch src[i] {
		case '(', '[', '{':
			depth++
		case '?': // of a choice; .? and [? are optional reads
			if i == 0 || src[i-1] != '.' && src[i-1] != '[' {
				choices++
			}
		case ')', ']', '}':
			depth--
		case '!', '-':
			signs++
		}
		if depth > maxNesting || choices > maxNesting || signs > 8*maxNesting {
			return bad(i, "too_deep", fmt.Sprintf("brackets are nested deeper than %d", maxNesting), "split it with a set step")
		}
		i++
	}
	return nil
}

// compiler is the work on one expression.
type compiler struct {
	src   string
	scope *Scope
	env   *cel.Env
	next  int64
	make  ast.ExprFactory
}

func maxID(tree *ast.AST) int64 {
	var top int64
	for id := range tree.IDs() {
		top = max(top, id)
	}
	return top
}

func (c *compiler) id(info *ast.SourceInfo, like int64) int64 {
	c.next++
	if r, ok := info.GetOffsetRange(like); ok {
		info.SetOffsetRange(c.next, r)
	}
	return c.next
}

// rewrite puts bounds around comprehensions and reads x['name'] as x.name, so
// that both are checked alike. It counts the comprehensions.
func (c *compiler) rewrite(tree *ast.AST) (loops int) {
	info := tree.SourceInfo()
	ast.PostOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		switch e.Kind() { //nolint:exhaustive // the other kinds need nothing special
		case ast.ComprehensionKind:
			loops++
			c.boundRange(info, e.AsComprehension().IterRange())
		case ast.CallKind:
			c.selectByName(e)
			if call := e.AsCall(); call.IsMemberFunction() && (call.FunctionName() == "sort" || call.FunctionName() == "@sortByAssociatedKeys") {
				c.boundRange(info, call.Target())
			}
		}
	}))
	return loops
}

func (c *compiler) boundRange(info *ast.SourceInfo, over ast.Expr) {
	if over.Kind() == ast.ListKind || over.Kind() == ast.MapKind {
		return
	}
	c.wrap(info, over, fnEach)
}

// wrap makes f(e) of e, in place: the node stays and its content moves down.
func (c *compiler) wrap(info *ast.SourceInfo, e ast.Expr, f string) {
	inner := c.make.NewUnspecifiedExpr(c.id(info, e.ID()))
	inner.SetKindCase(e)
	e.SetKindCase(c.make.NewCall(e.ID(), f, inner))
}

func (c *compiler) selectByName(e ast.Expr) {
	call := e.AsCall()
	if call.FunctionName() != "_[_]" && call.FunctionName() != "_[?_]" || len(call.Args()) != 2 {
		return
	}
	key := call.Args()[1]
	if key.Kind() != ast.LiteralKind {
		return
	}
	name, ok := key.AsLiteral().(types.String)
	if !ok {
		return
	}
	if call.FunctionName() == "_[?_]" {
		e.SetKindCase(c.make.NewCall(e.ID(), "_?._", call.Args()[0], key))
		return
	}
	e.SetKindCase(c.make.NewSelect(e.ID(), call.Args()[0], string(name)))
}

// check finds the types. Where a comparison or a choice fails only because
// numbers of two kinds or null meet, that place is made dyn and checked again.
func (c *compiler) check(parsed *cel.Ast) (*cel.Ast, []Issue) {
	for eased := 0; eased < maxEased; {
		checked, iss := c.env.Check(parsed)
		if iss.Err() == nil {
			return checked, nil
		}
		before := eased
		if len(iss.Errors()) <= maxEased {
			for _, e := range iss.Errors() {
				if c.ease(parsed.NativeRep(), e) {
					eased++
				}
			}
		}
		if eased == before {
			return nil, c.checkIssues(parsed.NativeRep(), iss)
		}
	}
	return nil, []Issue{problem(0, "too_deep", "the expression compares too many values of different types", "split it")}
}

// ease makes one place dyn; false when the mistake is another.
func (c *compiler) ease(tree *ast.AST, e *cel.Error) bool {
	name, args, ok := overloadError(e.Message)
	if !ok || !easy(name, args) {
		return false
	}
	node := find(tree, e.ExprID)
	if node == nil || node.Kind() != ast.CallKind {
		return false
	}
	call := node.AsCall()
	at := 0
	if name == "_?_:_" {
		at = 1
	}
	var target ast.Expr
	if call.IsMemberFunction() && name != "_?_:_" {
		target = call.Args()[0]
	} else if at < len(call.Args()) {
		target = call.Args()[at]
	}
	if target == nil {
		return false
	}
	c.wrap(tree.SourceInfo(), target, "dyn")
	return true
}

// easy says whether the types differ only as numbers do, or by null.
func easy(name string, args []string) bool {
	switch name {
	case "_==_", "_!=_":
	case "_?_:_":
		args = args[1:]
	case "orValue":
		args = []string{strings.TrimSuffix(strings.TrimPrefix(args[0], "optional_type("), ")"), args[len(args)-1]}
	default:
		return false
	}
	if len(args) != 2 {
		return false
	}
	number := func(s string) bool { return s == "int" || s == "double" || s == "uint" }
	return number(args[0]) && number(args[1]) || args[0] == "null" || args[1] == "null"
}

func find(tree *ast.AST, id int64) ast.Expr {
	var found ast.Expr
	ast.PostOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.ID() == id {
			found = e
		}
	}))
	return found
}

// plan makes the program.
func (c *compiler) plan(checked *cel.Ast) (*Expr, *Issue) {
	tree := checked.NativeRep()
	e := &Expr{src: c.src, scope: c.scope, env: c.env, tree: tree}
	e.typ = c.typeOf(tree.GetType(tree.Expr().ID()))
	e.facts = readsOf(c.src, tree)
	guardEquality(tree, c.make)
	prog, err := newProgram(c.env, tree, maxCost)
	if err != nil {
		i := problem(0, "syntax", "the expression cannot be prepared", "")
		return nil, &i
	}
	e.prog = prog
	return e, nil
}

func newProgram(env *cel.Env, tree *ast.AST, limit uint64) (cel.Program, error) {
	prog, err := env.PlanProgram(tree,
		cel.EvalOptions(cel.OptOptimize),
		cel.OptimizeRegex(regexOptimization()),
		cel.CostTracking(work{}),
		cel.CostLimit(limit),
	)
	if err != nil {
		return nil, fmt.Errorf("plan: %w", err)
	}
	return prog, nil
}

// Within is the same expression with less work allowed, for a place that may
// not take long. The ordinary limit is 1,000,000.
func (e *Expr) Within(cost uint64) (*Expr, error) {
	prog, err := newProgram(e.env, e.tree, cost)
	if err != nil {
		return nil, err
	}
	out := *e
	out.prog = prog
	return &out, nil
}

// regexOptimization compiles constant patterns once, with the bounds of the rest.
func regexOptimization() *interpreter.RegexOptimization {
	return &interpreter.RegexOptimization{
		Function: fnMatches, RegexIndex: 1,
		Factory: func(call interpreter.InterpretableCall, pattern string) (interpreter.InterpretableCall, error) {
			re, err := compileRegex(pattern)
			if err != nil {
				return nil, err
			}
			does := func(args ...ref.Val) ref.Val {
				text, ok := args[0].(types.String)
				if !ok {
					return types.MaybeNoSuchOverloadErr(args[0])
				}
				return re.match(string(text))
			}
			return interpreter.NewCall(call.ID(), call.Function(), call.OverloadID(), call.Args(), does), nil
		},
	}
}

// guardEquality bounds == and != where both sides may be lists or maps: values
// that share parts can take forever to compare.
func guardEquality(tree *ast.AST, factory ast.ExprFactory) {
	compound := func(e ast.Expr) bool {
		switch tree.GetType(e.ID()).Kind() { //nolint:exhaustive // the other kinds need nothing special
		case types.ListKind, types.MapKind, types.DynKind, types.StructKind, types.OpaqueKind, types.AnyKind, types.TypeParamKind:
			return e.Kind() != ast.LiteralKind
		}
		return false
	}
	ast.PostOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.CallKind {
			return
		}
		call := e.AsCall()
		name := call.FunctionName()
		if name != "_==_" && name != "_!=_" || !compound(call.Args()[0]) || !compound(call.Args()[1]) {
			return
		}
		ref := ast.NewFunctionReference("equal_any")
		if name == "_==_" {
			e.SetKindCase(factory.NewCall(e.ID(), fnEqual, call.Args()...))
			tree.SetReference(e.ID(), ref)
			return
		}
		inner := maxID(tree) + 1
		tree.SetReference(inner, ref)
		tree.SetType(inner, types.BoolType)
		e.SetKindCase(factory.NewCall(e.ID(), "!_", factory.NewCall(inner, fnEqual, call.Args()...)))
		tree.SetReference(e.ID(), ast.NewFunctionReference("logical_not"))
	}))
}
