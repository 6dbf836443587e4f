package inbox

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tocsin-soar/tocsin/server/approval"
	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/notification"
)

// callsAtOnce bounds how many requests one look calls people about; the next look
// goes on.
const callsAtOnce = 100

// Call looks once for requests about which people must be called on again: it
// reminds those who may decide, and asks more people where an escalation has come.
// It is called by the clock; what is due stands in the database, so that nothing is
// forgotten over a restart.
func (i *Inbox) Call(ctx context.Context) error {
	ids, err := i.Store.DueCalls(ctx, i.Now(), callsAtOnce)
	if err != nil {
		return fmt.Errorf("look for requests that wait: %w", err)
	}
	var errs []error
	for _, id := range ids {
		now := i.Now()
		_, err := i.Store.Change(ctx, id, "", func(b Ballot) (Change, error) { return called(b, now) })
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// called is what calling people comes to.
func called(b Ballot, now time.Time) (Change, error) {
	after, came, remind := approval.Call(b.Request, b.People, now)
	c := Change{Request: after}
	if remind {
		c.Tell = append(c.Tell, notification.Reminder(after, now))
	}
	for _, w := range came {
		d := draft(audit.Actor{Kind: "system", Name: "approvals"}, b.Request, act{verb: "approval.escalate", said: "now also " + strings.Join(w.Who, ", ")}, now)
		d.Before, d.After = state(b.Request), state(after)
		c.Audit, c.Tell = append(c.Audit, d), append(c.Tell, notification.Escalated(after, w))
	}
	if len(came) == 0 || after.Run == "" {
		return c, nil
	}
	kind, raw, err := engine.Encode(escalated(after, came))
	if err != nil {
		return Change{}, fmt.Errorf("tell the run: %w", err)
	}
	c.Signal = &Signal{Kind: kind, Body: raw}
	return c, nil
}

// escalated is what the run's journal keeps of it.
func escalated(r approval.Request, came []approval.Widening) engine.Escalated {
	e := engine.Escalated{Path: r.Step, Approval: r.ID}
	for _, w := range came {
		e.Who = append(e.Who, w.Who...)
	}
	return e
}
