package expr

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"cel.dev/cel-go/ext"
	"cel.dev/cel-go/interpreter"

	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/ident"
)

// activation gives an evaluation its names. Lazy values are asked for once.
type activation struct {
	vars  Vars
	scope *Scope
	asked map[string]any
}

// ResolveName implements CEL's lookup.
func (a *activation) ResolveName(name string) (any, bool) {
	v, ok := a.vars[name]
	if !ok {
		return nil, false
	}
	if ask, lazy := v.(func() any); lazy {
		v = a.ask(name, ask)
	}
	if m, plain := v.(map[string]any); plain { // the common case: fields convert themselves
		if m == nil { // no alert is null, however it is written in Go
			return nil, true
		}
		return m, true
	}
	if t, typed := a.scope.vars[name]; typed {
		return t.coerce(v), true
	}
	return v, true
}

func (a *activation) ask(name string, f func() any) any {
	if v, known := a.asked[name]; known {
		return v
	}
	if a.asked == nil {
		a.asked = map[string]any{}
	}
	a.asked[name] = f()
	return a.asked[name]
}

// Parent implements CEL's lookup: there is none.
func (*activation) Parent() interpreter.Activation { return nil }

// Eval evaluates; errors are *fault.Error of kind expression.
func (e *Expr) Eval(vars Vars) (any, error) {
	out, err := e.eval(vars)
	if err != nil {
		return nil, err
	}
	return toPlain(out)
}

// Bool evaluates a condition.
func (e *Expr) Bool(vars Vars) (bool, error) {
	out, err := e.eval(vars)
	if err != nil {
		return false, err
	}
	b, ok := out.(types.Bool)
	if !ok {
		return false, e.fault(nil, "a condition gave something else than true or false")
	}
	return bool(b), nil
}

func (e *Expr) eval(vars Vars) (ref.Val, error) {
	out, _, err := e.prog.Eval(&activation{vars: vars, scope: e.scope})
	if err != nil {
		return nil, e.explain(err)
	}
	return out, nil
}

// Source gives the text.
func (e *Expr) Source() string { return e.src }

// Type gives what Eval gives.
func (e *Expr) Type() Type { return e.typ }

func (e *Expr) fault(cause error, why string) error {
	const most = 80
	src := strings.Join(strings.Fields(e.src), " ")
	if runes := []rune(src); len(runes) > most {
		src = string(runes[:most]) + "…"
	}
	return fault.Wrap(cause, fault.Expression, "%s: %s", src, why)
}

// explain says what went wrong without any value that took part.
func (e *Expr) explain(err error) error {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return e.fault(err, f.Message)
	}
	if _, ok := errors.AsType[interpreter.EvalCancelledError](err); ok {
		return e.fault(err, "it takes more work than an expression may")
	}
	text := err.Error()
	for _, c := range []struct{ part, why string }{
		{"no such key", "a field or key that it reads is not there"},
		{"index out of bounds", "an index is out of range; write [?0] where that may be"},
		{"out of range", "a number or index is out of range"},
		{"no such attribute", "a name has no value here"},
		{"no such overload", "a value has another type than the expression needs"},
		{"division by zero", "a division by zero"},
		{"divide by zero", "a division by zero"},
		{"modulus by zero", "a division by zero"},
		{"overflow", "a number or time is too large"},
		{"optional.none() dereference", "an optional value is not there"},
		{"cannot be found", "a key or index is not there"},
		{"IP Address", "a text is no IP address"},
		{"CIDR", "a text is no network in CIDR form"},
		{"type conversion", "a value cannot be converted"},
		{"parsing time", "a text is no time"},
		{"duration", "a text is no duration"},
	} {
		if strings.Contains(text, c.part) {
			return e.fault(err, c.why)
		}
	}
	return e.fault(err, "it cannot be evaluated with the values it got")
}

// toPlain turns a CEL value into a plain JSON value of at most 1 MiB.
func toPlain(v ref.Val) (any, error) {
	left := maxValue
	return plainVal(v, &left, 0)
}

