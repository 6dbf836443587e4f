package document

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/ident"
)

// Decoder is a type that reads itself from a node.
type Decoder interface {
	DecodeNode(n *Node) []fault.Problem
}

// Decode reads a map into the struct that into points to. Fields are named by
// the tag `yaml:"name"`; `yaml:"name,required"` must be there, `yaml:",inline"`
// holds fields of the same map. Fields that the document does not name keep
// their value, so defaults are set before. Further tags bound a value:
// `enum:"a b"` (text), `min:"1"` and `max:"256"` (numbers), `form:"slug"` or
// `form:"name"` (text). Fields may be text, bool, numbers, time.Duration, Size,
// structs, pointers, lists, maps by text, any, *Node and Decoder. An unknown key
// is an error that names the nearest known one. All problems are given at once.
func Decode(n *Node, into any) []fault.Problem { return DecodeAs(n, into, "the document") }

// DecodeAs is Decode for a part of a document; what names it for people.
func DecodeAs(n *Node, into any, what string) []fault.Problem {
	v := reflect.ValueOf(into)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		panic("document: Decode needs a pointer to something")
	}
	d := decoder{}
	d.value(n, v.Elem(), "", what)
	return d.problems
}

type decoder struct {
	problems []fault.Problem
}

func (d *decoder) add(p fault.Problem) { d.problems = append(d.problems, p) }

// value reads n into v; what names the place for people.
func (d *decoder) value(n *Node, v reflect.Value, tag reflect.StructTag, what string) {
	if v.CanAddr() {
		if own, ok := reflect.TypeAssert[Decoder](v.Addr()); ok {
			d.problems = append(d.problems, own.DecodeNode(n)...)
			return
		}
	}
	switch v.Type() {
	case reflect.TypeFor[*Node]():
		v.Set(reflect.ValueOf(n))
		return
	case reflect.TypeFor[time.Duration]():
		d.duration(n, v, what)
		return
	case reflect.TypeFor[Size]():
		d.size(n, v, what)
		return
	}
	switch v.Kind() { //nolint:exhaustive // the other kinds cannot be read, see default
	case reflect.Pointer:
		fresh := reflect.New(v.Type().Elem())
		d.value(n, fresh.Elem(), tag, what)
		v.Set(fresh)
	case reflect.Interface:
		if plain := n.Plain(); plain != nil {
			v.Set(reflect.ValueOf(plain))
		}
	case reflect.Struct:
		d.structure(n, v, what)
	case reflect.Slice:
		d.list(n, v, tag, what)
	case reflect.Map:
		d.mapping(n, v, tag, what)
	case reflect.String:
		d.text(n, v, tag, what)
	case reflect.Bool:
		if d.is(n, Bool, what) {
			v.SetBool(n.truth)
		}
	case reflect.Int, reflect.Int64, reflect.Int32:
		if d.is(n, Int, what) && d.within(n, tag, what) {
			v.SetInt(n.whole)
		}
	case reflect.Float64:
		if n.Kind != Int && !d.is(n, Float, what) || !d.within(n, tag, what) {
			return
		}
		v.SetFloat(n.number)
	default:
		panic("document: cannot read into " + v.Type().String())
	}
}

func (d *decoder) is(n *Node, want Kind, what string) bool {
	if n.Kind == want {
		return true
	}
	hint := ""
	switch {
	case want == Text && (n.Kind == Int || n.Kind == Float || n.Kind == Bool):
		hint = "put it in quotes to make it text"
	case want == List && n.Kind != Null:
		hint = "write a list: [ … ]"
	}
	if n.Kind == Null {
		d.add(n.Problem("no_value", what+" has no value", hint))
		return false
	}
	d.add(n.Problem("wrong_type", fmt.Sprintf("%s must be %s, not %s", what, want.word(), n.Kind.word()), hint))
	return false
}

func (d *decoder) within(n *Node, tag reflect.StructTag, what string) bool {
	if least := tag.Get("min"); least != "" {
		if f, err := strconv.ParseFloat(least, 64); err == nil && n.number < f {
			d.add(n.Problem("out_of_range", fmt.Sprintf("%s must be at least %s", what, least), ""))
			return false
		}
	}
	if most := tag.Get("max"); most != "" {
		if f, err := strconv.ParseFloat(most, 64); err == nil && n.number > f {
			d.add(n.Problem("out_of_range", fmt.Sprintf("%s may be at most %s", what, most), ""))
			return false
		}
	}
	return true
}

