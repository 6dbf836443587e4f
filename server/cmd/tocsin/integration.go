package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/tocsin-soar/tocsin/server/app"
	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/httpapi"
	"github.com/tocsin-soar/tocsin/server/ident"
	"github.com/tocsin-soar/tocsin/server/lookup"
)

func integrationCommands() []command {
	return []command{
		{
			name: "integration list", args: "[--workspace DIR]", short: "List integrations and their actions",
			example: "tocsin integration list --workspace ./workspace", run: listIntegrations,
		},
		{
			name: "integration new", args: "ID [--workspace DIR]", short: "Write a manifest to start from",
			example: "tocsin integration new acme", run: newIntegration,
		},
		{
			name: "integration check", args: "FILE|DIR… [--strict]", short: "Check manifests",
			example: "tocsin integration check integrations/acme", run: checkIntegrations,
		},
	}
}

func listIntegrations(ctx context.Context, sh *shell, fl *flag.FlagSet, args []string) error {
	workspace := fl.String("workspace", "", "the workspace `folder` whose integrations count too")
	if _, err := parse(fl, args, 0, 0); err != nil {
		return err
	}
	bench, err := app.Offline(ctx, *workspace, false)
	if err != nil {
		return err
	}
	list, err := bench.Integrations(ctx)
	if err != nil {
		return err
	}
	if sh.json {
		sh.print(lookup.List[httpapi.Integration]{Items: list})
		return nil
	}
	rows := make([][]string, len(list))
	for i, m := range list {
		rows[i] = []string{m.ID, m.Name, m.Category, m.Version, m.Tested, strconv.Itoa(len(m.Actions))}
	}
	sh.table("no integrations", []string{"ID", "NAME", "CATEGORY", "VERSION", "TESTED", "ACTIONS"}, rows)
	return nil
}

const readme = `# %s

Say here how the manifest was tested: against a server, published samples or the
vendor's documentation, and with which version.
`

func newIntegration(_ context.Context, sh *shell, fl *flag.FlagSet, args []string) error {
	workspace := fl.String("workspace", ".", "the workspace `folder` to write into")
	rest, err := parse(fl, args, 1, 1)
	if err != nil {
		return err
	}
	id := rest[0]
	if !ident.Slug(id) {
		return misuse{"the id of an integration is of a-z, 0-9 and -, at most 64"}
	}
	dir := filepath.Join(*workspace, "integrations", id)
	if err := os.MkdirAll(dir, 0o750); err != nil { //nolint:gosec // below the folder that was named; the id is a slug
		return fault.Wrap(err, fault.Unavailable, "%s cannot be made", dir)
	}
	written := []string{}
	for _, f := range []struct{ name, text string }{{"manifest.yaml", connector.New(id)}, {"README.md", fmt.Sprintf(readme, id)}} {
		path := filepath.Join(dir, f.name)
		if err := writeNew(path, f.text); err != nil {
			return err
		}
		written = append(written, path)
	}
	if sh.json {
		sh.print(map[string]any{"files": written})
		return nil
	}
	for _, w := range written {
		sh.say("%s", w)
	}
	return nil
}

// writeNew writes a file that is not there yet.
func writeNew(path, text string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644) //nolint:gosec // a file of the team's, kept in git
	if errors.Is(err, fs.ErrExist) {
		return fault.New(fault.Conflict, "%s is there already; nothing was written", path)
	}
	if err != nil {
		return fault.Wrap(err, fault.Unavailable, "%s cannot be written", path)
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Close()); err != nil {
		return fault.Wrap(err, fault.Unavailable, "%s cannot be written", path)
	}
	return nil
}

func checkIntegrations(_ context.Context, sh *shell, fl *flag.FlagSet, args []string) error {
	strict := fl.Bool("strict", false, "warnings count as errors")
	rest, err := parse(fl, args, 1, -1)
	if err != nil {
		return err
	}
	files, err := gather(rest, func(path string) bool { return filepath.Base(path) == "manifest.yaml" })
	if err != nil {
		return err
	}
	var problems []fault.Problem
	for _, file := range files {
		raw, err := readFile(file)
		if err != nil {
			return err
		}
		m, ps := connector.Parse(file, raw)
		problems = append(problems, ps...)
		if folder := parent(file); m != nil && filepath.Base(file) == "manifest.yaml" && m.ID != folder {
			problems = append(problems, fault.Problem{
				File: file, Line: 1, Column: 1, Severity: fault.SeverityError, Code: "bad_name",
				Message: fmt.Sprintf("the manifest names itself %q, its folder %q", m.ID, folder), Hint: "they must be equal",
			})
		}
	}
	return sh.findings(problems, *strict, count(len(files), "manifest"))
}

// parent is the name of the folder that a file lies in.
func parent(file string) string {
	abs, err := filepath.Abs(file)
	if err != nil {
		abs = file
	}
	return filepath.Base(filepath.Dir(abs))
}

// gather lists the files that were named, and those that fit in the folders that
// were named. Nothing at all is an error: it would pass for a check.
func gather(args []string, fits func(path string) bool) ([]string, error) {
	var files []string
	for _, arg := range args {
		st, err := os.Stat(arg) //nolint:gosec // whoever types names their own files
		if err != nil {
			return nil, unreadable(err, arg)
		}
		if !st.IsDir() {
			files = append(files, arg)
			continue
		}
		before := len(files)
		err = filepath.WalkDir(arg, func(path string, d fs.DirEntry, err error) error { //nolint:gosec // as above
			switch {
			case err != nil:
				return err
			case d.IsDir() && path != arg && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules" || d.Name() == "testdata"):
				return fs.SkipDir
			case !d.IsDir() && fits(path):
				files = append(files, path)
			}
			return nil
		})
		if err != nil {
			return nil, unreadable(err, arg)
		}
		if len(files) == before {
			return nil, fault.New(fault.NotFound, "there is nothing to look at in %s", arg)
		}
	}
	return files, nil
}
