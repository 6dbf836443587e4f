package memory

import (
	"context"
	"slices"
	"time"

	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/gate"
	"github.com/tocsin-soar/tocsin/server/ledger"
	"github.com/tocsin-soar/tocsin/server/perform"
)

// act is what a store does in one transaction.
func (h *Host) act(ctx context.Context, r *Run, rec perform.Record, ask *perform.Asking) {
	ended := h.write(r, rec)
	if ask == nil {
		return
	}
	g := perform.Ground{
		At: h.Now, Question: ask.Question, Answer: ask.Answer, Halted: h.Held, Voters: h.People, Ended: ended,
	}
	if ask.Approval != "" {
		g.Approval = h.Approvals[ask.Approval]
	}
	if ask.Question.Action.ID != "" && ask.Reserves {
		g.Question.Facts = h.facts(r.Start.ID)
		g.Answer = ask.Judge(ctx, g.Question)
	}
	h.write(r, ask.Then(g))
}

// write takes over what a record says.
func (h *Host) write(r *Run, rec perform.Record) []perform.Ended {
	for _, e := range rec.Events {
		r.Journal = append(r.Journal, engine.Recorded{At: e.At, Kind: e.Kind, Body: e.Body})
	}
	for _, d := range rec.Decisions {
		h.Decisions = append(h.Decisions, d)
		if d.Reserve != nil {
			h.claims = append(h.claims, *d.Reserve)
		}
	}
	for _, f := range rec.Free {
		h.claims = slices.DeleteFunc(h.claims, func(c perform.Claim) bool { return c.Decision == f.Decision })
	}
	for _, q := range rec.Open {
		h.Approvals[q.ID] = &q
	}
	for _, c := range rec.Close {
		if q := h.Approvals[c.ID]; q != nil {
			q.Status, q.Why = c.Status, c.Why
		}
	}
	for _, id := range rec.UsedUp {
		h.Approvals[id].UsedUp = true
	}
	id := r.Start.ID
	for _, k := range rec.DropTimers {
		h.timers = slices.DeleteFunc(h.timers, func(d due) bool { return d.run == id && d.TimerKey == k })
	}
	for _, t := range rec.SetTimers {
		h.timers = slices.DeleteFunc(h.timers, func(d due) bool { return d.run == id && d.TimerKey == t.TimerKey })
		h.timers = append(h.timers, due{id, t})
	}
	h.post(r, rec)
	h.Audit = append(h.Audit, rec.Audit...) // those of the ledger are the store's to name
	return h.grip(rec.Effects)
}

func (h *Host) grip(grips []perform.Grip) []perform.Ended {
	var ended []perform.Ended
	for _, g := range grips {
		old := h.Effects[g.Effect.Key]
		switch g.Verb {
		case perform.GripTake:
			e := ledger.Take(old, g.Effect)
			h.Effects[e.Key] = &e
		case perform.GripEnd:
			out := perform.Ended{}
			if old != nil {
				e, undo := ledger.End(*old, g.Effect.Holds[0].Run, g.Effect.EndedBy)
				if undo {
					e.Status = ledger.Undoing
				} else if len(e.Holds) > 0 {
					out.Kept = "run " + e.Holds[0].Run + " holds it"
				}
				h.Effects[e.Key] = &e
				out.Effect, out.Due = e, undo
			}
			ended = append(ended, out)
		case perform.GripState:
			if old != nil {
				e := ledger.State(*old, g.Effect, h.Now)
				h.Effects[e.Key] = &e
			}
		case perform.GripExtend:
		}
	}
	return ended
}

// facts counts what was reserved and what is in force.
func (h *Host) facts(run string) gate.Facts {
	if h.Given != nil {
		return *h.Given
	}
	f := gate.Facts{InForce: counts(), Made: gate.Made{Run: counts(), M10: counts(), H1: counts(), H24: counts()}}
	for _, e := range h.Effects {
		if e.Status.Counts() {
			kinds := make([]string, len(e.Targets))
			for i, t := range e.Targets {
				kinds[i] = t.Kind
			}
			add(&f.InForce, e.Action, e.Impact, kinds, e.Playbook)
		}
	}
	for _, c := range h.claims {
		if c.Run == run {
			add(&f.Made.Run, c.Action, c.Impact, c.TargetKinds, c.Playbook)
		}
		age := h.Now.Sub(c.At)
		if age < 10*time.Minute {
			add(&f.Made.M10, c.Action, c.Impact, c.TargetKinds, c.Playbook)
		}
		if age < time.Hour {
			add(&f.Made.H1, c.Action, c.Impact, c.TargetKinds, c.Playbook)
		}
		if age < 24*time.Hour {
			add(&f.Made.H24, c.Action, c.Impact, c.TargetKinds, c.Playbook)
		}
	}
	return f
}

func counts() gate.Counts {
	return gate.Counts{
		ByAction: map[string]int64{}, ByImpact: map[string]int64{},
		ByTargetKind: map[string]int64{}, ByPlaybook: map[string]int64{},
	}
}

func add(c *gate.Counts, action, impact string, kinds []string, playbook string) {
	c.Total++
	c.ByAction[action]++
	c.ByImpact[impact]++
	for _, k := range kinds {
		c.ByTargetKind[k]++
	}
	c.ByPlaybook[playbook]++
}

// Force gives the effects in force.
func (h *Host) Force() []ledger.Effect {
	var out []ledger.Effect
	for _, e := range h.Effects {
		if e.Status == ledger.InForce {
			out = append(out, *e)
		}
	}
	slices.SortFunc(out, func(a, b ledger.Effect) int { return a.Since.Compare(b.Since) })
	return out
}
