package gate

import "github.com/tocsin-soar/tocsin/server/approval"

// Whole gives the question with every list and map present: what was nil is
// empty, as the wire wants it. Alert and Effect stay null where they are.
func (q Question) Whole() Question {
	q.Action.Params = present(q.Action.Params)
	q.Connection.Tags = list(q.Connection.Tags)
	q.Actor.Roles = list(q.Actor.Roles)
	targets := make([]approval.Target, len(q.Targets))
	for i, t := range q.Targets {
		t.Tags = list(t.Tags)
		targets[i] = t
	}
	q.Targets = targets
	yes := make([]Approval, len(q.Approvals))
	for i, a := range q.Approvals {
		a.Roles = list(a.Roles)
		yes[i] = a
	}
	q.Approvals = yes
	if q.Effect != nil {
		e := *q.Effect
		e.Holds = make([]Hold, len(q.Effect.Holds))
		for i, h := range q.Effect.Holds {
			h.ApprovedBy = list(h.ApprovedBy)
			e.Holds[i] = h
		}
		q.Effect = &e
	}
	q.Facts.InForce = q.Facts.InForce.Whole()
	m := q.Facts.Made
	q.Facts.Made = Made{Run: m.Run.Whole(), M10: m.M10.Whole(), H1: m.H1.Whole(), H24: m.H24.Whole()}
	return q
}

// Whole gives the counters with every map present.
func (c Counts) Whole() Counts {
	c.ByAction, c.ByImpact = present(c.ByAction), present(c.ByImpact)
	c.ByTargetKind, c.ByPlaybook = present(c.ByTargetKind), present(c.ByPlaybook)
	return c
}

func list(l []string) []string {
	if l == nil {
		return []string{}
	}
	return l
}

func present[V any](m map[string]V) map[string]V {
	if m == nil {
		return map[string]V{}
	}
	return m
}
