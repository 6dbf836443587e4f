package expr_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-soar/tocsin/server/expr"
	"github.com/tocsin-soar/tocsin/server/fault"
)

// playbookScope is what an expression of an ordinary playbook sees.
func playbookScope() *expr.Scope {
	report := expr.SchemaType(map[string]any{
		"type": "object", "additionalProperties": false,
		"properties": map[string]any{
			"malicious": map[string]any{"type": "integer"},
			"score":     map[string]any{"type": "number"},
			"names":     map[string]any{"type": "array", "items": map[string]any{"type": "string"}},
			"owner":     map[string]any{"type": []any{"string", "null"}},
			"seen":      map[string]any{"type": "object"},
		},
	})
	return expr.NewScope().
		With("alert", expr.Nullable(expr.AlertType())).
		With("inputs", expr.Object(map[string]expr.Type{"host": expr.String, "limit": expr.Double})).
		With("now", expr.Timestamp).
		With("run", expr.RunType()).
		Step("reputation", report).
		Step("ticket", expr.Dyn)
}

func playbookVars() expr.Vars {
	return expr.Vars{
		"alert": map[string]any{
			"title": "Malware on ws-117", "category": "malware", "severity": int64(4), "verdict": nil,
			"hosts": []any{map[string]any{"name": "ws-117", "ip": "10.1.2.3", "os": "", "id": ""}}, "users": []any{},
			"ips": []any{"10.1.2.3", "192.0.2.7"}, "first_seen": "2026-01-05T10:00:00Z",
			"fields": map[string]any{"rule": map[string]any{"name": "r1"}, "n": int64(7)},
		},
		"inputs": map[string]any{"host": "ws-117", "limit": int64(3)},
		"now":    "2026-01-05T11:30:00Z",
		"run":    map[string]any{"id": "run_1", "trigger": map[string]any{"kind": "alert"}},
		"steps": map[string]any{
			"reputation": map[string]any{"status": "succeeded", "ok": true, "error": nil, "output": map[string]any{
				"malicious": int64(5), "score": int64(3), "names": []any{"a", "b"}, "owner": nil, "seen": map[string]any{"x": true},
			}},
			"ticket": map[string]any{"status": "pending", "ok": false, "error": nil},
		},
	}
}

func TestConditionsHoldAsTheirTextSays(t *testing.T) {
	for src, want := range map[string]bool{
		"alert.category == 'malware' && alert.severity >= severity.high":         true,
		"alert.severity == severity.high || alert.severity == severity.critical": true,
		"alert.verdict == null": true,
		"has(alert.verdict)":    false,
		"alert != null && alert.title.matches('^Malware on ws-[0-9]+$')":                             true,
		"matches(alert.title, 'nothing')":                                                            false,
		"alert['title'] == alert.title":                                                              true,
		"alert.hosts.exists(h, h.name == inputs.host)":                                               true,
		"alert.hosts[?3].name.orValue('none') == 'none'":                                             true,
		"alert.ips.all(a, cidr('10.0.0.0/8').contains(a))":                                           false,
		"alert.first_seen < now && now - alert.first_seen == duration('90m')":                        true,
		"alert.fields.rule.name == 'r1' && alert.fields['rule']['name'] == 'r1'":                     true,
		"alert.fields.?gone.?name.orValue('x') == 'x'":                                               true,
		"steps.reputation.ok && steps.reputation.output.malicious > 3":                               true,
		"steps.reputation.output.score == 3 && steps.reputation.output.score < 4":                    true,
		"steps.reputation.output.score / 2.0 == 1.5":                                                 true,
		"inputs.limit * 2.0 == 6.0":                                                                  true,
		"steps.reputation.?output.malicious.orValue(0) == 5":                                         true,
		"steps.reputation.?output.score.orValue(0) == 3":                                             true,
		"steps.ticket.?output.key.orValue('') == ''":                                                 true,
		"steps.ticket.ok || steps.ticket.status == 'pending'":                                        true,
		"steps.ticket.?error.kind.orValue('none') == 'none'":                                         true,
		"steps.reputation.output.names == ['a', 'b']":                                                true,
		"steps.reputation.output.names != ['b', 'a']":                                                true,
		"steps.reputation.output.owner == null":                                                      true,
		"steps.reputation.output.seen == {'x': true}":                                                true,
		"(alert.title == '' ? null : alert.title) != null":                                           true,
		"run.trigger.kind == 'alert'":                                                                true,
		"['T1486'].map(x, x + '!').join(',') == 'T1486!'":                                            true,
		"lists.range(5).filter(n, n % 2 == 0).size() == 3":                                           true,
		"alert.hosts.map(h, h.name).distinct() == ['ws-117']":                                        true,
		"'ws-117' in alert.hosts.map(h, h.name)":                                                     true,
		"1 + 2 == 3 && 'a' + 'b' == 'ab' && [1] + [2] == [1, 2] && b'a' + b'b' == b'ab' && 2u == 2u": true,
		"now + duration('1h') > now && time.add(now, '-1h') < now":                                   true,
	} {
		t.Run(src, func(t *testing.T) {
			e, issues := expr.Cond(src, playbookScope())
			if e == nil {
				t.Fatalf("%+v", issues)
			}
			got, err := e.Bool(playbookVars())
			if err != nil || got != want {
				t.Errorf("got %v, %v; want %v", got, err, want)
			}
		})
	}
}

