package ledger

import "time"

// WarnLead is how long before the end of a hold its owner is told; of a lease that
// is short a quarter of it is enough.
const WarnLead = 15 * time.Minute

// Ending gives the hold that ends next; ok is false when none has an end that
// anybody waits for.
func Ending(e Effect) (h Hold, ok bool) {
	at, ok := Due(e)
	if !ok {
		return Hold{}, false
	}
	for _, h := range e.Holds {
		if h.Until != nil && h.Until.Equal(at) {
			return h, true
		}
	}
	return Hold{}, false
}

// WarnAt says when the owner of the hold that ends next must be told; ok is false
// where they were told already or nothing ends.
func WarnAt(e Effect) (at time.Time, ok bool) {
	h, ok := Ending(e)
	if !ok || e.Warned != nil && e.Warned.Equal(*h.Until) {
		return time.Time{}, false
	}
	lead := WarnLead
	if lease := time.Duration(h.LeaseSeconds) * time.Second; lease > 0 {
		lead = min(lead, lease/4)
	}
	return h.Until.Add(-lead), true
}

// Headline says in words what an effect is: the action and what it is on.
func (e Effect) Headline() string {
	switch len(e.Targets) {
	case 0:
		return e.Action
	case 1:
		return e.Action + " on " + e.Targets[0].Value
	}
	return e.Action + " on " + e.Targets[0].Value + " and more"
}
