package library

import (
	"github.com/tocsin-soar/tocsin/server/alert"
	"github.com/tocsin-soar/tocsin/server/document"
	"github.com/tocsin-soar/tocsin/server/playbook"
)

// Schemas lists the names that Schema knows.
func Schemas() []string {
	return []string{"capabilities", "connection", "people", "playbook", "source", "test"}
}

// Schema gives the JSON Schema of a kind of workspace file, made from the types
// that it is read into (/schemas/NAME.json, tocsin schema NAME).
func Schema(name string) (map[string]any, bool) {
	switch name {
	case "playbook":
		return playbook.Schema(), true
	case "test":
		return playbook.TestSchema(), true
	case "source":
		return titled("source", "A source of a Tocsin workspace: sources/NAME.yaml", sourceSchema()), true
	case "connection":
		return titled("connection", "A connection of a Tocsin workspace: connections/NAME.yaml", connectionSchema()), true
	case "capabilities":
		return titled("capabilities", "Which connection fulfils which capability: capabilities.yaml", map[string]any{
			"type": "object", "propertyNames": map[string]any{"pattern": "^[a-z][a-z0-9]*\\.[a-z][a-z0-9_]*$"},
			"additionalProperties": map[string]any{"type": "string", "pattern": "^[a-z0-9-]{1,64}$"},
		}), true
	case "people":
		person := document.Describe(rawPerson{})
		roles := make([]any, 0)
		for _, r := range roleWords() {
			roles = append(roles, r)
		}
		return titled("people", "The people of a Tocsin workspace: people.yaml", map[string]any{
			"type": "array", "items": person,
			"$defs": map[string]any{"roles": map[string]any{"type": "array", "items": map[string]any{"enum": roles}}},
		}), true
	}
	return nil, false
}

func titled(name, title string, schema map[string]any) map[string]any {
	schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	schema["$id"] = "/schemas/" + name + ".json"
	schema["title"] = title
	return schema
}

func sourceSchema() map[string]any {
	out := document.Describe(rawSource{})
	fields := map[string]any{}
	for _, f := range alert.Fields {
		fields[f] = map[string]any{"$ref": "#/$defs/cel"}
	}
	text := map[string]any{"type": "string", "minLength": 1.0}
	out["$defs"] = map[string]any{
		"cel":    map[string]any{"type": []any{"string", "number", "boolean"}},
		"text":   text,
		"map":    map[string]any{"type": "object", "properties": fields, "additionalProperties": false},
		"secret": map[string]any{"anyOf": []any{text, map[string]any{"type": "array", "items": text, "minItems": 1.0, "maxItems": 8.0}}},
	}
	out["oneOf"] = []any{
		map[string]any{"required": []any{"mapping"}},
		map[string]any{"required": []any{"map"}},
	}
	return out
}

func connectionSchema() map[string]any {
	out := document.Describe(rawConnection{})
	properties, _ := out["properties"].(map[string]any)
	delete(properties, "credential_version") // only the database's
	types := []any{"none", "basic", "bearer", "header", "query"}
	out["$defs"] = map[string]any{"auth": map[string]any{
		"type": "object", "required": []any{"type"},
		"properties":           map[string]any{"type": map[string]any{"enum": types}},
		"additionalProperties": map[string]any{"type": "string"},
	}}
	return out
}
