package document

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// bombs are documents made to hurt a reader (S024, fact 13).
func bombs() map[string]struct{ src, code string } {
	var laughs strings.Builder
	laughs.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 8; i++ {
		fmt.Fprintf(&laughs, "a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10), ", "))
	}
	return map[string]struct{ src, code string }{
		"an alias bomb":                 {laughs.String(), "alias"},
		"a self reference":              {"a: &a [*a]\n", "alias"},
		"a lone alias":                  {"a: *b\n", "syntax"},
		"an anchor nobody uses":         {"a: &b 1\n", "alias"},
		"a merge key":                   {"a: {<<: {b: 1}}\n", "alias"},
		"20,000 brackets deep":          {strings.Repeat("[", 20_000), "too_deep"},
		"20,000 braces deep":            {strings.Repeat("{a: ", 20_000), "too_deep"},
		"65 lists deep":                 {strings.Repeat("[", 65) + strings.Repeat("]", 65), "too_deep"},
		"2,000 blocks deep":             {deepBlocks(2000), "too_deep"},
		"20,000 list dashes deep":       {strings.Repeat("- ", 20_000) + "x\n", "too_deep"},
		"a duplicate key":               {"a: 1\nb: 2\na: 3\n", "duplicate_key"},
		"a duplicate key in a flow map": {"{a: 1, 'a': 2}", "duplicate_key"},
		"a custom tag":                  {"a: !run 'id'\n", "tag"},
		"a language's own tag":          {"a: !!python/object:os.system x\n", "tag"},
		"a core tag":                    {"a: !!str 1\n", "tag"},
		"a binary tag":                  {"a: !!binary aGVsbG8=\n", "tag"},
		"a second document":             {"a: 1\n---\nb: 2\n", "second_document"},
		"broken UTF-8":                  {"a: \xff\n", "encoding"},
		"UTF-16":                        {"\xff\xfea\x00:\x00", "encoding"},
		"a zero byte":                   {"a: \x00\n", "syntax"},
		"more than a megabyte":          {"a: " + strings.Repeat("x", MaxBytes), "too_large"},
		"half a million elements":       {"- \n" + strings.Repeat("- \n", 300_000), "too_large"},
		"half a million commas":         {"[" + strings.Repeat("a,", 500_000) + "]", "too_large"},
		"half a million keys":           {"{" + strings.Repeat("? ", 500_000) + "}", "too_large"},
		"a list as a key":               {"? [a, b]\n: 1\n", "key"},
		"a number that is too long":     {"a: 99999999999999999999\n", "number"},
		"infinity":                      {"a: .inf\n", "number"},
		"a float out of range":          {"a: 1e999\n", "number"},
		"an unclear octal":              {"a: 0755\n", "number"},
		"a tab as indentation":          {"a:\n\tb: 1\n", "syntax"},
		"a lone carriage return":        {"# harmless\rb: 1\n", "hidden_character"},
		"a line separator in a comment": {"# harmless\u2028b: 1\n", "hidden_character"},
		"a next-line character":         {"# harmless\u0085b: 1\n", "hidden_character"},
		"a direction mark":              {"a: x\u202ey\n", "hidden_character"},
		"nothing":                       {"", "empty"},
		"only a comment":                {"# nothing\n", "empty"},
	}
}

func deepBlocks(n int) string {
	var b strings.Builder
	for i := range n {
		if b.Len() > MaxBytes/2 {
			break
		}
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

func TestS024BombsAreRefusedAtOnce(t *testing.T) {
	for name, tc := range bombs() {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, ps := Parse("bomb.yaml", []byte(tc.src))
			runtime.ReadMemStats(&after)
			took := time.Hour
			for range 3 { // a busy machine is slow now and then
				start := time.Now() //nolint:forbidigo // the test is about how long it takes
				Parse("bomb.yaml", []byte(tc.src))
				took = min(took, time.Since(start)) //nolint:forbidigo // the test is about how long it takes
			}
			if len(ps) == 0 || ps[0].Code != tc.code {
				t.Fatalf("got %+v, want the code %s", ps, tc.code)
			}
			if took > time.Second {
				t.Errorf("it took %s", took)
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > 64<<20 {
				t.Errorf("it allocated %d MB", used>>20)
			}
		})
	}
}

func TestAFileIsBoundedInAllItsShapes(t *testing.T) {
	for name, unit := range map[string]string{
		"keys":          "k%d: v\n",
		"list elements": "- v%d\n",
		"flow lists":    "- [%d]\n",
		"comments":      "# c%d\n",
		"empty lines":   "\n",
		"quoted keys":   "\"k%d\": v\n",
	} {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			for i := 0; b.Len() < MaxBytes-32; i++ {
				if strings.Contains(unit, "%") {
					fmt.Fprintf(&b, unit, i)
				} else {
					b.WriteString(unit)
				}
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now() //nolint:forbidigo // the test is about how long it takes
			Parse("big.yaml", []byte(b.String()))
			took := time.Since(start) //nolint:forbidigo // the test is about how long it takes
			runtime.ReadMemStats(&after)
			if used := after.TotalAlloc - before.TotalAlloc; took > 10*time.Second || used > 256<<20 {
				t.Errorf("it took %s and %d MB", took, used>>20)
			}
		})
	}
}

func TestScalarsHaveTheTypesOfTheCoreSchema(t *testing.T) {
	src := "a: yes\nb: on\nc: 2026-01-05\nd: 0x1f\ne: 0o17\nf: -12\ng: 1.50\nh: 1e3\ni: ~\nj:\nk: \"1\"\nl: TRUE\nm: 12:30:45\nn: 1_000\no: .5\n"
	n, ps := Parse("x.yaml", []byte(src))
	if len(ps) != 0 {
		t.Fatal(ps)
	}
	want := map[string]any{
		"a": "yes", "b": "on", "c": "2026-01-05", "d": int64(31), "e": int64(15), "f": int64(-12), "g": 1.5, "h": 1000.0,
		"i": nil, "j": nil, "k": "1", "l": true, "m": "12:30:45", "n": "1_000", "o": 0.5,
	}
	if diff := cmp.Diff(want, n.Plain()); diff != "" {
		t.Error(diff)
	}
}

func TestADuplicateKeyIsNamedWithBothLinesAndTheRestIsStillRead(t *testing.T) {
	n, ps := Parse("x.yaml", []byte("a: 1\nb: 2\na: 3\n"))
	if len(ps) != 1 || ps[0].Line != 3 || ps[0].Column != 1 || !strings.Contains(ps[0].Message, "line 1") {
		t.Fatalf("%+v", ps)
	}
	if diff := cmp.Diff(map[string]any{"a": int64(1), "b": int64(2)}, n.Plain()); diff != "" {
		t.Error(diff)
	}
}

func TestAPlaceInsideATextLeadsBackToTheSource(t *testing.T) {
	for name, src := range map[string]string{
		"plain":                   "k: before §mark after\n",
		"plain, after wide ones":  "k: äö日本 §mark\n",
		"double quotes":           "k: \"be\\tfo\\u0041re \\\"x\\\" §mark\"\n",
		"double quotes, x escape": "k: \"\\x41\\U0001F600 §mark\"\n",
		"single quotes":           "k: 'it''s here: §mark'\n",
		"a literal block":         "k: |\n  first\n    second\n\n  third §mark\n",
		"a literal with header":   "k: |2-\n   first\n  third §mark\n",
		"a folded block":          "k: >\n  first\n  second §mark\n\n  third\n",
		"a folded paragraph":      "k: >-\n  first\n  second\n\n  third §mark\n",
		"plain over lines":        "k: first\n  second\n  third §mark\n",
		"double over lines":       "k: \"first\n  second\n  third §mark\"\n",
		"double, escaped break":   "k: \"first \\\n  second §mark\"\n",
		"double over paragraphs":  "k: \"first\n\n\n  third §mark\"\n",
		"windows lines":           "k: |\r\n  first\r\n  third §mark\r\n",
		"in a flow map":           "k: {a: 1, b: 'x §mark'}\n",
		"at the beginning":        "k: §mark\n",
		"block at the beginning":  "k: |\n  §mark\n",
	} {
		t.Run(name, func(t *testing.T) {
			n, ps := Parse("x.yaml", []byte(src))
			if len(ps) != 0 {
				t.Fatal(ps)
			}
			at := n.Get("k")
			if at.Kind == Map {
				at = at.Get("b")
			}
			offset := strings.Index(at.text, "§")
			line, column := at.Place(offset)
			before := src[:strings.Index(src, "§")]
			wantLine := 1 + strings.Count(before, "\n")
			wantColumn := 1 + utf8.RuneCountInString(before[strings.LastIndex(before, "\n")+1:])
			if line != wantLine || column != wantColumn {
				t.Errorf("got %d:%d, want %d:%d", line, column, wantLine, wantColumn)
			}
		})
	}
}

func TestUnitsReadAsPeopleWriteThem(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0": 0, "30s": 30 * time.Second, "7d": 168 * time.Hour, "1h30m": 90 * time.Minute, "1.5h": 90 * time.Minute, "250ms": 250 * time.Millisecond,
	} {
		if got, err := ParseDuration(text); err != nil || got != want {
			t.Errorf("%s: got %s, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "5", "-5s", "5 s", "5S", "s", "1y", "..s", "1e3s", "99999999999999d", "5s ", "1h-1m"} {
		if got, err := ParseDuration(text); err == nil {
			t.Errorf("%q reads as %s", text, got)
		}
	}
	for text, want := range map[string]Size{"0": 0, "512": 512, "64KiB": 64 << 10, "1MiB": 1 << 20, "2GiB": 2 << 30} {
		if got, err := ParseSize(text); err != nil || got != want {
			t.Errorf("%s: got %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "-1", "1MB", "1 MiB", "1.5MiB", "99999999999GiB", "99999999999999999999"} {
		if got, err := ParseSize(text); err == nil {
			t.Errorf("%q reads as %d", text, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, tc := range bombs() {
		if len(tc.src) < 4096 {
			f.Add([]byte(tc.src))
		}
	}
	f.Add([]byte("a: |\n  x\n  y\nb: [1, {c: \"\\u00e4\"}]\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		n, ps := Parse("f.yaml", src)
		if n == nil && len(ps) == 0 {
			t.Fatal("nothing read and nothing said")
		}
		lines := strings.Count(string(src), "\n") + 1
		for _, p := range ps {
			if p.Line < 0 || p.Line > lines+1 || p.Message == "" || p.Code == "" {
				t.Fatalf("a problem without a place: %+v", p)
			}
		}
		if n != nil {
			n.Plain()
			visit(t, n, lines)
		}
	})
}

func visit(t *testing.T, n *Node, lines int) {
	t.Helper()
	for offset := range len(n.text) + 1 {
		if offset > 64 {
			break
		}
		if line, column := n.Place(offset); line < 1 || line > lines+1 || column < 1 {
			t.Fatalf("offset %d of %q leads to %d:%d", offset, n.text, line, column)
		}
	}
	for _, i := range n.items {
		visit(t, i, lines)
	}
	for _, e := range n.entries {
		visit(t, e.Value, lines)
	}
}
