package store

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/tocsin-soar/tocsin/server/gate"
	"github.com/tocsin-soar/tocsin/server/ledger"
	"github.com/tocsin-soar/tocsin/server/perform"
)

// counters are the numbers that limits look at, in memory: reservations of the
// last day and of runs that go on, and effects in force. They change only after
// the commit of what they count.
type counters struct {
	mu      sync.Mutex
	windows [3]window
	minutes map[int64][]string // decisions by the minute of their reservation
	claims  map[string]perform.Claim
	runs    map[string]*tally
	forces  map[string]weight // effects by id
	inForce *tally
}

// window is one sliding window. It begins at minute tail.
type window struct {
	minutes int64
	tail    int64
	sum     *tally
}

// weight is what one claim or effect adds to a tally.
type weight struct {
	action, impact, playbook string
	kinds                    []string // one element for each target
}

// counted is the new weight of an effect; nil means that it does not count.
type counted struct {
	id string
	w  *weight
}

// tally is one set of counters; words with 0 are not in it.
type tally struct {
	total                                  int64
	byAction, byImpact, byKind, byPlaybook map[string]int64
}

func newTally() *tally {
	return &tally{0, map[string]int64{}, map[string]int64{}, map[string]int64{}, map[string]int64{}}
}

func newCounters() *counters {
	return &counters{
		windows: [3]window{{10, 0, newTally()}, {60, 0, newTally()}, {24 * 60, 0, newTally()}},
		minutes: map[int64][]string{}, claims: map[string]perform.Claim{},
		runs: map[string]*tally{}, forces: map[string]weight{}, inForce: newTally(),
	}
}

func (t *tally) add(w weight, n int64) {
	t.total += n
	bump(t.byAction, w.action, n)
	bump(t.byImpact, w.impact, n)
	bump(t.byPlaybook, w.playbook, n)
	for _, k := range w.kinds {
		bump(t.byKind, k, n)
	}
}

func bump(m map[string]int64, word string, n int64) {
	if word == "" {
		return
	}
	if m[word] += n; m[word] == 0 {
		delete(m, word)
	}
}

func (t *tally) counts() gate.Counts {
	return gate.Counts{
		Total: t.total, ByAction: maps.Clone(t.byAction), ByImpact: maps.Clone(t.byImpact),
		ByTargetKind: maps.Clone(t.byKind), ByPlaybook: maps.Clone(t.byPlaybook),
	}
}

func weightOf(c perform.Claim) weight {
	return weight{c.Action, c.Impact, c.Playbook, c.TargetKinds}
}

func weightOfEffect(e ledger.Effect) *weight {
	if !e.Status.Counts() {
		return nil
	}
	w := weight{action: e.Action, impact: e.Impact, playbook: e.Playbook}
	for _, t := range e.Targets {
		w.kinds = append(w.kinds, t.Kind)
	}
	return &w
}

func minuteOf(at time.Time) int64 { return at.Unix() / 60 }

// Facts gives the counters of this moment. A window of ten minutes counts this
// minute and the ten before it.
func (s *Store) Facts(run string, now time.Time) gate.Facts {
	c := s.count
	c.mu.Lock()
	defer c.mu.Unlock()
	c.slide(now)
	own := newTally()
	if t := c.runs[run]; t != nil && run != "" {
		own = t
	}
	return gate.Facts{
		InForce: c.inForce.counts(),
		Made: gate.Made{
			Run: own.counts(), M10: c.windows[0].sum.counts(),
			H1: c.windows[1].sum.counts(), H24: c.windows[2].sum.counts(),
		},
	}
}

// slide drops what has left a window. A clock that goes back moves nothing.
func (c *counters) slide(now time.Time) {
	day := c.windows[len(c.windows)-1].tail
	for i := range c.windows {
		w := &c.windows[i]
		tail := minuteOf(now) - w.minutes
		if tail <= w.tail {
			continue
		}
		if tail-w.tail > int64(len(c.minutes)) {
			for m := range c.minutes {
				c.leave(w, m, tail)
			}
		} else {
			for m := w.tail; m < tail; m++ {
				c.leave(w, m, tail)
			}
		}
		w.tail = tail
	}
	if c.windows[len(c.windows)-1].tail > day {
		c.forget()
	}
}

func (c *counters) leave(w *window, m, tail int64) {
	if m < w.tail || m >= tail {
		return
	}
	for _, d := range c.minutes[m] {
		if claim, ok := c.claims[d]; ok {
			w.sum.add(weightOf(claim), -1)
		}
	}
}

// forget drops claims that no window counts and whose run is over.
func (c *counters) forget() {
	day := c.windows[len(c.windows)-1].tail
	for m, ds := range c.minutes {
		if m >= day {
			continue
		}
		kept := ds[:0]
		for _, d := range ds {
			if c.runs[c.claims[d].Run] != nil {
				kept = append(kept, d)
			} else {
				delete(c.claims, d)
			}
		}
		if c.minutes[m] = kept; len(kept) == 0 {
			delete(c.minutes, m)
		}
	}
}

// apply takes over what a batch changed.
func (c *counters) apply(changes []claimChange) {
	if len(changes) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, ch := range changes {
		switch {
		case ch.add != nil:
			c.add(*ch.add)
		case ch.drop != nil:
			c.drop(ch.drop.Decision)
		case ch.effect != nil:
			c.force(*ch.effect)
		case ch.over != "":
			delete(c.runs, ch.over)
		}
	}
}

