package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/tocsin-soar/tocsin/policies"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/opa"
)

func policyCommands() []command {
	return []command{
		{
			name: "policy check", args: "DIR [--strict]", short: "Compile policies beside the shipped ones",
			example: "tocsin policy check ./workspace/policies", run: checkPolicies,
		},
		{
			name: "policy test", args: "DIR [--coverage] [--min PERCENT]", short: "Run the tests of policies",
			example: "tocsin policy test ./workspace/policies --coverage", run: testPolicies,
		},
	}
}

// policyTree is a folder of policies as OPA takes it. Shipped says that it is the
// source of the shipped ones: they are in the binary already.
type policyTree struct {
	files    map[string][]byte
	shipped  bool
	problems []fault.Problem
}

func readPolicies(dir string) (policyTree, error) {
	t := policyTree{files: map[string][]byte{}}
	paths, err := gather([]string{dir}, func(path string) bool {
		ext := filepath.Ext(path)
		base := filepath.Base(path)
		return ext == ".rego" || base == "data.yaml" || base == "data.yml" || base == "data.json"
	})
	if err != nil {
		return t, err
	}
	byName := map[string]string{} // path below dir → label
	for _, path := range paths {
		raw, err := readFile(path)
		if err != nil {
			return t, err
		}
		label := filepath.ToSlash(path)
		if strings.HasPrefix(label, "shipped/") { // the name under which the binary's own stand
			label = "./" + label
		}
		t.files[label] = raw
		if rel, err := filepath.Rel(dir, path); err == nil {
			byName[filepath.ToSlash(rel)] = label
		}
	}
	return t, t.compare(byName)
}

// compare finds out whether the folder is the source of the shipped policies, and
// whether it is what the binary holds.
func (t *policyTree) compare(byName map[string]string) error {
	own, err := shippedPolicies()
	if err != nil {
		return err
	}
	for name := range own {
		if _, there := byName[name]; !there {
			return nil
		}
	}
	t.shipped = true
	for name, label := range byName {
		if raw, ok := own[name]; !ok || !bytes.Equal(raw, t.files[label]) {
			t.problems = append(t.problems, fault.Problem{
				File: label, Severity: fault.SeverityError, Code: "stale_binary",
				Message: "this shipped policy is not the one in the binary", Hint: "build it anew: make build",
			})
		}
	}
	return nil
}

func shippedPolicies() (map[string][]byte, error) {
	out := map[string][]byte{}
	err := fs.WalkDir(policies.FS, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(name) != ".rego" && name != "data.yaml" {
			return err
		}
		out[name], err = fs.ReadFile(policies.FS, name)
		return err //nolint:wrapcheck // wrapped below
	})
	if err != nil {
		return nil, fmt.Errorf("read the shipped policies: %w", err)
	}
	return out, nil
}

func checkPolicies(ctx context.Context, sh *shell, fl *flag.FlagSet, args []string) error {
	strict := fl.Bool("strict", false, "warnings count as errors")
	rest, err := parse(fl, args, 1, 1)
	if err != nil {
		return err
	}
	t, err := readPolicies(rest[0])
	if err != nil {
		return err
	}
	files := t.files
	if t.shipped {
		files = nil
	}
	_, problems := opa.Compile(ctx, files)
	return sh.findings(append(t.problems, problems...), *strict, count(len(t.files), "file"))
}

func testPolicies(ctx context.Context, sh *shell, fl *flag.FlagSet, args []string) error {
	coverage := fl.Bool("coverage", false, "say which lines no test has run")
	least := fl.Int("min", 0, "the least `percent` of lines that tests must run")
	rest, err := parse(fl, args, 1, 1)
	if err != nil {
		return err
	}
	t, err := readPolicies(rest[0])
	if err != nil {
		return err
	}
	var report opa.Report
	var problems []fault.Problem
	if t.shipped {
		report, problems = opa.RunShipped(ctx)
	} else {
		report, problems = opa.RunTests(ctx, t.files)
	}
	problems = append(t.problems, problems...)
	hit, all := 0, 0
	for _, l := range report.Coverage {
		hit, all = hit+l.Hit, all+l.All
	}
	if sh.json {
		sh.print(struct {
			opa.Report
			Problems []fault.Problem `json:"problems"`
		}{report, append([]fault.Problem{}, problems...)})
	} else {
		sh.policyReport(report, problems, *coverage)
	}
	bad := fault.Broken(problems)
	for _, c := range report.Cases {
		bad = bad || !c.Passed
	}
	if bad || *least > 0 && percent(hit, all) < *least {
		return errFound
	}
	return nil
}

func (sh *shell) policyReport(r opa.Report, problems []fault.Problem, coverage bool) {
	for _, p := range problems {
		sh.finding(p)
	}
	failed, hit, all := 0, 0, 0
	for _, c := range r.Cases {
		if !c.Passed {
			failed++
			sh.say("FAIL  %s:%d  %s: %s", c.File, c.Line, c.Name, c.Message)
		}
	}
	for _, l := range r.Coverage {
		hit, all = hit+l.Hit, all+l.All
		if !coverage {
			continue
		}
		missed := ""
		if len(l.Missed) > 0 {
			missed = "; not run: lines " + strings.Trim(fmt.Sprint(l.Missed), "[]")
		}
		sh.say("%3d%%  %s%s", percent(l.Hit, l.All), l.File, missed)
	}
	if len(r.Cases) == 0 {
		sh.say("there are no tests")
		return
	}
	sh.say("%s, %d failed; %d%% of the lines were run", count(len(r.Cases), "test"), failed, percent(hit, all))
}

func percent(hit, all int) int {
	if all == 0 {
		return 100
	}
	return hit * 100 / all
}
