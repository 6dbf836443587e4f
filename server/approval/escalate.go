package approval

import (
	"slices"
	"time"
)

// Widening is an escalation that came: who may decide from then on as well.
// Of names the requirement by whom it asks without escalations, which is what a
// requirement is known by when requirements are merged.
type Widening struct {
	At  time.Time `json:"at"`
	Of  []string  `json:"of"`
	Who []string  `json:"who"`
}

// Widens says whether a requirement is the one that was widened.
func (w Widening) Widens(q Requirement) bool { return slices.Equal(w.Of, folded(q.Who)) }

// Asked gives who may fill a requirement now: whom it names, and whom its
// escalations have added. The requirement itself stays as the policy said it, so
// that it is known again when the policy is asked once more.
func (r Request) Asked(q Requirement) []string {
	out := q.Who
	for _, w := range r.Escalated {
		if w.Widens(q) {
			out = append(slices.Clip(out), w.Who...)
		}
	}
	return out
}

// The reminders: when half of the time is over, and this long before the deadline
// where that is later. A request that lives for less than shortest has none.
const (
	lastCall = 5 * time.Minute
	shortest = 2 * time.Minute
)

// reminders gives the moments at which people are reminded, in order.
func (r Request) reminders() []time.Time {
	whole := r.Deadline.Sub(r.CreatedAt)
	if r.Deadline.IsZero() || whole < shortest {
		return nil
	}
	out := []time.Time{r.CreatedAt.Add(whole / 2)}
	if whole/2 > lastCall {
		out = append(out, r.Deadline.Add(-lastCall))
	}
	return out
}

// nextReminder gives the first one after the last one that was given.
func (r Request) nextReminder() (at time.Time, ok bool) {
	last := r.CreatedAt
	if r.CalledAt != nil {
		last = *r.CalledAt
	}
	for _, at := range r.reminders() {
		if at.After(last) {
			return at, true
		}
	}
	return time.Time{}, false
}

// escalation is one that is planned and has not come yet.
type escalation struct {
	at  time.Time
	of  []string
	who []string
}

// planned gives the escalations that have not come. One at or after the deadline
// never comes: the request is over by then.
func (r Request) planned() []escalation {
	var out []escalation
	for _, q := range r.Requirements {
		for _, e := range q.Escalate {
			p := escalation{r.CreatedAt.Add(bounded(e.After, DefaultWithin, MaxWithin)), folded(q.Who), folded(e.Who)}
			came := slices.ContainsFunc(r.Escalated, func(w Widening) bool { return w.Widens(q) && slices.Equal(w.Who, p.who) })
			if !came && len(p.who) > 0 && (r.Deadline.IsZero() || p.at.Before(r.Deadline)) {
				out = append(out, p)
			}
		}
	}
	return out
}

// NextCall gives the moment at which people must be called on: reminded, or more of
// them asked. There is none for a request that nobody waits for.
func (r Request) NextCall() (at time.Time, ok bool) {
	if r.Status != Pending {
		return time.Time{}, false
	}
	at, ok = r.nextReminder()
	for _, e := range r.planned() {
		if !ok || e.at.Before(at) {
			at, ok = e.at, true
		}
	}
	return at, ok
}

// Call does what is due at now: it widens the requirements whose escalation has
// come, and says whether people are to be reminded. However many reminders were
// missed, one is given. People are all who voted, as they are now.
func Call(r Request, people map[string]Person, now time.Time) (after Request, came []Widening, remind bool) {
	if r.Status != Pending || r.Late(now) {
		return r, nil, false
	}
	after = copied(r)
	for _, e := range r.planned() {
		if !e.at.After(now) {
			came = append(came, Widening{At: now, Of: e.of, Who: e.who})
		}
	}
	after.Escalated = append(after.Escalated, came...)
	if at, ok := r.nextReminder(); ok && !at.After(now) {
		after.CalledAt, remind = &now, true
	}
	t := Weigh(after, people, now)
	after.Required, after.Votes = t.Needs, t.Votes
	return after, came, remind
}