func (d *decoder) text(n *Node, v reflect.Value, tag reflect.StructTag, what string) {
	if !d.is(n, Text, what) {
		return
	}
	if words := strings.Fields(tag.Get("enum")); len(words) > 0 && !slices.Contains(words, n.text) {
		d.add(n.Problem("bad_value", fmt.Sprintf("%s cannot be %q", what, n.text), oneOf(n.text, words)))
		return
	}
	switch tag.Get("form") {
	case "slug":
		if !ident.Slug(n.text) {
			d.add(n.Problem("bad_name", what+" must be a name of small letters, digits and hyphens, at most 64", ""))
			return
		}
	case "name":
		if !ident.Name(n.text) {
			d.add(n.Problem("bad_name", what+" must be a name of small letters, digits and _, beginning with a letter, at most 48", ""))
			return
		}
	}
	v.SetString(n.text)
}

func oneOf(word string, words []string) string {
	if near := fault.Suggest(word, words); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return "one of: " + strings.Join(words, ", ")
}

func (d *decoder) duration(n *Node, v reflect.Value, what string) {
	if n.Kind == Int && n.whole != 0 || n.Kind == Float {
		d.add(n.Problem("duration", what+" needs a unit", fmt.Sprintf("for example %ss or %sm", n.text, n.text)))
		return
	}
	if n.Kind != Int && !d.is(n, Text, what) {
		return
	}
	got, err := ParseDuration(n.text)
	if err != nil {
		d.add(n.Problem("duration", fmt.Sprintf("%s is no duration: %q", what, n.text), err.Error()))
		return
	}
	v.SetInt(int64(got))
}

func (d *decoder) size(n *Node, v reflect.Value, what string) {
	if n.Kind != Int && !d.is(n, Text, what) {
		return
	}
	got, err := ParseSize(n.text)
	if err != nil {
		d.add(n.Problem("size", fmt.Sprintf("%s is no size: %q", what, n.text), err.Error()))
		return
	}
	v.SetInt(int64(got))
}

func (d *decoder) list(n *Node, v reflect.Value, tag reflect.StructTag, what string) {
	if !d.is(n, List, what) {
		return
	}
	out := reflect.MakeSlice(v.Type(), len(n.items), len(n.items))
	for i, item := range n.items {
		d.value(item, out.Index(i), tag, what+"["+strconv.Itoa(i)+"]")
	}
	v.Set(out)
}

func (d *decoder) mapping(n *Node, v reflect.Value, tag reflect.StructTag, what string) {
	if !d.is(n, Map, what) {
		return
	}
	out := reflect.MakeMapWithSize(v.Type(), len(n.entries))
	for _, e := range n.entries {
		item := reflect.New(v.Type().Elem()).Elem()
		d.value(e.Value, item, tag, fmt.Sprintf("%q", e.Key))
		out.SetMapIndex(reflect.ValueOf(e.Key).Convert(v.Type().Key()), item)
	}
	v.Set(out)
}

// field is one field of a struct as the document names it.
type field struct {
	name     string
	required bool
	index    []int
	tag      reflect.StructTag
}

func fieldsOf(t reflect.Type) []field {
	var out []field
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case options == "inline":
			for _, inner := range fieldsOf(f.Type) {
				inner.index = append([]int{i}, inner.index...)
				out = append(out, inner)
			}
		case name != "" && name != "-":
			out = append(out, field{name: name, required: options == "required", index: []int{i}, tag: f.Tag})
		}
	}
	return out
}

func (d *decoder) structure(n *Node, v reflect.Value, what string) {
	if !d.is(n, Map, what) {
		return
	}
	fields := fieldsOf(v.Type())
	known := make([]string, 0, len(fields))
	for _, f := range fields {
		known = append(known, f.name)
	}
	for _, e := range n.entries {
		at := slices.Index(known, e.Key)
		if at < 0 {
			d.add(UnknownKey(e, known))
			continue
		}
		f := fields[at]
		d.value(e.Value, v.FieldByIndex(f.index), f.tag, e.Key)
	}
	for _, f := range fields {
		if f.required && !n.Has(f.name) {
			d.add(n.Problem("missing_key", fmt.Sprintf("%s needs the key %q", what, f.name), f.tag.Get("doc")))
		}
	}
}

// UnknownKey is the problem of a key that is not among the known ones.
func UnknownKey(e Entry, known []string) fault.Problem {
	hint := "known here: " + strings.Join(known, ", ")
	if near := fault.Suggest(e.Key, known); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	return e.key.Problem("unknown_key", fmt.Sprintf("unknown key %q", e.Key), hint)
}
