package connector

import (
	"github.com/tocsin-soar/tocsin/server/alert"
	"github.com/tocsin-soar/tocsin/server/document"
)

// Schema is the JSON Schema of a manifest, made from the types that it is read into
// (/schemas/manifest.json). What it cannot say, like whether an expression fits its
// place, is said by Parse.
func Schema() map[string]any {
	out := document.Describe(manifestFile{})
	out["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	out["$id"] = "/schemas/manifest.json"
	out["title"] = "An integration's manifest: integrations/ID/manifest.yaml"
	action := document.Describe(actionFile{})
	put(action, "request", document.Describe(requestFile{}))
	put(action, "implements", map[string]any{"type": "string"})
	put(action, "idempotency", map[string]any{"anyOf": []any{
		map[string]any{"const": "none"},
		map[string]any{
			"type": "object", "required": []any{"header"}, "additionalProperties": false,
			"properties": map[string]any{"header": map[string]any{"type": "string"}},
		},
	}})
	put(out, "actions", map[string]any{
		"type": "object", "propertyNames": map[string]any{"pattern": "^[a-z][a-z0-9_]{0,47}$"},
		"additionalProperties": action, "maxProperties": float64(maxActions),
	})
	alerts := document.Describe(alertsFile{})
	fields := map[string]any{}
	for _, f := range alert.Fields {
		fields[f] = map[string]any{"type": []any{"string", "number", "boolean"}}
	}
	put(alerts, "map", map[string]any{"type": "object", "properties": fields, "additionalProperties": false})
	put(out, "alerts", alerts)
	return out
}

// put replaces a property of an object's schema.
func put(schema map[string]any, name string, property map[string]any) {
	if properties, ok := schema["properties"].(map[string]any); ok {
		properties[name] = property
	}
}
