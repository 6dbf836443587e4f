package library

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/tocsin-soar/tocsin/server/document"
)

func validate(t *testing.T, name, text string) error {
	t.Helper()
	schema, ok := Schema(name)
	if !ok {
		t.Fatalf("no schema %s", name)
	}
	load := func(v any) any {
		raw, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		out, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("mem:///s.json", load(schema)); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("mem:///s.json")
	if err != nil {
		t.Fatal(err)
	}
	n, ps := document.Parse("x.yaml", []byte(text))
	if len(ps) > 0 {
		t.Fatal(ps)
	}
	return s.Validate(load(n.Plain()))
}

func TestSchemasTakeGoodFilesAndRefuseMisspeltOnes(t *testing.T) {
	for name, tc := range map[string]struct{ schema, good, bad string }{
		"a source":        {"source", edrSource, "name: a\nmaping: generic\nauth: { bearer: { token: x } }\n"},
		"an own mapping":  {"source", "name: a\nmap: { title: item.x, hosts: \"[{'name': item.h}]\" }\nwhen: \"true\"\nauth: { basic: { username: u, password: [env://A, env://B] } }\n", "name: a\nmap: { titel: item.x }\nauth: { bearer: { token: x } }\n"},
		"a connection":    {"connection", edrConnection, "name: a\nintegration: edr\nenvironmnt: test\n"},
		"one with limits": {"connection", "name: a\nintegration: edr\negress: { allow: [10.0.0.1] }\nrate: { per_second: 0.5, burst: 2 }\nconcurrency: 3\n", "name: a\nintegration: edr\nconcurrency: 300\n"},
		"one of ours":     {"connection", "name: a\nintegration: edr\n", "name: a\nintegration: edr\ncredential_version: 3\n"},
		"capabilities":    {"capabilities", "edr.isolate_host: edr\n", "isolate: edr\n"},
		"people":          {"people", "- { name: bea, email: b@example.test, roles: [lead], teams: [soc] }\n", "- { name: bea, roles: [boss] }\n"},
		"a playbook":      {"playbook", isolate, "name: x\nstep: []\n"},
		"a test":          {"test", "playbook: x\ncases: [ { name: a, expect: { status: failed } } ]\n", "playbook: x\ncases: [ { name: a, expect: { status: bad } } ]\n"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := validate(t, tc.schema, tc.good); err != nil {
				t.Errorf("a good file: %v", err)
			}
			if validate(t, tc.schema, tc.bad) == nil {
				t.Error("a bad file fits")
			}
		})
	}
}

func TestEverySchemaThatIsListedIsThere(t *testing.T) {
	for _, name := range Schemas() {
		if s, ok := Schema(name); !ok || s["$id"] != "/schemas/"+name+".json" {
			t.Errorf("%s: %v", name, s["$id"])
		}
	}
	if _, ok := Schema("nope"); ok {
		t.Error("there is a schema of nothing")
	}
}
