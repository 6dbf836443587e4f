package expr

import (
	"fmt"
	"slices"
	"strings"

	"github.com/itchyny/gojq"

	"github.com/tocsin-soar/tocsin/server/fault"
)

// jqGuard writes a program anew, so that every function and operator that may cost
// much or make something large asks a guard first. Functions that are not listed are
// refused.
type jqGuard struct {
	src    string
	issues []Issue
	needs  map[string]*gojq.FuncDef // functions of ours that are called
}

// names are what a program has named itself, innermost first.
type names struct {
	name  string
	arity int
	outer *names
}

func (n *names) has(name string, arity int) bool {
	for ; n != nil; n = n.outer {
		if n.name == name && n.arity == arity {
			return true
		}
	}
	return false
}

// about makes an issue at the first place where a word stands.
func (g *jqGuard) about(message, word string) Issue {
	at := 0
	for from := 0; word != ""; {
		i := strings.Index(g.src[from:], word)
		if i < 0 {
			break
		}
		i += from
		end := i + len(word)
		if (i == 0 || !isWord(g.src[i-1])) && (end == len(g.src) || !isWord(g.src[end])) {
			at = i
			break
		}
		from = end
	}
	return problem(at, "jq", strings.TrimPrefix(message, "jq: "), "")
}

func (g *jqGuard) refuse(word, message, hint string) {
	i := g.about(message, word)
	i.Hint = hint
	if !slices.Contains(g.issues, i) {
		g.issues = append(g.issues, i)
	}
}

func jqTerm(t *gojq.Term) *gojq.Query { return &gojq.Query{Term: t} }

func jqCall(name string, args ...*gojq.Query) *gojq.Query {
	return jqTerm(&gojq.Term{Type: gojq.TermTypeFunc, Func: &gojq.Func{Name: name, Args: args}})
}

func jqPipe(parts ...*gojq.Query) *gojq.Query {
	out := parts[0]
	for _, p := range parts[1:] {
		out = &gojq.Query{Left: out, Op: gojq.OpPipe, Right: p}
	}
	return out
}

func jqParen(q *gojq.Query) *gojq.Term { return &gojq.Term{Type: gojq.TermTypeQuery, Query: q} }

func jqText(s string) *gojq.Query {
	return jqTerm(&gojq.Term{Type: gojq.TermTypeString, Str: &gojq.String{Str: s}})
}

// jqPart is .[i] of a pair.
func jqPart(i string) *gojq.Query {
	return jqTerm(&gojq.Term{Type: gojq.TermTypeIndex, Index: &gojq.Index{Start: jqTerm(&gojq.Term{Type: gojq.TermTypeNumber, Number: i})}})
}

func (g *jqGuard) queries(qs []*gojq.Query, n *names) []*gojq.Query {
	out := make([]*gojq.Query, len(qs))
	for i, q := range qs {
		out[i] = g.query(q, n)
	}
	return out
}

func (g *jqGuard) query(q *gojq.Query, n *names) *gojq.Query {
	if q == nil {
		return nil
	}
	if q.Meta != nil || len(q.Imports) > 0 {
		g.refuse("", "a jq program has no modules", "")
	}
	out := &gojq.Query{Op: q.Op}
	for _, d := range q.FuncDefs {
		n = g.defines(d.Name, len(d.Args), n)
		inner := n
		for _, a := range d.Args {
			inner = g.defines(a, 0, inner)
		}
		out.FuncDefs = append(out.FuncDefs, &gojq.FuncDef{Name: d.Name, Args: d.Args, Body: g.query(d.Body, inner)})
	}
	if q.Term != nil {
		out.Term = g.term(q.Term, n)
		return out
	}
	l, r := g.query(q.Left, n), g.query(q.Right, n)
	out.Patterns = g.patterns(q.Patterns, n)
	switch q.Op {
	case gojq.OpPipe, gojq.OpComma, gojq.OpAnd, gojq.OpOr, gojq.OpAlt:
		out.Left, out.Right = l, r
	case gojq.OpAssign, gojq.OpModify:
		out.Term = jqParen(jqPipe(jqTerm(jqParen(&gojq.Query{Left: l, Op: q.Op, Right: r})), jqCall(guardAny)))
	case gojq.OpUpdateAdd, gojq.OpUpdateSub, gojq.OpUpdateMul, gojq.OpUpdateDiv, gojq.OpUpdateMod, gojq.OpUpdateAlt:
		out.Term = jqParen(update(q.Op, l, r))
	case gojq.OpAdd, gojq.OpSub, gojq.OpMul, gojq.OpDiv, gojq.OpMod, gojq.OpEq, gojq.OpNe, gojq.OpGt, gojq.OpLt, gojq.OpGe, gojq.OpLe:
		out.Term = jqParen(operate(q.Op, l, r))
	}
	if out.Term != nil {
		out.Op = 0
	}
	return out
}