func TestMistakesAreNamedWithTheirPlaceAndAHint(t *testing.T) {
	for name, tc := range map[string]struct {
		src, code, at, hint string
	}{
		"a severity compared with text":        {"alert.severity == 'high'", "type_mismatch", "== 'high'", "severity.high"},
		"a severity inside a comprehension":    {"[alert].exists(a, a.severity > 'low')", "type_mismatch", "> 'low'", "severity.low"},
		"a step that is not there":             {"steps.reputatio.ok", "unknown_step", "reputatio.ok", `"reputation"`},
		"a part of a step":                     {"steps.reputation.outptu", "unknown_field", "outptu", `"output"`},
		"a field of an output":                 {"steps.reputation.output.maliciuos > 3", "unknown_field", "maliciuos", `"malicious"`},
		"a field behind .?":                    {"steps.reputation.?outputs.hasValue()", "unknown_field", "outputs", `"output"`},
		"a field by index":                     {"alert['titel'] == ''", "unknown_field", "", `"title"`},
		"a field of an item":                   {"alert.hosts.exists(h, h.naem == '')", "unknown_field", "naem", `"name"`},
		"a field of a function's result":       {"url(alert.url).hots == ''", "unknown_field", "hots", `"host"`},
		"a name":                               {"alrt.title == ''", "unknown_name", "alrt", `"alert"`},
		"a function":                           {"extract.ioc(alert.title).ips.size() > 0", "unknown_name", "extract.ioc(", `"extract.iocs"`},
		"text compared with a number":          {"alert.title > 3", "type_mismatch", "> 3", "int(x)"},
		"text added to a number":               {"alert.title + 1 == ''", "type_mismatch", "+ 1", "string(x)"},
		"numbers of two kinds":                 {"inputs.limit * 2 > 1.0", "type_mismatch", "* 2", "2.0"},
		"an optional taken as a value":         {"alert.hosts[?0].name == 'x' && alert.hosts[?0].name.startsWith('a')", "type_mismatch", "", "orValue"},
		"a time compared with text":            {"now > '2026-01-05T10:00:00Z'", "type_mismatch", "> '2026", "timestamp(x)"},
		"no condition":                         {"alert.title", "type_mismatch", "", "comparison"},
		"a list where conditions are":          {"alert.hosts && true", "type_mismatch", "", ""},
		"a syntax error":                       {"alert.title == ", "syntax", "", ""},
		"an open quote":                        {"alert.title == 'x", "syntax", "", ""},
		"a range of Ruby":                      {"1..5", "syntax", "", ""},
		"nothing":                              {"   ", "syntax", "   ", "severity.high"},
		"a pattern that is no regex":           {"alert.title.matches('a(b')", "regex", "'a(b'", ""},
		"a pattern that is no literal":         {"alert.title.matches(inputs.host)", "dynamic_regex", "inputs.host", "regex: dynamic"},
		"a message":                            {"google.protobuf.Struct{} == null", "unknown_name", "", ""},
		"a map where a list is gone through":   {"alert.title.exists(x, true)", "type_mismatch", "", ""},
		"an index of text":                     {"alert.hosts['x'].name == ''", "type_mismatch", "", ""},
		"a choice between two types":           {"(alert.title == '' ? 1 : 'x') == 1", "type_mismatch", "", ""},
		"a place behind letters of many bytes": {"'äöü' == 'x' && alert.titel == ''", "unknown_field", "titel", `"title"`},
		"a place on another line":              {"true &&\n  alert.titel == ''", "unknown_field", "titel", `"title"`},
	} {
		t.Run(name, func(t *testing.T) {
			e, issues := expr.Cond(tc.src, playbookScope())
			if e != nil || len(issues) == 0 {
				t.Fatalf("%s was taken: %+v", tc.src, issues)
			}
			got := issues[0]
			if got.Code != tc.code || got.Severity != fault.SeverityError {
				t.Errorf("code %q, want %q: %+v", got.Code, tc.code, got)
			}
			if !strings.Contains(got.Hint, tc.hint) {
				t.Errorf("hint %q, want %q in it (%s)", got.Hint, tc.hint, got.Message)
			}
			if tc.at != "" && !strings.HasPrefix(tc.src[got.Offset:], tc.at) {
				t.Errorf("it points at %q, want %q", tc.src[got.Offset:], tc.at)
			}
			if strings.Contains(got.Message+got.Hint, "object#") {
				t.Errorf("it shows an inner name: %s", got.Message)
			}
		})
	}
}

