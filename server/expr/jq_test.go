package expr

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/itchyny/gojq"

	"github.com/tocsin-soar/tocsin/server/fault"
)

func jqInput() map[string]any {
	return map[string]any{
		"title": "Many failed sign-ins: ünïcode", "n": int64(3), "x": 1.5, "none": nil, "yes": true,
		"hosts": []any{
			map[string]any{"name": "ws-117", "ip": "10.0.0.7", "tags": []any{"vip", "lab"}, "score": int64(7)},
			map[string]any{"name": "ws-118", "ip": "10.0.0.8", "tags": []any{}, "score": int64(2)},
			map[string]any{"name": "srv-1", "ip": "10.0.1.1", "tags": []any{"lab"}, "score": 2.5},
		},
		"deep": map[string]any{"a": map[string]any{"b": []any{int64(1), []any{int64(2), int64(3)}}}},
	}
}

// The guards must change nothing but what a program may use up: what it gives is what
// jq gives.
func TestAGuardedProgramGivesWhatJqGives(t *testing.T) {
	for _, src := range []string{
		".", ".title", ".hosts[0].name", ".hosts[-1]", ".hosts[1:]", ".hosts[:-1] | length", ".title[5:11]", ".hosts[].name?", "[.hosts[].name]",
		`."title"`, `.["title"]`, `.hosts | map(.score) | add`, `[.hosts[] | select(.score > 2) | {name, ip, "a b": .score, (.name): 1}]`,
		`.hosts | map({key: .name, value: .ip}) | from_entries`, `.hosts[0] | to_entries`, `.hosts[0] | with_entries(.value |= tostring)`,
		`[..] | length`, `[.. | numbers]`, `[paths]`, `[paths(type == "number")]`, `.deep | tostream`, `[.deep | tostream]`, `[leaf_paths]`,
		`.hosts |= map(del(.tags))`, `.hosts[0].name = "x"`, `.hosts[].score += 1`, `.hosts[].score -= 1 | .n *= 2 | .x /= 2 | .n %= 4`, `.none //= "d"`, `.new.path[2] = 1`,
		`del(.hosts[0], .title)`, `del(.hosts[] | select(.score < 3))`, `delpaths([["title"],["n"]])`, `getpath(["deep","a","b",1])`, `setpath(["a",1]; 3)`, `pick(.deep.a.b[0])`,
		`[path(.hosts[].name)]`, `[path(..)] | length`, `.hosts | sort_by(.score) | map(.name)`, `.hosts | group_by(.score > 2)`, `.hosts | unique_by(.ip[:6]) | length`, `.hosts | min_by(.score), max_by(.score)`,
		`"\(.title) has \(.hosts | length) \(.n + 1)"`, `@base64 "a\(.title)b"`, `.title | @base64 | @base64d`, `@json`, `[1,"a",null] | @csv, @tsv, @sh`, `.title | @uri, @html`,
		`.title | test("FAILED"; "i")`, `[.title | match("i"; "g").offset]`, `.title | sub("failed"; "ok")`, `.title | gsub("(?<c>[aeiou])"; "<\(.c)>")`, `[.title | scan("[a-z]+")]`, `.title | capture("(?<w>[A-Z][a-z]+)")`, `[.title | splits(" ")]`, `.title | split(" "; null)`, `.title / " "`,
		`.title | ascii_downcase, ascii_upcase, length, utf8bytelength, explode`, `[65, 66] | implode`, `"  a " | trim, ltrim, rtrim`, `"abc" | ltrimstr("a"), rtrimstr("c"), startswith("a"), endswith("b")`,
		`.title | index("i"), rindex("i"), indices("i")`, `[1,2,1] | index(1), indices(1), indices([2,1])`, `.hosts[0].tags | contains(["vip"])`, `["a"] | inside(["a","b"])`, `has("title"), (.hosts | has(0))`,
		`[1,2] - [2]`, `{a: {b: 1}} * {a: {c: 2}}`, `"ab" * 3`, `"ab" * 0`, `[3,1,2] | sort, min, max, reverse, unique, add, any, all`, `[[1,2],[3]] | transpose, flatten, add`, `[[1,[2]]] | flatten(1)`,
		`if .n > 2 then "big" elif .n > 1 then "mid" else "small" end`, `try error("x") catch .`, `[.hosts[] | try (.score / "a") catch "no"]`, `.a.b.c?`, `(.title | tonumber)? // "none"`, `"12" | tonumber`,
		`reduce .hosts[] as {name: $n, score: $s} ({}; .[$n] = $s)`, `[foreach range(5) as $i (0; . + $i; [$i, .])]`, `[limit(3; repeat(1))]`, `[range(5)], [range(1;3)], [range(0;10;4)]`, `first(range(10)), [skip(2; range(4))], nth(1; range(5))`,
		`label $f | .hosts[] | if .score == 2 then ., break $f else empty end`, `def f(x): x * 2; f(.n)`, `def f: if . > 3 then . else . + 1 | f end; 0 | f`, `def g($a; $b): $a + $b; g(1; 2)`, `[.hosts[] | . as {$name, tags: [$first]} | [$name, $first]]`,
		`[1, 2, 3] | IN(2), (.[] | IN(2, 3))`, `[.hosts[] | {name, score}] | INDEX(.name) | keys`, `INDEX(.hosts[]; .ip) | length`, `add(.hosts[].score)`, `isempty(empty), isempty(1)`, `[1,[2]] | walk(if type == "number" then . + 1 else . end)`, `[[1,2],[3,4]] | [combinations]`,
		`"2026-01-05T10:00:00Z" | fromdate`, `1767607200 | todate`, `.x | floor, ceil, sqrt`, `-(.n)`, `.n as $x | [$x, $x + 1] | . as [$a, $b] | $a * $b`, `{} | .a += 1`, `.hosts | map(.tags[0]?) | map(values)`, `tojson | fromjson | .n`, `[.[]?] | length`, `to_entries[0]`, `$__loc__`, `[.hosts[] as {name: $n} ?// [$n] | $n]`, `[splits("a")]?`, `{a: 1, b: (2, 3)}`, `.hosts as [$h] | $h.name`, `[until(. == null; null)]`, `[1, 2] | .[1:] = [5, 6] | .[0] |= empty`, `"x" as $x | "a" | test($x)`, `1 as $x | 2 as $y | [$x, $y, $x == $y, $x != $y, $x <= $y]`, `[true, false | not]`, `(1, null) and true`, `.hosts[0] | keys, length`, `@text`, `"\("a" + "b")"`, `{"a\(1)": 2}`, `[.hosts[]."name"]`, `.. |= .`,
	} {
		t.Run(src, func(t *testing.T) {
			j, issues := CompileJQ("[" + src + "]")
			if j == nil {
				if src == "$__loc__" || src == "[leaf_paths]" {
					return // not offered
				}
				t.Fatal(issues)
			}
			got, err := j.Run(jqInput())
			want, wanted := plainJQ(t, "["+src+"]")
			if (err == nil) != (wanted == nil) {
				t.Fatalf("got %v, %v; jq gives %v, %v", got, err, want, wanted)
			}
			if diff := cmp.Diff(want, got); err == nil && diff != "" {
				t.Error(diff)
			}
		})
	}
}

