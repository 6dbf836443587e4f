package playbook

import (
	"github.com/tocsin-soar/tocsin/server/document"
)

const dialect = "https://json-schema.org/draft/2020-12/schema"

// Schema is the JSON Schema of a playbook file, made from the types that the
// checker reads it into (/schemas/playbook.json).
func Schema() map[string]any {
	out := document.Describe(rawPlaybook{})
	out["$schema"], out["$id"] = dialect, "/schemas/playbook.json"
	out["title"] = "A Tocsin playbook"
	out["$defs"] = definitions()
	return out
}

// TestSchema is the JSON Schema of a playbook's tests (/schemas/test.json).
func TestSchema() map[string]any {
	out := document.Describe(TestFile{})
	out["$schema"], out["$id"] = dialect, "/schemas/test.json"
	out["title"] = "Tests of a Tocsin playbook"
	reply := document.Describe(TestReply{})
	out["$defs"] = map[string]any{"replies": map[string]any{
		"type": "object",
		"additionalProperties": map[string]any{"anyOf": []any{
			reply, map[string]any{"type": "array", "items": reply, "minItems": 1},
		}},
	}}
	return out
}

func definitions() map[string]any {
	named := map[string]any{"pattern": "^[a-z][a-z0-9_]{0,47}$"}
	field := map[string]any{}
	for _, word := range known() {
		field[word] = map[string]any{}
	}
	field["default"] = map[string]any{"description": "a value, or text with ${{ }}"}
	field["optional"] = map[string]any{"type": "boolean"}
	blocks := []any{}
	defs := map[string]any{
		"block":     map[string]any{"anyOf": blocks},
		"id":        map[string]any{"type": "string", "pattern": "^[a-z][a-z0-9_]{0,47}$"},
		"condition": map[string]any{"type": []any{"string", "boolean"}},
		"text":      map[string]any{"type": []any{"string", "number", "boolean"}},
		"list":      map[string]any{"type": []any{"array", "string"}},
		"action":    map[string]any{"type": "string", "pattern": `^[a-z0-9_-]+\.[a-z0-9_]+$`},
		"values":    map[string]any{"type": "object"},
		"wait_for":  map[string]any{"anyOf": []any{map[string]any{"enum": []any{"all", "any"}}, map[string]any{"type": "integer", "minimum": 1.0}}},
		"people": map[string]any{"anyOf": []any{
			map[string]any{"type": "string", "pattern": addressee.String()},
			map[string]any{"type": "array", "minItems": 1, "items": map[string]any{"type": "string", "pattern": addressee.String()}},
		}},
		"inputs": map[string]any{
			"type": "object", "propertyNames": named,
			"additionalProperties": map[string]any{"type": "object", "properties": field, "additionalProperties": false},
		},
		"manual": map[string]any{"anyOf": []any{map[string]any{"type": "null"}, document.Describe(rawManual{})}},
		"branches": map[string]any{
			"type": "object", "propertyNames": named, "minProperties": 1,
			"additionalProperties": map[string]any{"type": "array", "items": map[string]any{"$ref": "#/$defs/block"}},
		},
		"case":     oneCase(),
		"subject":  map[string]any{"enum": anyOf(subjectNames())},
		"slug":     map[string]any{"type": "string", "pattern": "^[a-z0-9-]{1,64}$"},
		"jq":       map[string]any{"type": "string", "minLength": 1.0},
		"triggers": map[string]any{"type": "array", "items": oneTrigger()},
	}
	for _, f := range forms() {
		block := document.Describe(f.raw())
		switch f.kind {
		case KindIf:
			block["required"] = []any{"if", "then"}
		case KindTry:
			block["anyOf"] = []any{map[string]any{"required": []any{"catch"}}, map[string]any{"required": []any{"finally"}}}
		case KindAction, KindForEach, KindParallel, KindWait, KindQuestion, KindApproval, KindSet, KindFail, KindReturn,
			KindSwitch, KindWhile, KindUndo, KindTransform, KindCall:
		}
		defs["block_"+string(f.kind)] = block
		blocks = append(blocks, map[string]any{"$ref": "#/$defs/block_" + string(f.kind)})
	}
	defs["block"] = map[string]any{"anyOf": blocks}
	return defs
}

func oneCase() map[string]any {
	out := document.Describe(rawCase{})
	out["oneOf"] = []any{map[string]any{"required": []any{"is"}}, map[string]any{"required": []any{"when"}}}
	return out
}

func oneTrigger() map[string]any {
	out := document.Describe(rawTrigger{})
	out["oneOf"] = []any{
		map[string]any{"required": []any{"alert"}},
		map[string]any{"required": []any{"schedule"}},
		map[string]any{"required": []any{"manual"}},
		map[string]any{"required": []any{"event"}},
		map[string]any{"required": []any{"at"}},
	}
	return out
}

func anyOf(words []string) []any {
	out := make([]any, 0, len(words))
	for _, w := range words {
		out = append(out, w)
	}
	return out
}
