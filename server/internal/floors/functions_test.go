package floors_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/tocsin-soar/tocsin/server/expr"
)

const (
	begin = "<!-- functions: written by make generate -->\n"
	end   = "<!-- end of functions -->"
	page  = "../../../docs/playbooks.md"
)

// functions is the reference of the expression language, made from the table whose
// examples are tests.
func functions(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("\n| function | gives | example | result |\n|---|---|---|---|\n")
	cell := strings.NewReplacer("|", `\|`, "\n", " ")
	for _, f := range expr.Functions() {
		result, err := json.Marshal(f.Result)
		if err != nil {
			t.Fatal(err)
		}
		form := f.Signature
		if !strings.Contains(form, f.Name[strings.LastIndex(f.Name, ".")+1:]) {
			form = f.Name + " " + form
		}
		fmt.Fprintf(&b, "| `%s` | %s | `%s` | `%s` |\n", cell.Replace(form), cell.Replace(f.Doc), cell.Replace(f.Example), cell.Replace(string(result)))
	}
	b.WriteString("\n")
	return b.String()
}

func TestTheReferenceOfFunctionsIsWhatTheCodeSays(t *testing.T) {
	raw, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(raw), begin)
	_, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatal("docs/playbooks.md has lost the marks between which its functions stand")
	}
	want := before + begin + functions(t) + end + after
	if os.Getenv("UPDATE") == "1" {
		if err := os.WriteFile(page, []byte(want), 0o600); err != nil { //nolint:gosec // the page of this repository
			t.Fatal(err)
		}
		return
	}
	if want != string(raw) {
		t.Error("docs/playbooks.md is out of date: make generate writes it")
	}
}
