package ident

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gowebpki/jcs"
)

// maxExact is the largest integer that every JSON reader keeps exactly.
const maxExact = 1 << 53

var (
	errInexact = errors.New("a number is outside ±2^53; send it as text")
	errNotUTF8 = errors.New("a text is not UTF-8")
)

// Canonical gives the RFC 8785 bytes of a JSON value: of nil, bool, numbers,
// string, lists, maps with keys of text, structs as encoding/json sees them, and
// of anything that marshals to such. It refuses numbers outside ±2^53 and text
// that is not UTF-8, because two readers could take them for different values.
//
// It writes the form at once: every digest of the product comes through here, also
// inside the acts of the store (a test holds it to encoding/json and jcs).
func Canonical(v any) ([]byte, error) { return form{}.of(v) }

// Lossless is Canonical for a value that is kept as it is, as the policy's input:
// numbers outside ±2^53, which a vendor's fields may hold, are written in full.
func Lossless(v any) ([]byte, error) { return form{full: true}.of(v) }

// form is how a value is written.
type form struct{ full bool }

func (f form) of(v any) ([]byte, error) {
	b, err := f.appendAny(make([]byte, 0, 512), v, 0)
	if err != nil {
		return nil, fmt.Errorf("canonical form: %w", err)
	}
	return b, nil
}

// appendAny writes the types that values of playbooks and alerts are made of.
func (f form) appendAny(b []byte, v any, depth int) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...), nil
	case bool:
		return strconv.AppendBool(b, v), nil
	case string:
		return appendString(b, v)
	case int:
		return f.appendInt(b, int64(v))
	case int64:
		return f.appendInt(b, v)
	case float64:
		return f.appendFloat(b, v)
	case json.Number:
		n, err := Number(v)
		if err != nil {
			return nil, err
		}
		return f.appendAny(b, n, depth)
	case []any:
		if v == nil {
			return append(b, "null"...), nil
		}
		return f.appendList(b, len(v), depth, func(b []byte, i int) ([]byte, error) { return f.appendAny(b, v[i], depth+1) })
	case []string:
		if v == nil {
			return append(b, "null"...), nil
		}
		return f.appendList(b, len(v), depth, func(b []byte, i int) ([]byte, error) { return appendString(b, v[i]) })
	case map[string]any:
		if v == nil {
			return append(b, "null"...), nil
		}
		ms := make([]member, 0, len(v))
		for k, e := range v {
			ms = append(ms, member{name: k, plain: e})
		}
		return f.appendMembers(b, ms, depth)
	}
	return f.appendValue(b, reflect.ValueOf(v), depth)
}

// appendValue writes everything else, by reflection.
func (f form) appendValue(b []byte, v reflect.Value, depth int) ([]byte, error) {
	if speaks(v.Type()) {
		return f.appendMarshaled(b, v, depth)
	}
	switch v.Kind() { //nolint:exhaustive // the rest is no JSON
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return append(b, "null"...), nil
		}
		if v.Kind() == reflect.Interface {
			return f.appendAny(b, v.Elem().Interface(), depth)
		}
		return f.appendValue(b, v.Elem(), depth)
	case reflect.Bool:
		return strconv.AppendBool(b, v.Bool()), nil
	case reflect.String:
		return appendString(b, v.String())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return f.appendInt(b, v.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if v.Uint() > maxExact && !f.full {
			return nil, errInexact
		}
		return strconv.AppendUint(b, v.Uint(), 10), nil
	case reflect.Float32, reflect.Float64:
		return f.appendFloat(b, v.Float())
	case reflect.Slice, reflect.Array:
		return f.appendSequence(b, v, depth)
	case reflect.Map:
		return f.appendMap(b, v, depth)
	case reflect.Struct:
		return f.appendStruct(b, v, depth)
	default:
		return nil, fmt.Errorf("%s is no JSON value", v.Type())
	}
}

// speaks says whether a type writes its own JSON.
func speaks(t reflect.Type) bool {
	return t.Implements(reflect.TypeFor[json.Marshaler]()) || t.Implements(reflect.TypeFor[interface{ MarshalText() ([]byte, error) }]())
}

// appendMarshaled writes what encoding/json makes of a value.
func (f form) appendMarshaled(b []byte, v reflect.Value, depth int) ([]byte, error) {
	var raw bytes.Buffer
	enc := json.NewEncoder(&raw)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v.Interface()); err != nil {
		return nil, fmt.Errorf("encode for a digest: %w", err)
	}
	plain, err := Decode(raw.Bytes())
	if err != nil {
		return nil, err
	}
	return f.appendAny(b, plain, depth)
}

func (f form) appendSequence(b []byte, v reflect.Value, depth int) ([]byte, error) {
	if v.Kind() == reflect.Slice && v.IsNil() {
		return append(b, "null"...), nil
	}
	if v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8 {
		return f.appendMarshaled(b, v, depth) // base64
	}
	return f.appendList(b, v.Len(), depth, func(b []byte, i int) ([]byte, error) { return f.appendValue(b, v.Index(i), depth+1) })
}

func (f form) appendMap(b []byte, v reflect.Value, depth int) ([]byte, error) {
	if v.IsNil() {
		return append(b, "null"...), nil
	}
	if k := v.Type().Key(); k.Kind() != reflect.String || speaks(k) {
		return f.appendMarshaled(b, v, depth)
	}
	ms := make([]member, 0, v.Len())
	for it := v.MapRange(); it.Next(); {
		ms = append(ms, member{name: it.Key().String(), value: it.Value()})
	}
	return f.appendMembers(b, ms, depth)
}

