package expr

import (
	"slices"
	"strings"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/tocsin-soar/tocsin/server/fault"
)

// What an expression may be and do. CEL counts the cost of a call after it
// ran, so every function whose work or result can outgrow its arguments is
// checked before it works (language.md, "Bounds that really bound").
const (
	maxSource  = 8 << 10 // bytes of one expression
	maxNesting = 64      // brackets within brackets
	maxLoops   = 32      // comprehensions: the checker's work grows with the cube of them
	maxEased   = 64      // comparisons of numbers of two kinds, or with null
	maxPieces  = 256     // parts of a text, expressions and what stands between
	maxValue   = 1 << 20 // bytes of any value
	maxText    = 64 << 10
	maxNeedle  = 1 << 10 // what is looked for in a text
	maxPattern = 1 << 10
	maxRegex   = 16 << 20 // length of text times size of pattern
	maxItems   = 10_000   // of a comprehension or a list that is made
	maxPairs   = 4 << 20  // comparisons of two lists
	maxCost    = 1_000_000
)

func tooLarge(format string, args ...any) ref.Val {
	return types.WrapErr(fault.New(fault.Expression, format, args...))
}

// guard looks at a call's arguments before the call is made; nil lets it pass.
type guard func(args []ref.Val) ref.Val

// guards are the bounds of CEL's own functions by name.
func guards() map[string]guard {
	g := map[string]guard{
		"join":          guardJoin,
		"replace":       guardReplace,
		"split":         guardSplit,
		"format":        guardFormat,
		"indexOf":       guardSearch,
		"lastIndexOf":   guardSearch,
		"flatten":       guardFlatten,
		"base64.encode": guardValue, "base64.decode": guardValue,
	}
	for _, name := range []string{"charAt", "lowerAscii", "upperAscii", "substring", "trim", "reverse", "strings.quote"} {
		g[name] = guardText
	}
	g["slice"] = guardItems
	for _, name := range []string{"sets.contains", "sets.equivalent", "sets.intersects", "hasOnly", "hasAny", "hasAll", "hasExactly"} {
		g[name] = guardSets
	}
	return g
}

func textArg(args []ref.Val, i int) (string, bool) {
	if i >= len(args) {
		return "", false
	}
	s, ok := args[i].(types.String)
	return string(s), ok
}

func guardText(args []ref.Val) ref.Val {
	if s, ok := textArg(args, 0); ok && len(s) > maxText {
		return tooLarge("a text is longer than %d bytes", maxText)
	}
	return nil
}

func guardValue(args []ref.Val) ref.Val {
	for _, a := range args {
		if size, ok := sizeOf(a, maxValue); !ok || size > maxValue*3/4 {
			return tooLarge("a value would be larger than %d bytes", maxValue)
		}
	}
	return nil
}

func guardItems(args []ref.Val) ref.Val {
	if l, ok := args[0].(traits.Lister); ok && count(l) > maxItems {
		return tooLarge("a list has more than %d items", maxItems)
	}
	return nil
}

func guardSearch(args []ref.Val) ref.Val {
	if needle, ok := textArg(args, 1); ok && len(needle) > maxNeedle {
		return tooLarge("the text looked for is longer than %d bytes", maxNeedle)
	}
	return guardText(args)
}

func guardSplit(args []ref.Val) ref.Val {
	if bad := guardText(args); bad != nil {
		return bad
	}
	s, _ := textArg(args, 0)
	sep, _ := textArg(args, 1)
	if strings.Count(s, sep) >= maxItems {
		return tooLarge("splitting makes more than %d items", maxItems)
	}
	return nil
}

func guardReplace(args []ref.Val) ref.Val {
	if bad := guardText(args); bad != nil {
		return bad
	}
	s, _ := textArg(args, 0)
	old, _ := textArg(args, 1)
	with, _ := textArg(args, 2)
	if grown := len(s) + strings.Count(s, old)*max(0, len(with)-len(old)); grown > maxValue {
		return tooLarge("replacing makes a text longer than %d bytes", maxValue)
	}
	return nil
}

func guardJoin(args []ref.Val) ref.Val {
	if bad := guardItems(args); bad != nil {
		return bad
	}
	l, ok := args[0].(traits.Lister)
	if !ok {
		return nil
	}
	sep, _ := textArg(args, 1)
	size, fits := sizeOf(l, maxValue)
	if !fits || size+count(l)*len(sep) > maxValue {
		return tooLarge("joining makes a text longer than %d bytes", maxValue)
	}
	return nil
}

// guardFormat allows for values that are written longer than they are.
func guardFormat(args []ref.Val) ref.Val {
	for _, a := range args {
		if _, ok := sizeOf(a, maxText); !ok {
			return tooLarge("formatting more than %d bytes", maxText)
		}
	}
	return nil
}

