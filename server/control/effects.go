package control

import (
	"context"
	"strconv"
	"time"

	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/gate"
	"github.com/tocsin-soar/tocsin/server/ident"
	"github.com/tocsin-soar/tocsin/server/ledger"
	"github.com/tocsin-soar/tocsin/server/notification"
)

// Undo takes an effect back: all holds end, and its inverse is sent by a run of its
// own, through the policy like any other action.
func (c *Control) Undo(ctx context.Context, a Actor, effect, reason string) (ledger.Effect, error) {
	if reason == "" {
		return ledger.Effect{}, fault.New(fault.InvalidInput, "say why it is undone").WithCode("reason_needed").WithPlaces(fault.Place{At: "/reason", Message: "must not be empty"})
	}
	if err := bounded(reason); err != nil {
		return ledger.Effect{}, err
	}
	return c.Store.Effect(ctx, effect, func(e ledger.Effect) (EffectOrder, error) {
		switch e.Status {
		case ledger.InForce, ledger.UndoFailed, ledger.InDoubt, ledger.Foreign, ledger.Drifted:
		case ledger.Undoing:
			return EffectOrder{}, fault.New(fault.Conflict, "it is being undone already").WithCode("already_undoing")
		case ledger.Undone:
			return EffectOrder{}, fault.New(fault.Conflict, "it is undone already").WithCode("already_undone")
		}
		if e.Inverse.Action == "" {
			return EffectOrder{}, fault.New(fault.Conflict, "nothing is known that undoes it").WithCode("no_inverse")
		}
		st := c.release(e, gate.ForUndo, engine.Trigger{
			Kind: "effect", By: a.Name, Roles: a.Roles, ActorKind: a.Kind, Effect: e.ID, Reason: reason,
		})
		after, _ := ledger.EndAll(e, ledger.ByPerson)
		after.Status, after.UndoRun, after.Why = ledger.Undoing, st.ID, reason
		return EffectOrder{Effect: after, Start: st, Audit: []audit.Draft{c.about(a.Actor, "effect.undo", e, reason)}}, nil
	})
}

// Expire ends the holds of an effect whose time is over; the last one sends the
// inverse. It is called by the sweep over due leases.
func (c *Control) Expire(ctx context.Context, effect string) (ledger.Effect, error) {
	now := c.Clock()
	return c.Store.Effect(ctx, effect, func(e ledger.Effect) (EffectOrder, error) {
		after, due := ledger.Expire(e, now)
		if !due {
			return EffectOrder{Effect: after}, nil
		}
		st := c.release(e, gate.ForExpiry, engine.Trigger{Kind: "effect", Effect: e.ID, Reason: "its time is over"})
		after.Status, after.UndoRun, after.Why = ledger.Undoing, st.ID, "its time is over"
		actor := audit.Actor{Kind: "system", Name: "leases"}
		return EffectOrder{Effect: after, Start: st, Audit: []audit.Draft{c.about(actor, "effect.expire", e, "its time is over")}}, nil
	})
}

// Warn tells the owner of a hold that it ends soon: those who approved it, else the
// responders. It is called by the sweep over leases that end.
func (c *Control) Warn(ctx context.Context, effect string) (ledger.Effect, error) {
	now := c.Clock()
	return c.Store.Effect(ctx, effect, func(e ledger.Effect) (EffectOrder, error) {
		at, due := ledger.WarnAt(e)
		if !due || now.Before(at) {
			return EffectOrder{Effect: e}, nil
		}
		h, _ := ledger.Ending(e)
		e.Warned = h.Until
		kept := e.Until == nil || e.Until.After(*h.Until)
		return EffectOrder{Effect: e, Tell: []notification.Draft{
			notification.Lease(e.ID, e.Headline(), h.Run, h.ApprovedBy, *h.Until, now, kept),
		}}, nil
	})
}

