package expr_test

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tocsin-soar/tocsin/server/expr"
	"github.com/tocsin-soar/tocsin/server/fault"
)

// FuzzCompile holds that no text makes the compiler panic or an evaluation give
// something that is no plain JSON value or fault.
func FuzzCompile(f *testing.F) {
	for _, fn := range expr.Functions() {
		f.Add(fn.Example)
	}
	for _, src := range []string{
		"alert.category == 'malware' && alert.severity >= severity.high", "steps.reputation.?output.score.orValue(0) > 3",
		"alert.hosts[?0].name", "{'a': [1, 2.0, null]}", "r'\\' + b'x'", "a.?b[?c].d", "`x`.y", "\"\\u00e9\"", "x ? y : z",
		"[1].map(x, [x].map(y, x + y))", "now - alert.first_seen", "dyn([1]) == dyn([1.0])", "type(1) == int", "1u + 2u", "-9223372036854775808 / -1",
		"timestamp('9999-12-31T23:59:59Z') + duration('1000000h')", "'%s %d %f'.format(['a', 1, 2.5])", "math.sqrt(-1)", "double('NaN')", "{1: 2}", "optional.none()",
	} {
		f.Add(src)
	}
	scope, vars := playbookScope(), playbookVars()
	f.Fuzz(func(t *testing.T, src string) {
		e, issues := expr.Compile(src, scope, expr.Dyn)
		for _, i := range issues {
			if i.Offset < 0 || i.Offset > len(src) || i.Message == "" || i.Code == "" {
				t.Errorf("%+v", i)
			}
		}
		if e == nil {
			if len(issues) == 0 {
				t.Error("refused without a word")
			}
			return
		}
		for _, r := range e.Reads() {
			if r.Offset < 0 || r.Offset > len(src) || r.Name == "" {
				t.Errorf("%+v", r)
			}
		}
		got, err := e.Eval(vars)
		if cause := errors.Unwrap(err); cause != nil && strings.Contains(cause.Error(), "internal error") {
			t.Errorf("it panicked: %v", cause)
		}
		checkResult(t, got, err)
	})
}

func checkResult(t interface{ Errorf(string, ...any) }, got any, err error) {
	if err != nil {
		if k := fault.KindOf(err); k != fault.Expression && k != fault.InvalidInput {
			t.Errorf("kind %s: %v", k, err)
		}
		return
	}
	if !plain(got) {
		t.Errorf("%T is no plain value", got)
	}
	if _, err := json.Marshal(got); err != nil {
		t.Errorf("%v", err)
	}
}

func plain(v any) bool {
	switch v := v.(type) {
	case nil, bool, int64, string:
		return true
	case float64:
		return !math.IsNaN(v) && !math.IsInf(v, 0)
	case []any:
		for _, e := range v {
			if !plain(e) {
				return false
			}
		}
		return true
	case map[string]any:
		for _, e := range v {
			if !plain(e) {
				return false
			}
		}
		return true
	}
	return false
}

// FuzzText holds that a text is taken apart without loss: what is no expression
// comes out as it went in.
func FuzzText(f *testing.F) {
	for _, src := range []string{
		"a ${{ s }} b", "$${{ s }}", "${{ '}}' }}", "${{ {'a': {}} }}", "${{", "}}", "${{ r'\\' }}", "${{ \"\"\"}}\"\"\" }}", "$$${{s}}", "/a/${{ s }}/b?c=${{ s }}", "é${{ s }}",
	} {
		f.Add(src, "x")
	}
	s := expr.NewScope().With("s", expr.String)
	f.Fuzz(func(t *testing.T, src, value string) {
		for _, sink := range []expr.Sink{expr.SinkText, expr.SinkPath, expr.SinkHeader, expr.SinkKQL} {
			v, issues := expr.Text(src, s, expr.TextOptions{Sink: sink})
			for _, i := range issues {
				if i.Offset < 0 || i.Offset > len(src) {
					t.Errorf("%+v", i)
				}
			}
			if v == nil {
				continue
			}
			got, err := v.Eval(expr.Vars{"s": value})
			checkResult(t, got, err)
			if lit, static := v.Static(); static && sink == expr.SinkText && !strings.Contains(src, "${{") && lit != any(src) {
				t.Errorf("%q became %q", src, lit)
			}
			if text, ok := got.(string); ok && err == nil && sink == expr.SinkHeader && strings.ContainsAny(text, "\r\n\x00") {
				t.Errorf("a header holds %q", text)
			}
		}
	})
}

