package expr

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// maxSchemaDepth bounds nesting: what is deeper is dyn.
const maxSchemaDepth = 64

// SchemaType turns a JSON Schema into a type; what it does not say is dyn.
// Reading a field that a schema with additionalProperties: false does not name
// is a mistake; with properties but without that word, it is dyn.
func SchemaType(schema map[string]any) Type {
	r := reader{root: schema, refs: map[string]Type{}}
	return r.read(schema, 0)
}

// reader reads one schema; each reference is read once. A reference within
// itself is dyn.
type reader struct {
	root map[string]any
	refs map[string]Type
}

func (r reader) ref(to string, depth int) Type {
	if t, known := r.refs[to]; known {
		return t
	}
	r.refs[to] = Dyn
	r.refs[to] = r.read(pointer(r.root, to), depth+1)
	return r.refs[to]
}

func (r reader) read(s map[string]any, depth int) Type {
	if depth > maxSchemaDepth || s == nil {
		return Dyn
	}
	if to, ok := s["$ref"].(string); ok {
		return r.ref(to, depth)
	}
	kind, null, ok := schemaKind(s)
	if !ok {
		return Dyn
	}
	t := Dyn
	switch kind {
	case "boolean":
		t = Bool
	case "integer":
		t = Int
	case "number":
		t = Double
	case "string":
		t = String
	case "array":
		items, _ := s["items"].(map[string]any)
		t = List(r.read(items, depth+1))
	case "object":
		t = r.object(s, depth)
	}
	if null {
		t = Nullable(t)
	}
	return t
}

// schemaKind gives the one type of a schema besides null.
func schemaKind(s map[string]any) (kind string, null, ok bool) {
	switch t := s["type"].(type) {
	case string:
		return t, false, true
	case []any:
		var kinds []string
		for _, e := range t {
			k, _ := e.(string)
			if k == "null" {
				null = true
				continue
			}
			kinds = append(kinds, k)
		}
		if len(kinds) == 1 {
			return kinds[0], null, true
		}
		return "", null, false
	}
	return literalKind(s)
}

// literalKind reads the type off enum, const or properties.
func literalKind(s map[string]any) (kind string, null, ok bool) {
	values, _ := s["enum"].([]any)
	if c, has := s["const"]; has {
		values = []any{c}
	}
	for _, v := range values {
		k := ""
		switch v.(type) {
		case nil:
			null = true
			continue
		case bool:
			k = "boolean"
		case string:
			k = "string"
		case int64, int:
			k = "integer"
		case float64:
			k = "number"
		}
		if k == "" || kind != "" && kind != k {
			return "", null, false
		}
		kind = k
	}
	if _, has := s["properties"]; has && kind == "" {
		return "object", null, true
	}
	return kind, null, kind != ""
}

func (r reader) object(s map[string]any, depth int) Type {
	props, _ := s["properties"].(map[string]any)
	extra, typed := s["additionalProperties"].(map[string]any)
	closed := s["additionalProperties"] == false
	if len(props) == 0 && !closed {
		if typed {
			return Map(r.read(extra, depth+1))
		}
		return Map(Dyn)
	}
	fields := make(map[string]Type, len(props))
	for name, p := range props {
		sub, _ := p.(map[string]any)
		fields[name] = r.read(sub, depth+1)
	}
	o := newObject(fields, !closed)
	return Type{cel: o.typ, obj: o}
}

// pointer follows a reference within the schema ("#/$defs/host").
func pointer(root map[string]any, ref string) map[string]any {
	path, ok := strings.CutPrefix(ref, "#")
	if !ok {
		return nil
	}
	var at any = root
	for part := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		part = strings.NewReplacer("~1", "/", "~0", "~").Replace(part)
		switch v := at.(type) {
		case map[string]any:
			if part != "" {
				at = v[part]
			}
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= len(v) {
				return nil
			}
			at = v[i]
		default:
			return nil
		}
	}
	m, _ := at.(map[string]any)
	return m
}

// fieldNames gives the names of an object's fields, sorted.
func (o *object) fieldNames() []string { return slices.Sorted(maps.Keys(o.fields)) }