func TestWarningsDoNotStopAnExpression(t *testing.T) {
	for src, code := range map[string]string{
		"alert.hosts[0].name == 'x'":                                          "index_range",
		"alert.fields.flag":                                                   "dyn",
		"size(alert.hosts) > 0 && alert.hosts[0].name == 'x'":                 "",
		"alert.hosts.size() > 0 ? alert.hosts[0].name == 'x' : false":         "",
		"alert.hosts[?0].name.orValue('') == 'x' || alert.fields['x'] == 'y'": "",
	} {
		t.Run(src, func(t *testing.T) {
			e, issues := expr.Cond(src, playbookScope())
			if e == nil {
				t.Fatalf("%+v", issues)
			}
			var codes []string
			for _, i := range issues {
				if i.Severity != fault.SeverityWarning {
					t.Errorf("%+v is no warning", i)
				}
				codes = append(codes, i.Code)
			}
			if got := strings.Join(codes, " "); got != code {
				t.Errorf("warnings %q, want %q", got, code)
			}
		})
	}
}

func TestAWantedTypeIsHeld(t *testing.T) {
	for name, tc := range map[string]struct {
		src  string
		want expr.Type
		ok   bool
	}{
		"text for text":                  {"alert.title", expr.String, true},
		"a time for text":                {"now", expr.String, true},
		"an address for text":            {"ip('192.0.2.1')", expr.String, true},
		"a number for text":              {"alert.count", expr.String, false},
		"an integer for a number":        {"alert.count", expr.Double, true},
		"a number for an integer":        {"inputs.limit", expr.Int, false},
		"text for an integer":            {"alert.title", expr.Int, false},
		"a list for a list":              {"alert.ips", expr.List(expr.String), true},
		"a list of another kind":         {"alert.ips", expr.List(expr.Int), false},
		"null for text":                  {"null", expr.String, false},
		"null for text or null":          {"null", expr.Nullable(expr.String), true},
		"an object for a map":            {"alert.raw", expr.Map(expr.Dyn), true},
		"a map for an object":            {"{'sha256': 'x'}", expr.Object(map[string]expr.Type{"sha256": expr.String}), true},
		"an optional for what it may be": {"alert.hosts[?0].name", expr.String, true},
		"anything":                       {"alert", expr.Dyn, true},
		"what has no type":               {"alert.fields.x", expr.Int, true},
	} {
		t.Run(name, func(t *testing.T) {
			e, issues := expr.Compile(tc.src, playbookScope(), tc.want)
			if (e != nil) != tc.ok {
				t.Errorf("taken: %v, %+v", e != nil, issues)
			}
		})
	}
}

