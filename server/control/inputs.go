package control

import (
	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/playbook"
)

// CheckInputs holds given inputs to the playbook's declaration: unknown, missing
// and misfitting ones are named.
func CheckInputs(p *playbook.Playbook, inputs map[string]any) []fault.Place {
	props, required := map[string]any{}, []any{}
	for _, in := range p.Inputs {
		props[in.Name] = in.Schema
		if in.Default == nil && !in.Optional {
			required = append(required, in.Name)
		}
	}
	schema, err := connector.CompileSchema(map[string]any{
		"type": "object", "properties": props, "required": required, "additionalProperties": false,
	})
	if err != nil {
		return []fault.Place{{At: "/inputs", Message: "the playbook's declaration of inputs is broken"}}
	}
	if inputs == nil {
		inputs = map[string]any{}
	}
	places := connector.SchemaPlaces(schema.Validate(plain(inputs)))
	for i := range places {
		places[i].At = "/inputs" + places[i].At
	}
	return places
}

// plain turns the numbers into those that the schema library takes.
func plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = plain(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = plain(e)
		}
		return out
	}
	return v
}
