package library

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/ident"
)

// The bounds of a workspace folder.
const (
	maxFiles = 20_000
	maxFile  = 1 << 20
	maxTable = 32 << 20 // assets.csv, identities.csv
	maxDepth = 8
)

// file is one file of a folder. Label is what people call it.
type file struct {
	path   string // in its folder
	label  string
	origin Origin
	raw    []byte
	sha256 string
}

// base is the file's name without .yaml.
func (f file) base() string { return strings.TrimSuffix(path.Base(f.path), ".yaml") }

func (f file) problem(code, message, hint string) fault.Problem {
	return fault.Problem{File: f.label, Severity: fault.SeverityError, Code: code, Message: message, Hint: hint}
}

// files are all files that mean something, the strongest first, by path.
type files struct {
	playbooks   []file // also the shipped ones
	tests       []file
	manifests   []file // also the shipped ones
	sources     []file
	connections []file
	policies    []file
	single      map[string]file // capabilities.yaml people.yaml assets.csv identities.csv
	problems    []fault.Problem
	count       int
}

func readAll(o Options) (*files, error) {
	all := &files{single: map[string]file{}}
	for _, w := range o.Workspaces {
		prefix := ""
		if len(o.Workspaces) > 1 && w.Name != "" {
			prefix = w.Name + "/"
		}
		if err := all.walk(w.FS, Workspace, prefix); err != nil {
			return nil, err
		}
	}
	if o.Integrations != nil {
		if err := all.shipped(o.Integrations, "integrations/", &all.manifests, isManifest); err != nil {
			return nil, err
		}
	}
	if o.Playbooks != nil {
		if err := all.shipped(o.Playbooks, "playbooks/", &all.playbooks, isPlaybook); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func isManifest(p string) bool {
	return path.Base(p) == "manifest.yaml" && strings.Count(p, "/") == 2
}

func isPlaybook(p string) bool {
	return strings.HasSuffix(p, ".yaml") && !strings.HasSuffix(p, ".test.yaml")
}

func (a *files) shipped(from fs.FS, prefix string, into *[]file, want func(p string) bool) error {
	err := fs.WalkDir(from, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !want(prefix+p) {
			return err
		}
		raw, err := fs.ReadFile(from, p)
		if err != nil {
			return fmt.Errorf("read shipped %s: %w", p, err)
		}
		*into = append(*into, file{path: prefix + p, label: "shipped " + prefix + p, origin: Shipped, raw: raw, sha256: ident.Sum(raw)})
		return nil
	})
	if err != nil {
		return fmt.Errorf("read what is shipped: %w", err)
	}
	return nil
}

// walk reads a workspace folder.
func (a *files) walk(from fs.FS, origin Origin, prefix string) error {
	err := fs.WalkDir(from, ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil && p != "." && errors.Is(err, fs.ErrNotExist):
			return nil // it went away while we looked
		case err != nil:
			return err
		case d.IsDir() && p != "." && skipped(p, d.Name()):
			return fs.SkipDir
		case d.IsDir():
			return nil
		}
		a.take(from, p, origin, prefix)
		return nil
	})
	if err != nil {
		return fault.Wrap(err, fault.Unavailable, "the workspace folder cannot be read").WithCode("workspace_unreadable")
	}
	return nil
}

// skipped are folders that hold nothing of ours.
func skipped(p, name string) bool {
	return strings.HasPrefix(name, ".") || name == "testdata" || name == "node_modules" || strings.Count(p, "/") >= maxDepth
}

func (a *files) take(from fs.FS, p string, origin Origin, prefix string) {
	f := file{path: p, label: prefix + p, origin: origin}
	into, known := a.place(p)
	if !known {
		if ext := path.Ext(p); (ext == ".yaml" || ext == ".yml" || ext == ".csv" || ext == ".rego") && !strings.Contains(p, "/fixtures/") {
			warning := f.problem("unknown_file", "this file is not read: it stands at no place that means something", strayHint(p))
			warning.Severity = fault.SeverityWarning
			a.problems = append(a.problems, warning)
		}
		return
	}
	if a.count++; a.count > maxFiles {
		if a.count == maxFiles+1 {
			a.problems = append(a.problems, f.problem("too_many", fmt.Sprintf("the workspace has more than %d files; the rest is not read", maxFiles), ""))
		}
		return
	}
	limit := int64(maxFile)
	if path.Ext(p) == ".csv" {
		limit = maxTable
	}
	raw, err := readFile(from, p, limit)
	if err != nil {
		a.problems = append(a.problems, f.problem("unreadable", err.Error(), ""))
		raw = nil // so that what stood there before is kept
	}
	f.raw, f.sha256 = raw, ident.Sum(raw)
	if into != nil {
		*into = append(*into, f)
		return
	}
	if _, stronger := a.single[p]; !stronger {
		a.single[p] = f
	}
}

var errTooLarge = errors.New("the file is too large")

func readFile(from fs.FS, p string, limit int64) ([]byte, error) {
	h, err := from.Open(p)
	if err != nil {
		return nil, errors.New("the file cannot be opened")
	}
	defer h.Close() //nolint:errcheck // only read
	raw, err := io.ReadAll(io.LimitReader(h, limit+1))
	switch {
	case err != nil:
		return nil, errors.New("the file cannot be read")
	case int64(len(raw)) > limit:
		return nil, errTooLarge
	}
	return raw, nil
}

// place says to which kind a path belongs; into is nil for the single files.
func (a *files) place(p string) (into *[]file, known bool) {
	top, rest, nested := strings.Cut(p, "/")
	if !nested {
		return nil, slices.Contains([]string{"capabilities.yaml", "people.yaml", "assets.csv", "identities.csv"}, p)
	}
	flat := !strings.Contains(rest, "/")
	switch top {
	case "playbooks":
		if strings.HasSuffix(rest, ".test.yaml") {
			return &a.tests, true
		}
		return &a.playbooks, strings.HasSuffix(rest, ".yaml")
	case "policies":
		return &a.policies, strings.HasSuffix(rest, ".rego") || path.Base(rest) == "data.yaml"
	case "integrations":
		return &a.manifests, isManifest(p)
	case "sources":
		return &a.sources, flat && strings.HasSuffix(rest, ".yaml")
	case "connections":
		return &a.connections, flat && strings.HasSuffix(rest, ".yaml")
	}
	return nil, false
}

func strayHint(p string) string {
	top, _, nested := strings.Cut(p, "/")
	known := []string{"playbooks", "policies", "integrations", "sources", "connections"}
	if !nested {
		known = []string{"capabilities.yaml", "people.yaml", "assets.csv", "identities.csv"}
	}
	if near := fault.Suggest(top, known); near != "" && near != top {
		return fmt.Sprintf("did you mean %q?", near)
	}
	if strings.HasSuffix(p, ".yml") {
		return "name it .yaml"
	}
	return "the places are: playbooks/**/NAME.yaml, policies/<area>/*.rego, integrations/ID/manifest.yaml, sources/NAME.yaml, connections/NAME.yaml"
}

// named goes through files by name, each name once: the strongest brings it. A
// second file with the same name is a mistake when it is as strong.
func named(list []file, name func(f file) string, say func(ps ...fault.Problem)) []file {
	by := map[string]file{}
	var out []file
	for _, f := range list {
		n := name(f)
		first, taken := by[n]
		switch {
		case !taken:
			by[n] = f
			out = append(out, f)
		case first.origin == f.origin && first.path != f.path:
			say(f.problem("duplicate_name", fmt.Sprintf("the name %q is taken by %s", n, first.label), "names are unique over all folders of a kind"))
		}
	}
	return out
}
