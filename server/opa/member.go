package opa

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/tocsin-soar/tocsin/server/approval"
	"github.com/tocsin-soar/tocsin/server/gate"
)

// verdict gathers the members of all sets.
type verdict struct {
	impact   string
	disabled map[string]bool
	reasons  []approval.Reason
	required []approval.Requirement
	limits   gate.Limits
	heard    map[gate.Outcome]bool
}

// answer joins the sets of both packages: the strictest word wins, none is a
// denial.
func (p *Policy) answer(members ast.Object, impact string) gate.Answer {
	v := verdict{impact: impact, disabled: p.disabled, heard: map[gate.Outcome]bool{}, limits: gate.Limits{Notify: []string{}}}
	for _, pkg := range []string{pkgShipped, pkgAction} {
		for _, set := range sets() {
			term := members.Get(ast.InternedTerm(pkg + "." + set))
			if term == nil {
				continue
			}
			list, ok := term.Value.(ast.Set)
			if !ok {
				v.bad(set, pkg, "", "the set is no set")
				continue
			}
			list.Foreach(func(t *ast.Term) { v.member(set, pkg, t) })
		}
	}
	a := gate.Answer{Revision: p.revision, Limits: v.limits, Required: []approval.Requirement{}}
	switch {
	case v.heard[gate.Deny]:
		a.Outcome = gate.Deny
	case v.heard[gate.Approve]:
		a.Outcome, a.Required = gate.Approve, approval.Merge(v.required)
	case v.heard[gate.Allow]:
		a.Outcome = gate.Allow
	default:
		a.Outcome = gate.Deny
		v.say(gate.Deny, ruleNone, "no rule allows this")
	}
	slices.Sort(a.Limits.Notify)
	a.Limits.Notify = slices.Compact(a.Limits.Notify)
	slices.SortFunc(v.reasons, func(x, y approval.Reason) int {
		return cmp.Or(strictness(y.Outcome)-strictness(x.Outcome), cmp.Compare(x.Rule, y.Rule), cmp.Compare(x.Reason, y.Reason))
	})
	a.Reasons = v.reasons
	return a
}

func strictness(outcome string) int {
	switch gate.Outcome(outcome) {
	case gate.Deny:
		return 2
	case gate.Approve:
		return 1
	case gate.Allow:
	}
	return 0
}

func (v *verdict) say(o gate.Outcome, rule, reason string) {
	v.heard[o] = true
	v.reasons = append(v.reasons, approval.Reason{Rule: rule, Outcome: string(o), Reason: reason})
}

func (v *verdict) bad(set, pkg, rule, why string) {
	if rule != "" {
		rule = " of rule " + rule
	}
	v.say(gate.Deny, ruleMember, fmt.Sprintf("the member of %s in %s%s does not fit: %s", set, pkg, rule, why))
}

// member takes one member of a set, or denies because it is none.
func (v *verdict) member(set, pkg string, t *ast.Term) {
	plain, err := ast.JSON(t.Value)
	if err != nil {
		v.bad(set, pkg, "", "it is no JSON")
		return
	}
	m, _ := plain.(map[string]any)
	rule, _ := m["rule"].(string)
	if pkg == pkgShipped && v.disabled[rule] {
		return
	}
	if why := misfit(set, plain); why != "" {
		v.bad(set, pkg, "", why) // the rule's name may be what does not fit
		return
	}
	name := rule
	if pkg == pkgShipped {
		name = "shipped/" + rule
	}
	reason, _ := m["reason"].(string)
	switch set {
	case setDeny:
		v.say(gate.Deny, name, reason)
	case setAllow:
		v.say(gate.Allow, name, orElse(reason, "the rule "+name+" allows it"))
	case setApprove:
		r, err := requirement(m, name, v.impact)
		if err != nil {
			v.bad(set, pkg, rule, err.Error())
			return
		}
		v.say(gate.Approve, name, reason)
		v.required = append(v.required, r)
	case setLimit:
		if err := v.limit(m); err != nil {
			v.bad(set, pkg, rule, err.Error())
		}
	}
}

// requirement fills in the defaults of an approve member.
func requirement(m map[string]any, name, impact string) (approval.Requirement, error) {
	hold := approval.DefaultHold
	if impact == "contain" {
		hold = approval.ContainHold
	}
	r := approval.Requirement{
		Rule: name, Reason: text(m, "reason", ""), Who: textList(m["who"]), Quorum: 1, Not: textList(m["not"]),
		Within: text(m, "within", approval.DefaultWithin), Extend: text(m, "extend", approval.DefaultExtend),
		Hold: text(m, "hold", hold), ValidFor: text(m, "valid_for", approval.DefaultValidFor),
		Escalate: []approval.Escalation{},
	}
	if q, ok := whole(m["quorum"]); ok {
		r.Quorum = q
	}
	steps, _ := m["escalate"].([]any)
	for _, s := range steps {
		e, _ := s.(map[string]any)
		r.Escalate = append(r.Escalate, approval.Escalation{After: text(e, "after", ""), Who: textList(e["who"])})
	}
	return r, times(r)
}

func times(r approval.Requirement) error {
	within, err := approval.ParseDuration(r.Within)
	if err != nil || within <= 0 || within > approval.MaxWithin {
		return errors.New("/within: people need between one second and 30 days")
	}
	extend, err := approval.ParseDuration(r.Extend)
	if err != nil || extend > approval.MaxWithin {
		return errors.New("/extend: at most 30 days")
	}
	hold, err := approval.ParseDuration(r.Hold)
	if err != nil || hold > approval.MaxHold {
		return errors.New("/hold: at most 60s")
	}
	valid, err := approval.ParseDuration(r.ValidFor)
	if err != nil || valid <= hold || valid > approval.MaxWithin {
		return errors.New("/valid_for: must be longer than hold and at most 30 days")
	}
	for _, e := range r.Escalate {
		if _, err := approval.ParseDuration(e.After); err != nil {
			return errors.New("/escalate: after is a duration like 10m")
		}
	}
	return nil
}

func text(m map[string]any, key, otherwise string) string {
	if s, ok := m[key].(string); ok {
		return s
	}
	return otherwise
}

// limit takes one member of the limit set: the shortest lease, dry run if any
// says so, everyone to be told.
func (v *verdict) limit(m map[string]any) error {
	if most, ok := m["max_for"].(string); ok {
		d, err := approval.ParseDuration(most)
		if err != nil || d < time.Second {
			return errors.New("/max_for: at least one second")
		}
		seconds := int64(d / time.Second)
		if v.limits.MaxForSeconds == nil || seconds < *v.limits.MaxForSeconds {
			v.limits.MaxForSeconds = &seconds
		}
	}
	if dry, ok := m["dry_run"].(bool); ok && dry {
		v.limits.DryRun = true
	}
	v.limits.Notify = append(v.limits.Notify, textList(m["notify"])...)
	return nil
}

// whole reads a small whole number of OPA's JSON.
func whole(v any) (int, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	i, err := n.Int64()
	return int(i), err == nil
}
