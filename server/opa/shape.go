package opa

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// The four sets.
const (
	setDeny    = "deny"
	setApprove = "approve"
	setAllow   = "allow"
	setLimit   = "limit"
)

// sets in the order in which they are read.
func sets() []string { return []string{setDeny, setApprove, setAllow, setLimit} }

// maxPattern bounds a regular expression, which must stand in the text: matching
// cannot be stopped once it runs.
const maxPattern = 1024

// shape checks what Rego would let through: packages, rule heads, and what only
// tests may do.
func (t *tree) shape() {
	for _, m := range t.modules {
		t.packageOf(m)
		if m.test {
			continue
		}
		for _, r := range m.parsed.Rules {
			t.head(m, r)
		}
		t.forbidden(m)
	}
}

func (t *tree) packageOf(m *module) {
	loc := m.parsed.Package.Location
	last := m.pkg[strings.LastIndexByte(m.pkg, '.')+1:]
	isTest := strings.HasSuffix(last, "_test")
	switch {
	case m.test && !isTest:
		t.add(wrongAt(loc, "package", "a test has a package of its own that ends in _test", "package "+m.pkg+"_test"))
	case !m.test && isTest:
		t.add(wrongAt(loc, "package", "a package that ends in _test belongs into a file that ends in _test.rego", ""))
	case m.test:
	case m.shipped:
		if m.pkg != pkgShipped && m.pkg != pkgAccess && !under(m.pkg, libShipped) {
			t.add(wrongAt(loc, "package", "a shipped module is in "+pkgShipped+", "+pkgAccess+" or below "+libShipped, ""))
		}
	case m.pkg == pkgAction, m.pkg == pkgApprove:
	case m.pkg == pkgShipped || m.pkg == pkgAccess || under(m.pkg, libShipped):
		t.add(wrongAt(loc, "package", m.pkg+" is shipped and cannot be added to", "package "+pkgAction))
	case m.pkg != pkgLib && under(m.pkg, pkgLib):
	default:
		t.add(wrongAt(loc, "package", "rules stand in "+pkgAction+" or "+pkgApprove+", what they share below "+pkgLib,
			didYouMean(m.pkg, []string{pkgAction, pkgApprove, pkgLib + ".words"})))
	}
}

// head refuses rules that would never speak, or that speak without a condition.
func (t *tree) head(m *module, r *ast.Rule) {
	known := sets()
	switch m.pkg {
	case pkgShipped, pkgAction:
	case pkgApprove:
		known = []string{setDeny}
	default:
		return
	}
	name := string(r.Head.Name)
	if len(r.Head.Reference) > 0 {
		if v, ok := r.Head.Reference[0].Value.(ast.Var); ok {
			name = string(v)
		}
	}
	loc := r.Head.Location
	switch {
	case !slices.Contains(known, name):
		t.add(wrongAt(loc, "unknown_rule", fmt.Sprintf("a rule %q never speaks: the sets of %s are %s", name, m.pkg, strings.Join(known, ", ")),
			orElse(didYouMean(name, known), "a helper belongs below "+pkgLib)))
	case r.Default:
		t.add(wrongAt(loc, "default_rule", "a default would answer where no rule does; no answer is a denial", "remove it"))
	case r.Head.Key == nil || len(r.Head.Reference) > 1 || len(r.Head.Args) > 0 || r.Else != nil:
		t.add(wrongAt(loc, "not_a_set", name+" is a set: a rule adds a member to it",
			fmt.Sprintf(`write: %s contains {"rule": "…", "reason": "…"} if { … }`, name)))
	default:
		t.member(m, r, name)
		if name == setAllow && !m.shipped && !asks(m, r.Body) {
			t.problems = append(t.problems, warnAt(loc, "default_allow", "this allows whatever is asked: no condition looks at the input", "say what it allows"))
		}
	}
}

func orElse(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// asks says whether a body has a condition that holds of something that was asked,
// not only that something is not so.
func asks(m *module, body ast.Body) bool {
	heads := map[ast.Var]bool{"input": true, "data": true}
	for _, i := range m.parsed.Imports {
		heads[i.Name()] = true
	}
	found := false
	for _, e := range body {
		if e.Negated {
			continue
		}
		ast.WalkRefs(e, func(r ast.Ref) bool {
			head, ok := r[0].Value.(ast.Var)
			found = found || ok && heads[head]
			return found
		})
	}
	return found
}

// member checks what a rule gives as far as it stands in the text. A misfit is
// only a warning here: when the rule speaks, it denies as bad_rule.
func (t *tree) member(m *module, r *ast.Rule, set string) {
	obj, ok := r.Head.Key.Value.(ast.Object)
	if !ok {
		return
	}
	if m.pkg == pkgApprove {
		set = setDeny
	}
	known := memberFields(set)
	obj.Foreach(func(k, _ *ast.Term) {
		name, isText := k.Value.(ast.String)
		if isText && !slices.Contains(known, string(name)) {
			t.problems = append(t.problems, warnAt(k.Location, "bad_rule",
				fmt.Sprintf("a member of %s has no %q: when this rule speaks, it denies as bad_rule", set, string(name)), didYouMean(string(name), known)))
		}
	})
	if !r.Head.Key.IsGround() {
		return
	}
	v, err := ast.JSON(r.Head.Key.Value)
	if err != nil {
		return
	}
	if why := misfit(set, v); why != "" {
		t.problems = append(t.problems, warnAt(r.Head.Key.Location, "bad_rule",
			fmt.Sprintf("this is no member of %s (%s): when the rule speaks, it denies as bad_rule", set, why), ""))
	}
}

// ruleName gives the name that stands in the text of a rule's member.
func ruleName(r *ast.Rule) string {
	if r.Head.Key == nil {
		return ""
	}
	obj, ok := r.Head.Key.Value.(ast.Object)
	if !ok {
		return ""
	}
	if v := obj.Get(ast.StringTerm("rule")); v != nil {
		if s, ok := v.Value.(ast.String); ok {
			return string(s)
		}
	}
	return ""
}

// forbidden refuses what only tests may do, and patterns made from data.
func (t *tree) forbidden(m *module) {
	ast.WalkExprs(m.parsed, func(e *ast.Expr) bool {
		for _, w := range e.With {
			t.add(wrongAt(w.Location, "with", "with is for tests: a rule may not replace what it is asked", ""))
		}
		return false
	})
	check := func(op ast.Ref, args []*ast.Term, loc *ast.Location) {
		if !strings.HasPrefix(op.String(), "regex.") || len(args) == 0 {
			return
		}
		if s, ok := args[0].Value.(ast.String); !ok || len(s) > maxPattern {
			t.add(wrongAt(loc, "pattern", fmt.Sprintf("a pattern stands in the text as it is and has at most %d bytes", maxPattern), ""))
		}
	}
	ast.WalkExprs(m.parsed, func(e *ast.Expr) bool {
		if e.IsCall() {
			check(e.Operator(), e.Operands(), e.Location)
		}
		return false
	})
	ast.WalkTerms(m.parsed, func(x *ast.Term) bool {
		if call, ok := x.Value.(ast.Call); ok && len(call) > 0 {
			if op, ok := call[0].Value.(ast.Ref); ok {
				check(op, call[1:], x.Location)
			}
		}
		return false
	})
}

// namesOf lists the shipped rules whose names stand in the text.
func (t *tree) namesOf() []string {
	names := map[string]bool{}
	for _, m := range t.modules {
		if m.pkg != pkgShipped || m.test {
			continue
		}
		for _, r := range m.parsed.Rules {
			if n := ruleName(r); n != "" {
				names[n] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}
