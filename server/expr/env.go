package expr

import (
	"fmt"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/decls"
	"cel.dev/cel-go/common/env"
	"cel.dev/cel-go/common/functions"
	"cel.dev/cel-go/common/stdlib"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"cel.dev/cel-go/ext"
)

// language is the environment without names. It is made once, at the start:
// making it takes longer than compiling many expressions.
var language = newLanguage() //nolint:gochecknoglobals // never changes

// The names of what the compiler puts in; no expression can spell them.
const (
	fnMatches = "@matches"
	fnEach    = "@each"
	fnEqual   = "@equal"

	fnDistinct = "@distinct"
)

func newLanguage() *cel.Env {
	reg, err := types.NewRegistry()
	if err != nil {
		panic("cel registry: " + err.Error())
	}
	made, err := cel.NewCustomEnv(
		standard(),
		cel.OptionalTypes(),
		ext.Strings(ext.StringsMaxPrecision(100)),
		ext.Lists(ext.ListsMaxRangeSize(maxItems)),
		ext.Math(), ext.Sets(), ext.Network(),
		ext.Encoders(ext.EncodersVersion(0)), // the later ones parse with other rules than ours
		cel.Macros(
			cel.GlobalMacro("matches", 2, expandMatches),
			cel.ReceiverMacro("matches", 1, expandMatches),
			cel.ReceiverMacro("distinct", 0, expandDistinct)),
		cel.CrossTypeNumericComparisons(true),
		cel.DefaultUTCTimeZone(true),
		cel.EnableIdentifierEscapeSyntax(),
		cel.ParserExpressionSizeLimit(maxSource),
		cel.ParserRecursionLimit(2*maxNesting),
		cel.CustomTypeAdapter(adapter{reg}),
		cel.CustomTypeProvider(provider{reg, builtinObjects()}),
		ourFunctions(),
		bound,
	)
	if err != nil {
		panic("cel environment: " + err.Error())
	}
	return made
}

// expandMatches makes x.matches(p) a call of ours: CEL compiles a constant
// pattern by itself and would skip the bounds.
func expandMatches(f cel.MacroExprFactory, target ast.Expr, args []ast.Expr) (ast.Expr, *cel.Error) {
	if target != nil {
		args = append([]ast.Expr{target}, args...)
	}
	return f.NewCall(fnMatches, args...), nil
}

// expandDistinct makes x.distinct() a call of ours: CEL compares each item with
// each other one and counts the cost of that.
func expandDistinct(f cel.MacroExprFactory, target ast.Expr, _ []ast.Expr) (ast.Expr, *cel.Error) {
	return f.NewCall(fnDistinct, target), nil
}

// bound puts the guards before what CEL's libraries do.
func bound(e *cel.Env) (*cel.Env, error) {
	fns := e.Functions()
	for name, g := range guards() {
		fd, ok := fns[name]
		if !ok {
			return nil, fmt.Errorf("there is no function %s to be guarded", name)
		}
		guarded, err := guardFunction(fd, g)
		if err != nil {
			return nil, fmt.Errorf("guard %s: %w", name, err)
		}
		if e, err = cel.FunctionDecls(guarded)(e); err != nil {
			return nil, fmt.Errorf("guard %s: %w", name, err)
		}
	}
	return e, nil
}

// standard is CEL's own library with + and in of ours: they are one function
// for all types, which cannot be replaced later.
func standard() cel.EnvOption {
	return func(e *cel.Env) (*cel.Env, error) {
		without := env.NewLibrarySubset().AddExcludedFunctions(env.NewFunction("_+_"), env.NewFunction("@in"))
		e, err := cel.StdLib(cel.StdLibSubset(without))(e)
		if err != nil {
			return nil, fmt.Errorf("standard library: %w", err)
		}
		for _, fd := range stdlib.Functions() {
			does := map[string]functions.BinaryOp{"_+_": add, "@in": in}[fd.Name()]
			if does == nil {
				continue
			}
			ours, err := decls.NewFunction(fd.Name(), overloadsOf(fd, decls.SingletonBinaryBinding(does))...)
			if err != nil {
				return nil, fmt.Errorf("define %s: %w", fd.Name(), err)
			}
			if e, err = cel.FunctionDecls(ours)(e); err != nil {
				return nil, fmt.Errorf("define %s: %w", fd.Name(), err)
			}
		}
		return e, nil
	}
}