// Extend asks for a later end. It is a contain action of its own: the policy is
// asked, with the time from now on as its lease.
func (c *Control) Extend(ctx context.Context, a Actor, effect string, until time.Time, reason string) (ledger.Effect, error) {
	now := c.Clock()
	return c.Store.Effect(ctx, effect, func(e ledger.Effect) (EffectOrder, error) {
		switch {
		case e.Status != ledger.InForce:
			return EffectOrder{}, fault.New(fault.Conflict, "only what is in force can be extended; this is %s", e.Status).WithCode("not_in_force")
		case e.Until == nil:
			return EffectOrder{}, fault.New(fault.Conflict, "it has no end").WithCode("no_end")
		case !until.After(*e.Until):
			return EffectOrder{}, fault.New(fault.InvalidInput, "the new end must be later than the present one").WithPlaces(fault.Place{At: "/until", Message: "must be later than the present end"})
		case until.Sub(now) > maxLease:
			return EffectOrder{}, fault.New(fault.InvalidInput, "at most 30 days from now").WithPlaces(fault.Place{At: "/until", Message: "at most 30 days from now"})
		}
		st := &engine.Start{
			ID: c.NewID(ident.Run), Trigger: engine.Trigger{
				Kind: "effect", By: a.Name, Roles: a.Roles, ActorKind: a.Kind, Effect: e.ID,
				Purpose: string(gate.ForExtend), Reason: reason,
			}, At: now, Effect: Told(e),
		}
		st.Key = "extend/" + e.ID + "/" + strconv.FormatInt(until.Unix(), 10) + "/" + st.ID
		single := engine.Single{Action: e.Action, Connection: e.Connection, Params: e.Params, Lease: int64(until.Sub(now) / time.Second)}
		st.Program = single.JSON()
		return EffectOrder{Effect: e, Start: st, Audit: []audit.Draft{c.about(a.Actor, "effect.extend", e, reason)}}, nil
	})
}

const maxLease = 30 * 24 * time.Hour

// Manual starts a run of one action that a person asks for.
func (c *Control) Manual(ctx context.Context, a Actor, action, connection string, params map[string]any, reason string) (string, error) {
	act, ok := c.Actions.Action(action)
	if !ok {
		return "", fault.New(fault.NotFound, "no such action")
	}
	if places := act.CheckInput(params); len(places) > 0 {
		return "", fault.New(fault.InvalidInput, "the parameters do not fit the action").WithPlaces(places...)
	}
	st := engine.Start{
		ID: c.NewID(ident.Run), At: c.Clock(), Trigger: engine.Trigger{
			Kind: "manual", By: a.Name, Roles: a.Roles, ActorKind: a.Kind, Purpose: string(gate.ForManual), Reason: reason,
		},
	}
	st.Key = "manual/" + st.ID
	st.Program = engine.Single{Action: action, Manifest: act.SHA256, Connection: connection, Params: params}.JSON()
	ids, err := c.Store.Start(ctx, []engine.Start{st}, []audit.Draft{{
		At: st.At, Actor: a.Actor, Verb: "action.try", Object: audit.Object{Kind: "action", ID: action},
		Run: st.ID, Reason: reason, Outcome: audit.Done,
	}})
	if err != nil {
		return "", err
	}
	return ids[0], nil
}

// release is the run that sends an effect's inverse.
func (c *Control) release(e ledger.Effect, purpose gate.Purpose, tr engine.Trigger) *engine.Start {
	tr.Purpose = string(purpose)
	st := &engine.Start{ID: c.NewID(ident.Run), Trigger: tr, At: c.Clock(), Effect: Told(e)}
	st.Key = string(purpose) + "/" + e.ID + "/" + st.ID
	st.Program = engine.Single{
		Action: e.Inverse.Action, Manifest: e.Inverse.Manifest, Connection: e.Connection, Params: e.Inverse.Params,
	}.JSON()
	return st
}

// Told is what the policy is told of an effect: the holds as they were.
func Told(e ledger.Effect) *gate.Effect {
	g := &gate.Effect{Key: e.Key, Holds: []gate.Hold{}}
	for _, h := range e.Holds {
		until := ""
		if h.Until != nil {
			until = h.Until.UTC().Format(time.RFC3339Nano)
		}
		by := h.ApprovedBy
		if by == nil {
			by = []string{}
		}
		g.Holds = append(g.Holds, gate.Hold{
			Run: h.Run, Step: h.Step, Until: until, ApprovedBy: by, LeaseSeconds: h.LeaseSeconds, Outcome: h.Outcome,
		})
	}
	return g
}

func (c *Control) about(a audit.Actor, verb string, e ledger.Effect, reason string) audit.Draft {
	return audit.Draft{
		At: c.Clock(), Actor: a, Verb: verb, Object: audit.Object{Kind: "effect", ID: e.ID},
		Run: e.Run, Step: e.Step, Reason: reason, Outcome: audit.Done,
	}
}
