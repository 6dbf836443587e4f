package opa

import (
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/tocsin-soar/tocsin/policies"
	"github.com/tocsin-soar/tocsin/server/fault"
)

// The bounds of a policy tree.
const (
	maxModule = 256 << 10 // bytes of one module
	maxFiles  = 500
	maxTree   = 4 << 20 // bytes of a workspace's policies together
)

// The packages of the house.
const (
	pkgShipped = "tocsin.shipped"
	pkgAction  = "tocsin.action"
	pkgAccess  = "tocsin.access"
	pkgApprove = "tocsin.approve"
	pkgLib     = "tocsin.lib"
	libShipped = "tocsin.lib.shipped"
)

// module is one Rego file.
type module struct {
	path    string
	src     []byte
	shipped bool
	test    bool
	pkg     string
	parsed  *ast.Module
}

// tree is a policy tree, parsed: modules by path and the text of its data.yaml.
type tree struct {
	modules  []*module
	data     []byte
	dataPath string
	problems []fault.Problem
}

func (t *tree) add(p fault.Problem) { t.problems = append(t.problems, p) }

// shippedTree gives the policies in the binary, read once. Nobody changes it:
// modules are copied before they are compiled.
//
//nolint:gochecknoglobals // read once from the binary, never changed
var shippedTree = sync.OnceValues(readShipped)

func readShipped() (*tree, error) {
	t := &tree{}
	err := fs.WalkDir(policies.FS, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		src, err := fs.ReadFile(policies.FS, name)
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		switch {
		case name == "data.yaml":
			t.data, t.dataPath = src, "shipped/data.yaml"
		case strings.HasSuffix(name, ".rego"):
			t.parse("shipped/"+name, src, true)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the shipped policies: %w", err)
	}
	return t, nil
}

// workspaceTree takes the files of a workspace; other files than Rego and
// data.yaml are none of a policy's business.
func workspaceTree(files map[string][]byte) *tree {
	t := &tree{}
	if len(files) > maxFiles {
		t.add(wrong("", 0, 0, "too_large", fmt.Sprintf("%d policy files; at most %d are read", len(files), maxFiles), ""))
		return t
	}
	total := 0
	for _, name := range slices.Sorted(maps.Keys(files)) {
		src := files[name]
		total += len(src)
		switch base := path.Base(name); {
		case base == "data.yaml" || base == "data.yml" || base == "data.json":
			t.dataFile(name, base, src)
		case strings.HasSuffix(base, ".rego") && len(src) > maxModule:
			t.add(wrong(name, 0, 0, "too_large", fmt.Sprintf("a module is at most %d KiB", maxModule>>10), "split it"))
		case strings.HasSuffix(base, ".rego"):
			t.parse(name, src, false)
		}
	}
	if total > maxTree {
		t.add(wrong("", 0, 0, "too_large", fmt.Sprintf("the policies are at most %d MiB together", maxTree>>20), ""))
	}
	return t
}

func (t *tree) dataFile(name, base string, src []byte) {
	switch {
	case base != "data.yaml":
		t.add(wrong(name, 0, 0, "unknown_file", "the values of policies stand in data.yaml", "rename it to data.yaml"))
	case t.dataPath != "":
		t.add(wrong(name, 0, 0, "twice", "there are two data.yaml; the other is "+t.dataPath, "join them"))
	default:
		t.data, t.dataPath = src, name
	}
}

// parse reads one module. Its METADATA comments are comments here: a policy
// cannot replace the schemas it is checked with.
func (t *tree) parse(name string, src []byte, shipped bool) {
	parsed, err := ast.ParseModuleWithOpts(name, string(src), ast.ParserOptions{RegoVersion: ast.RegoV1})
	if err != nil {
		t.problems = append(t.problems, problemsOf(err, name, nil)...)
		return
	}
	if parsed == nil {
		t.add(wrong(name, 0, 0, "empty", "the module is empty", "begin with: package tocsin.action"))
		return
	}
	t.modules = append(t.modules, &module{
		path: name, src: src, shipped: shipped, parsed: parsed,
		test: strings.HasSuffix(name, "_test.rego"),
		pkg:  strings.TrimPrefix(parsed.Package.Path.String(), "data."),
	})
}

// product gives the modules that rule, without their tests.
func (t *tree) product(keep func(*module) bool) map[string]*ast.Module {
	out := map[string]*ast.Module{}
	for _, m := range t.modules {
		if !m.test && keep(m) {
			out[m.path] = m.parsed
		}
	}
	return out
}

func under(pkg, parent string) bool { return pkg == parent || strings.HasPrefix(pkg, parent+".") }

// judging are the modules that answer a gate's question.
func judging(m *module) bool {
	return m.pkg == pkgShipped || m.pkg == pkgAction || under(m.pkg, pkgLib)
}

func granting(m *module) bool { return m.pkg == pkgAccess }

func objecting(m *module) bool { return m.pkg == pkgApprove }