// defines notes a name of the program's own.
func (g *jqGuard) defines(name string, arity int, n *names) *names {
	if strings.HasPrefix(strings.TrimPrefix(name, "$"), "_") {
		g.refuse(name, "a name may not begin with _", "choose another name")
	}
	return &names{strings.TrimPrefix(name, "$"), arity, n}
}

// operate asks the guard with both sides, then computes.
func operate(op gojq.Operator, l, r *gojq.Query) *gojq.Query {
	guard := guardPair
	switch op { //nolint:exhaustive // the others are content with the sizes
	case gojq.OpMul:
		guard = guardMul
	case gojq.OpSub:
		guard = guardEach
	}
	return jqPipe(jqCall(guard, l, r), &gojq.Query{Left: jqPart("0"), Op: op, Right: jqPart("1")})
}

// update is `l op= r`: the right side is computed once, before.
func update(op gojq.Operator, l, r *gojq.Query) *gojq.Query {
	plain := map[gojq.Operator]gojq.Operator{
		gojq.OpUpdateAdd: gojq.OpAdd, gojq.OpUpdateSub: gojq.OpSub, gojq.OpUpdateMul: gojq.OpMul,
		gojq.OpUpdateDiv: gojq.OpDiv, gojq.OpUpdateMod: gojq.OpMod,
	}
	held := jqTerm(&gojq.Term{Type: gojq.TermTypeFunc, Func: &gojq.Func{Name: "$_held"}})
	identity := jqTerm(&gojq.Term{Type: gojq.TermTypeIdentity})
	change := &gojq.Query{Left: identity, Op: gojq.OpAlt, Right: held}
	if to, ok := plain[op]; ok {
		change = operate(to, identity, held)
	}
	modify := &gojq.Query{Left: l, Op: gojq.OpModify, Right: jqTerm(jqParen(change))}
	return &gojq.Query{
		Left: jqTerm(jqParen(r)), Op: gojq.OpPipe, Patterns: []*gojq.Pattern{{Name: "$_held"}},
		Right: jqPipe(jqTerm(jqParen(modify)), jqCall(guardAny)),
	}
}

func (g *jqGuard) patterns(ps []*gojq.Pattern, n *names) []*gojq.Pattern {
	var out []*gojq.Pattern
	for _, p := range ps {
		q := &gojq.Pattern{Name: p.Name, Array: g.patterns(p.Array, n)}
		if strings.HasPrefix(p.Name, "$_") {
			g.refuse(p.Name, "a name may not begin with _", "choose another name")
		}
		for _, o := range p.Object {
			c := &gojq.PatternObject{Key: o.Key, KeyString: o.KeyString, KeyQuery: g.query(o.KeyQuery, n)}
			if o.KeyString != nil && o.KeyString.Queries != nil {
				c.KeyString, c.KeyQuery = nil, g.joined(o.KeyString, "@text", n)
			}
			if o.Val != nil {
				c.Val = g.patterns([]*gojq.Pattern{o.Val}, n)[0]
			}
			q.Object = append(q.Object, c)
		}
		out = append(out, q)
	}
	return out
}

// joined is a text with \( ) in it: its parts are added one after the other.
func (g *jqGuard) joined(s *gojq.String, format string, n *names) *gojq.Query {
	if s.Queries == nil {
		return jqText(s.Str)
	}
	out := jqText("")
	for _, part := range s.Queries {
		if part.Term != nil && part.Term.Type == gojq.TermTypeString && len(part.Term.SuffixList) == 0 && part.Term.Str.Queries == nil {
			out = jqTerm(jqParen(operate(gojq.OpAdd, out, jqText(part.Term.Str.Str))))
			continue
		}
		text := jqPipe(jqTerm(jqParen(g.query(part, n))), jqCall(guardAny), g.format(format), jqCall(guardAny))
		out = jqTerm(jqParen(operate(gojq.OpAdd, out, jqTerm(jqParen(text)))))
	}
	return out
}

func (g *jqGuard) format(name string) *gojq.Query {
	known := []string{"@text", "@json", "@csv", "@tsv", "@html", "@uri", "@sh", "@base64", "@base64d"}
	if !slices.Contains(known, name) {
		g.refuse(name, "there is no format "+name, "one of: "+strings.Join(known, ", "))
	}
	return jqTerm(&gojq.Term{Type: gojq.TermTypeFormat, Format: name})
}

