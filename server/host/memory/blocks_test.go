package memory_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tocsin-soar/tocsin/server/fault"
)

// TestBlocksDoWhatTheLanguageSays plays the playbooks of testdata/blocks: what they
// expect of each kind of block is the language's word, and nothing may stay unentered.
func TestBlocksDoWhatTheLanguageSays(t *testing.T) {
	files, err := filepath.Glob("testdata/blocks/*.test.yaml")
	if err != nil || len(files) < 4 {
		t.Fatalf("only %d files, %v", len(files), err)
	}
	for _, file := range files {
		book := strings.TrimSuffix(file, ".test.yaml") + ".yaml"
		t.Run(filepath.Base(book), func(t *testing.T) {
			src, err := os.ReadFile(book) //nolint:gosec // a file of testdata
			if err != nil {
				t.Fatal(err)
			}
			tests, err := os.ReadFile(file) //nolint:gosec // a file of testdata
			if err != nil {
				t.Fatal(err)
			}
			rep := rehearse(t, book, src, tests)
			if fault.Broken(rep.Problems) {
				t.Fatal(rep.Problems)
			}
			for _, c := range rep.Cases {
				for _, f := range c.Failures {
					t.Errorf("%s: %s: want %v, got %v", c.Name, f.At, f.Want, f.Got)
				}
			}
			c := rep.Coverage
			if missing := slices.Concat(c.Steps.Missing, c.Branches.Missing, c.Errors.Missing); len(missing) > 0 {
				t.Errorf("not covered: %v", missing)
			}
		})
	}
}