// in is the membership test; what is looked for in a list is compared with each
// item.
func in(a, b ref.Val) ref.Val {
	if bad := guardIn([]ref.Val{a, b}); bad != nil {
		return bad
	}
	c, ok := b.(traits.Container)
	if !ok {
		return types.MaybeNoSuchOverloadErr(b)
	}
	return c.Contains(a)
}

// overloadsOf repeats the signatures of a function, without what they do.
func overloadsOf(fd *decls.FunctionDecl, more ...decls.FunctionOpt) []decls.FunctionOpt {
	opts := []decls.FunctionOpt{}
	for _, o := range fd.OverloadDecls() {
		opts = append(opts, signature(o))
	}
	return append(opts, more...)
}

func signature(o *decls.OverloadDecl, opts ...decls.OverloadOpt) decls.FunctionOpt {
	if o.IsMemberFunction() {
		return decls.MemberOverload(o.ID(), o.ArgTypes(), o.ResultType(), opts...)
	}
	return decls.Overload(o.ID(), o.ArgTypes(), o.ResultType(), opts...)
}

func guardFunction(fd *decls.FunctionDecl, g guard) (*decls.FunctionDecl, error) {
	made, err := fd.Bindings()
	if err != nil {
		return nil, fmt.Errorf("what it does: %w", err)
	}
	does := map[string]functions.FunctionOp{}
	for _, b := range made {
		does[b.Operator] = guardOp(b, g)
	}
	opts := []decls.FunctionOpt{}
	for _, o := range fd.OverloadDecls() {
		op, ok := does[o.ID()]
		if !ok {
			return nil, fmt.Errorf("%s is not bound by itself", o.ID())
		}
		opts = append(opts, signature(o, bindAs(len(o.ArgTypes()), op)))
	}
	guarded, err := decls.NewFunction(fd.Name(), opts...)
	if err != nil {
		return nil, fmt.Errorf("define it: %w", err)
	}
	return guarded, nil
}

// bindAs gives an operation the form that the planner wants for its arguments.
func bindAs(arguments int, op functions.FunctionOp) decls.OverloadOpt {
	switch arguments {
	case 1:
		return decls.UnaryBinding(func(a ref.Val) ref.Val { return op(a) })
	case 2:
		return decls.BinaryBinding(func(a, b ref.Val) ref.Val { return op(a, b) })
	}
	return decls.FunctionBinding(op)
}

func guardOp(b *functions.Overload, g guard) functions.FunctionOp {
	return func(args ...ref.Val) ref.Val {
		if bad := g(args); bad != nil {
			return bad
		}
		switch {
		case b.Unary != nil && len(args) == 1:
			return b.Unary(args[0])
		case b.Binary != nil && len(args) == 2:
			return b.Binary(args[0], args[1])
		case b.Function != nil:
			return b.Function(args...)
		}
		return types.NoSuchOverloadErr()
	}
}

// add is + with a bound on what it makes. Lists are copied: CEL would chain them
// and walk the chain again and again.
func add(a, b ref.Val) ref.Val {
	switch x := a.(type) {
	case types.String:
		if y, ok := b.(types.String); ok && len(x)+len(y) > maxValue {
			return tooLarge("a text would be longer than %d bytes", maxValue)
		}
	case types.Bytes:
		if y, ok := b.(types.Bytes); ok && len(x)+len(y) > maxValue {
			return tooLarge("bytes would be more than %d", maxValue)
		}
	case traits.Lister:
		if y, ok := b.(traits.Lister); ok {
			return concat(x, y)
		}
	}
	if x, ok := a.(traits.Adder); ok {
		return x.Add(b)
	}
	return types.MaybeNoSuchOverloadErr(a)
}

func concat(a, b traits.Lister) ref.Val {
	if count(a)+count(b) > maxItems {
		return tooLarge("a list would have more than %d items", maxItems)
	}
	if _, building := a.(traits.MutableLister); building {
		return a.Add(b)
	}
	all := make([]ref.Val, 0, count(a)+count(b))
	for _, l := range []traits.Lister{a, b} {
		for it := l.Iterator(); it.HasNext() == types.True; {
			all = append(all, it.Next())
		}
	}
	return types.NewRefValList(types.DefaultTypeAdapter, all)
}

