package engine

import (
	"fmt"
	"reflect"
	"time"
)

// Recorded is one line of a journal.
type Recorded struct {
	At   time.Time
	Kind string
	Body []byte
}

// Replay folds a journal from the beginning and gives the state it leads to.
func Replay(p *Program, st Start, alert map[string]any, journal []Recorded) (State, error) {
	s := New(st, alert)
	for i, r := range journal {
		b, err := Decode(r.Kind, r.Body)
		if err != nil {
			return s, fmt.Errorf("event %d: %w", i+1, err)
		}
		if b, first := b.(Started); first && b.Semantics != Semantics {
			return s, fmt.Errorf("the run was begun under semantics %d; this version knows %d", b.Semantics, Semantics)
		}
		s, _ = Step(p, s, Event{r.At, b})
	}
	s.TakeTouched()
	return s, nil
}

// Difference is a value that this version computes otherwise than the journal
// says.
type Difference struct {
	Seq      int    `json:"seq"`
	Path     string `json:"path"`
	What     string `json:"what"`
	Recorded any    `json:"recorded"`
	Computed any    `json:"computed"`
}

// VerifyRun replays a journal and evaluates every recorded value again.
func VerifyRun(p *Program, st Start, alert map[string]any, journal []Recorded) ([]Difference, error) {
	s := New(st, alert)
	var diffs []Difference
	for i, r := range journal {
		b, err := Decode(r.Kind, r.Body)
		if err != nil {
			return diffs, fmt.Errorf("event %d: %w", i+1, err)
		}
		if e, steers := b.(Evaluated); steers {
			again := s.Evaluate(p, Evaluate{e.Path, e.What})
			if !reflect.DeepEqual(again.Value.V, e.Value.V) || (again.Error == nil) != (e.Error == nil) {
				diffs = append(diffs, Difference{i + 1, e.Path, e.What, e.Value.V, again.Value.V})
			}
		}
		s, _ = Step(p, s, Event{r.At, b})
	}
	return diffs, nil
}
