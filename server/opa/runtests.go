package opa

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/cover"
	"github.com/open-policy-agent/opa/v1/tester"

	"github.com/tocsin-soar/tocsin/server/fault"
)

// maxTestTime bounds one test.
const maxTestTime = 2 * time.Second

// Case is one test rule and how it went.
type Case struct {
	Name    string `json:"name"` // of the rule, test_…
	File    string `json:"file"`
	Line    int    `json:"line"`
	Passed  bool   `json:"passed"`
	Skipped bool   `json:"skipped"` // its name begins with todo_
	Message string `json:"message"` // where it did not pass
}

func (c Case) problem() fault.Problem {
	return wrong(c.File, c.Line, 1, "test_failed", c.Name+" does not hold: "+c.Message, "")
}

// Lines says which lines of a module the tests ran.
type Lines struct {
	File   string `json:"file"`
	Hit    int    `json:"hit"`
	All    int    `json:"all"`
	Missed []int  `json:"missed"` // the first line of each part that did not run
}

// Report is a run of tests.
type Report struct {
	Cases    []Case  `json:"cases"`
	Coverage []Lines `json:"coverage"`
}

// RunTests runs the tests among the files of a workspace, with the shipped
// policies beside them. A test may use data.tocsin.lib.shipped.question_test.
func RunTests(ctx context.Context, files map[string][]byte) (Report, []fault.Problem) {
	return runTests(ctx, files, func(m *module) bool { return !m.shipped })
}

// RunShipped runs the tests of the shipped policies.
func RunShipped(ctx context.Context) (Report, []fault.Problem) {
	return runTests(ctx, nil, func(m *module) bool { return m.shipped })
}

func runTests(ctx context.Context, files map[string][]byte, ours func(*module) bool) (Report, []fault.Problem) {
	report := Report{Cases: []Case{}, Coverage: []Lines{}}
	all, _, config, problems := assemble(files)
	if fault.Broken(problems) {
		return report, problems
	}
	modules, tests := map[string]*ast.Module{}, 0
	var packages []ast.Ref
	for _, m := range all.modules {
		help := m.shipped && m.pkg == libShipped+".question_test"
		if m.test && !ours(m) && !help {
			continue
		}
		if m.test && ours(m) {
			tests++
			packages = append(packages, m.parsed.Package.Path)
		}
		modules[m.path] = m.parsed.Copy()
	}
	if tests == 0 {
		return report, nil
	}
	traced := cover.New()
	cases, err := testModules(ctx, modules, config, traced, packages...)
	if err != nil {
		return report, problemsOf(err, "", nil)
	}
	report.Cases = cases
	report.Coverage = coverage(traced.Report(modules), all, ours)
	return report, nil
}

// testModules runs the tests of the packages among modules, all where none is
// named.
func testModules(ctx context.Context, modules map[string]*ast.Module, config map[string]any, traced *cover.Cover, packages ...ast.Ref) ([]Case, error) {
	c := ast.NewCompiler().WithCapabilities(capabilities(true)).WithStrict(true).SetErrorLimit(100)
	runner := tester.NewRunner().
		SetCompiler(c).
		SetStore(storeOf(config)).
		RaiseBuiltinErrors(true).
		SetTimeout(maxTestTime).
		SetParallel(1).
		SetPrefixMatchers(packages...).
		SetModules(modules)
	if traced != nil {
		runner.SetCoverageQueryTracer(traced)
	}
	results, err := runner.RunTests(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("compile the tests: %w", err)
	}
	cases := []Case{}
	for r := range results {
		cases = append(cases, caseOf(r))
	}
	slices.SortFunc(cases, func(a, b Case) int {
		if n := strings.Compare(a.File, b.File); n != 0 {
			return n
		}
		return a.Line - b.Line
	})
	return cases, nil
}

func caseOf(r *tester.Result) Case {
	c := Case{Name: r.Name, Passed: r.Pass(), Skipped: r.Skip}
	if r.Location != nil {
		c.File, c.Line = r.Location.File, r.Location.Row
	}
	switch {
	case r.Skip:
		c.Passed = true
	case r.Error != nil:
		c.Message = r.Error.Error()
	case r.FailedAt != nil && r.FailedAt.Location != nil:
		c.Message = fmt.Sprintf("line %d is not so", r.FailedAt.Location.Row)
	case r.Fail:
		c.Message = "it is not so"
	}
	return c
}

func coverage(rep cover.Report, all *tree, ours func(*module) bool) []Lines {
	product := map[string]bool{}
	for _, m := range all.modules {
		if !m.test && ours(m) {
			product[m.path] = true
		}
	}
	out := []Lines{}
	for _, file := range slices.Sorted(maps.Keys(rep.Files)) {
		if !product[file] {
			continue
		}
		f := rep.Files[file]
		l := Lines{File: file, Hit: f.CoveredLines, All: f.CoveredLines + f.NotCoveredLines, Missed: []int{}}
		for _, r := range f.NotCovered {
			l.Missed = append(l.Missed, r.Start.Row)
		}
		out = append(out, l)
	}
	return out
}
