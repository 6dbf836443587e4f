package opa

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"

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

// book holds a schema in the two forms that are needed.
type book struct {
	raw   any   // for OPA's type checker
	root  *node // for values and for the walk over references
	parts map[string]*node
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
	d := json.NewDecoder(bytes.NewReader(src))
	d.UseNumber()
	var top map[string]any
	if err := d.Decode(&top); err != nil {
		return nil, fmt.Errorf("read schema %s: %w", name, err)
	}
	b := &book{raw: top, parts: map[string]*node{}}
	if _, choice := top["oneOf"]; !choice {
		root, err := nodeOf(top)
		if err != nil {
			return nil, fmt.Errorf("schema %s: %w", name, err)
		}
		b.root = root
	}
	defs, _ := top["$defs"].(map[string]any)
	for part, def := range defs {
		n, err := nodeOf(def)
		if err != nil {
			return nil, fmt.Errorf("schema %s, %s: %w", name, part, err)
		}
		b.parts[part] = n
	}
	return b, nil
}

// memberFields lists what a member of a set may hold.
func memberFields(set string) []string { return books()[schemaMember].parts[set].known() }

// misfit says why a value is no member of a set, "" where it is one.
func misfit(set string, v any) string { return whyNot(books()[schemaMember].parts[set], v) }

// whyNot says in words where a value does not fit, "" where it does. Values of the
// input never stand in it, only places and what they must be.
func whyNot(n *node, v any) string {
	m := n.check(v)
	if m == nil {
		return ""
	}
	return m.at + ": " + m.what
}

// intern makes the names of fields cheap to build inputs with.
func intern(name string) { ast.InternStringTerm(name) }
