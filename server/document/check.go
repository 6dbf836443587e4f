package document

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tocsin-soar/tocsin/server/expr"
)

// deref follows $ref inside the schema that the value is checked against.
func (b *valuer) deref(schema map[string]any) map[string]any {
	for range 16 {
		ref, ok := schema["$ref"].(string)
		if !ok {
			return schema
		}
		var at any = b.root
		for part := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
			m, _ := at.(map[string]any)
			at = m[part]
		}
		schema, ok = at.(map[string]any)
		if !ok {
			return nil
		}
	}
	return nil
}

// branches gives a schema and what its anyOf, oneOf and allOf add.
func branches(schema map[string]any) []map[string]any {
	out := []map[string]any{schema}
	for _, word := range []string{"allOf", "anyOf", "oneOf"} {
		list, _ := schema[word].([]any)
		for _, one := range list {
			if m, ok := one.(map[string]any); ok {
				out = append(out, m)
			}
		}
	}
	return out
}

// property gives the schema of a key and whether the object may have it.
func (b *valuer) property(schema map[string]any, key string) (map[string]any, bool) {
	if schema == nil {
		return nil, true
	}
	listed, open := false, false
	for _, branch := range branches(schema) {
		branch = b.deref(branch)
		properties, has := branch["properties"].(map[string]any)
		listed = listed || has
		if p, ok := properties[key].(map[string]any); ok {
			return p, true
		}
		if p, ok := properties[key].(bool); ok && p {
			return nil, true
		}
		switch more := branch["additionalProperties"].(type) {
		case map[string]any:
			return more, true
		case bool:
			open = open || more
			listed = listed || !more
		}
	}
	return nil, open || !listed
}

func propertyNames(schema map[string]any) []string {
	var out []string
	for _, branch := range branches(schema) {
		properties, _ := branch["properties"].(map[string]any)
		out = append(out, slices.Sorted(maps.Keys(properties))...)
	}
	return out
}

// sink says for what place a text with this schema is written.
func sink(schema map[string]any) expr.Sink {
	for _, branch := range branches(schema) {
		if word, ok := branch["x-sink"].(string); ok {
			return expr.Sink(word)
		}
	}
	return expr.SinkText
}

func texts(v any) []string {
	switch v := v.(type) {
	case []string:
		return v
	case []any:
		out := make([]string, 0, len(v))
		for _, e := range v {
			if s, ok := e.(string); ok {
				out = append(out, s)
			}
		}
		return out
	}
	return nil
}

func typesOf(schema map[string]any) []string {
	if word, ok := schema["type"].(string); ok {
		return []string{word}
	}
	return texts(schema["type"])
}

func allows(schema map[string]any, word string) bool {
	words := typesOf(schema)
	return len(words) == 0 || slices.Contains(words, word)
}

// jsonTypes are the JSON Schema types that a node's kind fits.
func jsonTypes(n *Node) []string {
	switch n.Kind {
	case Null:
		return []string{"null"}
	case Bool:
		return []string{"boolean"}
	case Int:
		return []string{"integer", "number"}
	case Float:
		if n.number == math.Trunc(n.number) {
			return []string{"number", "integer"}
		}
		return []string{"number"}
	case Text:
		return []string{"string"}
	case List:
		return []string{"array"}
	case Map:
		return []string{"object"}
	}
	return nil
}

// inWords says JSON Schema's types as people do.
func inWords(types []string) string {
	out := make([]string, 0, len(types))
	for _, t := range types {
		switch t {
		case "string":
			t = Text.word()
		case "integer":
			t = Int.word()
		case "number":
			t = Float.word()
		case "boolean":
			t = Bool.word()
		case "array":
			t = List.word()
		case "object":
			t = Map.word()
		case "null":
			t = Null.word()
		}
		out = append(out, t)
	}
	return strings.Join(out, " or ")
}

