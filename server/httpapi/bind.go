package httpapi

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/ident"
)

// bind reads a JSON body into the struct that into points to, strictly: one
// value, no key twice, no key that the struct does not name exactly so, no
// missing one, no other type, no number that would be rounded. All mistakes come
// back at once with their places, and never with a value.
//
// A field is optional when it is a pointer or says omitempty.
func bind(raw []byte, into any) error {
	tree, err := ident.Decode(raw)
	if err != nil {
		return fault.New(fault.InvalidInput, "the body is not strict JSON: UTF-8, one value, no key twice, whole numbers within 64 bits").WithCode("bad_json")
	}
	b := binder{}
	b.value(tree, reflect.ValueOf(into).Elem(), "")
	if len(b.places) > 0 {
		return fault.New(fault.InvalidInput, "the request does not have the shape that is asked for").WithCode("bad_request").WithPlaces(b.places...)
	}
	return nil
}

// maxPlaces bounds how many mistakes are named.
const maxPlaces = 50

type binder struct{ places []fault.Place }

func (b *binder) wrong(at, format string, args ...any) {
	if len(b.places) < maxPlaces {
		b.places = append(b.places, fault.Place{At: at, Message: fmt.Sprintf(format, args...)})
	}
}

//nolint:gochecknoglobals // types, fixed
var (
	timeType = reflect.TypeFor[time.Time]()
	rawType  = reflect.TypeFor[json.RawMessage]()
)

func (b *binder) value(v any, to reflect.Value, at string) {
	if to.Kind() == reflect.Pointer {
		if v == nil {
			return
		}
		fresh := reflect.New(to.Type().Elem())
		b.value(v, fresh.Elem(), at)
		to.Set(fresh)
		return
	}
	if to.Type() == timeType {
		b.moment(v, to, at)
		return
	}
	switch to.Kind() { //nolint:exhaustive // the kinds that our own requests are made of; no other is filled
	case reflect.Interface:
		if v != nil {
			to.Set(reflect.ValueOf(v))
		}
	case reflect.String:
		if s, ok := v.(string); ok {
			to.SetString(s)
			return
		}
		b.wrong(at, "must be text")
	case reflect.Bool:
		if s, ok := v.(bool); ok {
			to.SetBool(s)
			return
		}
		b.wrong(at, "must be true or false")
	case reflect.Int, reflect.Int64:
		if n, ok := v.(int64); ok {
			to.SetInt(n)
			return
		}
		b.wrong(at, "must be a whole number")
	case reflect.Float64:
		b.number(v, to, at)
	case reflect.Slice:
		b.slice(v, to, at)
	case reflect.Map:
		b.mapping(v, to, at)
	case reflect.Struct:
		b.object(v, to, at)
	default:
		b.wrong(at, "cannot be given")
	}
}

func (b *binder) moment(v any, to reflect.Value, at string) {
	s, ok := v.(string)
	t, err := time.Parse(time.RFC3339, s)
	if !ok || err != nil {
		b.wrong(at, "must be a time in RFC 3339, like 2026-11-23T02:14:07Z")
		return
	}
	to.Set(reflect.ValueOf(t.UTC()))
}

func (b *binder) number(v any, to reflect.Value, at string) {
	switch n := v.(type) {
	case int64:
		to.SetFloat(float64(n))
	case float64:
		to.SetFloat(n)
	default:
		b.wrong(at, "must be a number")
	}
}

func (b *binder) slice(v any, to reflect.Value, at string) {
	if to.Type() == rawType {
		raw, err := json.Marshal(v)
		if err != nil {
			b.wrong(at, "cannot be kept")
			return
		}
		to.SetBytes(raw)
		return
	}
	list, ok := v.([]any)
	if !ok {
		b.wrong(at, "must be a list")
		return
	}
	out := reflect.MakeSlice(to.Type(), len(list), len(list))
	for i, e := range list {
		b.value(e, out.Index(i), fmt.Sprintf("%s/%d", at, i))
	}
	to.Set(out)
}

func (b *binder) mapping(v any, to reflect.Value, at string) {
	m, ok := v.(map[string]any)
	if !ok {
		b.wrong(at, "must be an object")
		return
	}
	out := reflect.MakeMapWithSize(to.Type(), len(m))
	for k, e := range m {
		val := reflect.New(to.Type().Elem()).Elem()
		b.value(e, val, at+"/"+pointer(k))
		out.SetMapIndex(reflect.ValueOf(k), val)
	}
	to.Set(out)
}

func (b *binder) object(v any, to reflect.Value, at string) {
	m, ok := v.(map[string]any)
	if !ok {
		b.wrong(at, "must be an object")
		return
	}
	known := map[string]bool{}
	for i := range to.NumField() {
		name, optional := wireName(to.Type().Field(i))
		if name == "" {
			continue
		}
		known[name] = true
		e, given := m[name]
		switch {
		case given && e == nil && to.Field(i).Kind() != reflect.Pointer && to.Field(i).Kind() != reflect.Interface:
			b.wrong(at+"/"+name, "must not be null")
		case given:
			b.value(e, to.Field(i), at+"/"+name)
		case !optional:
			b.wrong(at+"/"+name, "is required")
		}
	}
	var unknown []string
	for k := range m {
		if !known[k] {
			unknown = append(unknown, k)
		}
	}
	slices.Sort(unknown)
	names := slices.Sorted(maps.Keys(known))
	for _, k := range unknown {
		hint := "the keys here are: " + strings.Join(names, ", ")
		if near := fault.Suggest(k, names); near != "" {
			hint = "did you mean " + near + "?"
		}
		b.wrong(at+"/"+pointer(k), "is not a key here; %s", hint)
	}
}

// wireName gives a field's name on the wire, "" for none, and whether it may be
// left out.
func wireName(f reflect.StructField) (name string, optional bool) {
	tag := f.Tag.Get("json")
	name, opts, _ := strings.Cut(tag, ",")
	if !f.IsExported() || name == "-" {
		return "", true
	}
	return name, strings.Contains(opts, "omitempty") || f.Type.Kind() == reflect.Pointer
}

// pointer gives a key of the sender's for a place. Only plain names are shown as
// they are.
func pointer(key string) string {
	if len(key) <= 48 && ident.Name(key) {
		return key
	}
	return "?"
}
