package approval

import (
	"cmp"
	"slices"
	"strings"
)

// Merge joins requirements that ask the same people: highest quorum, union of
// exclusions, rules and reasons of all. The times are those of the whole request
// (TermsOf) in each of them. The result does not depend on the order given, and
// merging it again changes nothing.
func Merge(rs []Requirement) []Requirement {
	groups := map[string][]Requirement{}
	for _, r := range rs {
		key := strings.Join(folded(r.Who), "\x00")
		groups[key] = append(groups[key], r)
	}
	terms := TermsOf(rs)
	out := make([]Requirement, 0, len(groups))
	for _, g := range groups {
		m := mergeGroup(g)
		m.Within, m.Extend = DurationText(terms.Within), DurationText(terms.Extend)
		m.Hold, m.ValidFor = DurationText(terms.Hold), DurationText(terms.ValidFor)
		out = append(out, m)
	}
	slices.SortFunc(out, func(a, b Requirement) int {
		return cmp.Or(cmp.Compare(a.Rule, b.Rule), slices.Compare(a.Who, b.Who))
	})
	return out
}

func mergeGroup(g []Requirement) Requirement {
	m := Requirement{Who: folded(g[0].Who), Quorum: 1}
	var rules, reasons, not []string
	for _, r := range g {
		rules = append(rules, split(r.Rule, ", ")...)
		reasons = append(reasons, split(r.Reason, "; ")...)
		not = append(not, r.Not...)
		m.Quorum = max(m.Quorum, r.Quorum)
		for _, e := range r.Escalate {
			m.Escalate = append(m.Escalate, Escalation{After: e.After, Who: folded(e.Who)})
		}
	}
	m.Rule, m.Reason, m.Not = strings.Join(sorted(rules), ", "), strings.Join(sorted(reasons), "; "), folded(not)
	m.Escalate = escalations(m.Escalate)
	return m
}

// Stricter joins what a waiting request asks for with what the policy asks for
// now: nothing that was asked for is dropped, and the shorter time holds.
func Stricter(old, now []Requirement) []Requirement {
	return Merge(slices.Concat(old, now))
}

// escalations sorts by time and leaves out what stands twice; never nil.
func escalations(es []Escalation) []Escalation {
	out := slices.Clone(es)
	slices.SortFunc(out, func(a, b Escalation) int {
		return cmp.Or(cmp.Compare(after(a), after(b)), slices.Compare(a.Who, b.Who))
	})
	out = slices.CompactFunc(out, func(a, b Escalation) bool {
		return after(a) == after(b) && slices.Equal(a.Who, b.Who)
	})
	if out == nil {
		return []Escalation{}
	}
	return out
}

func after(e Escalation) string { return DurationText(bounded(e.After, DefaultWithin, MaxWithin)) }

// folded gives words in their one spelling, sorted, each once; never nil.
func folded(words []string) []string {
	out := make([]string, 0, len(words))
	for _, w := range words {
		out = append(out, Canonical(w))
	}
	return sorted(out)
}

// sorted gives texts sorted, each once; never nil.
func sorted(texts []string) []string {
	out := append(make([]string, 0, len(texts)), texts...)
	slices.Sort(out)
	return slices.Compact(out)
}

// split takes a joined text apart again, so that merging twice is merging once.
func split(text, by string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, by)
}
