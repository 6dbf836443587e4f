package httpapi

import (
	"github.com/tocsin-soar/tocsin/server/approval"
	"github.com/tocsin-soar/tocsin/server/control"
	"github.com/tocsin-soar/tocsin/server/document"
	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/ledger"
	"github.com/tocsin-soar/tocsin/server/lookup"
)

func (c *call) runs() (lookup.List[engine.Run], error) {
	p, err := c.page()
	if err != nil {
		return lookup.List[engine.Run]{}, err
	}
	f := lookup.Runs{
		Playbook: c.query["playbook"], Status: c.query["status"], Waiting: c.query["waiting"],
		Alert: c.query["alert"], Since: c.moment("since"),
	}
	l, err := c.s.d.Runs.Runs(c.ctx, f, p)
	for i := range l.Items { // the short form
		l.Items[i].Steps = listed(l.Items[i].Steps)[:0]
		l.Items[i].Waiting = listed(l.Items[i].Waiting)
	}
	return l, err
}

func (c *call) oneRun() (engine.Run, error) {
	r, err := c.s.d.Runs.Run(c.ctx, c.id())
	r.Steps, r.Waiting = listed(r.Steps), listed(r.Waiting)
	return r, err
}

func (c *call) journal() (lookup.List[lookup.Event], error) {
	es, err := c.s.d.Runs.Journal(c.ctx, c.id())
	return lookup.List[lookup.Event]{Items: listed(es)}, err
}

type cancelBody struct {
	Force  bool   `json:"force,omitempty"`
	Reason string `json:"reason,omitempty"`
}

func (c *call) cancel(b cancelBody) (engine.Run, error) {
	if err := c.s.d.RunControl.Cancel(c.ctx, c.actor(), c.id(), b.Force, b.Reason); err != nil {
		return engine.Run{}, err
	}
	return c.oneRun()
}

// Started names a run that was started.
type Started struct {
	Run string `json:"run"`
}

type reasonBody struct {
	Reason string `json:"reason,omitempty"`
}

func (c *call) undoRun(b reasonBody) (lookup.List[ledger.Effect], error) {
	if err := required("/reason", b.Reason); err != nil {
		return lookup.List[ledger.Effect]{}, err
	}
	es, err := c.s.d.RunControl.UndoRun(c.ctx, c.actor(), c.id(), b.Reason)
	return lookup.List[ledger.Effect]{Items: listed(es)}, err
}

type resolveBody struct {
	Step   string `json:"step"`
	As     string `json:"as"`
	Output any    `json:"output,omitempty"`
	Reason string `json:"reason,omitempty"`
}

func (c *call) resolve(b resolveBody) (engine.Run, error) {
	if err := oneOf("/as", b.As, "done", "failed", "retry"); err != nil {
		return engine.Run{}, err
	}
	r := control.Resolution{Step: b.Step, As: b.As, Output: b.Output, Reason: b.Reason}
	if err := c.s.d.RunControl.Resolve(c.ctx, c.actor(), c.id(), r); err != nil {
		return engine.Run{}, err
	}
	return c.oneRun()
}

func (c *call) approvals() (lookup.List[approval.Request], error) {
	p, err := c.page()
	if err != nil {
		return lookup.List[approval.Request]{}, err
	}
	l, err := c.s.d.Approvals.Approvals(c.ctx, lookup.Approvals{Status: c.query["status"], Run: c.query["run"]}, p)
	for i := range l.Items {
		l.Items[i] = whole(l.Items[i])
		l.Items[i].Params, l.Items[i].Preimage = map[string]any{}, "" // the short form
	}
	return l, err
}

func (c *call) approval() (approval.Request, error) {
	a, err := c.s.d.Approvals.Approval(c.ctx, c.id())
	return whole(a), err
}

// whole gives a request whose lists are never null.
func whole(a approval.Request) approval.Request {
	a.Targets, a.Reasons, a.Required = listed(a.Targets), listed(a.Reasons), listed(a.Required)
	a.Votes, a.Requirements, a.Escalated = listed(a.Votes), listed(a.Requirements), listed(a.Escalated)
	return a
}

type decisionBody struct {
	Decision string `json:"decision"`
	Digest   string `json:"digest"`
	Comment  string `json:"comment,omitempty"`
}

func (c *call) decide(b decisionBody) (approval.Request, error) {
	if err := oneOf("/decision", b.Decision, "approve", "deny"); err != nil {
		return approval.Request{}, err
	}
	if err := bounded("/comment", b.Comment, 4000); err != nil {
		return approval.Request{}, err
	}
	a, err := c.s.d.Inbox.Decide(c.ctx, c.actor(), c.id(), b.Decision, b.Digest, b.Comment)
	return whole(a), err
}

type answerBody struct {
	Digest string         `json:"digest"`
	Answer map[string]any `json:"answer"`
}

func (c *call) answerQuestion(b answerBody) (approval.Request, error) {
	a, err := c.s.d.Inbox.Answer(c.ctx, c.actor(), c.id(), b.Digest, b.Answer)
	return whole(a), err
}

func (c *call) withdraw(none) (approval.Request, error) {
	a, err := c.s.d.Inbox.Withdraw(c.ctx, c.actor(), c.id())
	return whole(a), err
}

type moreTimeBody struct {
	By string `json:"by"`
}

func (c *call) moreTime(b moreTimeBody) (approval.Request, error) {
	d, err := document.ParseDuration(b.By)
	if err != nil || d <= 0 {
		return approval.Request{}, fault.New(fault.InvalidInput, "say how much more time, like 15m").WithCode("bad_request").
			WithPlaces(fault.Place{At: "/by", Message: "is a duration, like 15m"})
	}
	a, err := c.s.d.Inbox.Extend(c.ctx, c.actor(), c.id(), d)
	return whole(a), err
}
