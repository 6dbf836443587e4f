package opa_test

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/format"

	"github.com/tocsin-soar/tocsin/policies"
)

func TestTheShippedModulesAreFormatted(t *testing.T) {
	seen := 0
	err := fs.WalkDir(policies.FS, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".rego") {
			return err
		}
		src, err := fs.ReadFile(policies.FS, name)
		if err != nil {
			return err
		}
		want, err := format.SourceWithOpts(name, src, format.Opts{RegoVersion: ast.RegoV1})
		if err != nil {
			return err
		}
		seen++
		if string(want) != string(src) {
			t.Errorf("%s is not as opa fmt writes it", name)
		}
		return nil
	})
	if err != nil || seen < 15 {
		t.Errorf("%d modules, %v", seen, err)
	}
}
