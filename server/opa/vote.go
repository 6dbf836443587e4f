package opa

import (
	"context"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/tocsin-soar/tocsin/server/approval"
)

// Objections asks tocsin.approve about a vote that a person is about to cast;
// decision is approve or answer: a no is never held back. It gives the members of deny: none is no
// objection. Without a module there is none; an error or timeout is one.
func (p *Policy) Objections(ctx context.Context, r approval.Request, voter approval.Person, decision string, at time.Time) []approval.Reason {
	if p.object == nil {
		return nil
	}
	in := map[string]any{
		"request": map[string]any{
			"id": r.ID, "kind": string(r.Kind), "action": r.Action, "impact": r.Impact, "connection": r.Connection,
			"playbook": r.Playbook, "run": r.Run, "step": r.Step, "starter": r.Starter, "author": r.Author,
			"targets": voteTargets(r.Targets),
		},
		"voter":    map[string]any{"name": approval.Canonical(voter.Name), "roles": texts(voter.Roles), "teams": texts(voter.Teams)},
		"decision": decision,
		"now":      now(p.Moment(at)),
	}
	if why := whyNot(books()[schemaVote].root, in); why != "" {
		return objection(ruleInput, "the vote does not fit the policy's input: "+why)
	}
	input, err := valueOf(in, 0)
	if err != nil {
		return objection(ruleInput, "the vote does not fit the policy's input")
	}
	v, rule, err := evaluate(ctx, *p.object, input.Value)
	if err != nil {
		return objection(rule, err.Error())
	}
	set, ok := v.(ast.Set)
	if !ok {
		return objection(ruleError, "the policy gave no answer")
	}
	out := []approval.Reason{}
	set.Foreach(func(t *ast.Term) { out = append(out, objectionOf(t)) })
	return out
}

// objectionOf reads one member of deny; a misfit objects as bad_rule.
func objectionOf(t *ast.Term) approval.Reason {
	m, err := ast.JSON(t.Value)
	why := "it is no JSON"
	if err == nil {
		why = misfit(setDeny, m)
	}
	if why != "" {
		return approval.Reason{Rule: ruleMember, Outcome: setDeny, Reason: "the member of deny in " + pkgApprove + " does not fit: " + why}
	}
	fields, _ := m.(map[string]any)
	return approval.Reason{Rule: text(fields, "rule", ""), Outcome: setDeny, Reason: text(fields, "reason", "")}
}

func voteTargets(ts []approval.Target) []any {
	out := make([]any, len(ts))
	for i, t := range ts {
		out[i] = map[string]any{"kind": t.Kind, "value": t.Value, "tags": texts(t.Tags), "owner": t.Owner}
	}
	return out
}

func objection(rule, reason string) []approval.Reason {
	return []approval.Reason{{Rule: rule, Outcome: setDeny, Reason: reason}}
}
