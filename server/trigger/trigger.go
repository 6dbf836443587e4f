// Package trigger is which playbooks an alert, an event or a moment wakes.
package trigger

import (
	"cmp"
	"slices"

	"github.com/tocsin-soar/tocsin/server/expr"
	"github.com/tocsin-soar/tocsin/server/fault"
)

// MaxDepth is from which depth on an alert starts nothing: it was made by runs
// that were started by alerts that were made by runs.
const MaxDepth = 3

// Candidate is one alert trigger of a playbook that is in force.
type Candidate struct {
	Playbook string // slug
	Version  string // sha256 hex of the playbook's bytes
	Index    int    // of the trigger among the playbook's
	If       *expr.Expr
	Repeat   bool
	Priority int // the higher starts first
}

// Hit is a candidate whose condition holds. With Err the condition could not be
// evaluated: the playbook gets a run that has failed with it, so that nothing
// is silent.
type Hit struct {
	Candidate
	Err *fault.Error // of kind expression
}

// Alert is what an alert is to its triggers.
type Alert struct {
	Value  map[string]any // for expressions: alert.Value(a, true)
	Depth  int64
	Repeat bool // seen before: only triggers with repeat: true
}

// Match gives the candidates that an alert wakes, by priority, then by name and
// place in the file.
func Match(a Alert, candidates []Candidate) []Hit {
	hits := []Hit{}
	if a.Depth >= MaxDepth {
		return hits
	}
	vars := expr.Vars{"alert": a.Value}
	for _, c := range candidates {
		if a.Repeat && !c.Repeat || c.If == nil {
			continue
		}
		holds, err := c.If.Bool(vars)
		switch {
		case err != nil:
			hits = append(hits, Hit{c, asFault(err)})
		case holds:
			hits = append(hits, Hit{c, nil})
		}
	}
	slices.SortStableFunc(hits, func(a, b Hit) int {
		return cmp.Or(cmp.Compare(b.Priority, a.Priority), cmp.Compare(a.Playbook, b.Playbook), cmp.Compare(a.Index, b.Index))
	})
	return hits
}

func asFault(err error) *fault.Error {
	return fault.Wrap(err, fault.Expression, "the condition of the trigger: %s", err.Error())
}

// EventCandidate is one event trigger of a playbook that is in force.
type EventCandidate struct {
	Playbook string // slug
	Version  string // sha256 hex of the playbook's bytes
	Index    int    // of the trigger among the playbook's
	Subject  string
	If       *expr.Expr // nil: every event of the subject
}

// Event is what an event is to its triggers.
type Event struct {
	Subject string
	Depth   int64
	Value   map[string]any
}

// EventHit is a candidate whose condition holds, or could not be evaluated.
type EventHit struct {
	EventCandidate
	Err *fault.Error // of kind expression
}

// MatchEvent gives the candidates that an event wakes, by name and place in the file.
// Like an alert, an event of depth 3 wakes nothing.
func MatchEvent(e Event, candidates []EventCandidate) []EventHit {
	hits := []EventHit{}
	if e.Depth >= MaxDepth {
		return hits
	}
	for _, c := range candidates {
		if c.Subject != e.Subject {
			continue
		}
		if c.If == nil {
			hits = append(hits, EventHit{c, nil})
			continue
		}
		holds, err := c.If.Bool(expr.Vars{"event": e.Value})
		switch {
		case err != nil:
			hits = append(hits, EventHit{c, asFault(err)})
		case holds:
			hits = append(hits, EventHit{c, nil})
		}
	}
	slices.SortStableFunc(hits, func(a, b EventHit) int {
		return cmp.Or(cmp.Compare(a.Playbook, b.Playbook), cmp.Compare(a.Index, b.Index))
	})
	return hits
}
