package playbook

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-soar/tocsin/server/fault"
)

var update = flag.Bool("update", false, "write what is found as what is wanted; read the difference before it is kept")

// Each file in testdata/wrong ends with what the checker shall say about it.
func TestWrongPlaybooksAreToldWhatIsWrongWithThem(t *testing.T) {
	files, err := filepath.Glob("testdata/wrong/*.yaml")
	if err != nil || len(files) < 40 {
		t.Fatalf("only %d files, %v", len(files), err)
	}
	for _, file := range files {
		slug := strings.TrimSuffix(filepath.Base(file), ".yaml")
		t.Run(slug, func(t *testing.T) {
			raw, err := os.ReadFile(file) //nolint:gosec // a file of testdata
			if err != nil {
				t.Fatal(err)
			}
			src, want, _ := strings.Cut(string(raw), "# says:\n")
			_, ps := Compile(slug, slug+".yaml", []byte(src), tools(t))
			got := told(ps)
			if *update {
				if err := os.WriteFile(file, []byte(src+"# says:\n"+got), 0o600); err != nil { //nolint:gosec // a file of testdata
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			for _, p := range ps {
				if p.Line < 1 || p.Column < 1 || p.File != slug+".yaml" || p.Message == "" {
					t.Errorf("no place or no words: %+v", p)
				}
			}
		})
	}
}

func told(ps []fault.Problem) string {
	var b strings.Builder
	for _, p := range ps {
		fmt.Fprintf(&b, "# %d:%d %s %s: %s", p.Line, p.Column, p.Severity, p.Code, p.Message)
		if p.Hint != "" {
			b.WriteString(" → " + p.Hint)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestOneFileWithTenMistakesIsToldAllOfThem(t *testing.T) {
	raw, err := os.ReadFile("testdata/wrong/ten-mistakes.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, ps := Compile("ten-mistakes", "ten-mistakes.yaml", raw, tools(t))
	codes := map[string]bool{}
	for _, p := range ps {
		if p.Severity == fault.SeverityError && p.Line > 0 && p.Column > 0 && p.Hint != "" {
			codes[fmt.Sprintf("%d %s", p.Line, p.Code)] = true
		}
	}
	if len(codes) < 10 {
		t.Errorf("only %d errors with line, column and hint:\n%s", len(codes), told(ps))
	}
}
