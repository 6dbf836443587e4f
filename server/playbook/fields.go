package playbook

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/tocsin-soar/tocsin/server/document"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/ident"
)

// declared is a field of inputs or of a form: a JSON Schema, and what we say
// besides it.
type declared struct {
	schema   map[string]any
	optional bool
}

// known are the words of JSON Schema that a field may use.
func known() []string {
	return []string{
		"type", "enum", "const", "title", "description", "examples", "format", "pattern",
		"minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
		"items", "minItems", "maxItems", "uniqueItems", "properties", "required", "additionalProperties", "x-sink",
	}
}

// readField reads `name: { type: string, optional: true, default: … }`.
func readField(e document.Entry) (*declared, []fault.Problem) {
	if !ident.Name(e.Key) {
		return nil, []fault.Problem{e.KeyNode().Problem("bad_name", fmt.Sprintf("%q cannot be a name", e.Key), "a small letter, then small letters, digits and _, at most 48")}
	}
	if reserved(e.Key) {
		return nil, []fault.Problem{e.KeyNode().Problem("reserved", fmt.Sprintf("%q is a word of the expression language", e.Key), "choose another name")}
	}
	if e.Value.Kind != document.Map {
		return nil, []fault.Problem{e.Value.Problem("wrong_type", fmt.Sprintf("%q must be a JSON Schema", e.Key), "for example { type: string }")}
	}
	out := &declared{schema: map[string]any{}}
	ps := unknownWords(e.Value, []string{"default", "optional"})
	for _, word := range e.Value.Entries() {
		switch word.Key {
		case "default":
		case "optional":
			if word.Value.Kind != document.Bool {
				ps = append(ps, word.Value.Problem("wrong_type", "optional must be true or false", ""))
			}
			out.optional = word.Value.Plain() == true
		default:
			out.schema[word.Key] = word.Value.Plain()
		}
	}
	if len(ps) == 0 {
		ps = goodSchema(e.Value, out.schema)
	}
	return out, ps
}

// unknownWords looks through a schema for words that mean nothing.
func unknownWords(n *document.Node, besides []string) []fault.Problem {
	var ps []fault.Problem
	words := slices.Concat(besides, known())
	for _, e := range n.Entries() {
		if !slices.Contains(words, e.Key) {
			ps = append(ps, document.UnknownKey(e, words))
			continue
		}
		switch e.Key {
		case "items", "additionalProperties":
			if e.Value.Kind == document.Map {
				ps = append(ps, unknownWords(e.Value, nil)...)
			}
		case "properties":
			for _, p := range e.Value.Entries() {
				ps = append(ps, unknownWords(p.Value, nil)...)
			}
		case "type":
			ps = append(ps, unknownType(e.Value)...)
		}
	}
	return ps
}

func unknownType(n *document.Node) []fault.Problem {
	words := []string{"string", "integer", "number", "boolean", "array", "object", "null"}
	items := n.Items()
	if n.Kind == document.Text {
		items = []*document.Node{n}
	}
	var ps []fault.Problem
	for _, i := range items {
		if slices.Contains(words, i.Scalar()) {
			continue
		}
		hint := "one of: " + strings.Join(words, ", ")
		if near := fault.Suggest(i.Scalar(), words); near != "" {
			hint = fmt.Sprintf("did you mean %q?", near)
		}
		ps = append(ps, i.Problem("bad_value", fmt.Sprintf("there is no type %q", i.Scalar()), hint))
	}
	return ps
}

// goodSchema lets the library say what is wrong with the rest.
func goodSchema(n *document.Node, schema map[string]any) []fault.Problem {
	c := jsonschema.NewCompiler()
	c.UseLoader(nowhere{})
	clean := maps.Clone(schema)
	if err := c.AddResource("mem:///field", clean); err != nil {
		return []fault.Problem{n.Problem("bad_schema", "this is no JSON Schema", "")}
	}
	if _, err := c.Compile("mem:///field"); err != nil {
		return []fault.Problem{n.Problem("bad_schema", "this is no JSON Schema: "+lastLine(err.Error()), "")}
	}
	return nil
}

// nowhere refuses every reference to another document.
type nowhere struct{}

func (nowhere) Load(string) (any, error) {
	return nil, errors.New("a schema may not refer to another document")
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}

// reserved are words that CEL keeps for itself.
func reserved(name string) bool {
	switch name {
	case "as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in",
		"let", "loop", "namespace", "null", "package", "return", "true", "var", "void", "while":
		return true
	}
	return false
}
