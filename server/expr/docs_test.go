package expr_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-soar/tocsin/server/expr"
)

func TestEachDocumentedExampleGivesItsResult(t *testing.T) {
	for _, f := range expr.Functions() {
		t.Run(f.Name, func(t *testing.T) {
			e, issues := expr.Compile(f.Example, expr.NewScope(), expr.Dyn)
			if len(issues) > 0 {
				t.Fatalf("%s: %+v", f.Example, issues)
			}
			got, err := e.Eval(nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(got, f.Result); diff != "" {
				t.Errorf("%s\n%s", f.Example, diff)
			}
			if f.Signature == "" || f.Doc == "" {
				t.Error("it is not documented")
			}
		})
	}
}
