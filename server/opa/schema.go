package opa

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/tocsin-soar/tocsin/policies"
)

// The schemas of what is asked and answered.
const (
	schemaInput  = "policy-input"
	schemaMember = "policy-member"
	schemaConfig = "policy-config"
	schemaAccess = "policy-access"
	schemaVote   = "policy-vote"
)

// Schema gives a schema of the policies by its name, as served at
// /schemas/NAME.json; false where there is none of this name.
func Schema(name string) ([]byte, bool) {
	raw, err := policies.FS.ReadFile("schemas/" + name + ".json")
	return raw, err == nil
}

// Schemas lists the names that Schema knows.
func Schemas() []string {
	return []string{schemaAccess, schemaConfig, schemaInput, schemaMember, schemaVote}
}

// book holds a schema in the three forms that are needed.
type book struct {
	raw   any                // for OPA's type checker
	root  *node              // for the walk over references
	check *jsonschema.Schema // for values
	parts map[string]*jsonschema.Schema
}

// books reads every schema once; they are in the binary, so that a mistake in one
// is a mistake of the build, which the tests of this package find.
//
//nolint:gochecknoglobals // read once from the binary, never changed
var books = sync.OnceValue(func() map[string]*book {
	out := map[string]*book{}
	for _, name := range Schemas() {
		b, err := open(name)
		if err != nil {
			panic(err)
		}
		out[name] = b
	}
	return out
})

func open(name string) (*book, error) {
	src, ok := Schema(name)
	if !ok {
		return nil, fmt.Errorf("no schema %s", name)
	}
	raw, err := jsonschema.UnmarshalJSON(bytes.NewReader(src))
	if err != nil {
		return nil, fmt.Errorf("read schema %s: %w", name, err)
	}
	top, ok := raw.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("schema %s is no object", name)
	}
	url := "mem:///" + name + ".json"
	c := jsonschema.NewCompiler()
	c.UseLoader(noLoader{})
	c.AssertFormat()
	if err := c.AddResource(url, raw); err != nil {
		return nil, fmt.Errorf("add schema %s: %w", name, err)
	}
	b := &book{raw: raw, root: nodeOf(top), parts: map[string]*jsonschema.Schema{}}
	if b.check, err = c.Compile(url); err != nil {
		return nil, fmt.Errorf("compile schema %s: %w", name, err)
	}
	defs, _ := top["$defs"].(map[string]any)
	for part := range defs {
		if b.parts[part], err = c.Compile(url + "#/$defs/" + part); err != nil {
			return nil, fmt.Errorf("compile schema %s: %w", name, err)
		}
	}
	return b, nil
}

// noLoader fetches nothing: a schema stands for itself.
type noLoader struct{}

func (noLoader) Load(string) (any, error) { return nil, fmt.Errorf("schemas refer to nothing outside") }

// whyNot says in words where a value does not fit, "" where it does. Values of the
// input never stand in it, only places and rules.
func whyNot(s *jsonschema.Schema, v any) string {
	err := s.Validate(v)
	if err == nil {
		return ""
	}
	ve, ok := err.(*jsonschema.ValidationError) //nolint:errorlint // Validate gives it bare
	if !ok {
		return "it cannot be checked"
	}
	for len(ve.Causes) > 0 {
		ve = ve.Causes[0]
	}
	at := "/" + strings.Join(ve.InstanceLocation, "/")
	return at + ": " + describe(ve)
}

// describe says what the schema wants.
func describe(ve *jsonschema.ValidationError) string {
	switch k := ve.ErrorKind.(type) {
	case *kind.Required:
		return "needs " + strings.Join(k.Missing, ", ")
	case *kind.AdditionalProperties:
		return fmt.Sprintf("has %d fields that do not exist", len(k.Properties))
	case *kind.Type:
		return "must be " + strings.Join(k.Want, " or ") + ", not " + k.Got
	}
	path := ve.ErrorKind.KeywordPath()
	if len(path) == 0 {
		return "does not fit"
	}
	return "does not fit its " + path[len(path)-1]
}

// node is a place in a closed document.
type node struct {
	fields map[string]*node // of an object with named fields, nothing else
	values *node            // of an object that is a dictionary
	elem   *node            // of a list
	free   bool             // anything goes below
}

func nodeOf(schema map[string]any) *node {
	if props, ok := schema["properties"].(map[string]any); ok {
		n := &node{fields: map[string]*node{}}
		for name, p := range props {
			sub, _ := p.(map[string]any)
			n.fields[name] = nodeOf(sub)
		}
		return n
	}
	if items, ok := schema["items"].(map[string]any); ok {
		return &node{elem: nodeOf(items)}
	}
	if values, ok := schema["additionalProperties"].(map[string]any); ok {
		return &node{values: nodeOf(values)}
	}
	return &node{free: schema["type"] == "object"}
}

// named says whether something below has named fields, so that it may not be
// handed on: a name misspelt there would be found by nobody.
func (n *node) named() bool {
	switch {
	case n == nil:
		return false
	case n.elem != nil:
		return n.elem.named()
	case n.values != nil:
		return n.values.named()
	}
	return n.fields != nil
}

func (n *node) known() []string { return slices.Sorted(maps.Keys(n.fields)) }

// memberFields lists what a member of a set may hold.
func memberFields(set string) []string {
	top, _ := books()[schemaMember].raw.(map[string]any)
	defs, _ := top["$defs"].(map[string]any)
	def, _ := defs[set].(map[string]any)
	props, _ := def["properties"].(map[string]any)
	return slices.Sorted(maps.Keys(props))
}

// misfit says why a value is no member of a set, "" where it is one.
func misfit(set string, v any) string { return whyNot(books()[schemaMember].parts[set], v) }