// aValue draws any JSON value, also of another type than the scope says.
func aValue(depth int) *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any {
		kinds := 8
		if depth == 0 {
			kinds = 6
		}
		switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
		case 0:
			return nil
		case 1:
			return rapid.Bool().Draw(t, "bool")
		case 2:
			return rapid.Int64().Draw(t, "int")
		case 3:
			return rapid.Float64().Draw(t, "double")
		case 4:
			return rapid.String().Draw(t, "text")
		case 5:
			return time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "time"), 0)
		case 6:
			return rapid.SliceOfN(aValue(depth-1), 0, 3).Draw(t, "list")
		default:
			return rapid.MapOfN(rapid.SampledFrom([]string{"name", "output", "ok", "malicious", "kind", "x"}), aValue(depth-1), 0, 4).Draw(t, "map")
		}
	})
}

func TestNoValueMakesAnEvaluationPanic(t *testing.T) {
	scope := playbookScope()
	var all []*expr.Expr
	for _, src := range []string{
		"alert.category == 'malware' && alert.severity >= severity.high", "alert.hosts.exists(h, h.name.startsWith('a'))", "alert.hosts[0].name",
		"alert.fields.x.y.z", "alert.fields['a'] == alert.hosts", "steps.reputation.output.names.join(',')", "steps.reputation.output.score / 2.0",
		"alert.title.matches('a+') || alert.title.replace('a', 'b').size() > 3", "extract.iocs(alert.title).domains", "url(alert.url).host", "domain(alert.title).registrable",
		"cidr('10.0.0.0/8').contains(alert.ips[?0].orValue(''))", "now - alert.first_seen > duration('1h')", "run", "alert", "json.encode(steps)", "quote.kql(alert.fields)",
		"alert.ips.distinct().sort()", "'%s'.format([alert.fields])", "hash.sha256(alert.title)", "severity.word(alert.severity)", "time.add(now, alert.title)", "json.parse(alert.title)",
	} {
		e, issues := expr.Compile(src, scope, expr.Dyn)
		if e == nil {
			t.Fatalf("%s: %+v", src, issues)
		}
		all = append(all, e)
	}
	rapid.Check(t, func(t *rapid.T) {
		vars := expr.Vars{}
		for _, name := range []string{"alert", "inputs", "now", "run", "steps"} {
			if rapid.Bool().Draw(t, name) {
				vars[name] = aValue(4).Draw(t, name)
			}
		}
		if m, ok := vars["alert"].(map[string]any); ok {
			for _, f := range []string{"title", "hosts", "fields", "severity", "first_seen", "ips", "url", "category"} {
				m[f] = aValue(3).Draw(t, f)
			}
		}
		for _, e := range all {
			got, err := e.Eval(vars)
			if cause := errors.Unwrap(err); cause != nil && strings.Contains(cause.Error(), "internal error") {
				t.Fatalf("%s panicked: %v", e.Source(), cause)
			}
			checkResult(t, got, err)
		}
	})
}

func TestManyGoroutinesShareAScopeAnExpressionAndItsValues(t *testing.T) {
	scope, vars := playbookScope(), playbookVars()
	shared, _ := expr.Cond("steps.reputation.output.names.exists(n, n == 'b') && alert.title.matches('ws-[0-9]+')", scope)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				own, issues := expr.Cond("alert.severity >= severity.high && inputs.limit > 2.0", scope)
				if own == nil {
					t.Errorf("%+v", issues)
					return
				}
				for _, e := range []*expr.Expr{own, shared} {
					if got, err := e.Bool(vars); err != nil || !got {
						t.Errorf("%v, %v", got, err)
					}
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkCondition(b *testing.B) {
	e, _ := expr.Cond("alert.category == 'malware' && alert.severity >= severity.high", playbookScope())
	vars := playbookVars()
	b.ReportAllocs()
	for b.Loop() {
		if got, err := e.Bool(vars); err != nil || !got {
			b.Fatal(got, err)
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	s := playbookScope()
	for b.Loop() {
		if e, issues := expr.Cond("steps.reputation.ok && steps.reputation.output.malicious > 3", s); e == nil {
			b.Fatal(issues)
		}
	}
}
