package expr_test

import (
	"runtime"
	"runtime/metrics"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tocsin-soar/tocsin/server/expr"
	"github.com/tocsin-soar/tocsin/server/fault"
)

// within runs f and holds it to the time (of the processor: other work may be
// going on) and the memory that S021 and S022 allow.
func within(t *testing.T, f func()) {
	t.Helper()
	const most = 64 << 20
	runtime.GC()
	before := heap()
	peak, stop := make(chan uint64), make(chan struct{})
	go func() {
		top, tick := uint64(0), time.NewTicker(time.Millisecond) //nolint:forbidigo // it samples the heap; nothing waits for it
		defer tick.Stop()
		for {
			top = max(top, heap())
			select {
			case <-stop:
				peak <- top
				return
			case <-tick.C:
			}
		}
	}()
	start := cpu(t)
	f()
	took := cpu(t) - start
	close(stop)
	top := <-peak
	limit := time.Second
	if raceEnabled {
		limit *= 10
	}
	if took > limit {
		t.Errorf("it took %v", took)
	}
	if top > before+most && !raceEnabled {
		t.Errorf("it held %d MiB", (top-before)>>20)
	}
}

func heap() uint64 {
	s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

func cpu(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestNothingIsCompiledThatReachesOut is S020.
func TestNothingIsCompiledThatReachesOut(t *testing.T) {
	for _, src := range []string{
		"env('HOME')", "getenv('PATH')", "os.environ", "os.Getenv('HOME')", "process.env.HOME", "process.mainModule.require('fs')",
		"file('/etc/passwd')", "open('/etc/passwd')", "readFile('/etc/passwd')", "include('/etc/passwd')", "exec('id')", "system('id')",
		"require('child_process')", "import('fs')", "eval('1')", "Function('return this')()", "constructor.constructor('x')()",
		"alert.constructor", "alert.__proto__", "alert.title.constructor.prototype", "this", "globalThis", "self", "window",
		"alert.getClass()", "alert.title.getClass().forName('java.lang.Runtime')", "T(java.lang.Runtime).getRuntime()",
		"reflect.TypeOf(alert)", "alert.MarshalJSON()", "alert.String()", "now.Format('2006')", "secret('x')", "secrets.jira", "vault('x')",
		"http.get('http://127.0.0.1')", "fetch('http://127.0.0.1')", "net.lookup('x')", "rand()", "uuid()", "sleep(10)",
		"google.protobuf.Any{}", "google.api.expr.v1alpha1.Expr{}", "{{ 7*7 }}", "${7*7}", "#{7*7}", "<%= 7*7 %>", "`id`", "$(id)",
		"alert.title; alert.title", "x = 1", "alert.title = 'x'", "() => 1", "function() {}", "for (;;) {}", "cel.bind(x, 1, x)",
		"alert['constructor']", "@each([1])", "@equal(1, 1)", "object#1", "type(alert)('x')", "connection.password", "key",
	} {
		e, issues := expr.Compile(src, playbookScope(), expr.Dyn)
		if e != nil || len(issues) == 0 {
			t.Errorf("%s was taken", src)
		}
	}
}

// TestLargeThingsAreRefusedBeforeTheyAreMade is S021 and S022.
func TestLargeThingsAreRefusedBeforeTheyAreMade(t *testing.T) {
	ten := "[0,1,2,3,4,5,6,7,8,9]"
	nested := func(depth int) string {
		s := "1"
		for i := range depth {
			s = "lists.range(100).map(x" + string(rune('a'+i)) + ", " + s + ")"
		}
		return s
	}
	shared := func(levels int) string { return "[[1]]" + strings.Repeat(".map(x, [x, x, x, x, x, x])", levels) }
	big := strings.Repeat("a", 60_000)
	list := make([]any, 20_000)
	for i := range list {
		list[i] = int64(i)
	}
	texts := make([]any, 9_000)
	for i := range texts {
		texts[i] = strings.Repeat("b", 60)
	}
	s := expr.NewScope().With("big", expr.String).With("list", expr.List(expr.Int)).With("texts", expr.List(expr.String)).DynamicRegex()
	vars := expr.Vars{"big": big, "list": list, "texts": texts}
	for name, src := range map[string]string{
		"a range of fifty million":          "1..50000000",
		"a range by function":               "lists.range(50000000).size() > 0",
		"a global repeat":                   `repeat("A", 1e9)`,
		"a repeat":                          `"A".repeat(1000000000)`,
		"a repeat beyond 64 bits":           `"AAAA".repeat(4611686018427387905)`,
		"six nested comprehensions":         nested(6) + ".size() > 0",
		"six nested comprehensions of ten":  ten + ".all(a, " + ten + ".all(b, " + ten + ".all(c, " + ten + ".all(d, " + ten + ".all(e, " + ten + ".all(f, a + b + c + d + e + f >= 0))))))",
		"20,000 nested parentheses":         strings.Repeat("(", 20_000) + "1" + strings.Repeat(")", 20_000),
		"4,000 nested parentheses":          strings.Repeat("(", 4_000) + "1" + strings.Repeat(")", 4_000),
		"nested lists":                      strings.Repeat("[", 4_000) + strings.Repeat("]", 4_000),
		"4,000 signs":                       strings.Repeat("!", 4_000) + "true",
		"4,000 minus signs":                 strings.Repeat("-", 4_001) + "1",
		"nested choices":                    strings.Repeat("true ? 1 : ", 700) + "1",
		"1 MB of source":                    strings.Repeat("a ", 500_000),
		"a text that matches itself":        "big.matches(big)",
		"a large pattern":                   "big.matches('" + strings.Repeat("a?", 500) + strings.Repeat("a", 20) + "')",
		"a pattern of 20,000 a?":            "big.matches('" + strings.Repeat("a?", 20_000) + "')",
		"a pattern that repeats":            "big.matches('(((a{1,100}){1,100}){1,10})b')",
		"nested replace":                    "big.replace('a', big).replace('a', big) == ''",
		"replace in a large text":           "(big + big).replace('a', 'bb') == ''",
		"join and replace":                  "texts.join(big).replace('b', big) == ''",
		"join of large texts":               "texts.map(x, big).join('') == ''",
		"join, split, join":                 "texts.join('').split('').join(big) == ''",
		"text that doubles":                 "[big]" + strings.Repeat(".map(x, x + x)", 30) + "[0] == ''",
		"lists that double":                 "[[1]]" + strings.Repeat(".map(x, x + x)", 30) + "[0].size() > 0",
		"shared lists compared":             shared(15) + " == " + shared(15),
		"shared lists compared by !=":       shared(15) + " != " + shared(15),
		"shared maps compared":              "[{'a': 1}]" + strings.Repeat(".map(x, {'a': x, 'b': x, 'c': x, 'd': x})", 15) + " == [{'a': 1}]" + strings.Repeat(".map(x, {'a': x, 'b': x, 'c': x, 'd': x})", 15),
		"shared lists looked for":           shared(15) + "[0] in " + shared(15),
		"shared lists as a set":             "sets.contains(" + shared(15) + ", " + shared(15) + ")",
		"shared lists made distinct":        "(" + shared(30) + "[0]).distinct().size() > 0",
		"shared lists flattened":            "(" + shared(30) + "[0]).flatten(60).size() > 0",
		"shared lists formatted":            "'%s'.format([" + shared(30) + "[0]]) == ''",
		"shared lists written as JSON":      "json.encode(" + shared(30) + ") == ''",
		"shared lists as the result":        shared(30),
		"more comprehensions than allowed":  "[1]" + strings.Repeat(".map(x, x)", 100),
		"a large text many times":           "lists.range(1000).map(x, big)",
		"a comprehension over 20,000 items": "list.map(x, x).size() > 0",
		"an exists over 20,000 items":       "list.exists(x, x < 0)",
		"pairs of a long list":              "lists.range(9000).all(a, lists.range(9000).all(b, a + b >= 0))",
		"sets of long lists":                "sets.intersects(texts, list.map(x, 'c'))",
		"distinct over a long list":         "lists.range(9000).distinct().size() > 0",
		"search in search":                  "big.indexOf(big + 'b') > 0",
		"a search in each turn":             "lists.range(10000).all(x, (big + string(x)).indexOf('aaaaaaaaaaaaaaaaaaaaaaaaaab') < 0)",
		"a regex in each turn":              "lists.range(10000).all(x, !big.matches('(a|a)*b' + string(x)))",
		"a sum of texts in each turn":       "lists.range(10000).all(x, (big + string(x)).lowerAscii() != '')",
		"hashes in each turn":               "lists.range(10000).all(x, hash.sha256(big + string(x)) != '')",
		"indicators in each turn":           "lists.range(10000).all(x, extract.iocs(big + string(x)).ips.size() == 0)",
		"base64 that grows":                 "[bytes(big)]" + strings.Repeat(".map(x, bytes(base64.encode(x)))", 30) + "[0] == b''",
		"a wide format":                     "'%.1000000f'.format([1.5]) == ''",
		"JSON of great depth":               `json.parse("[".repeat(100000) + "]".repeat(100000)) == 1`,
	} {
		t.Run(name, func(t *testing.T) {
			within(t, func() {
				e, issues := expr.Compile(src, s, expr.Dyn)
				if e == nil {
					if len(issues) == 0 {
						t.Error("refused without a word")
					}
					return
				}
				_, err := e.Eval(vars)
				if fault.KindOf(err) != fault.Expression {
					t.Errorf("it was not refused: %v", err)
				}
			})
		})
	}
}

func TestWhatIsUsualPassesTheBounds(t *testing.T) {
	hosts := make([]any, 5_000)
	for i := range hosts {
		hosts[i] = map[string]any{"name": "ws-" + strings.Repeat("x", i%20)}
	}
	s := expr.NewScope().With("hosts", expr.List(expr.Object(map[string]expr.Type{"name": expr.String}))).With("text", expr.String)
	vars := expr.Vars{"hosts": hosts, "text": strings.Repeat("the quick brown fox 192.0.2.1 ", 2_000)}
	for _, src := range []string{
		"hosts.filter(h, h.name.startsWith('ws-')).map(h, h.name).distinct().size() == 20",
		"hosts.map(h, h.name).join(',').size() > 1000",
		`text.matches('\\b(?:[0-9]{1,3}\\.){3}[0-9]{1,3}\\b')`,
		"text.replace('fox', 'cat').contains('cat')",
		"text.substring(0, 9000).split(' ').size() > 1000",
		"extract.iocs(text).ips == ['192.0.2.1']",
		"[[]]" + strings.Repeat(".map(x, x + x)", 30) + "[0].size() == 0",
		"hosts.exists(h, h.name in ['ws-x', 'ws-xx'])",
	} {
		e, issues := expr.Cond(src, s)
		if e == nil {
			t.Fatalf("%s: %+v", src, issues)
		}
		if got, err := e.Bool(vars); err != nil || !got {
			t.Errorf("%s: %v, %v", src, got, err)
		}
	}
}

func TestLessWorkCanBeAllowed(t *testing.T) {
	e, issues := expr.Cond("lists.range(5000).all(x, x >= 0)", expr.NewScope())
	if e == nil {
		t.Fatalf("%+v", issues)
	}
	if got, err := e.Bool(nil); err != nil || !got {
		t.Fatalf("%v, %v", got, err)
	}
	less, err := e.Within(10_000)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := less.Bool(nil); fault.KindOf(err) != fault.Expression || !strings.Contains(err.Error(), "more work") {
		t.Errorf("it was not stopped: %v", err)
	}
}

// TestLongIsNotDeep holds that long expressions are compiled in time, whether
// they are taken or not.
func TestLongIsNotDeep(t *testing.T) {
	s := expr.NewScope().With("a", expr.Dyn)
	for name, src := range map[string]string{
		"a long path":           "a" + strings.Repeat(".b", 4000),
		"a long optional path":  "a" + strings.Repeat(".?b", 2500),
		"a long sum":            "1" + strings.Repeat("+1", 4000),
		"many conditions":       "a == 1" + strings.Repeat(" || a == 1", 800),
		"many conditions mixed": "a == 1" + strings.Repeat(" || a == 1 && a == 2", 400),
		"a long list":           "[1" + strings.Repeat(",1", 4000) + "]",
		"a long map":            "{" + strings.Repeat("'a': 1, ", 900) + "'b': 2}",
		"calls within calls":    strings.Repeat("string(", 60) + "a" + strings.Repeat(")", 60),
		"many calls":            "'a'" + strings.Repeat(".trim()", 1100),
		"many choices":          strings.Repeat("a == 1 ? 1 : ", 60) + "1",
		"many mistakes":         "x" + strings.Repeat(" + x", 1900),
		"many brackets":         strings.Repeat("[", 60) + strings.Repeat("]", 60),
		"nothing but quotes":    strings.Repeat("''", 4000),
		"unary signs":           strings.Repeat("!", 500) + "true",
		"nulls compared":        "a.b == null" + strings.Repeat(" && a.b == 1.5", 500),
		"comparisons to ease":   "1 == 1.5" + strings.Repeat(" && 1 == 1.5", 600),
	} {
		t.Run(name, func(t *testing.T) {
			within(t, func() {
				if e, issues := expr.Compile(src, s, expr.Dyn); e == nil && len(issues) == 0 {
					t.Error("refused without a word")
				}
			})
		})
	}
	within(t, func() {
		if v, issues := expr.Text(strings.Repeat("${{ a }}x", 100_000), s, expr.TextOptions{}); v != nil || len(issues) == 0 {
			t.Error("a text of 100,000 expressions was taken")
		}
	})
}

func TestAnAlertThatIsNotThereIsNull(t *testing.T) {
	e, issues := expr.Cond("alert == null && alert.?title.orValue('none') == 'none' && !has(alert.title)", playbookScope())
	if e == nil {
		t.Fatalf("%+v", issues)
	}
	for _, none := range []any{nil, map[string]any(nil), func() any { return nil }} {
		if got, err := e.Bool(expr.Vars{"alert": none}); err != nil || !got {
			t.Errorf("%#v: %v, %v", none, got, err)
		}
	}
}