// each lets a comprehension pass only over what is not too large.
func each(v ref.Val) ref.Val {
	if s, ok := v.(traits.Sizer); ok && count(s) > maxItems {
		return tooLarge("a comprehension over more than %d items", maxItems)
	}
	return v
}

// equal is == of two values of which neither is plain.
func equal(a, b ref.Val) ref.Val {
	_, fits := sizeOf(a, maxValue)
	if !fits {
		_, fits = sizeOf(b, maxValue)
	}
	if !fits {
		return tooLarge("the values are too large to be compared")
	}
	return types.Equal(a, b)
}

// work says what a call costs besides CEL's own reckoning. One is about 100 ns.
type work struct{}

func (work) CallCost(function, _ string, args []ref.Val, _ ref.Val) *uint64 {
	cost := 1
	switch function {
	case "_[_]", "_?._", "_[?_]":
		return nil
	case "_+_":
		if _, building := args[0].(traits.MutableLister); !building {
			cost += roughSize(args) / 64
		}
	case fnEach:
	case fnEqual:
		cost += roughSize(args) / 16
	case fnMatches:
		text, _ := textArg(args, 0)
		pattern, _ := textArg(args, 1)
		cost += len(text)*(1+patternSize(pattern)/32) + 16*len(pattern)
	case "extract.iocs":
		cost += 16 * roughSize(args)
	case "indexOf", "lastIndexOf":
		text, _ := textArg(args, 0)
		needle, _ := textArg(args, 1)
		cost += len(text) * (1 + len(needle)/64)
	case "@in", "sets.contains", "sets.equivalent", "sets.intersects", fnDistinct, "hasOnly", "hasAny", "hasAll", "hasExactly":
		cost += pairs(args)
	default:
		cost += roughSize(args) / 64
	}
	c := uint64(cost)
	return &c
}

// roughSize adds texts and counts of items; it does not look inside.
func roughSize(args []ref.Val) int {
	n := 0
	for _, a := range args {
		switch a := a.(type) {
		case types.String:
			n += len(a)
		case types.Bytes:
			n += len(a)
		case traits.Lister:
			n += 8 * count(a)
		}
	}
	return n
}

// pairs is the number of comparisons when lists meet item by item.
func pairs(args []ref.Val) int {
	n := 1
	for _, a := range args {
		if l, ok := a.(traits.Lister); ok {
			n *= max(1, count(l))
		}
	}
	if len(args) == 1 && !startsWithText(args[0]) { // distinct
		n *= n
	}
	return n / 4
}

func startsWithText(v ref.Val) bool {
	l, ok := v.(traits.Lister)
	if !ok || count(l) == 0 {
		return false
	}
	_, ok = l.Get(types.Int(0)).(types.String)
	return ok
}

// locationOf gives where a node begins, in bytes of src.
func locationOf(info *ast.SourceInfo, src string, id int64) int {
	if r, ok := info.GetOffsetRange(id); ok {
		return byteOffset(src, int(r.Start))
	}
	return 0
}

// startOf gives where an expression begins: CEL notes the dot of a field and
// the bracket of a call.
func startOf(info *ast.SourceInfo, src string, e ast.Expr) int {
	start := len(src)
	ast.PreOrderVisit(e, ast.NewExprVisitor(func(x ast.Expr) {
		if _, ok := info.GetOffsetRange(x.ID()); ok {
			start = min(start, locationOf(info, src, x.ID()))
		}
	}))
	if start == len(src) {
		return 0
	}
	if src[start] == '(' || src[start] == '.' {
		for start > 0 && (isWord(src[start-1]) || src[start-1] == '.') {
			start--
		}
	}
	return start
}

// byteOffset turns a count of runes into bytes.
func byteOffset(src string, runes int) int {
	for i := range src {
		if runes == 0 {
			return i
		}
		runes--
	}
	return len(src)
}

func lineOffset(src string, l common.Location) int {
	at := 0
	for range l.Line() - 1 {
		i := indexNewline(src[at:])
		if i < 0 {
			break
		}
		at += i + 1
	}
	return at + byteOffset(src[at:], l.Column())
}

func indexNewline(s string) int {
	for i := range len(s) {
		if s[i] == '\n' {
			return i
		}
	}
	return -1
}