var errTooLarge = fault.New(fault.Expression, "the value is larger than %d bytes", maxValue)

func spend(left *int, n, depth int) error {
	*left -= n + 2
	if *left < 0 || depth > 2*maxNesting {
		return errTooLarge
	}
	return nil
}

func plainVal(v ref.Val, left *int, depth int) (any, error) {
	if err := spend(left, 0, depth); err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case types.Null:
		return nil, nil //nolint:nilnil // null is a value
	case types.Bool:
		return bool(v), nil
	case types.Int:
		return int64(v), nil
	case types.Uint:
		if v > math.MaxInt64 {
			return nil, fault.New(fault.Expression, "a number does not fit 64 bits")
		}
		return int64(v), nil
	case types.Double:
		return finite(float64(v))
	case types.String:
		return string(v), spend(left, len(v), depth)
	case types.Bytes:
		return base64.StdEncoding.EncodeToString(v), spend(left, len(v)*4/3, depth)
	case types.Timestamp:
		return v.UTC().Format(time.RFC3339Nano), nil
	case types.Duration:
		return strconv.FormatFloat(v.Seconds(), 'f', -1, 64) + "s", nil
	case *types.Optional:
		if !v.HasValue() {
			return nil, nil //nolint:nilnil // nothing is null
		}
		return plainVal(v.GetValue(), left, depth+1)
	case ext.IP:
		return v.String(), nil
	case ext.CIDR:
		return v.String(), nil
	case traits.Mapper:
		return plainMap(v, left, depth)
	case traits.Lister:
		return plainList(v, left, depth)
	}
	return nil, fault.New(fault.Expression, "a %s is no value that can be kept", v.Type().TypeName())
}

func finite(f float64) (any, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil, fault.New(fault.Expression, "a number is not finite")
	}
	return f, nil
}

func plainMap(m traits.Mapper, left *int, depth int) (any, error) {
	if raw, ok := m.Value().(map[string]any); ok {
		return plainAny(raw, left, depth)
	}
	out := map[string]any{}
	for it := m.Iterator(); it.HasNext() == types.True; {
		key := it.Next()
		k, ok := key.(types.String)
		if !ok {
			return nil, fault.New(fault.Expression, "the keys of a map must be text")
		}
		if err := spend(left, len(k), depth); err != nil {
			return nil, err
		}
		v, err := plainVal(m.Get(key), left, depth+1)
		if err != nil {
			return nil, err
		}
		out[string(k)] = v
	}
	return out, nil
}

func plainList(l traits.Lister, left *int, depth int) (any, error) {
	if raw, ok := l.Value().([]any); ok {
		return plainAny(raw, left, depth)
	}
	out := []any{}
	for it := l.Iterator(); it.HasNext() == types.True; {
		v, err := plainVal(it.Next(), left, depth+1)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// plainAny copies a plain value, so that nothing is shared with what came in.
func plainAny(v any, left *int, depth int) (any, error) {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			if err := spend(left, len(k), depth); err != nil {
				return nil, err
			}
			p, err := plainAny(e, left, depth+1)
			if err != nil {
				return nil, err
			}
			out[k] = p
		}
		return out, nil
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			p, err := plainAny(e, left, depth+1)
			if err != nil {
				return nil, err
			}
			out[i] = p
		}
		return out, nil
	case string:
		return v, spend(left, len(v), depth)
	case nil, bool, int64:
		return v, spend(left, 0, depth)
	case float64:
		return finite(v)
	case time.Time:
		return v.UTC().Format(time.RFC3339Nano), nil
	case json.Number:
		n, err := ident.Number(v)
		if err != nil {
			return nil, fault.New(fault.Expression, "%s", err.Error())
		}
		return n, nil
	}
	return plainVal(plainAdapter.NativeToValue(v), left, depth)
}

// plainAdapter is the adapter where no environment is at hand.
var plainAdapter = adapter{types.NewEmptyRegistry()} //nolint:gochecknoglobals // never changes
