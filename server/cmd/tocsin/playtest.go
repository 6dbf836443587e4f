package main

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tocsin-soar/tocsin/server/app"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/host/memory"
	"github.com/tocsin-soar/tocsin/server/playbook"
)

func testPlaybooks(ctx context.Context, sh *shell, fl *flag.FlagSet, args []string) error {
	workspace := fl.String("workspace", "", "the workspace `folder`; without it the one above the file's playbooks/")
	coverage := fl.Bool("coverage", false, "say which steps, branches and error paths no case has entered")
	least := fl.Int("min", 0, "the least `percent` of steps, branches and error paths that cases must enter")
	junit := fl.String("junit", "", "write a report in JUnit's format to this `file`")
	rest, err := parse(fl, args, 1, -1)
	if err != nil {
		return err
	}
	files, err := gather(rest, func(path string) bool { return strings.HasSuffix(path, testEnd) && inPlaybooks(path) })
	if err != nil {
		return err
	}
	all := &benches{given: *workspace, rules: true, open: map[string]*app.Bench{}}
	bad, reports := false, []memory.Report{}
	for _, file := range testFiles(files) {
		r, err := rehearse(ctx, all, file)
		if err != nil {
			return err
		}
		reports = append(reports, r)
		bad = bad || !r.Passed() || *least > 0 && covered(r.Coverage) < *least
		if !sh.json {
			sh.testReport(file, r, *coverage, *least)
		}
	}
	if *junit != "" {
		if err := writeJUnit(*junit, reports); err != nil {
			return err
		}
	}
	if sh.json {
		sh.print(map[string]any{"items": reports})
	}
	if bad {
		return errFound
	}
	return nil
}

// testFiles gives the tests of what was named: a playbook stands for its tests.
func testFiles(files []string) []string {
	var out []string
	for _, f := range files {
		if !strings.HasSuffix(f, testEnd) {
			f = strings.TrimSuffix(f, yamlEnd) + testEnd
		}
		if !slices.Contains(out, f) {
			out = append(out, f)
		}
	}
	return out
}

func rehearse(ctx context.Context, all *benches, file string) (memory.Report, error) {
	raw, err := readFile(file)
	if err != nil {
		return memory.Report{}, err
	}
	name := strings.TrimSuffix(filepath.Base(file), testEnd)
	tests, problems := playbook.ParseTests(file, raw)
	if tests == nil {
		return refused(name, problems), nil
	}
	if tests.Playbook != name {
		return refused(name, append(problems, fault.Problem{
			File: file, Line: 1, Column: 1, Severity: fault.SeverityError, Code: "bad_name",
			Message: "these are tests of " + tests.Playbook, Hint: "they stand in " + tests.Playbook + testEnd,
		})), nil
	}
	bench, err := all.of(ctx, file)
	if err != nil {
		return memory.Report{}, err
	}
	book := strings.TrimSuffix(file, testEnd) + yamlEnd
	src, err := readFile(book)
	if err != nil {
		return memory.Report{}, err
	}
	r := memory.Rehearse(memory.Stage{ //nolint:contextcheck // it is played in no time, and nothing waits
		Catalog: bench.Library.Current().Catalog(), Judge: bench.Policy, Source: src, File: book,
		Fixture: func(path string) ([]byte, error) { return fixture(filepath.Dir(file), path) }, Mapping: bench.Mapping,
	}, tests)
	if len(r.Cases) == 0 {
		return refused(name, append(problems, r.Problems...)), nil
	}
	r.Problems = append(problems, r.Problems...)
	return r, nil
}

// refused is the report of tests that cannot be played.
func refused(name string, problems []fault.Problem) memory.Report {
	none := memory.Covered{Missing: []string{}}
	return memory.Report{
		Playbook: name, Cases: []memory.CaseReport{}, Problems: problems,
		Coverage: memory.Coverage{Steps: none, Branches: none, Errors: none},
	}
}

// fixture reads a file below the folder of the tests, and nothing outside it.
func fixture(dir, path string) ([]byte, error) {
	f, err := os.OpenInRoot(dir, filepath.FromSlash(path))
	if err != nil {
		return nil, unreadable(err, path)
	}
	defer func() { _ = f.Close() }() // only read
	return readAll(f, path)
}

func covered(c memory.Coverage) int {
	return percent(c.Steps.Hit+c.Branches.Hit+c.Errors.Hit, c.Steps.All+c.Branches.All+c.Errors.All)
}

func (sh *shell) testReport(file string, r memory.Report, coverage bool, least int) {
	sh.say("%s", file)
	for _, p := range r.Problems {
		sh.finding(p)
	}
	for _, c := range r.Cases {
		if c.Status == "passed" {
			sh.say("  ok    %s", c.Name)
			continue
		}
		sh.say("  FAIL  %s", c.Name)
		for _, f := range c.Failures {
			sh.say("        %s: got %s, want %s", f.At, shown(f.Got), shown(f.Want))
		}
	}
	c := r.Coverage
	if len(r.Cases) == 0 {
		sh.say("  FAIL  nothing was played")
		return
	}
	sh.say("  %d%% covered: steps %d/%d, branches %d/%d, error paths %d/%d", covered(c),
		c.Steps.Hit, c.Steps.All, c.Branches.Hit, c.Branches.All, c.Errors.Hit, c.Errors.All)
	if coverage || covered(c) < least {
		for _, missing := range slices.Concat(c.Steps.Missing, c.Branches.Missing, c.Errors.Missing) {
			sh.say("  not entered: %s", missing)
		}
	}
}

// shown writes a value in one line.
func shown(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(raw)
}

type junitSuites struct {
	XMLName xml.Name     `xml:"testsuites"`
	Suites  []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Failure *junitFailure `xml:"failure"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// junitOf turns reports into JUnit's words. What stops a file from being played is a
// case that failed, so that no build passes over it.
func junitOf(reports []memory.Report) junitSuites {
	out := junitSuites{}
	for _, r := range reports {
		s := junitSuite{Name: r.Playbook}
		for _, p := range r.Problems {
			if p.Severity == fault.SeverityError {
				s.Cases = append(s.Cases, junitCase{r.Playbook, fmt.Sprintf("%s:%d", p.File, p.Line), &junitFailure{Message: printable(p.Message), Text: printable(p.Hint)}})
			}
		}
		for _, c := range r.Cases {
			x := junitCase{Class: r.Playbook, Name: printable(c.Name)}
			if c.Status != "passed" {
				var lines []string
				for _, f := range c.Failures {
					lines = append(lines, printable(fmt.Sprintf("%s: got %s, want %s", f.At, shown(f.Got), shown(f.Want))))
				}
				x.Failure = &junitFailure{Message: count(len(c.Failures), "difference"), Text: strings.Join(lines, "\n")}
			}
			s.Cases = append(s.Cases, x)
		}
		for _, c := range s.Cases {
			if s.Tests++; c.Failure != nil {
				s.Failures++
			}
		}
		out.Suites = append(out.Suites, s)
	}
	return out
}

func writeJUnit(path string, reports []memory.Report) error {
	raw, err := xml.MarshalIndent(junitOf(reports), "", "  ")
	if err != nil {
		return fault.Wrap(err, fault.Internal, "the report cannot be written down")
	}
	if err := os.WriteFile(path, append([]byte(xml.Header), append(raw, '\n')...), 0o644); err != nil { //nolint:gosec // a report that others read
		return fault.Wrap(err, fault.Unavailable, "%s cannot be written", path)
	}
	return nil
}
