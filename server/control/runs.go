package control

import (
	"context"
	"slices"
	"strings"

	"github.com/tocsin-soar/tocsin/server/alert"
	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/ident"
	"github.com/tocsin-soar/tocsin/server/playbook"
)

// Ordered is a run that a person starts.
type Ordered struct {
	Playbook *playbook.Playbook
	Version  string // sha256 hex that is published
	Inputs   map[string]any
	Alert    *alert.Alert
	AlertRaw []byte // its JSON
	Key      string // makes it one run however often it is asked for; "" for a run each time
}

// Run starts a playbook by hand. One that needs an alert says so with the code
// alert_required; inputs are held to their schemas.
func (c *Control) Run(ctx context.Context, a Actor, o Ordered) (string, error) {
	manual := manualOf(o.Playbook)
	if manual == nil {
		return "", fault.New(fault.Conflict, "this playbook is not started by hand").WithCode("not_manual")
	}
	if len(manual.Roles) > 0 && !slices.ContainsFunc(manual.Roles, func(r string) bool { return slices.Contains(a.Roles, r) }) {
		return "", fault.New(fault.Forbidden, "this playbook is started by: %s", strings.Join(manual.Roles, ", ")).WithCode("not_entitled")
	}
	if manual.AlertRequired && o.Alert == nil {
		return "", fault.New(fault.InvalidInput, "this playbook needs an alert").WithCode("alert_required").WithPlaces(fault.Place{At: "/alert", Message: "is required"})
	}
	if places := CheckInputs(o.Playbook, o.Inputs); len(places) > 0 {
		return "", fault.New(fault.InvalidInput, "the inputs do not fit the playbook").WithPlaces(places...)
	}
	st := engine.Start{
		ID: c.NewID(ident.Run), Playbook: o.Playbook.Slug, Version: o.Version, Inputs: o.Inputs, At: c.Clock(),
		Trigger: engine.Trigger{Kind: "manual", By: a.Name, Roles: a.Roles, ActorKind: a.Kind},
	}
	st.Key = "manual/" + st.ID
	if o.Key != "" {
		st.Key = "manual/" + a.ID + "/" + o.Key
	}
	if o.Alert != nil {
		st.Alert, st.AlertRaw, st.Priority = o.Alert.ID, o.AlertRaw, o.Alert.Severity.Rank()
		st.Trigger.Source, st.Trigger.Depth = o.Alert.Source, o.Alert.Depth
	}
	ids, err := c.Store.Start(ctx, []engine.Start{st}, []audit.Draft{{
		At: st.At, Actor: a.Actor, Verb: "run.start", Object: audit.Object{Kind: "playbook", ID: o.Playbook.Slug},
		Run: st.ID, Outcome: audit.Done,
	}})
	if err != nil {
		return "", err
	}
	return ids[0], nil
}

func manualOf(p *playbook.Playbook) *playbook.ManualTrigger {
	for _, t := range p.Triggers {
		if t.Manual != nil {
			return t.Manual
		}
	}
	return nil
}
