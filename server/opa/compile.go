package opa

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"

	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/ident"
)

// Policy is a policy tree, compiled: it never changes.
type Policy struct {
	revision string
	modules  []Module
	rules    []Rule
	disabled map[string]bool
	config   map[string]any
	hours    calendar

	judge  query
	access *access
	object *query // nil without a module of tocsin.approve
}

// Module is one file of a policy as it is in force.
type Module struct {
	Path    string `json:"path"`
	Package string `json:"package"`
	SHA256  string `json:"sha256"`
	Shipped bool   `json:"shipped"`
	Source  string `json:"source"`
}

// Rule is one named rule of a set. Name has the prefix shipped/ where it is one.
type Rule struct {
	Name     string `json:"name"`
	Set      string `json:"set"`
	File     string `json:"file"`
	Line     int    `json:"line"`
	Disabled bool   `json:"disabled"`
}

// Revision is "sha256:" and the hash of all modules and values.
func (p *Policy) Revision() string { return p.revision }

// Modules lists the modules that rule, shipped ones first.
func (p *Policy) Modules() []Module { return slices.Clone(p.modules) }

// Rules lists the rules whose names stand in the text, those that are switched
// off included.
func (p *Policy) Rules() []Rule { return slices.Clone(p.rules) }

// Config gives data.config, to be read only.
func (p *Policy) Config() map[string]any { return p.config }

// Compile compiles the shipped policies together with the files of a workspace,
// by path. The policy is nil when a problem is an error; warnings are given
// beside it. Tests are parsed, and run by RunTests.
func Compile(ctx context.Context, files map[string][]byte) (*Policy, []fault.Problem) {
	all, own, config, problems := assemble(files)
	if fault.Broken(problems) {
		return nil, problems
	}
	p := &Policy{config: config, disabled: map[string]bool{}}
	var err error
	if p.hours, err = readCalendar(config); err != nil {
		return nil, append(problems, wrong(own.dataPath, 0, 0, "hours", err.Error(), ""))
	}
	if bad := p.switchOff(all, own.dataPath); bad != nil {
		return nil, append(problems, *bad)
	}
	store := storeOf(config)
	judging, bad := compiled(all.product(judging), schemaInput)
	problems = append(problems, bad...)
	granting, bad := compiled(all.product(granting), schemaAccess)
	problems = append(problems, bad...)
	objecting, bad := compiled(all.product(objecting), schemaVote)
	problems = append(problems, bad...)
	if fault.Broken(problems) {
		return nil, problems
	}
	if err := p.prepare(ctx, store, judging, granting, objecting); err != nil {
		return nil, append(problems, wrong("", 0, 0, "prepare", err.Error(), ""))
	}
	p.describe(all)
	return p, problems
}

// assemble parses and checks the shipped and the given files and joins their
// values. Own is the workspace's part.
func assemble(files map[string][]byte) (all, own *tree, config map[string]any, problems []fault.Problem) {
	shipped, err := shippedTree()
	if err != nil {
		return nil, nil, nil, []fault.Problem{wrong("", 0, 0, "shipped", err.Error(), "")}
	}
	own = workspaceTree(files)
	all = &tree{modules: slices.Concat(shipped.modules, own.modules), problems: slices.Concat(shipped.problems, own.problems)}
	all.shape()
	config, bad := settings(shipped, own)
	return all, own, config, slices.Concat(all.problems, bad)
}

// switchOff reads which shipped rules are disabled. A name that no rule has is an
// error: whoever wrote it believes that a rule is off.
func (p *Policy) switchOff(all *tree, file string) *fault.Problem {
	known := all.namesOf()
	for _, name := range textList(p.config["disabled"]) {
		short := strings.TrimPrefix(name, "shipped/")
		if !slices.Contains(known, short) {
			bad := wrong(file, 0, 0, "unknown_rule", fmt.Sprintf("disabled: there is no shipped rule %q", short), didYouMean(short, known))
			return &bad
		}
		p.disabled[short] = true
	}
	return nil
}

func storeOf(config map[string]any) storage.Store {
	return inmem.NewFromObjectWithOpts(map[string]any{"config": config}, inmem.OptReturnASTValuesOnRead(true))
}

// annotation binds data.config to its schema in every package of the house.
const annotation = `# METADATA
# scope: subpackages
# schemas:
#   - data.config: schema.config
package tocsin
`

