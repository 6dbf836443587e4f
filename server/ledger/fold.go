package ledger

import (
	"cmp"
	"slices"
	"time"

	"github.com/tocsin-soar/tocsin/server/ident"
)

// Who ended an effect.
const (
	ByExpiry = "expiry"
	ByPerson = "person"
	ByRun    = "run"
	ByPolicy = "policy"
)

// Key gives what makes two effects the same one: the connection and the inverse
// with its parameters. Parameters with numbers outside ±2^53 are an error.
func Key(connection, inverse string, params map[string]any) (string, error) {
	if params == nil {
		params = map[string]any{}
	}
	return ident.Digest([]any{connection, inverse, params})
}

// Open says whether an effect of this status is still something outside: it
// may have to be undone, and its connection may not go.
func (s Status) Open() bool {
	switch s {
	case InForce, Undoing, UndoFailed, InDoubt, Foreign, Drifted:
		return true
	case Undone:
		return false
	}
	return false
}

// Counts says whether the limits count it: it is ours and may be in force.
func (s Status) Counts() bool { return s.Open() && s != Foreign }

// Take adds the one hold of fresh to old, the open effect with the same key, or
// begins fresh where there is none (old nil or over). Fresh of status foreign
// says that the state was there before the action: without a hold of ours that
// is nobody's to undo, so no hold is kept.
func Take(old *Effect, fresh Effect) Effect {
	if old == nil || !old.Status.Open() {
		return begin(fresh)
	}
	if fresh.Status == Foreign && (old.Status == Foreign || len(old.Holds) == 0) {
		return *old
	}
	e := *old
	e.Holds = slices.Clone(old.Holds)
	for _, h := range fresh.Holds {
		e.Holds = slices.DeleteFunc(e.Holds, func(o Hold) bool { return o.Run == h.Run && o.Step == h.Step })
		e.Holds = append(e.Holds, h)
	}
	if old.Status != Undoing { // an inverse under way decides with its own result
		e.Status, e.EndedBy, e.EndedAt, e.UndoRun, e.Why = InForce, "", nil, "", ""
	}
	if old.Status == Foreign { // the action was done by us after all
		e.Since, e.Run, e.Step, e.Playbook = fresh.Since, fresh.Run, fresh.Step, fresh.Playbook
		e.Action, e.Impact, e.Params, e.Inverse = fresh.Action, fresh.Impact, fresh.Params, fresh.Inverse
	}
	e.Until = until(e.Holds)
	return e
}

func begin(fresh Effect) Effect {
	e := fresh
	if e.Status == Foreign {
		e.Holds = []Hold{}
	} else {
		e.Status = InForce
		e.Holds = slices.Clone(fresh.Holds)
	}
	e.Until = until(e.Holds)
	return e
}

// End ends the holds of a run. Undo is true when that was the last one: then the
// inverse is due and the effect is undoing. A foreign effect is never ended by a
// run, an expiry or a policy.
func End(e Effect, run, by string) (after Effect, undo bool) {
	return drop(e, by, func(h Hold) bool { return h.Run == run })
}

// EndAll ends every hold, as a person may: also of a foreign effect, and again
// after an undo that failed.
func EndAll(e Effect, by string) (after Effect, undo bool) {
	if !e.Status.Open() || e.Status == Undoing {
		return e, false
	}
	e.Holds, e.Until, e.Status, e.EndedBy = []Hold{}, nil, Undoing, by
	return e, true
}

// Expire ends the holds whose time is over.
func Expire(e Effect, now time.Time) (after Effect, undo bool) {
	return drop(e, ByExpiry, func(h Hold) bool { return h.Until != nil && !now.Before(*h.Until) })
}

func drop(e Effect, by string, gone func(Hold) bool) (Effect, bool) {
	if e.Status == Foreign || !e.Status.Open() || !slices.ContainsFunc(e.Holds, gone) {
		return e, false
	}
	e.Holds = slices.DeleteFunc(slices.Clone(e.Holds), gone)
	e.Until = until(e.Holds)
	if len(e.Holds) > 0 || e.Status == Undoing {
		return e, false
	}
	e.Status, e.EndedBy = Undoing, by
	return e, true
}

// Due says when a hold of the effect ends next; ok is false when none has an
// end that anybody waits for.
func Due(e Effect) (at time.Time, ok bool) {
	if !e.Status.Counts() || e.Status == Undoing {
		return time.Time{}, false
	}
	for _, h := range e.Holds {
		if h.Until != nil && (!ok || h.Until.Before(at)) {
			at, ok = *h.Until, true
		}
	}
	return at, ok
}

// Extend adds a hold that ends later than the others; it is how somebody keeps
// what is in force. Moved says whether it makes a difference.
func Extend(e Effect, h Hold) (after Effect, moved bool) {
	if !e.Status.Counts() || e.Status == Undoing || h.Until == nil || e.Until == nil || !h.Until.After(*e.Until) {
		return e, false
	}
	e.Holds = append(slices.Clone(e.Holds), h)
	e.Until = until(e.Holds)
	return e, true
}

// State takes over what became of an undo: status, and who, why and by which run
// where news says so. The run that undid it holds it no longer; holds of other
// runs are left without what they asked for: the effect has drifted.
func State(e Effect, news Effect, now time.Time) Effect {
	e.Status = news.Status
	if news.Status == Undone && news.UndoRun != "" {
		e.Holds = slices.DeleteFunc(slices.Clone(e.Holds), func(h Hold) bool { return h.Run == news.UndoRun })
		e.Until = until(e.Holds)
	}
	if news.Status == Undone && len(e.Holds) > 0 {
		e.Status = Drifted
	}
	e.EndedBy = cmp.Or(news.EndedBy, e.EndedBy)
	e.Why = cmp.Or(news.Why, e.Why)
	e.UndoRun = cmp.Or(news.UndoRun, e.UndoRun)
	switch {
	case e.Status == Undone && e.EndedAt == nil:
		e.EndedAt = &now
	case e.Status == InForce:
		e.EndedBy, e.EndedAt = "", nil
	}
	return e
}

// until gives the end of the last hold, nil where one has none or there is none.
func until(holds []Hold) *time.Time {
	var last *time.Time
	for _, h := range holds {
		if h.Until == nil {
			return nil
		}
		if last == nil || h.Until.After(*last) {
			last = h.Until
		}
	}
	return last
}