func guardFlatten(args []ref.Val) ref.Val {
	left := maxItems
	if !leaves(args[0], &left, 0) {
		return tooLarge("flattening makes more than %d items", maxItems)
	}
	return nil
}

// leaves counts down for each item below v, lists themselves included.
func leaves(v ref.Val, left *int, depth int) bool {
	if *left--; *left < 0 || depth > maxNesting {
		return false
	}
	l, ok := v.(traits.Lister)
	if !ok {
		return true
	}
	for it := l.Iterator(); it.HasNext() == types.True; {
		if !leaves(it.Next(), left, depth+1) {
			return false
		}
	}
	return true
}

// distinct gives each item once, in order. Texts, the usual case, are not
// compared with each other.
func distinct(v ref.Val) ref.Val {
	l, ok := v.(traits.Lister)
	if !ok {
		return types.MaybeNoSuchOverloadErr(v)
	}
	if bad := guardItems([]ref.Val{l}); bad != nil {
		return bad
	}
	if texts, only := distinctTexts(l); only {
		return types.NewRefValList(types.DefaultTypeAdapter, texts)
	}
	if bad := guardSets([]ref.Val{l, l}); bad != nil {
		return bad
	}
	out := []ref.Val{}
	for it := l.Iterator(); it.HasNext() == types.True; {
		item := it.Next()
		if !slices.ContainsFunc(out, func(o ref.Val) bool { return types.Equal(o, item) == types.True }) {
			out = append(out, item)
		}
	}
	return types.NewRefValList(types.DefaultTypeAdapter, out)
}

func distinctTexts(l traits.Lister) (out []ref.Val, only bool) {
	out = []ref.Val{}
	seen := map[types.String]bool{}
	for it := l.Iterator(); it.HasNext() == types.True; {
		s, ok := it.Next().(types.String)
		if !ok {
			return nil, false
		}
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out, true
}

// guardSets bounds work that compares each item with each other one.
func guardSets(args []ref.Val) ref.Val {
	a, aok := args[0].(traits.Lister)
	b, bok := args[1].(traits.Lister)
	if !aok || !bok {
		return nil
	}
	size, fits := sizeOf(a, maxValue)
	if na, nb := count(a), count(b); !fits || na > maxItems || nb > maxItems ||
		na*nb > maxPairs || size*nb > 16*maxPairs {
		return tooLarge("the lists are too large to be compared item by item")
	}
	return nil
}

func guardIn(args []ref.Val) ref.Val {
	switch args[0].(type) {
	case traits.Lister, traits.Mapper:
		return guardSets([]ref.Val{types.NewRefValList(types.DefaultTypeAdapter, args[:1]), args[1]})
	}
	return nil
}

// count is the number of items; CEL gives an Int.
func count(l traits.Sizer) int {
	n, _ := l.Size().(types.Int)
	return int(n)
}

// sizeOf adds up a value's bytes, itself at least 8 for each item, and stops at the limit:
// values share parts, so one may be far larger than the memory it takes.
func sizeOf(v ref.Val, limit int) (int, bool) {
	left := limit
	ok := measure(v, &left, 0)
	return limit - left, ok
}

func measure(v any, left *int, depth int) bool {
	if depth > 2*maxNesting {
		return false
	}
	*left -= 8
	switch v := v.(type) {
	case types.String:
		*left -= len(v)
	case string:
		*left -= len(v)
	case types.Bytes:
		*left -= len(v)
	case map[string]any:
		for k, e := range v {
			*left -= len(k)
			if !measure(e, left, depth+1) {
				return false
			}
		}
	case []any:
		for _, e := range v {
			if !measure(e, left, depth+1) {
				return false
			}
		}
	case *types.Optional:
		if v.HasValue() {
			return measure(v.GetValue(), left, depth+1)
		}
	case traits.Mapper:
		return measureMap(v, left, depth)
	case traits.Lister:
		return measureList(v, left, depth)
	}
	return *left >= 0
}

func measureMap(m traits.Mapper, left *int, depth int) bool {
	if plain, ok := m.Value().(map[string]any); ok {
		return measure(plain, left, depth)
	}
	for it := m.Iterator(); it.HasNext() == types.True; {
		k := it.Next()
		if !measure(k, left, depth+1) || !measure(m.Get(k), left, depth+1) {
			return false
		}
	}
	return *left >= 0
}

func measureList(l traits.Lister, left *int, depth int) bool {
	if plain, ok := l.Value().([]any); ok {
		return measure(plain, left, depth)
	}
	for it := l.Iterator(); it.HasNext() == types.True; {
		if !measure(it.Next(), left, depth+1) {
			return false
		}
	}
	return *left >= 0
}