// compiled compiles modules with the schema of their input, strictly, and walks
// what they read. Nil modules give a compiler that holds nothing.
func compiled(modules map[string]*ast.Module, input string) (*ast.Compiler, []fault.Problem) {
	if len(modules) == 0 {
		return nil, nil
	}
	note, err := ast.ParseModuleWithOpts("schemas.rego", annotation, ast.ParserOptions{RegoVersion: ast.RegoV1, ProcessAnnotation: true})
	if err != nil {
		return nil, problemsOf(err, "schemas.rego", nil)
	}
	schemas := ast.NewSchemaSet()
	schemas.Put(ast.SchemaRootRef, books()[input].raw)
	schemas.Put(ast.MustParseRef("schema.config"), books()[schemaConfig].raw)
	c := ast.NewCompiler().
		WithCapabilities(capabilities(false)).
		WithSchemas(schemas).
		WithUseTypeCheckAnnotations(true).
		WithStrict(true).
		SetErrorLimit(100)
	given := map[string]*ast.Module{"schemas.rego": note}
	for name, m := range modules {
		given[name] = m.Copy()
	}
	c.Compile(given)
	if c.Failed() {
		return nil, problemsOf(c.Errors, "", c.RewrittenVars)
	}
	problems := references(c, books()[input].root)
	slices.SortFunc(problems, byPlace)
	return c, problems
}

func byPlace(a, b fault.Problem) int {
	if n := strings.Compare(a.File, b.File); n != 0 {
		return n
	}
	if a.Line != b.Line {
		return a.Line - b.Line
	}
	return a.Column - b.Column
}

func (p *Policy) prepare(ctx context.Context, store storage.Store, judging, granting, objecting *ast.Compiler) error {
	var err error
	if p.judge, err = prepared(ctx, store, judging, judgeQuery(judging)); err != nil {
		return err
	}
	if p.access, err = newAccess(ctx, store, granting); err != nil {
		return err
	}
	if objecting != nil {
		q, err := prepared(ctx, store, objecting, "members = data."+pkgApprove+"."+setDeny)
		if err != nil {
			return err
		}
		p.object = &q
	}
	return nil
}

// judgeQuery asks for all sets of both packages at once, as one object: a set
// that no rule adds to is left out, because it would be undefined.
func judgeQuery(c *ast.Compiler) string {
	var parts []string
	for _, pkg := range []string{pkgShipped, pkgAction} {
		for _, set := range sets() {
			if len(c.GetRulesExact(ast.MustParseRef("data."+pkg+"."+set))) > 0 {
				parts = append(parts, fmt.Sprintf("%q: data.%s.%s", pkg+"."+set, pkg, set))
			}
		}
	}
	return "members = {" + strings.Join(parts, ", ") + "}"
}

func prepared(ctx context.Context, store storage.Store, c *ast.Compiler, text string) (query, error) {
	q, err := rego.New(
		rego.Query(text),
		rego.Compiler(c),
		rego.Store(store),
		rego.StrictBuiltinErrors(true),
		rego.SetRegoVersion(ast.RegoV1),
		rego.GenerateJSON(func(t *ast.Term, _ *rego.EvalContext) (any, error) { return t.Value, nil }),
	).PrepareForEval(ctx)
	if err != nil {
		return query{}, fmt.Errorf("prepare a policy query: %w", err)
	}
	return query{prepared: q, watched: unstoppable(c)}, nil
}

// unstoppable says whether a policy calls functions whose one call may take long
// and which never look whether they were given up.
func unstoppable(c *ast.Compiler) bool {
	slow := []ast.Var{"regex", "glob", "json", "walk", "object", "net", "crypto", "units", "semver", "uri", "urlquery", "sort"}
	found := false
	for _, m := range c.Modules {
		ast.WalkRefs(m, func(r ast.Ref) bool {
			head, ok := r[0].Value.(ast.Var)
			found = found || ok && slices.Contains(slow, head) && r.String() != "object.get"
			return found
		})
	}
	return found
}

// describe fills in what people see of the policy, and its revision.
func (p *Policy) describe(all *tree) {
	hashes := map[string]any{}
	for _, m := range all.modules {
		if m.test {
			continue
		}
		sum := ident.Sum(m.src)
		hashes[m.path] = sum
		p.modules = append(p.modules, Module{Path: m.path, Package: m.pkg, SHA256: sum, Shipped: m.shipped, Source: string(m.src)})
		for _, r := range m.parsed.Rules {
			if n := ruleName(r); n != "" && (m.pkg == pkgShipped || m.pkg == pkgAction || m.pkg == pkgApprove) {
				rule := Rule{Name: n, Set: string(r.Head.Name), File: m.path, Line: r.Location.Row}
				if m.pkg == pkgShipped {
					rule.Name, rule.Disabled = "shipped/"+n, p.disabled[n]
				}
				p.rules = append(p.rules, rule)
			}
		}
	}
	slices.SortFunc(p.modules, func(a, b Module) int {
		if a.Shipped != b.Shipped {
			if a.Shipped {
				return -1
			}
			return 1
		}
		return strings.Compare(a.Path, b.Path)
	})
	slices.SortFunc(p.rules, func(a, b Rule) int { return strings.Compare(a.Name, b.Name) })
	off := slices.Sorted(maps.Keys(p.disabled))
	digest, err := ident.Digest(map[string]any{"v": 1, "modules": hashes, "config": p.config, "disabled": texts(off)})
	if err != nil { // checked values of data.yaml always have a canonical form
		digest = ident.Sum([]byte(fmt.Sprint(hashes, p.config, off)))
	}
	p.revision = "sha256:" + digest
}

func texts(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}
