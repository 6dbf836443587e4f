package approval

import (
	"maps"
	"slices"
	"time"
)

// The two decisions of a vote.
const (
	Yes = "approve"
	No  = "deny"
)

// Tally is what the votes on a request come to at a moment.
type Tally struct {
	// Met says that the yes holds now: every requirement is filled by valid
	// votes, nobody entitled denied, and the yes is neither used up nor too old.
	Met bool
	// Denied says that somebody entitled said no; By names who.
	Denied bool
	By     []string
	// Held says that the undo window still runs: the yes holds but must wait.
	Held  bool
	Why   string // in words, where Met is false
	Needs []Need
	Votes []Vote // with Counts and WhyNot, in the order given
}

// Weigh rules on the votes of a request with people as they are now. A person
// fills one slot of one requirement, in the assignment that fills most; one who
// is disabled, not named, excluded or late fills none. Only people in the map
// can count. The order of the votes never changes Met.
func Weigh(r Request, people map[string]Person, now time.Time) Tally {
	t := Tally{Votes: make([]Vote, len(r.Votes)), By: []string{}}
	c := crowdOf(people)
	said := map[string]int{} // canonical name → index of the vote that counts
	for i, v := range r.Votes {
		v.Counts, v.WhyNot = false, c.whyNot(r, v)
		name := Canonical(v.By)
		if j, twice := said[name]; v.WhyNot == "" && twice {
			if v.Decision == t.Votes[j].Decision || t.Votes[j].Decision == No {
				v.WhyNot = sameVoter
			} else {
				t.Votes[j].Counts, t.Votes[j].WhyNot = false, sameVoter
			}
		}
		if v.WhyNot == "" {
			v.Counts, said[name] = true, i
		}
		t.Votes[i] = v
	}
	yes := []Person{}
	for _, name := range slices.Sorted(maps.Keys(said)) {
		if t.Votes[said[name]].Decision == Yes {
			yes = append(yes, c[name])
		} else {
			t.Denied = true
		}
		t.By = append(t.By, name)
	}
	if t.Denied {
		t.By = slices.DeleteFunc(t.By, func(name string) bool { return t.Votes[said[name]].Decision == Yes })
	}
	filled := assign(r, yes)
	t.Needs = needs(r, filled)
	t.Why = unmet(r, t, now)
	t.Met = t.Why == ""
	t.Held = t.Met && r.HeldUntil != nil && now.Before(*r.HeldUntil)
	return t
}

const sameVoter = "the same person has voted already"

// whyNot says why a vote does not count, "" where it does.
func (c crowd) whyNot(r Request, v Vote) string {
	p, ok := c[Canonical(v.By)]
	switch {
	case !ok:
		return "nobody of this name exists"
	case v.Decision != Yes && v.Decision != No:
		return "this is neither yes nor no"
	case !r.Deadline.IsZero() && !v.At.Before(r.Deadline):
		return "it came after the deadline"
	}
	return WhyNot(r, p)
}

// assign gives how many slots of each requirement are filled when every person
// fills at most one and as many as possible are filled (augmenting paths).
func assign(r Request, yes []Person) []int {
	slots := []int{} // the requirement of each slot
	for i, q := range r.Requirements {
		for range max(1, q.Quorum) {
			slots = append(slots, i)
		}
	}
	holder := make([]int, len(slots)) // who holds the slot, -1 for nobody
	for i := range holder {
		holder[i] = -1
	}
	may := func(person, slot int) bool {
		return bars(r, r.Requirements[slots[slot]], yes[person], yes[person].Name) == ""
	}
	var place func(person int, seen []bool) bool
	place = func(person int, seen []bool) bool {
		for s := range slots {
			if seen[s] || !may(person, s) {
				continue
			}
			seen[s] = true
			if holder[s] < 0 || place(holder[s], seen) {
				holder[s] = person
				return true
			}
		}
		return false
	}
	filled := make([]int, len(r.Requirements))
	for p := range yes {
		place(p, make([]bool, len(slots)))
	}
	for s, h := range holder {
		if h >= 0 {
			filled[slots[s]]++
		}
	}
	return filled
}

func needs(r Request, filled []int) []Need {
	out := make([]Need, len(r.Requirements))
	for i, q := range r.Requirements {
		out[i] = Need{
			Rule: q.Rule, Reason: q.Reason, Who: sorted(r.Asked(q)), Quorum: max(1, q.Quorum), Not: sorted(q.Not),
			Met: filled[i] >= max(1, q.Quorum),
		}
	}
	return out
}

// unmet says why the yes does not hold, "" where it does. An empty list of
// requirements is met by nobody.
func unmet(r Request, t Tally, now time.Time) string {
	switch r.Status {
	case Pending, Approved:
	case Denied, Expired, Void, Withdrawn:
		return "the request is " + string(r.Status)
	default:
		return "the request has no status"
	}
	switch {
	case t.Denied:
		return "it was denied"
	case len(t.Needs) == 0:
		return "no rule names anybody for this request"
	case slices.ContainsFunc(t.Needs, func(n Need) bool { return !n.Met }):
		return "not enough valid votes"
	case r.UsedUp:
		return "the approval was used up by an attempt"
	case r.ValidUntil != nil && !now.Before(*r.ValidUntil):
		return "the approval is too old to be used"
	}
	return ""
}
