package document

import (
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Describe makes the JSON Schema of what Decode reads into a struct, from the same
// tags, with `doc:"…"` as description. A field tagged `schema:"name"` (or each
// element of a list so tagged) is what stands in $defs under that name.
func Describe(sample any) map[string]any {
	t := reflect.TypeOf(sample)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return describe(t, "")
}

func describe(t reflect.Type, tag reflect.StructTag) map[string]any {
	if ref := tag.Get("schema"); ref != "" && t.Kind() != reflect.Slice {
		return map[string]any{"$ref": "#/$defs/" + ref}
	}
	switch t {
	case reflect.TypeFor[time.Duration]():
		return map[string]any{"type": "string", "pattern": `^(0|([0-9]+(\.[0-9]+)?(ms|s|m|h|d))+)$`}
	case reflect.TypeFor[Size]():
		return map[string]any{"type": []any{"integer", "string"}, "pattern": `^[0-9]+(B|KiB|MiB|GiB)?$`}
	case reflect.TypeFor[*Node]():
		return map[string]any{}
	}
	switch t.Kind() { //nolint:exhaustive // Decode knows no other kinds, see default
	case reflect.Pointer:
		return describe(t.Elem(), tag)
	case reflect.Interface:
		return map[string]any{}
	case reflect.Struct:
		return object(t)
	case reflect.Slice:
		return map[string]any{"type": "array", "items": describe(t.Elem(), tag)}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": describe(t.Elem(), tag)}
	case reflect.String:
		return wording(tag)
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int, reflect.Int32, reflect.Int64:
		return ranged("integer", tag)
	case reflect.Float64:
		return ranged("number", tag)
	default:
		panic("document: cannot describe " + t.String())
	}
}

func wording(tag reflect.StructTag) map[string]any {
	out := map[string]any{"type": "string"}
	if words := strings.Fields(tag.Get("enum")); len(words) > 0 {
		list := make([]any, 0, len(words))
		for _, w := range words {
			list = append(list, w)
		}
		out["enum"] = list
	}
	switch tag.Get("form") {
	case "slug":
		out["pattern"] = "^[a-z0-9-]{1,64}$"
	case "name":
		out["pattern"] = "^[a-z][a-z0-9_]{0,47}$"
	}
	return out
}

func ranged(word string, tag reflect.StructTag) map[string]any {
	out := map[string]any{"type": word}
	if f, err := strconv.ParseFloat(tag.Get("min"), 64); err == nil {
		out["minimum"] = f
	}
	if f, err := strconv.ParseFloat(tag.Get("max"), 64); err == nil {
		out["maximum"] = f
	}
	return out
}

func object(t reflect.Type) map[string]any {
	properties := map[string]any{}
	required := []any{}
	for _, f := range fieldsOf(t) {
		property := describe(t.FieldByIndex(f.index).Type, f.tag)
		if doc := f.tag.Get("doc"); doc != "" {
			property["description"] = doc
		}
		properties[f.name] = property
		if f.required {
			required = append(required, f.name)
		}
	}
	out := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		out["required"] = required
	}
	return out
}
