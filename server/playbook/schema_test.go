package playbook

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/tocsin-soar/tocsin/server/document"
)

func compiled(t *testing.T, schema map[string]any) *jsonschema.Schema {
	t.Helper()
	raw, err := json.Marshal(schema)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("mem:///s.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("mem:///s.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func fits(t *testing.T, s *jsonschema.Schema, src string) error {
	t.Helper()
	n, ps := document.Parse("x.yaml", []byte(src))
	if len(ps) > 0 {
		t.Fatal(ps)
	}
	raw, err := json.Marshal(n.Plain())
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(v)
}

func TestTheSchemaTakesWhatTheCheckerTakes(t *testing.T) {
	s := compiled(t, Schema())
	if err := fits(t, s, contain); err != nil {
		t.Error(err)
	}
	all := head + `
inputs: { a: { type: string, optional: true } }
steps:
  - { id: w, name: wait, wait: { for: 10m }, on_error: continue }
  - { wait: { until: "${{ now }}" } }
  - { for_each: [1, 2], as: x, do: [ { set: { y: "${{ x }}" } } ], limit: 3, on_item_error: continue }
  - { parallel: { a: [ { fail: x } ], b: [ { return: { o: 1 } } ] }, wait_for: 1 }
  - { approval: { title: t, to: role:lead, quorum: 2, within: 1h } }
  - { switch: 3, cases: [ { is: 1, do: [ { fail: x } ] }, { is: [2, 3], do: [] }, { when: "true", do: [ { fail: x } ] } ], default: [ { fail: x } ] }
  - { while: "true", limit: 3, do: [ { wait: { for: 1m } } ] }
  - { try: [ { fail: x } ], catch: [ { wait: { for: 1m } } ], finally: [ { wait: { for: 1m } } ] }
  - { undo: {} }
  - { wait: { event: run.failed, match: "true", within: 1h, otherwise: { a: 1 } } }
  - { wait: { callback: {}, within: 1h } }
  - { call: other, with: { a: 1 }, detach: true }
  - { transform: { value: [1], jq: "map(. + 1)" } }
  - { undo: { step: w } }
outputs: { o: 1 }
`
	if err := fits(t, s, all); err != nil {
		t.Error(err)
	}
}

func TestTheSchemaRefusesWhatIsMisspelt(t *testing.T) {
	s := compiled(t, Schema())
	for name, src := range map[string]string{
		"a top key":           head + "step: []\nsteps: [ { fail: x } ]\n",
		"a key of a block":    head + "steps: [ { action: a.b, whit: {} } ]\n",
		"a block":             head + "steps: [ { actoin: a.b } ]\n",
		"a duration":          head + "timeout: 8 hours\nsteps: [ { fail: x } ]\n",
		"a word of a list":    head + "on_failure: revert\nsteps: [ { fail: x } ]\n",
		"an unknown event":    head + "steps: [ { wait: { event: x, within: 1h } } ]\n",
		"a loop without end":  head + "steps: [ { while: x, do: [ { fail: x } ] } ]\n",
		"a try alone":         head + "steps: [ { try: [ { fail: x } ] } ]\n",
		"a case of two kinds": head + "steps: [ { switch: 1, cases: [ { is: 1, when: x, do: [] } ] } ]\n",
		"if without then":     head + "steps: [ { if: x } ]\n",
		"then without if":     head + "steps: [ { then: [ { fail: x } ] } ]\n",
		"an id":               head + "steps: [ { id: A, fail: x } ]\n",
		"a trigger":           "name: x\non: [ { alrt: x } ]\nsteps: [ { fail: x } ]\n",
		"two triggers in one": "name: x\non: [ { alert: x, manual: {} } ]\nsteps: [ { fail: x } ]\n",
	} {
		t.Run(name, func(t *testing.T) {
			if fits(t, s, src) == nil {
				t.Error("it fits")
			}
		})
	}
}

func TestTheSchemaOfTestsTakesTheExampleOfTheLanguage(t *testing.T) {
	s := compiled(t, TestSchema())
	if err := fits(t, s, exampleTests); err != nil {
		t.Error(err)
	}
	if fits(t, s, strings.Replace(exampleTests, "replies:", "reply:", 1)) == nil {
		t.Error("a misspelt key fits")
	}
}

// The checker may be stricter than the schema, never the other way round.
func TestWhatTheCheckerTakesFitsTheSchema(t *testing.T) {
	s := compiled(t, Schema())
	files, err := filepath.Glob("testdata/wrong/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file) //nolint:gosec // a file of testdata
		if err != nil {
			t.Fatal(err)
		}
		if p, _ := Compile("x", file, raw, tools(t)); p == nil {
			continue
		}
		if err := fits(t, s, string(raw)); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}
