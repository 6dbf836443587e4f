package main

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"

	"github.com/tocsin-soar/tocsin/server/app"
	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/ident"
	"github.com/tocsin-soar/tocsin/server/playbook"
)

func playbookCommands() []command {
	return []command{
		{
			name: "playbook check", args: "FILE|DIR… [--workspace DIR] [--strict]", short: "Check playbooks and their tests",
			example: `tocsin playbook check playbooks/phishing.yaml
			tocsin playbook check --strict ./workspace`,
			run: checkPlaybooks,
		},
		{
			name: "playbook test", args: "FILE|DIR… [--workspace DIR] [--coverage] [--min PERCENT] [--junit FILE]", short: "Play the tests of playbooks",
			example: `tocsin playbook test playbooks/phishing.test.yaml
			tocsin playbook test ./workspace --min 90 --junit report.xml`,
			run: testPlaybooks,
		},
		{
			name: "playbook run", args: "NAME [--input NAME=VALUE]… [--alert ID] [--wait 30s]", short: "Start a run by hand",
			example: "tocsin playbook run isolate-host --input host=ws-1 --wait 30s", run: runPlaybook,
		},
		{
			name: "playbook publish", args: "NAME [--version SHA256]", short: "Put a playbook's draft in force",
			example: "tocsin playbook publish isolate-host", run: publishPlaybook,
		},
	}
}

const (
	yamlEnd = ".yaml"
	testEnd = ".test.yaml"
)

// inPlaybooks says that a file lies in a folder of playbooks.
func inPlaybooks(path string) bool { return workspaceOf(path) != "" }

// workspaceOf gives the folder above the folder playbooks that a file lies in, "" for
// none.
func workspaceOf(path string) string {
	dir, err := filepath.Abs(path)
	if err != nil {
		return ""
	}
	for up := filepath.Dir(dir); up != dir; dir, up = up, filepath.Dir(up) {
		if filepath.Base(up) == "playbooks" {
			return filepath.Dir(up)
		}
	}
	return ""
}

// benches opens each workspace once.
type benches struct {
	given string // by --workspace, "" for the one that each file lies in
	rules bool
	open  map[string]*app.Bench
}

func (b *benches) of(ctx context.Context, file string) (*app.Bench, error) {
	dir := b.given
	if dir == "" {
		dir = workspaceOf(file)
	}
	if there, ok := b.open[dir]; ok {
		return there, nil
	}
	bench, err := app.Offline(ctx, dir, b.rules)
	if err == nil {
		b.open[dir] = bench
	}
	return bench, err
}

// bound is a workspace's catalogue, in which a capability that no connection fulfils
// is done by the integration that the playbook's tests name.
type bound struct {
	playbook.Catalog
	caps map[string]string
}

// Action finds an action.
func (b bound) Action(ref string) (*connector.Action, bool) {
	if a, ok := b.Catalog.Action(ref); ok {
		return a, true
	}
	integration, ok := b.caps[ref]
	for _, r := range b.Actions() {
		if a, found := b.Catalog.Action(r); ok && found && a.Integration == integration && a.Implements == ref {
			return a, true
		}
	}
	return nil, false
}

// Fulfilled says which connection fulfils a capability.
func (b bound) Fulfilled(capability string) (string, bool) {
	if c, ok := b.Catalog.(playbook.Capabilities); ok {
		return c.Fulfilled(capability)
	}
	return "", false
}

// CheckSchedule checks a schedule.
func (b bound) CheckSchedule(cron, zone string) error {
	if c, ok := b.Catalog.(playbook.Schedules); ok {
		return c.CheckSchedule(cron, zone)
	}
	return nil
}

func checkPlaybooks(ctx context.Context, sh *shell, fl *flag.FlagSet, args []string) error {
	workspace := fl.String("workspace", "", "the workspace `folder`; without it the one above the file's playbooks/")
	strict := fl.Bool("strict", false, "warnings count as errors")
	rest, err := parse(fl, args, 1, -1)
	if err != nil {
		return err
	}
	files, err := gather(rest, func(path string) bool { return strings.HasSuffix(path, yamlEnd) && inPlaybooks(path) })
	if err != nil {
		return err
	}
	all := &benches{given: *workspace, open: map[string]*app.Bench{}}
	var problems []fault.Problem
	for _, file := range files {
		found, err := checkPlaybook(ctx, all, file)
		if err != nil {
			return err
		}
		problems = append(problems, found...)
	}
	// A broken manifest would only show as actions that are not there.
	for _, bench := range all.open {
		for _, p := range bench.Library.Problems() {
			if strings.HasPrefix(p.File, "integrations/") || p.File == "capabilities.yaml" {
				problems = append(problems, p)
			}
		}
	}
	return sh.findings(problems, *strict, count(len(files), "file"))
}

func checkPlaybook(ctx context.Context, all *benches, file string) ([]fault.Problem, error) {
	raw, err := readFile(file)
	if err != nil {
		return nil, err
	}
	if strings.HasSuffix(file, testEnd) {
		_, problems := playbook.ParseTests(file, raw)
		return problems, nil
	}
	slug := strings.TrimSuffix(filepath.Base(file), yamlEnd)
	if !ident.Slug(slug) || !strings.HasSuffix(file, yamlEnd) {
		return []fault.Problem{{
			File: file, Severity: fault.SeverityError, Code: "bad_name", Message: "a playbook's file is called NAME.yaml",
			Hint: "NAME is of a-z, 0-9 and -, at most 64",
		}}, nil
	}
	bench, err := all.of(ctx, file)
	if err != nil {
		return nil, err
	}
	catalog := bound{Catalog: bench.Library.Current().Catalog(), caps: testCapabilities(file)}
	_, problems := playbook.Compile(slug, file, raw, catalog)
	return problems, nil
}

// testCapabilities gives what the tests beside a playbook say about who fulfils
// what; a playbook without tests has none.
func testCapabilities(file string) map[string]string {
	name := strings.TrimSuffix(file, yamlEnd) + testEnd
	if _, err := os.Stat(name); err != nil { //nolint:gosec // beside a file that was named
		return nil
	}
	raw, err := readFile(name)
	if err != nil {
		return nil
	}
	if tests, _ := playbook.ParseTests(name, raw); tests != nil {
		return tests.Capabilities
	}
	return nil
}