// term writes a term anew: what it begins with, then one suffix after the other.
func (g *jqGuard) term(t *gojq.Term, n *names) *gojq.Term {
	if t == nil {
		return nil
	}
	out := g.base(t, n)
	for _, s := range t.SuffixList {
		switch {
		case s.Optional:
			out.SuffixList = append(out.SuffixList, &gojq.Suffix{Optional: true})
		case s.Iter:
			out = &gojq.Term{Type: gojq.TermTypeQuery, Query: jqPipe(jqTerm(out), jqCall(guardIter)), SuffixList: []*gojq.Suffix{{Iter: true}}}
		default:
			out = &gojq.Term{Type: gojq.TermTypeQuery, Query: jqPipe(jqTerm(out), jqCall(guardTouch)), SuffixList: []*gojq.Suffix{{Index: g.index(s.Index, n)}}}
		}
	}
	return out
}

func (g *jqGuard) index(i *gojq.Index, n *names) *gojq.Index {
	guarded := func(q *gojq.Query) *gojq.Query {
		if q == nil {
			return nil
		}
		return jqPipe(jqTerm(jqParen(g.query(q, n))), jqCall(guardAt))
	}
	out := &gojq.Index{Name: i.Name, Str: i.Str, Start: guarded(i.Start), End: guarded(i.End), IsSlice: i.IsSlice}
	if i.Str != nil && i.Str.Queries != nil {
		out.Str, out.Start = nil, g.joined(i.Str, "@text", n)
	}
	return out
}

// base writes what a term begins with anew.
func (g *jqGuard) base(t *gojq.Term, n *names) *gojq.Term {
	out := &gojq.Term{Type: t.Type}
	fit := func() *gojq.Term { return jqParen(jqPipe(jqTerm(out), jqCall(guardAny))) }
	switch t.Type {
	case gojq.TermTypeRecurse:
		iter := &gojq.Term{Type: gojq.TermTypeIdentity, SuffixList: []*gojq.Suffix{{Iter: true}, {Optional: true}}}
		return jqParen(jqCall("recurse", jqPipe(jqCall(guardIter), jqTerm(iter))))
	case gojq.TermTypeIndex:
		out.Index = g.index(t.Index, n)
		if t.Index.Name == "" {
			return jqParen(jqPipe(jqCall(guardTouch), jqTerm(out)))
		}
	case gojq.TermTypeFunc:
		return g.function(t.Func, n)
	case gojq.TermTypeObject:
		out.Object = g.object(t.Object, n)
		return fit()
	case gojq.TermTypeArray:
		out.Array = &gojq.Array{Query: g.query(t.Array.Query, n)}
		return fit()
	case gojq.TermTypeNumber:
		if out.Number = t.Number; len(t.Number) > jqDigits {
			g.refuse(t.Number, fmt.Sprintf("a number has more than %d digits", jqDigits), "")
		}
	case gojq.TermTypeUnary:
		out.Unary = &gojq.Unary{Op: t.Unary.Op, Term: g.term(t.Unary.Term, n)}
	case gojq.TermTypeFormat:
		if t.Str != nil {
			return jqParen(g.joined(t.Str, t.Format, n))
		}
		return jqParen(jqPipe(jqCall(guardAny), g.format(t.Format), jqCall(guardAny)))
	case gojq.TermTypeString:
		return jqParen(g.joined(t.Str, "@text", n))
	case gojq.TermTypeQuery:
		out.Query = g.query(t.Query, n)
	case gojq.TermTypeIdentity, gojq.TermTypeNull, gojq.TermTypeTrue, gojq.TermTypeFalse:
	case gojq.TermTypeIf, gojq.TermTypeTry, gojq.TermTypeReduce, gojq.TermTypeForeach, gojq.TermTypeLabel, gojq.TermTypeBreak:
		g.flow(out, t, n)
	default:
		g.refuse("", "this jq program has a part that is not known here", "")
	}
	return out
}

// flow writes the terms that lead somewhere anew.
func (g *jqGuard) flow(out, t *gojq.Term, n *names) {
	switch t.Type { //nolint:exhaustive // base has the others
	case gojq.TermTypeIf:
		out.If = &gojq.If{Cond: g.query(t.If.Cond, n), Then: g.query(t.If.Then, n), Else: g.query(t.If.Else, n)}
		for _, e := range t.If.Elif {
			out.If.Elif = append(out.If.Elif, &gojq.IfElif{Cond: g.query(e.Cond, n), Then: g.query(e.Then, n)})
		}
	case gojq.TermTypeTry:
		out.Try = &gojq.Try{Body: g.query(t.Try.Body, n), Catch: g.query(t.Try.Catch, n)}
	case gojq.TermTypeReduce:
		r := t.Reduce
		out.Reduce = &gojq.Reduce{Query: g.query(r.Query, n), Patterns: g.patterns(r.Patterns, n), Start: g.query(r.Start, n), Update: g.query(r.Update, n)}
	case gojq.TermTypeForeach:
		f := t.Foreach
		out.Foreach = &gojq.Foreach{
			Query: g.query(f.Query, n), Patterns: g.patterns(f.Patterns, n), Start: g.query(f.Start, n),
			Update: g.query(f.Update, n), Extract: g.query(f.Extract, n),
		}
	case gojq.TermTypeLabel:
		out.Label = &gojq.Label{Ident: t.Label.Ident, Body: g.query(t.Label.Body, n)}
	case gojq.TermTypeBreak:
		out.Break = t.Break
	}
}