func plainJQ(t *testing.T, src string) (any, error) {
	t.Helper()
	q, err := gojq.Parse(src)
	if err != nil {
		t.Fatal(err)
	}
	v, _ := q.Run(toJQ(jqInput())).Next()
	if err, failed := v.(error); failed {
		return nil, err
	}
	return fromJQ(v)
}

// Hostile programs end by themselves, with little memory, wherever they do much at
// once. Measured is what is allocated in all, which the collector frees meanwhile.
func TestHostileProgramsEnd(t *testing.T) {
	for _, src := range []string{
		"[range(1e9)]", "def f: f; f", "def f: 1 + f; f", "def f: [f]; f", `"a" * 1e9`, `1e9 * "a"`, `reduce range(60) as $i ("a"; . + .)`, `reduce range(60) as $i ("a"; "\(.)\(.)")`,
		`reduce range(60) as $i ([]; [., .]) | tojson`, `reduce range(60) as $i ([1]; . + .)`, `reduce range(60) as $i ({}; {a: ., b: .}) | [..] | length`, `reduce range(60) as $i ({}; .a = . | .b = .)`, `reduce range(60) as $i ("\\"; tojson)`, `reduce range(60) as $i (10; . * .)`,
		`.[1e9] = 1`, `[] | .[99999999] = 1`, `setpath([1e8]; 1)`, `getpath([1e8]) = 1`, `[1e8] as $p | null | pick(getpath($p))`, `null | nth(1e8) = 1`, `[limit(1e9; repeat("x"))]`, `last(range(1e12))`, `[recurse(1)]`, `until(false; .)`, `[while(true; .)]`,
		`[range(60000)] | [., [], []] | [.[] , range(50000)] | transpose`, `[[range(60000)]] + [range(50000) | []] | transpose`, `[range(100000)] | . - .`, `[range(100000)] | contains(.)`, `[range(100000)] | indices([5])`, `[range(130000)] | [combinations(3)]`, `[[range(300)], [range(300)], [range(300)]] | [combinations] | length`,
		`[range(64000) | "a"] | join("") | [match("()()()()()()()()"; "g")]`, `("a" * 65000) | test("(a*)*(a*)*b") | [range(1e6) as $i | 1]`, `("a" * 65000) as $t | [range(1e6) | $t | test("(a|aa)+$")]`, `("a" * 16000) | gsub("a"; "bb") | gsub("b"; "cc")`, `("a" * 65000) | gsub("a"; "b")`, `("a" * 8000) as $t | [range(1e6) | $t | gsub("a"; "b")]`, `("a" * 1e6) as $t | [range(1e6) | $t | length]`, `("a" * 1e6) as $t | [range(1e6) | $t[1:2]]`, `("a" * 1e6) as $t | [range(1e6) | $t | explode[0]]`,
		`[range(100000)] as $l | [range(1e6) | first($l[])]`, `[range(100000)] as $l | [range(1e6) | $l == $l]`, `[range(100000)] as $l | [range(1e6) | $l | sort | .[0]]`, `[range(100000)] as $l | [range(1e6) | $l | first(..)]`, `reduce range(1e6) as $i ({}; .[$i | tostring] = $i)`, `reduce range(1e6) as $i ([]; . + [$i])`, `[range(1e6) | tostring] | add`, `("1" * 1e6) | tonumber`, `("1" * 1e6) | fromjson | . * . | tostring`, `[range(1e5)] | [.[] as $a | .[] as $b | 1]`,
		`("[" * 5000) | fromjson`, `def f(x): f(x | x); f(.)`, `path(def f: f | f; f)`, `[paths(..)] | [range(1e9)]`, `.. | ..|..|..|..|..|..|..|..|..`, `[range(1e5)] | walk(.)`, `[range(1e5)] | [.[] |= .] | map_values(.) | to_entries | from_entries`, `try (def f: f; f) catch 1`, `[.[]?, (try error("a") catch range(1e9))]`, `label $a | def f: f; f`, `[range(1e5)] | sort_by(tojson) | group_by(.) | unique | [range(1e9)]`, `[splits("a")] | [range(1e9)]`, `[range(1e9) | select(false)]`, `isempty(range(1e9) | empty)`,
	} {
		t.Run(src, func(t *testing.T) {
			j, issues := CompileJQ(src)
			if j == nil {
				t.Fatal(issues)
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now() //nolint:forbidigo // the test is about how long it takes
			out, err := j.Run(nil)
			took := time.Since(start) //nolint:forbidigo // the test is about how long it takes
			runtime.ReadMemStats(&after)
			if mb := (after.TotalAlloc - before.TotalAlloc) >> 20; took > 5*time.Second || mb > 2000 {
				t.Errorf("it took %s and %d MB in all", took, mb)
			} else {
				t.Logf("%s, %d MB in all, %v", took, mb, err)
			}
			if _, fits := sizeOfPlain(out); !fits {
				t.Error("the result is too large")
			}
		})
	}
}

func TestWhatReachesOutsideIsRefused(t *testing.T) {
	for _, src := range []string{
		"env", "$ENV", "$ENV.PATH", "{$ENV}", "input", "[inputs]", "debug", `debug("x")`, "stderr", "halt", "halt_error", `"a" | halt_error(1)`, "now", "localtime", `strflocaltime("%c")`,
		`import "a" as a; .`, `include "a"; .`, "builtins", "input_filename", "modulemeta", "get_search_list", "$__prog_args", "_any", "_pair(1; 2)", "def _f: 1; _f", "_plus", "_add(1; 2)", "getpath($__loc__)", "fromstream(1)", "truncate_stream(1)",
		"nothing", "a::b", ". as $_x | $_x", "@base32x", "{a: env}", "[1, (2 | input)]", "if debug then 1 else 2 end", "try input catch 1", "def f: env; 1", "reduce input as $x (0; 1)", `"\(env)"`, `.[env]`, `{(env | tostring): 1}`, `. as {(env): $x} | 1`, `label $f | input`, "-env", "1 as $x | env", "def f(env): 1; env",
	} {
		t.Run(src, func(t *testing.T) {
			if j, _ := CompileJQ(src); j != nil {
				t.Error("it was taken")
			}
		})
	}
}

func TestAMistakeInAProgramHasItsPlace(t *testing.T) {
	for src, want := range map[string]string{
		".hosts[":                    `7 syntax: this is no jq program: unexpected EOF`,
		".a | | .b":                  `5 syntax: this is no jq program: unexpected token "|"`,
		".a | mapp(.b)":              `5 jq: there is no function mapp/1 here (did you mean "map"?)`,
		".a | map(.b; .c)":           `5 jq: there is no function map/2 here (did you mean "map"?)`,
		".a | $nothing":              `5 jq: variable not defined: $nothing ()`,
		".env | env":                 `1 jq: there is no function env/0 here (refused are those that reach outside or ask for the time, and some that need too much memory)`,
		"":                           `0 syntax: the jq program is empty (for example .hosts[] | .name)`,
		strings.Repeat("[", 9000):    `0 too_large: a jq program may not exceed 8192 bytes (split it into two transform steps)`,
		"def input: 1; input | halt": `22 jq: there is no function halt/0 here (refused are those that reach outside or ask for the time, and some that need too much memory)`,
	} {
		_, issues := CompileJQ(src)
		got := "nothing"
		if len(issues) > 0 {
			i := issues[0]
			got = fmt.Sprintf("%d %s: %s", i.Offset, i.Code, i.Message)
			if i.Code != "syntax" || i.Hint != "" {
				got += " (" + i.Hint + ")"
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%.40s: %s", src, diff)
		}
	}
}

func TestAProgramGivesOneValue(t *testing.T) {
	for src, want := range map[string]string{
		"empty": "no value", ".[]": "more than one value", "1, 2": "more than one value", `error("no")`: "no", "infinite": "infinite",
		"[1, 2] | .[0]": "", "9007199254740993 * 1000000": "64 bits", "9007199254740993 * 1000": "", "99999999999999999999": "64 bits", "[99999999999999999999 | tojson]": "",
	} {
		j, issues := CompileJQ(src)
		if j == nil {
			t.Fatal(issues)
		}
		out, err := j.Run([]any{int64(1), int64(2)})
		switch {
		case want == "" && err != nil, want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: %v, %v", src, out, err)
		case err != nil && fault.KindOf(err) != fault.Expression:
			t.Errorf("%s: of kind %s", src, fault.KindOf(err))
		}
	}
}

func TestNumbersKeepTheirValue(t *testing.T) {
	j, _ := CompileJQ("[.[], 3.0, 0.1 + 0.2, 10 / 4, 10 / 5, nan]")
	got, err := j.Run([]any{int64(9007199254740993), 2.5, int64(-1)})
	want := []any{int64(9007199254740993), 2.5, int64(-1), int64(3), 0.1 + 0.2, 2.5, int64(2), nil}
	want[4] = 0.30000000000000004
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func FuzzJQ(f *testing.F) {
	for _, src := range []string{".", ".a[1:2] |= map(. + 1)", `[range(9)] | "\(.)" * 3`, "def f(g): g | f(g); f(.)", `reduce .[] as [$a, {b: $c}] (0; . + $a)`, "{(.a): .b, $__loc__}", `.. |= (. // 1)`, "try error catch ., (label $x | break $x)", `gsub("(a)"; "\(.)")`} {
		f.Add(src)
	}
	in := jqInput()
	f.Fuzz(func(t *testing.T, src string) {
		j, issues := CompileJQ(src)
		if (j == nil) != broken(issues) {
			t.Fatal("a program beside errors, or neither")
		}
		if j == nil {
			return
		}
		a, err1 := j.Run(in)
		b, err2 := j.Run(in)
		if (err1 == nil) != (err2 == nil) || !cmp.Equal(a, b) {
			t.Fatalf("twice: %v %v, %v %v", a, err1, b, err2)
		}
		if diff := cmp.Diff(jqInput(), in); diff != "" {
			t.Fatal("it changed its input", diff)
		}
	})
}
