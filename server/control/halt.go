package control

import (
	"context"
	"slices"
	"time"

	"github.com/tocsin-soar/tocsin/server/approval"
	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/ident"
)

// HaltOn stops every new side effect at once; reads go on.
func (c *Control) HaltOn(ctx context.Context, a Actor, reason string) (Halt, error) {
	if err := bounded(reason); err != nil {
		return Halt{}, err
	}
	now := c.Clock()
	return c.Store.Halt(ctx, func(h Halt, _ []approval.Person) (HaltOrder, error) {
		if h.On {
			return HaltOrder{Halt: h}, nil
		}
		h.On, h.Reason, h.By, h.Since, h.Approval = true, reason, a.Name, &now, ""
		return HaltOrder{Halt: h, Audit: []audit.Draft{c.halted(a, "halt.on", reason)}}, nil
	})
}

// HaltOff asks a second person to lift the halt. Where no other active person may,
// or the one who asks is the machine's operator with nobody else there, it takes
// effect at once and is audited as such. Instance goes into the digest.
func (c *Control) HaltOff(ctx context.Context, a Actor, reason, instance string) (Halt, error) {
	if reason == "" {
		return Halt{}, fault.New(fault.InvalidInput, "say why it may go on").WithCode("reason_needed").WithPlaces(fault.Place{At: "/reason", Message: "must not be empty"})
	}
	if err := bounded(reason); err != nil {
		return Halt{}, err
	}
	now := c.Clock()
	return c.Store.Halt(ctx, func(h Halt, people []approval.Person) (HaltOrder, error) {
		switch {
		case !h.On:
			return HaltOrder{Halt: h}, nil
		case h.Approval != "":
			return HaltOrder{Halt: h}, nil // it is asked already
		case !another(people, a.Name):
			h = Halt{}
			d := c.halted(a, "halt.off", reason+" (no other active person may lift it)")
			return HaltOrder{Halt: h, Audit: []audit.Draft{d}}, nil
		}
		req, err := c.liftRequest(a, reason, instance, now)
		if err != nil {
			return HaltOrder{}, err
		}
		h.Approval = req.ID
		return HaltOrder{Halt: h, Open: &req, Audit: []audit.Draft{c.halted(a, "halt.ask_off", reason)}}, nil
	})
}

// another says whether someone else who is active may lift a halt.
func another(people []approval.Person, name string) bool {
	for _, p := range people {
		may := slices.Contains(p.Roles, "lead") || slices.Contains(p.Roles, "admin")
		if may && p.Active && approval.Canonical(p.Name) != approval.Canonical(name) {
			return true
		}
	}
	return false
}

func (c *Control) liftRequest(a Actor, reason, instance string, now time.Time) (approval.Request, error) {
	need := approval.Merge([]approval.Requirement{{
		Rule: "halt_off", Reason: "lifting the kill switch needs a second person", Who: []string{"role:lead", "role:admin"},
		Quorum: 1, Not: []string{"starter"}, Within: "24h", Hold: "0s", ValidFor: "15m", Extend: "0s",
	}})
	req := approval.Request{
		ID: c.NewID(ident.Approval), Kind: approval.KindHalt, Status: approval.Pending, Occurrence: 1,
		Params: map[string]any{"reason": reason}, Targets: []approval.Target{}, Reasons: []approval.Reason{},
		Votes: []approval.Vote{}, Escalated: []approval.Widening{}, Deadline: now.Add(24 * time.Hour), Title: "Lift the kill switch",
		CreatedAt: now, Requirements: need, Starter: a.Name,
	}
	var err error
	req.Digest, req.Preimage, err = approval.Preimage{
		Kind: approval.KindHalt, Instance: instance, Params: map[string]any{"reason": reason, "asked_by": a.Name, "at": now.UTC().Format(time.RFC3339Nano)},
	}.Digest()
	req.Required = approval.Weigh(req, nil, now).Needs
	return req, err
}

func (c *Control) halted(a Actor, verb, reason string) audit.Draft {
	return audit.Draft{At: c.Clock(), Actor: a.Actor, Verb: verb, Object: audit.Object{Kind: "halt", ID: "halt"}, Reason: reason, Outcome: audit.Done}
}
