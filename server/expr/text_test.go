package expr_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-soar/tocsin/server/expr"
	"github.com/tocsin-soar/tocsin/server/fault"
)

func textScope() (*expr.Scope, expr.Vars) {
	s := expr.NewScope().With("v", expr.Map(expr.Dyn)).With("s", expr.String).With("n", expr.Int).
		With("list", expr.List(expr.String)).With("at", expr.Timestamp)
	return s, expr.Vars{
		"v": map[string]any{
			"null": nil, "true": true, "int": int64(42), "double": 1.5, "whole": 3.0, "text": "x",
			"list": []any{int64(1), "two", nil}, "map": map[string]any{"b": int64(1), "a": "é"}, "at": time.Date(2026, 1, 5, 10, 0, 0, 0, time.UTC),
			"expr": "${{ s }}", "big": int64(1 << 60),
		},
		"s": "ws-117", "n": int64(7), "list": []any{"a", "b"}, "at": time.Date(2026, 1, 5, 10, 0, 0, 123000000, time.FixedZone("x", 3600)),
	}
}

func TestTextIsWrittenAsTheLanguageSays(t *testing.T) {
	s, vars := textScope()
	for src, want := range map[string]any{
		"plain":                            "plain",
		"":                                 "",
		"${{ s }}":                         "ws-117",
		"${{n}}":                           int64(7),
		"${{ list }}":                      []any{"a", "b"},
		"${{ v.map }}":                     map[string]any{"b": int64(1), "a": "é"},
		"${{ v['null'] }}":                 nil,
		"${{ at }}":                        "2026-01-05T09:00:00.123Z",
		"${{ duration('90m') }}":           "5400s",
		"host ${{ s }}!":                   "host ws-117!",
		"${{ s }}${{ n }}":                 "ws-1177",
		" ${{ n }}":                        " 7",
		"<${{ v['null'] }}>":               "<>",
		"<${{ v['true'] }}>":               "<true>",
		"<${{ v.int }} ${{ v.double }}>":   "<42 1.5>",
		"<${{ v.whole }}>":                 "<3>",
		"<${{ v.big }}>":                   "<1152921504606846976>",
		"<${{ v.list }}>":                  `<[1,"two",null]>`,
		"<${{ v.map }}>":                   `<{"a":"é","b":1}>`,
		"<${{ v.at }}>":                    "<2026-01-05T10:00:00Z>",
		"<${{ v.?gone }}>":                 "<>",
		"a $${{ s }} b":                    "a ${{ s }} b",
		"$$${{ s }}":                       "$${{ s }}",
		"$ {{ s }} ${ s } }}":              "$ {{ s }} ${ s } }}",
		"${{ '}}' + s }}":                  "}}ws-117",
		`<${{ "}}" }}>`:                    "<}}>",
		`<${{ '''a'}}''' }}>`:              "<a'}}>",
		`<${{ r'\' + '}}' }}>`:             `<\}}>`,
		`<${{ 'it\'s }}' }}>`:              "<it's }}>",
		"${{ {'a': {'b': 1}} }}":           map[string]any{"a": map[string]any{"b": int64(1)}},
		"<${{ {'a':{'b':1}}['a']['b'] }}>": "<1>",
		"${{ [[1]][0] }}":                  []any{int64(1)},
		"<${{ v.expr }}>":                  "<${{ s }}>", // what comes out is never evaluated again
		"${{ v.expr }}":                    "${{ s }}",
		"${{ 'a' }}-${{ 'b' }}":            "a-b",
		"ünï ${{ s }} ✓":                   "ünï ws-117 ✓",
	} {
		t.Run(src, func(t *testing.T) {
			v, issues := expr.Text(src, s, expr.TextOptions{})
			if v == nil {
				t.Fatalf("%+v", issues)
			}
			got, err := v.Eval(vars)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(got, want); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAWrongTextIsRefusedWithItsPlace(t *testing.T) {
	s, _ := textScope()
	for name, tc := range map[string]struct {
		src  string
		opts expr.TextOptions
		code string
		at   string
	}{
		"an open expression":            {"a ${{ s", expr.TextOptions{}, "syntax", "${{ s"},
		"an open quote":                 {"a ${{ 's }} b", expr.TextOptions{}, "syntax", "${{ 's"},
		"an unknown name":               {"ab ${{ nope }}", expr.TextOptions{}, "unknown_name", "nope"},
		"the second expression":         {"é ${{ s }} ${{ nope }}", expr.TextOptions{}, "unknown_name", "nope"},
		"an empty expression":           {"a ${{ }}", expr.TextOptions{}, "syntax", ""},
		"a path of one expression":      {"${{ s }}", expr.TextOptions{Sink: expr.SinkPath}, "path", ""},
		"a header with a line break":    {"a\r\nb", expr.TextOptions{Sink: expr.SinkHeader}, "header", ""},
		"text for an integer":           {"7", expr.TextOptions{Want: expr.Int}, "type_mismatch", ""},
		"a text for an integer":         {"7${{ n }}", expr.TextOptions{Want: expr.Int}, "type_mismatch", ""},
		"an expression of another type": {"${{ s }}", expr.TextOptions{Want: expr.Int}, "type_mismatch", "s }}"},
		"raw text in KQL":               {"Name == ${{ s }}", expr.TextOptions{Sink: expr.SinkKQL}, "unquoted", " s }}"},
		"another language's quotes":     {"Name == ${{ quote.sql(s) }}", expr.TextOptions{Sink: expr.SinkKQL}, "unquoted", ""},
		"quoted and more":               {"Name == ${{ quote.kql(s) + s }}", expr.TextOptions{Sink: expr.SinkKQL}, "unquoted", ""},
		"one branch unquoted":           {"Name == ${{ n > 1 ? quote.kql(s) : s }}", expr.TextOptions{Sink: expr.SinkKQL}, "unquoted", ""},
		"a whole query":                 {"${{ s }}", expr.TextOptions{Sink: expr.SinkSQL}, "unquoted", ""},
		"a shell word":                  {"ls ${{ s }}", expr.TextOptions{Sink: expr.SinkSh}, "unquoted", ""},
		"a filter":                      {"(uid=${{ s }})", expr.TextOptions{Sink: expr.SinkLDAP}, "unquoted", ""},
		"a number in SPL":               {"count=${{ n }}", expr.TextOptions{Sink: expr.SinkSPL}, "unquoted", ""},
	} {
		t.Run(name, func(t *testing.T) {
			v, issues := expr.Text(tc.src, s, tc.opts)
			if v != nil || len(issues) == 0 {
				t.Fatalf("%q was taken", tc.src)
			}
			if issues[0].Code != tc.code {
				t.Errorf("code %q, want %q", issues[0].Code, tc.code)
			}
			if !strings.HasPrefix(tc.src[issues[0].Offset:], tc.at) {
				t.Errorf("it points at %q, want %q", tc.src[issues[0].Offset:], tc.at)
			}
		})
	}
}

// TestAValueCannotChooseTheResource is the path sink: each value stays within
// its own part.
func TestAValueCannotChooseTheResource(t *testing.T) {
	s, _ := textScope()
	eval := func(src, value string) (string, error) {
		t.Helper()
		v, issues := expr.Text(src, s, expr.TextOptions{Sink: expr.SinkPath})
		if v == nil {
			t.Fatalf("%+v", issues)
		}
		out, err := v.Eval(expr.Vars{"s": value})
		text, _ := out.(string)
		return text, err
	}
	for value, want := range map[string]string{
		"ws-117":         "/api/hosts/ws-117/isolate",
		"../admin":       "/api/hosts/..%2Fadmin/isolate",
		"a/b":            "/api/hosts/a%2Fb/isolate",
		"a?b=c":          "/api/hosts/a%3Fb=c/isolate",
		"a#b":            "/api/hosts/a%23b/isolate",
		"%2e%2e":         "/api/hosts/%252e%252e/isolate",
		`..\..`:          "/api/hosts/..%5C../isolate",
		"...":            "/api/hosts/.../isolate",
		" ":              "/api/hosts/%20/isolate",
		"a\r\nHost: x":   "/api/hosts/a%0D%0AHost:%20x/isolate",
		"//evil.example": "/api/hosts/%2F%2Fevil.example/isolate",
		"http://evil/x":  "/api/hosts/http:%2F%2Fevil%2Fx/isolate",
		"é":              "/api/hosts/%C3%A9/isolate",
		"a;b=c":          "/api/hosts/a%3Bb=c/isolate",
	} {
		got, err := eval("/api/hosts/${{ s }}/isolate", value)
		if err != nil || got != want {
			t.Errorf("%q: got %q, %v; want %q", value, got, err, want)
		}
	}
	for _, tc := range [][2]string{
		{"/api/hosts/${{ s }}/isolate", ""},
		{"/api/hosts/${{ s }}/isolate", "."},
		{"/api/hosts/${{ s }}/isolate", ".."},
		{"/api/hosts/${{ s }}", ".."},
		{"/api/.${{ s }}/x", "."},
		{"/api/${{ s }}.", "."},
		{"/api/${{ s }}${{ s }}/x", "."},
		{"/api/hosts/${{ s }}/x", "a\x00b"},
		{"${{ s }}/x", ".."},
	} {
		if got, err := eval(tc[0], tc[1]); fault.KindOf(err) != fault.InvalidInput {
			t.Errorf("%q with %q gave %q, %v", tc[0], tc[1], got, err)
		}
	}
	got, err := eval("/api/search?q=${{ s }}&limit=1", "a&limit=1000#x y")
	if want := "/api/search?q=a%26limit%3D1000%23x+y&limit=1"; err != nil || got != want {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
}

func TestAHeaderTakesNoLineBreaks(t *testing.T) {
	s, _ := textScope()
	for _, src := range []string{"Bearer ${{ s }}", "${{ s }}"} {
		v, issues := expr.Text(src, s, expr.TextOptions{Sink: expr.SinkHeader})
		if v == nil {
			t.Fatalf("%+v", issues)
		}
		for _, bad := range []string{"a\nb", "a\rb", "a\x00b", "\r\nX-Evil: 1"} {
			if _, err := v.Eval(expr.Vars{"s": bad}); fault.KindOf(err) != fault.InvalidInput {
				t.Errorf("%s with %q: %v", src, bad, err)
			}
		}
		if got, err := v.Eval(expr.Vars{"s": "ok"}); err != nil || !strings.HasSuffix(got.(string), "ok") {
			t.Errorf("%v, %v", got, err)
		}
	}
}

func TestSearchLanguagesTakeQuotedValuesAndLiterals(t *testing.T) {
	s, vars := textScope()
	vars["s"] = `x" or 1==1 //`
	for sink, src := range map[expr.Sink]string{
		expr.SinkKQL: "T | where Name == ${{ quote.kql(s) }}", expr.SinkSPL: "index=x name=${{ quote.spl(s) }}",
		expr.SinkLucene: "name:${{ quote.lucene(s) }}", expr.SinkESQL: "FROM x | WHERE n == ${{ quote.esql(s) }}",
		expr.SinkSQL: "SELECT 1 WHERE n = ${{ quote.sql(s) }}", expr.SinkSh: "echo ${{ quote.sh(s) }}",
		expr.SinkLDAP: "(cn=${{ quote.ldap(s) }})",
	} {
		v, issues := expr.Text(src, s, expr.TextOptions{Sink: sink})
		if v == nil {
			t.Fatalf("%s: %+v", sink, issues)
		}
		if _, err := v.Eval(vars); err != nil {
			t.Errorf("%s: %v", sink, err)
		}
	}
	v, issues := expr.Text("T | take ${{ 'a' }} ${{ n > 1 ? quote.kql(s) : 'b' }} ${{ 5 }}", s, expr.TextOptions{Sink: expr.SinkKQL})
	if v == nil {
		t.Fatalf("%+v", issues)
	}
	for value, quote := range map[string]string{"a*b": "quote.spl(s)", `a\b`: "quote.sql(s)", "a\x00b": "quote.sh(s)", "a\x01b": "quote.kql(s)", "a\nb": "quote.lucene(s)", "`m`": "quote.spl(s)"} {
		v, _ := expr.Text("x ${{ "+quote+" }}", s, expr.TextOptions{})
		if got, err := v.Eval(expr.Vars{"s": value}); fault.KindOf(err) != fault.Expression {
			t.Errorf("%s of %q gave %v, %v", quote, value, got, err)
		}
	}
}

func TestListsAndMapsAreMadeOfValues(t *testing.T) {
	s, vars := textScope()
	host, _ := expr.Text("${{ s }}", s, expr.TextOptions{})
	title, _ := expr.Text("on ${{ s }} ${{ list[0] }}", s, expr.TextOptions{})
	v := expr.MapOf([]string{"z", "a"}, []*expr.Value{expr.ListOf([]*expr.Value{host, expr.Literal(int64(1))}), title})
	got, err := v.Eval(vars)
	want := map[string]any{"z": []any{"ws-117", int64(1)}, "a": "on ws-117 a"}
	if diff := cmp.Diff(got, any(want)); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if keys, vs := v.Fields(); !cmp.Equal(keys, []string{"z", "a"}) || len(vs) != 2 || len(vs[0].Items()) != 2 {
		t.Error("the order is lost", keys)
	}
	var names []string
	for _, r := range v.Reads() {
		names = append(names, r.Name)
	}
	if !cmp.Equal(names, []string{"s", "s", "list"}) {
		t.Error(names)
	}
	if _, static := v.Static(); static {
		t.Error("it is not static")
	}
	if lit, static := expr.MapOf([]string{"a"}, []*expr.Value{expr.Literal("x")}).Static(); !static || !cmp.Equal(lit, any(map[string]any{"a": "x"})) {
		t.Error(lit, static)
	}
}

func TestWhatIsGivenOutIsNotShared(t *testing.T) {
	inner := map[string]any{"a": []any{"x"}}
	for _, v := range []*expr.Value{expr.Literal(inner), func() *expr.Value {
		v, _ := expr.Text("${{ m }}", expr.NewScope().With("m", expr.Dyn), expr.TextOptions{})
		return v
	}()} {
		out, err := v.Eval(expr.Vars{"m": inner})
		if err != nil {
			t.Fatal(err)
		}
		out.(map[string]any)["a"].([]any)[0] = "changed"
	}
	if inner["a"].([]any)[0] != "x" {
		t.Error("a change reached what came in")
	}
}

func TestALazyNameIsAskedOnceAndOnlyWhenRead(t *testing.T) {
	asked := 0
	vars := expr.Vars{"a": func() any { asked++; return "x" }, "b": func() any { t.Error("it was not read"); return nil }}
	s := expr.NewScope().With("a", expr.String).With("b", expr.String)
	e, _ := expr.Cond("a == 'x' && a != '' && (a == 'x' || b == '')", s)
	if got, err := e.Bool(vars); err != nil || !got || asked != 1 {
		t.Errorf("%v, %v, asked %d times", got, err, asked)
	}
}