func TestASchemaBecomesAType(t *testing.T) {
	schema := map[string]any{
		"type":  "object",
		"$defs": map[string]any{"node": map[string]any{"type": "object", "additionalProperties": false, "properties": map[string]any{"name": map[string]any{"type": "string"}, "next": map[string]any{"$ref": "#/$defs/node"}}}},
		"properties": map[string]any{
			"node": map[string]any{"$ref": "#/$defs/node"},
			"kind": map[string]any{"enum": []any{"a", "b"}},
			"none": map[string]any{"$ref": "https://example.com/x.json"},
			"any":  map[string]any{"anyOf": []any{}},
			"byid": map[string]any{"type": "object", "additionalProperties": map[string]any{"type": "integer"}},
		},
	}
	s := expr.NewScope().With("x", expr.SchemaType(schema))
	for src, ok := range map[string]bool{
		"x.node.name == ''":          true,
		"x.node.nam == ''":           false,
		"x.node.next.next.next == 1": true, // within itself a reference is dyn
		"x.kind == 'a'":              true,
		"x.kind == 1":                false,
		"x.none.y.z == 1":            true,
		"x.any == 'x'":               true,
		"x.byid.foo == 1":            true,
		"x.byid.foo == 'x'":          false,
		"x.not_declared == 3":        true, // the schema does not close the object
	} {
		if e, issues := expr.Cond(src, s); (e != nil) != ok {
			t.Errorf("%s taken: %v, %+v", src, e != nil, issues)
		}
	}
}