func (g *jqGuard) object(o *gojq.Object, n *names) *gojq.Object {
	out := &gojq.Object{}
	for _, kv := range o.KeyVals {
		c := &gojq.ObjectKeyVal{Key: kv.Key, KeyString: kv.KeyString, KeyQuery: g.query(kv.KeyQuery, n), Val: g.query(kv.Val, n)}
		if strings.HasPrefix(kv.Key, "$_") || kv.Key == "$ENV" {
			g.refuse(kv.Key, "there is no variable "+kv.Key, "")
		}
		if kv.KeyString != nil && kv.KeyString.Queries != nil {
			if kv.Val == nil { // { "a\(b)" } means .["a\(b)"]
				g.refuse("", "a key with \\( ) needs a value", "write { (key): value }")
			}
			c.KeyString, c.KeyQuery = nil, g.joined(kv.KeyString, "@text", n)
		}
		out.KeyVals = append(out.KeyVals, c)
	}
	return out
}

// function writes a call anew: the program's own go through, listed ones get their
// guards, all others are refused.
func (g *jqGuard) function(f *gojq.Func, n *names) *gojq.Term {
	call := &gojq.Term{Type: gojq.TermTypeFunc, Func: &gojq.Func{Name: f.Name, Args: g.queries(f.Args, n)}}
	if strings.HasPrefix(f.Name, "$") {
		if f.Name == "$ENV" || strings.HasPrefix(f.Name, "$_") {
			g.refuse(f.Name, "there is no variable "+f.Name, "")
		}
		return call
	}
	arity := len(f.Args)
	if n.has(f.Name, arity) {
		return call
	}
	key := fmt.Sprintf("%s/%d", f.Name, arity)
	rule, ok := jqFunctions[key]
	if !ok {
		hint := "refused are those that reach outside or ask for the time, and some that need too much memory"
		if near := fault.Suggest(f.Name, jqNames()); near != "" && !slices.Contains(jqRefused, f.Name) {
			hint = fmt.Sprintf("did you mean %q?", near)
		}
		g.refuse(f.Name, "there is no function "+key+" here", hint)
		return call
	}
	if rule.ours != "" {
		g.need(key, rule.ours)
		return call
	}
	for i, a := range call.Func.Args {
		if i < len(rule.args) && rule.args[i] != "" {
			call.Func.Args[i] = guardedArgument(rule.args[i], a)
		}
	}
	parts := []*gojq.Query{jqTerm(call)}
	if rule.before != "" {
		parts = append([]*gojq.Query{jqCall(rule.before)}, parts...)
	}
	if rule.after {
		parts = append(parts, jqCall(guardAny))
	}
	return jqParen(jqPipe(parts...))
}

// guardedArgument lets an argument's value go through a guard; that of a pattern sees
// the text as well.
func guardedArgument(guard string, a *gojq.Query) *gojq.Query {
	a = jqTerm(jqParen(a))
	identity := jqTerm(&gojq.Term{Type: gojq.TermTypeIdentity})
	switch guard {
	case guardRegex, guardSub:
		return jqPipe(jqCall(guardPair, identity, a), jqCall(guard))
	case guardEach:
		return jqPipe(jqCall(guardEach, identity, a), jqPart("1"))
	}
	return jqPipe(a, jqCall(guard))
}

// need adds a function of ours to the program, and what it calls itself.
func (g *jqGuard) need(key, src string) {
	if g.needs[key] != nil {
		return
	}
	q, err := gojq.Parse(src + " .")
	if err != nil || len(q.FuncDefs) != 1 {
		g.refuse("", "a function of this product cannot be read", "")
		return
	}
	d := q.FuncDefs[0]
	g.needs[key] = d
	var inner *names
	for _, a := range d.Args {
		inner = &names{strings.TrimPrefix(a, "$"), 0, inner}
	}
	g.needs[key] = &gojq.FuncDef{Name: d.Name, Args: d.Args, Body: g.query(d.Body, inner)}
}

// prelude are the functions of ours, those that others call first.
func (g *jqGuard) prelude() []*gojq.FuncDef {
	var out []*gojq.FuncDef
	for _, key := range jqOurs {
		if d := g.needs[key]; d != nil {
			out = append(out, d)
		}
	}
	return out
}