func (c *counters) add(claim perform.Claim) {
	if _, twice := c.claims[claim.Decision]; twice {
		return
	}
	c.claims[claim.Decision] = claim
	m := minuteOf(claim.At)
	c.minutes[m] = append(c.minutes[m], claim.Decision)
	w := weightOf(claim)
	for i := range c.windows {
		if m >= c.windows[i].tail {
			c.windows[i].sum.add(w, 1)
		}
	}
	if claim.Run == "" {
		return
	}
	if c.runs[claim.Run] == nil {
		c.runs[claim.Run] = newTally()
	}
	c.runs[claim.Run].add(w, 1)
}

func (c *counters) drop(decision string) {
	claim, ok := c.claims[decision]
	if !ok {
		return
	}
	delete(c.claims, decision)
	m, w := minuteOf(claim.At), weightOf(claim)
	for i := range c.windows {
		if m >= c.windows[i].tail {
			c.windows[i].sum.add(w, -1)
		}
	}
	if t := c.runs[claim.Run]; t != nil {
		t.add(w, -1)
	}
}

func (c *counters) force(e counted) {
	if old, ok := c.forces[e.id]; ok {
		c.inForce.add(old, -1)
		delete(c.forces, e.id)
	}
	if e.w != nil {
		c.forces[e.id] = *e.w
		c.inForce.add(*e.w, 1)
	}
}

// facts gives the counters as they are inside an act: the committed ones and
// what this batch has changed so far.
func (t *tx) facts(run string, now time.Time) gate.Facts {
	f := t.s.Facts(run, now)
	if len(t.claims) == 0 {
		return f
	}
	t.s.count.mu.Lock()
	defer t.s.count.mu.Unlock()
	forces := map[string]*weight{}
	for _, ch := range t.claims {
		switch {
		case ch.add != nil:
			countClaim(&f, *ch.add, run, now, 1)
		case ch.drop != nil:
			countClaim(&f, *ch.drop, run, now, -1)
		case ch.effect != nil:
			old, seen := forces[ch.effect.id]
			if !seen {
				if w, ok := t.s.count.forces[ch.effect.id]; ok {
					old = &w
				}
			}
			countInto(&f.InForce, old, -1)
			countInto(&f.InForce, ch.effect.w, 1)
			forces[ch.effect.id] = ch.effect.w
		}
	}
	return f
}

func countClaim(f *gate.Facts, c perform.Claim, run string, now time.Time, n int64) {
	w := weightOf(c)
	if c.Run == run && run != "" {
		countInto(&f.Made.Run, &w, n)
	}
	age := minuteOf(now) - minuteOf(c.At)
	for minutes, sum := range map[int64]*gate.Counts{10: &f.Made.M10, 60: &f.Made.H1, 24 * 60: &f.Made.H24} {
		if age <= minutes {
			countInto(sum, &w, n)
		}
	}
}

func countInto(c *gate.Counts, w *weight, n int64) {
	if w == nil {
		return
	}
	t := tally{c.Total, c.ByAction, c.ByImpact, c.ByTargetKind, c.ByPlaybook}
	t.add(*w, n)
	c.Total = t.total
}

// grown says whether any counter of now is above that of then.
func grown(then, now gate.Facts) bool {
	return higher(then.InForce, now.InForce) || higher(then.Made.Run, now.Made.Run) ||
		higher(then.Made.M10, now.Made.M10) || higher(then.Made.H1, now.Made.H1) || higher(then.Made.H24, now.Made.H24)
}

func higher(then, now gate.Counts) bool {
	if now.Total > then.Total {
		return true
	}
	for _, pair := range [][2]map[string]int64{
		{then.ByAction, now.ByAction},
		{then.ByImpact, now.ByImpact},
		{then.ByTargetKind, now.ByTargetKind},
		{then.ByPlaybook, now.ByPlaybook},
	} {
		for word, n := range pair[1] {
			if n > pair[0][word] {
				return true
			}
		}
	}
	return false
}

// load reads the counters of a database that was just opened.
func (c *counters) load(_ context.Context, h *handle, now time.Time) error {
	c.slide(now)
	err := h.query(`SELECT r.decision, r.run, r.step, r.occurrence, r.action, r.impact, r.target_kinds, r.playbook, r.at
		FROM reservation r LEFT JOIN run ON run.id = r.run
		WHERE r.at >= ? OR run.status IN ('queued', 'running', 'waiting')`, func(r row) error {
		claim := perform.Claim{
			Decision: r.text(0), Run: r.text(1), Step: r.text(2), Occurrence: int(r.int(3)),
			Action: r.text(4), Impact: r.text(5), Playbook: r.text(7), At: r.time(8),
		}
		if err := json.Unmarshal([]byte(r.text(6)), &claim.TargetKinds); err != nil {
			return fmt.Errorf("read a reservation: %w", err)
		}
		c.add(claim)
		return nil
	}, now.Add(-25*time.Hour))
	if err != nil {
		return fmt.Errorf("load the reservations: %w", err)
	}
	err = h.query(`SELECT id, body FROM effect WHERE status NOT IN ('undone', 'foreign')`, func(r row) error {
		var e ledger.Effect
		if err := json.Unmarshal([]byte(r.text(1)), &e); err != nil {
			return fmt.Errorf("read effect %s: %w", r.text(0), err)
		}
		c.force(counted{e.ID, weightOfEffect(e)})
		return nil
	})
	if err != nil {
		return fmt.Errorf("load the effects: %w", err)
	}
	return nil
}