// appendStruct writes a struct by its tags, the fields of embedded ones as its own.
func (f form) appendStruct(b []byte, v reflect.Value, depth int) ([]byte, error) {
	ms, err := fields(make([]member, 0, v.NumField()), v)
	if err != nil {
		return nil, err
	}
	return f.appendMembers(b, ms, depth)
}

func fields(ms []member, v reflect.Value) ([]member, error) {
	t := v.Type()
	for i := range t.NumField() {
		f := t.Field(i)
		tag := f.Tag.Get("json")
		var err error
		switch {
		case f.Anonymous && tag == "" && f.Type.Kind() == reflect.Struct && !speaks(f.Type):
			ms, err = fields(ms, v.Field(i))
		case f.IsExported() && tag != "-":
			ms, err = field(ms, f, v.Field(i))
		}
		if err != nil {
			return nil, err
		}
	}
	return ms, nil
}

func field(ms []member, f reflect.StructField, v reflect.Value) ([]member, error) {
	name, option, _ := strings.Cut(f.Tag.Get("json"), ",")
	if name == "" {
		name = f.Name
	}
	switch {
	case option == "omitempty" && empty(v), option == "omitzero" && zero(v):
		return ms, nil
	case option != "" && option != "omitempty" && option != "omitzero":
		return nil, fmt.Errorf("field %s: the option %q is not known", f.Name, option)
	}
	return append(ms, member{name: name, value: v}), nil
}

// zero is what omitzero leaves out.
func zero(v reflect.Value) bool {
	if z, ok := reflect.TypeAssert[interface{ IsZero() bool }](v); ok {
		return z.IsZero()
	}
	return v.IsZero()
}

// empty is what omitempty leaves out.
func empty(v reflect.Value) bool {
	switch v.Kind() { //nolint:exhaustive // as encoding/json: structs are never empty
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return false
	default:
		return v.IsZero()
	}
}

// member is one of an object: plain, or a value to be looked at.
type member struct {
	name  string
	plain any
	value reflect.Value
}

func (f form) appendMembers(b []byte, ms []member, depth int) ([]byte, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("nested deeper than %d", maxDepth)
	}
	slices.SortFunc(ms, func(x, y member) int { return byUTF16(x.name, y.name) })
	b = append(b, '{')
	var err error
	for i, m := range ms {
		if i > 0 {
			if ms[i-1].name == m.name {
				return nil, errors.New("a key stands twice in one object")
			}
			b = append(b, ',')
		}
		if b, err = appendString(b, m.name); err != nil {
			return nil, err
		}
		b = append(b, ':')
		if m.value.IsValid() {
			b, err = f.appendValue(b, m.value, depth+1)
		} else {
			b, err = f.appendAny(b, m.plain, depth+1)
		}
		if err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

func (f form) appendList(b []byte, n, depth int, element func(b []byte, i int) ([]byte, error)) ([]byte, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("nested deeper than %d", maxDepth)
	}
	b = append(b, '[')
	var err error
	for i := range n {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = element(b, i); err != nil {
			return nil, err
		}
	}
	return append(b, ']'), nil
}

// byUTF16 orders keys by their UTF-16 code units (RFC 8785, 3.2.3): as by runes,
// but that those above U+FFFF stand where the surrogates do.
func byUTF16(x, y string) int {
	for i := range min(len(x), len(y)) {
		if x[i] >= utf8.RuneSelf || y[i] >= utf8.RuneSelf {
			return slices.CompareFunc([]rune(x), []rune(y), func(p, q rune) int { return int(unitOf(p) - unitOf(q)) })
		}
		if x[i] != y[i] {
			return int(x[i]) - int(y[i])
		}
	}
	return len(x) - len(y)
}

func unitOf(r rune) rune {
	switch {
	case r >= 0x10000:
		return 0xD800 + r - 0x10000
	case r >= 0xE000:
		return r + 0x100000
	default:
		return r
	}
}

func (f form) appendInt(b []byte, i int64) ([]byte, error) {
	if !f.full && (i > maxExact || i < -maxExact) {
		return nil, errInexact
	}
	return strconv.AppendInt(b, i, 10), nil
}

func (f form) appendFloat(b []byte, x float64) ([]byte, error) {
	if math.IsNaN(x) || math.IsInf(x, 0) || !f.full && math.Abs(x) > maxExact {
		return nil, errInexact
	}
	text, err := jcs.NumberToJSON(x)
	if err != nil {
		return nil, fmt.Errorf("write a number: %w", err)
	}
	return append(b, text...), nil
}

const hexDigits = "0123456789abcdef"

// appendString writes a text with the escapes that RFC 8785, 3.2.2.2 asks for and
// no other.
func appendString(b []byte, s string) ([]byte, error) {
	if !utf8.ValidString(s) {
		return nil, errNotUTF8
	}
	b = append(b, '"')
	from := 0
	for i := range len(s) {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\b':
			b = append(b, '\\', 'b')
		case '\t':
			b = append(b, '\\', 't')
		case '\n':
			b = append(b, '\\', 'n')
		case '\f':
			b = append(b, '\\', 'f')
		case '\r':
			b = append(b, '\\', 'r')
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return append(append(b, s[from:]...), '"'), nil
}