func TestEqualSchemasAreOneType(t *testing.T) {
	item := func() expr.Type { return expr.List(expr.Object(map[string]expr.Type{"id": expr.Int})) }
	s := expr.NewScope().With("a", item()).With("b", item())
	e, issues := expr.Compile("(a + b).map(x, x.id)", s, expr.List(expr.Int))
	if e == nil {
		t.Fatalf("%+v", issues)
	}
	got, err := e.Eval(expr.Vars{"a": []any{map[string]any{"id": int64(1)}}, "b": []any{map[string]any{"id": int64(2)}}})
	if diff := cmp.Diff(got, []any{int64(1), int64(2)}); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func TestReadsSayWhatIsGuarded(t *testing.T) {
	for src, want := range map[string][]expr.Read{
		"steps.a.output.x == 1":                                    {{Name: "steps", Step: "a", Field: "output"}},
		"steps.a.ok && steps.a.output.x == 1":                      {{Name: "steps", Step: "a", Field: "ok"}, {Name: "steps", Step: "a", Field: "output", Guarded: true, Offset: 14}},
		"steps.a.output.x == 1 && steps.a.ok":                      {{Name: "steps", Step: "a", Field: "output"}, {Name: "steps", Step: "a", Field: "ok", Offset: 25}},
		"steps.a.ok ? steps.a.output.x == 1 : true":                {{Name: "steps", Step: "a", Field: "ok"}, {Name: "steps", Step: "a", Field: "output", Guarded: true, Offset: 13}},
		"steps.a.ok ? true : steps.a.output.x == 1":                {{Name: "steps", Step: "a", Field: "ok"}, {Name: "steps", Step: "a", Field: "output", Offset: 20}},
		"!steps.a.ok || steps.a.output.x == 1":                     {{Name: "steps", Step: "a", Field: "ok", Offset: 1}, {Name: "steps", Step: "a", Field: "output", Guarded: true, Offset: 15}},
		"steps.b.ok && steps.a.output.x == 1":                      {{Name: "steps", Step: "b", Field: "ok"}, {Name: "steps", Step: "a", Field: "output", Offset: 14}},
		"steps.a.?output.x.orValue(1) == 1":                        {{Name: "steps", Step: "a", Field: "output", Optional: true}},
		"has(steps.a.output) && steps.a.output.x == 1":             {{Name: "steps", Step: "a", Field: "output", Optional: true, Offset: 4}, {Name: "steps", Step: "a", Field: "output", Guarded: true, Offset: 23}},
		"alert != null && alert.title == ''":                       {{Name: "alert"}, {Name: "alert", Field: "title", Guarded: true, Offset: 17}},
		"alert == null || alert.title == ''":                       {{Name: "alert"}, {Name: "alert", Field: "title", Guarded: true, Offset: 17}},
		"alert.?title.orValue('') == ''":                           {{Name: "alert", Field: "title", Optional: true}},
		"alert['title'] == ''":                                     {{Name: "alert", Field: "title"}},
		"vars.list.exists(alert, alert == 1)":                      {{Name: "vars", Field: "list"}},
		"vars.list.exists(x, steps.a.ok && steps.a.output.x == x)": {{Name: "vars", Field: "list"}, {Name: "steps", Step: "a", Field: "ok", Offset: 20}, {Name: "steps", Step: "a", Field: "output", Guarded: true, Offset: 34}},
		"severity.high > 1":                                        nil,
		"dyn(alert).title == ''":                                   {{Name: "alert", Offset: 4}},
	} {
		t.Run(src, func(t *testing.T) {
			s := expr.NewScope().With("alert", expr.AlertType()).With("vars", expr.Map(expr.Dyn)).Step("a", expr.Dyn).Step("b", expr.Dyn)
			e, issues := expr.Cond(src, s)
			if e == nil {
				t.Fatalf("%+v", issues)
			}
			if diff := cmp.Diff(e.Reads(), want); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAConditionSaysWhatItMakesSure(t *testing.T) {
	for src, want := range map[string]struct {
		ok    string
		alert bool
	}{
		"steps.a.ok": {"a", false},
		"steps.a.ok && steps.b.ok && alert != null": {"a b", true},
		"steps.a.ok || steps.b.ok":                  {"", false},
		"(steps.a.ok && steps.b.ok) || steps.a.ok":  {"a", false},
		"!(!steps.a.ok || alert == null)":           {"a", true},
		"!steps.a.ok":                               {"", false},
		"steps.a.ok == true && steps.b.ok != false": {"a b", false},
		"steps.a.status == 'succeeded'":             {"a", false},
		"'succeeded' == steps.a.status":             {"a", false},
		"steps.a.status == 'failed'":                {"", false},
		"null != alert":                             {"", true},
		"has(alert.verdict)":                        {"", true},
		"[1].exists(steps, steps == 1)":             {"", false},
		"steps.a.ok ? true : false":                 {"", false},
	} {
		t.Run(src, func(t *testing.T) {
			s := expr.NewScope().With("alert", expr.Nullable(expr.AlertType())).Step("a", expr.Dyn).Step("b", expr.Dyn)
			e, issues := expr.Cond(src, s)
			if e == nil {
				t.Fatalf("%+v", issues)
			}
			if got := strings.Join(e.Implies(), " "); got != want.ok || e.ImpliesAlert() != want.alert {
				t.Errorf("implies %q, alert %v; want %q, %v", got, e.ImpliesAlert(), want.ok, want.alert)
			}
		})
	}
}
