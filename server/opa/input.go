package opa

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/tocsin-soar/tocsin/server/approval"
	"github.com/tocsin-soar/tocsin/server/gate"
)

// plain gives a question as the plain values of its JSON, without the detour over
// text. What is nil where a list or map must be becomes null, which the schema
// then refuses.
func plain(q gate.Question) map[string]any {
	return map[string]any{
		"action": map[string]any{
			"id": q.Action.ID, "integration": q.Action.Integration, "impact": q.Action.Impact,
			"params": orNil(q.Action.Params), "lease_seconds": q.Action.LeaseSeconds, "digest": q.Action.Digest,
		},
		"purpose": string(q.Purpose),
		"targets": targets(q.Targets),
		"connection": map[string]any{
			"name": q.Connection.Name, "environment": q.Connection.Environment, "tags": words(q.Connection.Tags),
		},
		"playbook": map[string]any{
			"name": q.Playbook.Name, "version": q.Playbook.Version, "author": q.Playbook.Author,
			"reviewed": q.Playbook.Reviewed, "age_seconds": q.Playbook.AgeSeconds,
		},
		"run": map[string]any{
			"id": q.Run.ID, "trigger": q.Run.Trigger, "depth": q.Run.Depth, "started_at": q.Run.StartedAt,
		},
		"alert":     orNil(q.Alert),
		"effect":    effect(q.Effect),
		"actor":     map[string]any{"kind": q.Actor.Kind, "name": q.Actor.Name, "roles": words(q.Actor.Roles)},
		"approvals": approvals(q.Approvals),
		"attempt":   map[string]any{"number": q.Attempt.Number, "error": q.Attempt.Error},
		"now":       now(q.Now),
		"facts": map[string]any{
			"in_force": counts(q.Facts.InForce),
			"made": map[string]any{
				"run": counts(q.Facts.Made.Run), "10m": counts(q.Facts.Made.M10),
				"1h": counts(q.Facts.Made.H1), "24h": counts(q.Facts.Made.H24),
			},
		},
	}
}

func orNil(m map[string]any) any {
	if m == nil {
		return nil
	}
	return m
}

func words(list []string) any {
	if list == nil {
		return nil
	}
	return texts(list)
}

func targets(ts []approval.Target) any {
	if ts == nil {
		return nil
	}
	out := make([]any, len(ts))
	for i, t := range ts {
		out[i] = map[string]any{"kind": t.Kind, "value": t.Value, "tags": words(t.Tags), "owner": t.Owner}
	}
	return out
}

func effect(e *gate.Effect) any {
	if e == nil {
		return nil
	}
	if e.Holds == nil {
		return map[string]any{"key": e.Key, "holds": nil}
	}
	holds := make([]any, len(e.Holds))
	for i, h := range e.Holds {
		holds[i] = map[string]any{
			"run": h.Run, "step": h.Step, "until": h.Until, "approved_by": words(h.ApprovedBy),
			"lease_seconds": h.LeaseSeconds, "outcome": h.Outcome,
		}
	}
	return map[string]any{"key": e.Key, "holds": holds}
}

func approvals(list []gate.Approval) any {
	if list == nil {
		return nil
	}
	out := make([]any, len(list))
	for i, a := range list {
		out[i] = map[string]any{"by": a.By, "at": a.At, "roles": words(a.Roles)}
	}
	return out
}

func now(n gate.Now) map[string]any {
	return map[string]any{"time": n.Time, "weekday": n.Weekday, "hour": n.Hour, "business": n.Business}
}

func counts(c gate.Counts) map[string]any {
	return map[string]any{
		"total": c.Total, "by_action": counter(c.ByAction), "by_impact": counter(c.ByImpact),
		"by_target_kind": counter(c.ByTargetKind), "by_playbook": counter(c.ByPlaybook),
	}
}

func counter(m map[string]int64) any {
	if m == nil {
		return nil
	}
	out := make(map[string]any, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out
}

// maxInputDepth bounds nesting of what comes from outside: parameters and alerts.
const maxInputDepth = 110

// valueOf makes OPA's value of a plain one. Numbers keep their text: no integer is
// rounded.
func valueOf(v any, depth int) (*ast.Term, error) {
	if depth > maxInputDepth {
		return nil, fmt.Errorf("the input is nested deeper than %d", maxInputDepth)
	}
	switch v := v.(type) {
	case nil:
		return ast.InternedNullTerm, nil
	case bool:
		return ast.InternedTerm(v), nil
	case string:
		return ast.InternedTerm(v), nil
	case int64:
		return number(strconv.FormatInt(v, 10)), nil
	case int:
		return number(strconv.Itoa(v)), nil
	case float64:
		raw, err := json.Marshal(v)
		if err != nil {
			return nil, fmt.Errorf("a number of the input: %w", err)
		}
		return number(string(raw)), nil
	case json.Number:
		return number(v.String()), nil
	case []any:
		terms := make([]*ast.Term, len(v))
		for i, e := range v {
			var err error
			if terms[i], err = valueOf(e, depth+1); err != nil {
				return nil, err
			}
		}
		return ast.ArrayTerm(terms...), nil
	case map[string]any:
		pairs := make([][2]*ast.Term, 0, len(v))
		for k, e := range v {
			t, err := valueOf(e, depth+1)
			if err != nil {
				return nil, err
			}
			pairs = append(pairs, ast.Item(ast.InternedTerm(k), t))
		}
		return ast.ObjectTerm(pairs...), nil
	}
	return nil, fmt.Errorf("the input holds a %T, which is no JSON", v)
}

func number(text string) *ast.Term { return ast.NumberTerm(json.Number(text)) }
