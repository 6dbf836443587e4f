package opa

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"github.com/tocsin-soar/tocsin/server/approval"
	"github.com/tocsin-soar/tocsin/server/gate"
	"github.com/tocsin-soar/tocsin/server/ident"
)

// oracle is the same schema read by a library that knows all of JSON Schema.
func oracle(tb testing.TB, name, part string) *jsonschema.Schema {
	tb.Helper()
	src, ok := Schema(name)
	if !ok {
		tb.Fatalf("no schema %s", name)
	}
	raw, err := jsonschema.UnmarshalJSON(bytes.NewReader(src))
	if err != nil {
		tb.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("mem:///x.json", raw); err != nil {
		tb.Fatal(err)
	}
	s, err := c.Compile("mem:///x.json" + part)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// draw makes a value for a place of a schema that fits, or now and then does not.
func draw(t *rapid.T, n *node, odd int) any {
	if rapid.IntRange(0, odd).Draw(t, "odd") == 1 {
		return rapid.SampledFrom([]any{
			nil, true, "x", "", int64(-1), 1.5, int64(3), int64(1 << 40),
			[]any{},
			[]any{"x", int64(1)},
			map[string]any{},
			map[string]any{"x": int64(1)},
			"61s", "60s", "role:king", "Rule", "monday", "24:00", "1h30m", "2026-13-01",
		}).Draw(t, "wrong")
	}
	if len(n.types) == 0 {
		return "x"
	}
	switch rapid.SampledFrom(n.types).Draw(t, "type") {
	case "null":
		return nil
	case "boolean":
		return rapid.Bool().Draw(t, "bool")
	case "integer":
		return rapid.Int64Range(int64(max(n.low, -3)), int64(min(n.high, 200))).Draw(t, "int")
	case "array":
		list := []any{}
		for range rapid.IntRange(n.minItems, 2).Draw(t, "length") {
			list = append(list, draw(t, n.elem, odd))
		}
		return list
	case "object":
		return drawObject(t, n, odd)
	}
	if n.choice {
		return rapid.SampledFrom(n.words).Draw(t, "word")
	}
	texts := []string{"x", "rule_1", "role:lead", "starter", "30m", "8s", "2026-01-05T10:00:00Z", "08:00", "2026-01-05", ""}
	return rapid.SampledFrom(slices.DeleteFunc(texts, func(s string) bool { return n.text(s) != nil })).Draw(t, "text")
}

func drawObject(t *rapid.T, n *node, odd int) any {
	out := map[string]any{}
	for _, name := range n.known() {
		if rapid.IntRange(0, odd).Draw(t, "leave out") != 1 {
			out[name] = draw(t, n.fields[name], odd)
		}
	}
	if n.values != nil && rapid.Bool().Draw(t, "entry") {
		out["contain"] = draw(t, n.values, odd)
	}
	if rapid.IntRange(0, odd).Draw(t, "add") == 1 {
		out["extra"] = "x"
	}
	return out
}

func TestOurReadingOfTheSchemasIsTheLibrarys(t *testing.T) {
	cases := map[string]struct {
		n *node
		s *jsonschema.Schema
	}{}
	for _, name := range []string{schemaInput, schemaConfig, schemaAccess, schemaVote} {
		cases[name] = struct {
			n *node
			s *jsonschema.Schema
		}{books()[name].root, oracle(t, name, "")}
	}
	for part, n := range books()[schemaMember].parts {
		cases[part] = struct {
			n *node
			s *jsonschema.Schema
		}{n, oracle(t, schemaMember, "#/$defs/"+part)}
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			fitted, refused := 0, 0
			rapid.Check(t, func(t *rapid.T) {
				v := draw(t, tc.n, rapid.SampledFrom([]int{0, 20, 300}).Draw(t, "how odd"))
				err, why := tc.s.Validate(v), whyNot(tc.n, v)
				if (err == nil) != (why == "") {
					t.Fatalf("the library says %v, we %q of %v", err, why, v)
				}
				if err == nil {
					fitted++
				} else {
					refused++
				}
			})
			if fitted < 10 || refused < 10 {
				t.Errorf("%d fitted, %d did not: the test shows little", fitted, refused)
			}
		})
	}
}

func TestASchemaWithAWordWeDoNotKnowIsRefused(t *testing.T) {
	for name, schema := range map[string]string{
		"a word":                 `{"type": "string", "contentEncoding": "base64"}`,
		"a choice":               `{"anyOf": [{"type": "string"}]}`,
		"an open object":         `{"type": "object", "properties": {"a": {"type": "string"}}}`,
		"a format":               `{"type": "string", "format": "email"}`,
		"a reference":            `{"$ref": "#/$defs/x"}`,
		"a pattern":              `{"type": "string", "pattern": "("}`,
		"a choice of numbers":    `{"enum": [1, 2]}`,
		"a choice of both":       `{"enum": ["x", 1]}`,
		"no object":              `{"type": "array", "items": 3}`,
		"a bound that is a word": `{"type": "integer", "minimum": "x"}`,
	} {
		t.Run(name, func(t *testing.T) {
			var v any
			if err := json.Unmarshal([]byte(schema), &v); err != nil {
				t.Fatal(err)
			}
			if _, err := nodeOf(v); err == nil {
				t.Error("it is taken")
			}
		})
	}
}

