package httpapi

import (
	"time"

	"github.com/tocsin-soar/tocsin/server/account"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/gate"
	"github.com/tocsin-soar/tocsin/server/ledger"
	"github.com/tocsin-soar/tocsin/server/lookup"
)

func (c *call) effects() (lookup.List[ledger.Effect], error) {
	p, err := c.page()
	if err != nil {
		return lookup.List[ledger.Effect]{}, err
	}
	l, err := c.s.d.Effects.Effects(c.ctx, lookup.Effects{Status: c.query["status"], Run: c.query["run"], Target: c.query["target"]}, p)
	for i := range l.Items {
		l.Items[i] = full(l.Items[i])
		l.Items[i].Params = map[string]any{} // the short form
	}
	return l, err
}

// full gives an effect whose lists are never null.
func full(e ledger.Effect) ledger.Effect {
	e.Targets, e.Holds = listed(e.Targets), listed(e.Holds)
	return e
}

func (c *call) effect() (ledger.Effect, error) {
	e, err := c.s.d.Effects.EffectByID(c.ctx, c.id())
	return full(e), err
}

func (c *call) undoEffect(b reasonBody) (ledger.Effect, error) {
	if err := required("/reason", b.Reason); err != nil {
		return ledger.Effect{}, err
	}
	e, err := c.s.d.EffectControl.UndoEffect(c.ctx, c.actor(), c.id(), b.Reason)
	return full(e), err
}

type extendBody struct {
	Until  time.Time `json:"until"`
	Reason string    `json:"reason,omitempty"`
}

func (c *call) extendEffect(b extendBody) (ledger.Effect, error) {
	e, err := c.s.d.EffectControl.ExtendEffect(c.ctx, c.actor(), c.id(), b.Until, b.Reason)
	return full(e), err
}

func (c *call) decisions() (lookup.List[gate.Decision], error) {
	p, err := c.page()
	if err != nil {
		return lookup.List[gate.Decision]{}, err
	}
	f := lookup.Decisions{Run: c.query["run"], Outcome: c.query["outcome"], Action: c.query["action"]}
	l, err := c.s.d.Decisions.Decisions(c.ctx, f, p)
	for i := range l.Items {
		l.Items[i].Reasons = listed(l.Items[i].Reasons)
	}
	return l, err
}

// decision gives the exact input only to those who may read it.
func (c *call) decision() (lookup.Decision, error) {
	d, err := c.s.d.Decisions.DecisionByID(c.ctx, c.id())
	if err != nil {
		return lookup.Decision{}, err
	}
	d.Reasons = listed(d.Reasons)
	if len(d.Input) == 0 || !c.may(account.DecisionRead, "decision", c.id()) {
		d.Input = []byte("null")
	}
	return d, nil
}

func (c *call) policies() (PolicyState, error) {
	p, err := c.s.d.Policies.Policies(c.ctx)
	p.Modules, p.Problems, p.Disabled = listed(p.Modules), listed(p.Problems), listed(p.Disabled)
	return p, err
}

type policyBody struct {
	Files []PolicyFile `json:"files"`
}

// Problems is a list of problems in files.
type Problems struct {
	Items []fault.Problem `json:"items"`
}

func (c *call) checkPolicies(b policyBody) (Problems, error) {
	ps, err := c.s.d.Policies.CheckPolicies(c.ctx, b.Files)
	return Problems{Items: listed(ps)}, err
}

func (c *call) problems() (Problems, error) {
	ps, err := c.s.d.Catalogue.Problems(c.ctx)
	return Problems{Items: listed(ps)}, err
}
