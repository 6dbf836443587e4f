package expr

import (
	"encoding/json"
	"math"
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/ident"
)

// provider tells CEL the fields of our objects. Nothing else is a message: an
// expression cannot make one.
type provider struct {
	*types.Registry
	objects map[string]*object
}

func (p provider) FindStructType(name string) (*types.Type, bool) {
	o, ok := p.objects[name]
	if !ok {
		return nil, false
	}
	return types.NewTypeTypeWithParam(o.typ), true
}

func (p provider) FindStructFieldNames(name string) ([]string, bool) {
	o, ok := p.objects[name]
	if !ok {
		return nil, false
	}
	return o.fieldNames(), true
}

func (p provider) FindStructFieldType(name, field string) (*types.FieldType, bool) {
	o, ok := p.objects[name]
	if !ok {
		return nil, false
	}
	t, ok := o.field(field)
	if !ok {
		return nil, false
	}
	return &types.FieldType{
		Type: t.typ(),
		IsSet: func(target any) bool {
			v, set := fieldOf(target, field)
			return set && v != nil && v != types.NullValue
		},
		GetFrom: func(target any) (any, error) {
			v, set := fieldOf(target, field)
			if !set {
				return nil, missing(field)
			}
			return t.coerce(v), nil
		},
	}, true
}

func (provider) NewValue(string, map[string]ref.Val) ref.Val {
	return types.NewErr("an expression makes no messages")
}

func missing(field string) error {
	if field == "output" {
		return fault.New(fault.Expression, "a step has no output: it has not succeeded")
	}
	return fault.New(fault.Expression, "there is no field %q in this value", field)
}

// fieldOf reads a field of what a CEL value holds.
func fieldOf(target any, field string) (any, bool) {
	switch m := target.(type) {
	case map[string]any:
		v, ok := m[field]
		return v, ok
	case map[ref.Val]ref.Val:
		v, ok := m[types.String(field)]
		return v, ok
	case map[string]string:
		v, ok := m[field]
		return v, ok
	}
	return nil, false
}

// coerce gives a value the form its type promises: JSON knows no timestamps and
// writes a whole double like an int.
func (t Type) coerce(v any) any {
	if t.cel == nil {
		return v
	}
	switch t.cel.Kind() { //nolint:exhaustive // the other kinds need nothing special
	case types.TimestampKind:
		if s, ok := v.(string); ok {
			if at, err := time.Parse(time.RFC3339Nano, s); err == nil {
				return at
			}
		}
	case types.DoubleKind:
		return toDouble(v)
	case types.IntKind:
		return t.toInt(v)
	case types.ListKind:
		return t.coerceList(v)
	}
	return v
}

func toDouble(v any) any {
	switch n := v.(type) {
	case int64:
		return float64(n)
	case int:
		return float64(n)
	case json.Number:
		if f, err := n.Float64(); err == nil {
			return f
		}
	}
	return v
}

func (t Type) toInt(v any) any {
	switch n := v.(type) {
	case float64:
		if n == math.Trunc(n) && math.Abs(n) < 1<<53 {
			return int64(n)
		}
	case string:
		if t.word {
			if r := rank(n); r > 0 {
				return r
			}
		}
	}
	return v
}

// coerceList copies a list only where its items may have another form.
func (t Type) coerceList(v any) any {
	list, ok := v.([]any)
	if !ok || t.elem == nil || t.elem.cel == nil {
		return v
	}
	switch t.elem.cel.Kind() { //nolint:exhaustive // the other kinds need nothing special
	case types.TimestampKind, types.DoubleKind, types.IntKind, types.ListKind:
		out := make([]any, len(list))
		for i, e := range list {
			out[i] = t.elem.coerce(e)
		}
		return out
	}
	return v
}

// adapter turns plain JSON values into CEL's.
type adapter struct{ reg *types.Registry }

func (a adapter) NativeToValue(v any) ref.Val {
	switch v := v.(type) {
	case ref.Val:
		return v
	case nil:
		return types.NullValue
	case string:
		return types.String(v)
	case bool:
		return types.Bool(v)
	case int64:
		return types.Int(v)
	case float64:
		return types.Double(v)
	case map[string]any:
		return types.NewMap(a, v)
	case []any:
		return types.NewList(a, v)
	case json.Number:
		n, err := ident.Number(v)
		if err != nil {
			return types.WrapErr(fault.New(fault.Expression, "%s", err.Error()))
		}
		return a.NativeToValue(n)
	}
	return a.reg.NativeToValue(v)
}

// rank is the severity's place, 0 for a word that is none.
func rank(s string) int64 {
	for i, w := range severities {
		if w == s {
			return int64(i) + 1
		}
	}
	return 0
}

var severities = [...]string{"informational", "low", "medium", "high", "critical"} //nolint:gochecknoglobals // a constant table