func (b *valuer) mistyped(n *Node, schema map[string]any, what string) {
	words := typesOf(schema)
	hint := ""
	switch {
	case n.Kind == Null:
		hint = "leave the key away where there is no value"
	case slices.Contains(words, "string") && (n.Kind == Int || n.Kind == Float || n.Kind == Bool):
		hint = fmt.Sprintf("put it in quotes: %q", n.text)
	case slices.Contains(words, "array") && n.Kind != Map:
		hint = fmt.Sprintf("write a list: [%s]", n.text)
		if n.Kind == Text {
			hint += ", or ${{ … }} where it is an expression"
		}
	case n.Kind == Text && (slices.Contains(words, "integer") || slices.Contains(words, "number") || slices.Contains(words, "boolean")):
		hint = "write it without quotes, or as one single ${{ }}"
	}
	b.add(n.Problem("wrong_type", fmt.Sprintf("%s must be %s, not %s", what, inWords(words), n.Kind.word()), hint))
}

// literal checks a scalar against the schema of its place.
func (b *valuer) literal(n *Node, schema map[string]any, what string) {
	if schema == nil {
		return
	}
	fits := false
	for _, word := range jsonTypes(n) {
		fits = fits || allows(schema, word)
	}
	if !fits {
		b.mistyped(n, schema, what)
		return
	}
	if list, ok := schema["enum"].([]any); ok && !slices.ContainsFunc(list, func(e any) bool { return same(e, n.Plain()) }) {
		b.add(n.Problem("bad_value", fmt.Sprintf("%s cannot be %s", what, show(n)), oneOf(n.text, texts(list))))
		return
	}
	if c, ok := schema["const"]; ok && !same(c, n.Plain()) {
		b.add(n.Problem("bad_value", fmt.Sprintf("%s cannot be %s", what, show(n)), fmt.Sprintf("it must be %v", c)))
		return
	}
	switch n.Kind {
	case Int, Float:
		b.number(n, schema, what)
	case Text:
		b.count(n, schema, utf8.RuneCountInString(n.text), "minLength", "maxLength", what, "characters")
		b.pattern(n, schema, what)
	case Null, Bool, List, Map:
	}
}

func show(n *Node) string {
	if n.Kind == Text {
		return fmt.Sprintf("%q", n.text)
	}
	return n.text
}

func (b *valuer) number(n *Node, schema map[string]any, what string) {
	if least, ok := float(schema["minimum"]); ok && n.number < least {
		b.add(n.Problem("out_of_range", fmt.Sprintf("%s must be at least %v", what, least), ""))
	}
	if most, ok := float(schema["maximum"]); ok && n.number > most {
		b.add(n.Problem("out_of_range", fmt.Sprintf("%s may be at most %v", what, most), ""))
	}
	if least, ok := float(schema["exclusiveMinimum"]); ok && n.number <= least {
		b.add(n.Problem("out_of_range", fmt.Sprintf("%s must be more than %v", what, least), ""))
	}
	if most, ok := float(schema["exclusiveMaximum"]); ok && n.number >= most {
		b.add(n.Problem("out_of_range", fmt.Sprintf("%s must be less than %v", what, most), ""))
	}
}

func (b *valuer) count(n *Node, schema map[string]any, have int, least, most, what, unit string) {
	if want, ok := float(schema[least]); ok && float64(have) < want {
		b.add(n.Problem("out_of_range", fmt.Sprintf("%s needs at least %v %s", what, want, unit), ""))
	}
	if want, ok := float(schema[most]); ok && float64(have) > want {
		b.add(n.Problem("out_of_range", fmt.Sprintf("%s may have at most %v %s", what, want, unit), ""))
	}
}

func (b *valuer) pattern(n *Node, schema map[string]any, what string) {
	text, ok := schema["pattern"].(string)
	if !ok || len(text) > 1024 {
		return
	}
	// A pattern that Go cannot read is checked where the manifest is.
	if re, err := regexp.Compile(text); err == nil && !re.MatchString(n.text) {
		b.add(n.Problem("bad_value", fmt.Sprintf("%s cannot be %q", what, n.text), "it must match "+text))
	}
}

func float(v any) (float64, bool) {
	switch v := v.(type) {
	case int:
		return float64(v), true
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

// same compares two JSON values; 1 and 1.0 are one number.
func same(a, b any) bool {
	x, isX := float(a)
	y, isY := float(b)
	if isX && isY {
		return x == y
	}
	return reflect.DeepEqual(a, b)
}