// The detour that Judge saves must not change what is asked: the values are those
// of the question's JSON.
func TestTheInputIsTheJSONOfTheQuestion(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.StringMatching(`[a-z<&"é]{0,4}`), 0, 3)
		text := rapid.StringMatching(`[a-z<&"é\x{2028}]{0,5}`)
		counts := func() gate.Counts {
			return gate.Counts{Total: rapid.Int64().Draw(t, "n"), ByImpact: rapid.MapOfN(text, rapid.Int64(), 0, 2).Draw(t, "m")}
		}
		q := gate.Question{
			Action:  gate.Action{ID: text.Draw(t, "id"), Params: map[string]any{"a": []any{int64(1), 2.5, nil, true, text.Draw(t, "p")}, "b": map[string]any{}}, LeaseSeconds: rapid.Int64().Draw(t, "l")},
			Purpose: gate.ForStep,
			Targets: []approval.Target{{Kind: "host", Value: text.Draw(t, "v"), Tags: words.Draw(t, "tags")}},
			Effect:  &gate.Effect{Key: "k", Holds: []gate.Hold{{Run: "r", ApprovedBy: words.Draw(t, "by"), LeaseSeconds: 3}}},
			Actor:   gate.Actor{Kind: "user", Roles: words.Draw(t, "roles")}, Approvals: []gate.Approval{{By: "bea", Roles: words.Draw(t, "r")}},
			Attempt: gate.Attempt{Number: rapid.Int64().Draw(t, "nr")}, Now: gate.Now{Hour: 3, Business: true},
			Facts: gate.Facts{InForce: counts(), Made: gate.Made{Run: counts(), M10: counts(), H1: counts(), H24: counts()}},
		}
		if rapid.Bool().Draw(t, "whole") {
			q = q.Whole()
		}
		raw, err := json.Marshal(q)
		if err != nil {
			t.Fatal(err)
		}
		want, err := ident.Decode(raw)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, any(plain(q))); diff != "" {
			t.Fatalf("the input is another (-JSON +input):\n%s", diff)
		}
		term, err := valueOf(plain(q), 0)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := ast.ValueFromReader(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		if term.Value.Compare(parsed) != 0 {
			t.Fatalf("OPA sees %v, the JSON is %v", term, parsed)
		}
	})
}

// Deleting any shipped rule must make a test fail.
func TestEveryShippedRuleHasATestThatFailsWithoutIt(t *testing.T) {
	if testing.Short() {
		t.Skip("runs all policy tests once a rule")
	}
	shipped, err := shippedTree()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range shipped.modules {
		if m.test {
			continue
		}
		for i, r := range m.parsed.Rules {
			t.Run(fmt.Sprintf("%s:%d", m.path, r.Location.Row), func(t *testing.T) {
				if survives(t, shipped, m, i) {
					t.Errorf("the tests hold without %s", r.Head)
				}
			})
		}
	}
}

// survives says whether all tests hold without one rule.
func survives(t *testing.T, shipped *tree, victim *module, rule int) bool {
	t.Helper()
	modules := map[string]*ast.Module{}
	for _, m := range shipped.modules {
		c := m.parsed.Copy()
		if m == victim {
			c.Rules = slices.Delete(c.Rules, rule, rule+1)
		}
		modules[m.path] = c
	}
	config, problems := settings(shipped, nil)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	cases, err := testModules(t.Context(), modules, config, nil)
	if err != nil {
		return false // it does not even compile without the rule
	}
	return !slices.ContainsFunc(cases, func(c Case) bool { return !c.Passed })
}

func FuzzCompileAndJudge(f *testing.F) {
	shipped, err := shippedTree()
	if err != nil {
		f.Fatal(err)
	}
	for _, m := range shipped.modules {
		f.Add(string(m.src))
	}
	for _, s := range []string{
		"", "package", "package tocsin.action\n\ndeny contains {\"rule\": \"x\", \"reason\": \"y\"} if input.action.impact == \"read\"",
		"package tocsin.action\n\nallow contains x if some x in input.targets", "package tocsin.lib.x\n\nf(x) := input[x]",
		"package tocsin.approve\n\ndeny contains input.voter if true", "package tocsin.action\nimport input as i\nallow contains i if i",
	} {
		f.Add(s)
	}
	q := gate.Question{
		Action: gate.Action{ID: "a.b", Integration: "a", Impact: "contain", Params: map[string]any{"x": "y"}}, Purpose: gate.ForStep,
		Targets: []approval.Target{{Kind: "host", Value: "h", Tags: []string{"protected"}}}, Actor: gate.Actor{Kind: "system"},
		Attempt: gate.Attempt{Number: 1}, Now: gate.Now{Time: "2026-01-05T12:00:00Z", Weekday: "monday", Hour: 12},
	}.Whole()
	f.Fuzz(func(t *testing.T, src string) {
		p, problems := Compile(t.Context(), map[string][]byte{"x.rego": []byte(src)})
		if p == nil {
			if len(problems) == 0 {
				t.Fatal("refused without a reason")
			}
			return
		}
		if a := p.Judge(t.Context(), q); a.Outcome != gate.Deny {
			t.Fatalf("a workspace module loosened a protected target: %v", a)
		}
	})
}

func FuzzValues(f *testing.F) {
	for _, s := range []string{"", "limits: {contain: {per_run: 1}}", "hours: {timezone: UTC}", "disabled: [reads]", "a: &a [*a]", "- 1", "limits: 3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		shipped, err := shippedTree()
		if err != nil {
			t.Fatal(err)
		}
		config, problems := settings(shipped, &tree{data: []byte(src), dataPath: "data.yaml"})
		if len(problems) > 0 {
			return
		}
		if why := whyNot(books()[schemaConfig].root, config); why != "" {
			t.Fatal(why)
		}
		if missing := len(maps.Clone(config)); missing < 5 {
			t.Fatal("a value is gone")
		}
	})
}
