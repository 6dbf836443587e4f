package httpapi

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/tocsin-soar/tocsin/server/account"
	"github.com/tocsin-soar/tocsin/server/alert"
	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/ident"
	"github.com/tocsin-soar/tocsin/server/lookup"
)

func (c *call) alerts() (lookup.List[alert.Alert], error) {
	p, err := c.page()
	if err != nil {
		return lookup.List[alert.Alert]{}, err
	}
	f := lookup.Alerts{
		Severity: c.query["severity"], Source: c.query["source"], Status: c.query["status"],
		Q: c.query["q"], Owner: c.query["owner"], Since: c.moment("since"),
	}
	l, err := c.s.d.Alerts.Alerts(c.ctx, f, p)
	for i := range l.Items { // the short form: the payload stands at the alert's own address
		l.Items[i].Fields = map[string]any{}
	}
	return l, err
}

func (c *call) alert() (lookup.Alert, error) {
	a, err := c.s.d.Alerts.Alert(c.ctx, c.id())
	if err != nil {
		return lookup.Alert{}, err
	}
	c.setETag(strconv.FormatInt(a.Version, 10))
	return a, nil
}

type alertEdit struct {
	Status  *string `json:"status,omitempty"`
	Verdict *string `json:"verdict,omitempty"`
	Owner   *string `json:"owner,omitempty"`
	Reason  *string `json:"reason,omitempty"`
}

// editAlert changes what people may change about an alert and nothing else.
func (c *call) editAlert(b alertEdit) (lookup.Alert, error) {
	if err := c.checkEdit(b); err != nil {
		return lookup.Alert{}, err
	}
	seen, err := c.seen()
	if err != nil {
		return lookup.Alert{}, err
	}
	_, err = c.s.d.Alerts.UpdateAlert(c.ctx, c.id(), func(a alert.Alert, version int64) (alert.Alert, []audit.Draft, error) {
		if seen != 0 && seen != version {
			return a, nil, stale()
		}
		return c.triaged(a, b)
	})
	if err != nil {
		return lookup.Alert{}, err
	}
	return c.alert()
}

// triageState is all that an edit can change.
type triageState struct{ status, verdict, owner, reason string }

func triage(a alert.Alert) triageState {
	t := triageState{status: string(a.Status), owner: a.Owner, reason: a.Reason}
	if a.Verdict != nil {
		t.verdict = *a.Verdict
	}
	return t
}

func (c *call) checkEdit(b alertEdit) error {
	var errs []error
	if b.Status != nil {
		errs = append(errs, oneOf("/status", *b.Status, alertStatuses...))
	}
	if b.Verdict != nil {
		errs = append(errs, oneOf("/verdict", *b.Verdict, "true_positive", "false_positive", "benign", ""))
	}
	if b.Reason != nil {
		errs = append(errs, bounded("/reason", *b.Reason, 2000))
	}
	if b.Owner != nil && *b.Owner != "" {
		if n, err := account.CanonicalName(*b.Owner); err != nil || n != *b.Owner {
			errs = append(errs, fault.New(fault.InvalidInput, "the owner is a log-in name").WithCode("bad_request").
				WithPlaces(fault.Place{At: "/owner", Message: "is a log-in name"}))
		}
	}
	i := slices.IndexFunc(errs, func(e error) bool { return e != nil })
	if i >= 0 {
		return errs[i]
	}
	return nil
}

// triaged gives the alert as it becomes. Closing needs a reason.
func (c *call) triaged(a alert.Alert, b alertEdit) (alert.Alert, []audit.Draft, error) {
	old := triage(a)
	if b.Status != nil {
		a.Status = alert.Status(*b.Status)
	}
	if b.Verdict != nil {
		if a.Verdict = b.Verdict; *b.Verdict == "" {
			a.Verdict = nil
		}
	}
	if b.Owner != nil {
		a.Owner = *b.Owner
	}
	if b.Reason != nil {
		a.Reason = *b.Reason
	}
	if a.Status == alert.Closed && old.status != string(alert.Closed) && cmp.Or(a.Reason, "") == "" {
		return a, nil, fault.New(fault.InvalidInput, "say why it is closed").WithCode("reason_needed").
			WithPlaces(fault.Place{At: "/reason", Message: "must not be empty"})
	}
	now := triage(a)
	if now == old {
		return a, nil, nil
	}
	before, err := ident.Digest(map[string]any{"status": old.status, "verdict": old.verdict, "owner": old.owner, "reason": old.reason})
	if err != nil {
		return a, nil, err
	}
	after, err := ident.Digest(map[string]any{"status": now.status, "verdict": now.verdict, "owner": now.owner, "reason": now.reason})
	if err != nil {
		return a, nil, err
	}
	return a, []audit.Draft{{
		At: c.s.d.Clock(), Actor: c.who.Actor(), Verb: account.AlertEdit, Object: audit.Object{Kind: "alert", ID: a.ID},
		Before: before, After: after, Reason: a.Reason, Outcome: audit.Done,
	}}, nil
}
