package expr

import (
	"slices"
	"strings"
)

// Value is a literal, an expression, text with expressions, or a list or map
// of those. It may be evaluated by many goroutines.
type Value struct {
	typ   Type
	lit   any
	expr  *Expr
	text  *text
	items []*Value // of a list or map
	keys  []string // of a map
	kind  valueKind
}

type valueKind int

const (
	isLiteral valueKind = iota
	isExpr
	isText
	isList
	isMap
)

// Literal is a JSON value that is always the same.
func Literal(v any) *Value { return &Value{kind: isLiteral, lit: v, typ: literalType(v)} }

// Of is the value that an expression gives.
func Of(e *Expr) *Value { return &Value{kind: isExpr, expr: e, typ: e.typ} }

func literalType(v any) Type {
	switch v := v.(type) {
	case bool:
		return Bool
	case int, int64:
		return Int
	case float64:
		return Double
	case string:
		return String
	case []any:
		if len(v) == 0 {
			return List(Dyn)
		}
		t := literalType(v[0])
		for _, e := range v[1:] {
			if literalType(e).text() != t.text() {
				return List(Dyn)
			}
		}
		return List(t)
	case map[string]any:
		return Map(Dyn)
	}
	return Dyn
}

// ListOf is a list of values.
func ListOf(vs []*Value) *Value {
	t := Dyn
	for i, v := range vs {
		if i > 0 && v.typ.text() != t.text() {
			t = Dyn
			break
		}
		t = v.typ
	}
	return &Value{kind: isList, items: slices.Clone(vs), typ: List(t)}
}

// MapOf is a map; keys and vs are of equal length, the order is kept by Fields.
func MapOf(keys []string, vs []*Value) *Value {
	fields := map[string]Type{}
	for i, k := range keys {
		fields[k] = vs[i].typ
	}
	t := Map(Dyn)
	if len(keys) > 0 {
		t = Object(fields)
	}
	return &Value{kind: isMap, keys: slices.Clone(keys), items: slices.Clone(vs), typ: t}
}

// Eval evaluates; errors are *fault.Error of kind expression, or invalid_input
// where a value may not stand in its place (a path segment ..).
func (v *Value) Eval(vars Vars) (any, error) {
	left := maxValue
	return v.eval(vars, &left, 0)
}

func (v *Value) eval(vars Vars, left *int, depth int) (any, error) {
	switch v.kind {
	case isLiteral:
		return plainAny(v.lit, left, depth)
	case isExpr:
		out, err := v.expr.eval(vars)
		if err != nil {
			return nil, err
		}
		plain, err := plainVal(out, left, depth)
		if err != nil {
			return nil, v.expr.explain(err)
		}
		return plain, nil
	case isText:
		s, err := v.text.eval(vars)
		if err != nil {
			return nil, err
		}
		return s, spend(left, len(s), depth)
	case isList:
		out := make([]any, len(v.items))
		for i, item := range v.items {
			e, err := item.eval(vars, left, depth+1)
			if err != nil {
				return nil, err
			}
			out[i] = e
		}
		return out, nil
	case isMap:
		out := make(map[string]any, len(v.items))
		for i, item := range v.items {
			e, err := item.eval(vars, left, depth+1)
			if err != nil {
				return nil, err
			}
			out[v.keys[i]] = e
		}
		return out, nil
	}
	return nil, errTooLarge
}

// Reads lists what it reads, in order. Offsets count into each text.
func (v *Value) Reads() []Read {
	switch v.kind {
	case isExpr:
		return v.expr.Reads()
	case isText:
		return v.text.reads()
	case isList, isMap:
		var all []Read
		for _, item := range v.items {
			all = append(all, item.Reads()...)
		}
		return all
	case isLiteral:
	}
	return nil
}

// Static gives the literal; ok is false where something has to be evaluated.
func (v *Value) Static() (lit any, ok bool) {
	switch v.kind {
	case isLiteral:
		return v.lit, true
	case isList:
		out := make([]any, len(v.items))
		for i, item := range v.items {
			if out[i], ok = item.Static(); !ok {
				return nil, false
			}
		}
		return out, true
	case isMap:
		out := make(map[string]any, len(v.items))
		for i, item := range v.items {
			if out[v.keys[i]], ok = item.Static(); !ok {
				return nil, false
			}
		}
		return out, true
	case isExpr, isText:
	}
	return nil, false
}

// Type gives what Eval gives.
func (v *Value) Type() Type { return v.typ }

// Expr gives the expression of a value that is exactly one, else nil.
func (v *Value) Expr() *Expr { return v.expr }

// Fields gives keys and values of a map in order, nil for anything else.
func (v *Value) Fields() (keys []string, vs []*Value) {
	if v.kind != isMap {
		return nil, nil
	}
	return slices.Clone(v.keys), slices.Clone(v.items)
}

// Items gives the values of a list, nil for anything else.
func (v *Value) Items() []*Value {
	if v.kind != isList {
		return nil
	}
	return slices.Clone(v.items)
}

// shift moves offsets from an expression into the text around it.
func shift(issues []Issue, by int) []Issue {
	for i := range issues {
		issues[i].Offset += by
	}
	return issues
}

// hasExpr says whether a text holds an expression at all.
func hasExpr(src string) bool { return strings.Contains(src, opener) }
