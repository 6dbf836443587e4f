// Package memory is the oracle: the simplest host that can be right. It also runs
// playbook tests, with a clock of its own.
package memory

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-soar/tocsin/server/approval"
	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/gate"
	"github.com/tocsin-soar/tocsin/server/ledger"
	"github.com/tocsin-soar/tocsin/server/perform"
)

// Host runs everything in the caller's goroutine, one thing after the other, in an
// order that depends on nothing but what it was given.
type Host struct {
	P    *perform.Performer
	Now  time.Time
	Held bool // the kill switch
	// Broken says in words that the connections are, or is "".
	Broken string
	// Given are counters to be told instead of the counted ones, or nil.
	Given *gate.Facts

	People    map[string]approval.Person
	Approvals map[string]*approval.Request
	Effects   map[string]*ledger.Effect // by key
	Decisions []perform.Decided
	Audit     []audit.Draft
	runs      map[string]*Run
	order     []string
	timers    []due
	claims    []perform.Claim
	todo      []work
	line      []*standing // in the order in which they came
	letters   []letter
	listens   []hearing

	// Find gives the program of a run that is called; nil where nothing calls.
	Find func(st engine.Start) (*engine.Program, gate.Playbook, error)

	// Async leaves dispatched attempts in flight until Land or Lose.
	Async   bool
	flights []flight
}

type flight struct {
	run string
	att perform.Attempt
}

// Run is a run in memory with its journal.
type Run struct {
	perform.Live
	Journal []engine.Recorded
	Vars    map[string]any // the alert as expressions see it
}

type due struct {
	run string
	perform.Timer
}

type work struct {
	run string
	cmd engine.Command
}

// New makes a host whose clock stands at a moment.
func New(p *perform.Performer, now time.Time) *Host {
	return &Host{
		P: p, Now: now, People: map[string]approval.Person{}, Approvals: map[string]*approval.Request{},
		Effects: map[string]*ledger.Effect{}, runs: map[string]*Run{},
	}
}

// Start begins a run. policy is its alert as the policy sees it, vars as
// expressions do; both nil without alert.
func (h *Host) Start(st engine.Start, prog *engine.Program, pb gate.Playbook, policy, vars map[string]any) error {
	r := &Run{Live: perform.Live{Start: st, Program: prog, Playbook: pb, Alert: policy}, Vars: vars}
	r.State = engine.New(st, vars)
	h.runs[st.ID] = r
	h.order = append(h.order, st.ID)
	return h.Take(st.ID, r.Begin())
}

// Run gives a run.
func (h *Host) Run(id string) *Run { return h.runs[id] }

// Runs gives all runs in the order in which they began.
func (h *Host) Runs() []*Run {
	out := make([]*Run, len(h.order))
	for i, id := range h.order {
		out[i] = h.runs[id]
	}
	return out
}

// Take gives an event to a run and carries out what follows, until nothing is left
// that can happen without time, people or replies still to come.
func (h *Host) Take(run string, b engine.Body) error {
	r, ok := h.runs[run]
	if !ok {
		return fmt.Errorf("no run %s", run)
	}
	rec := r.Blank()
	cmds, err := r.Take(h.Now, b, &rec)
	if err != nil {
		return err
	}
	h.write(r, rec)
	h.push(run, cmds)
	return h.drain()
}

func (h *Host) push(run string, cmds []engine.Command) {
	for _, c := range cmds {
		h.todo = append(h.todo, work{run, c})
	}
}

func (h *Host) drain() error {
	for len(h.todo) > 0 || len(h.letters) > 0 {
		if len(h.todo) == 0 {
			if err := h.deliver(); err != nil {
				return err
			}
			continue
		}
		w := h.todo[0]
		h.todo = h.todo[1:]
		if err := h.do(h.runs[w.run], w.cmd); err != nil {
			return err
		}
	}
	return nil
}

// deliver hands the first letter to its run.
func (h *Host) deliver() error {
	m := h.letters[0]
	h.letters = h.letters[1:]
	if m.start != nil {
		return h.call(m)
	}
	r, ok := h.runs[m.run]
	if !ok || r.State.Status().Final() {
		return nil
	}
	rec := r.Blank()
	cmds, err := r.Take(h.Now, m.body, &rec)
	if err != nil {
		return err
	}
	h.write(r, rec)
	h.push(m.run, cmds)
	return nil
}

func (h *Host) do(r *Run, c engine.Command) error {
	if !r.State.Wanting(c) {
		return nil
	}
	ctx := context.Background() //nolint:forbidigo // nothing here takes time or can be cancelled
	switch c := c.(type) {
	case engine.Ask:
		return h.ask(ctx, r, c)
	case engine.Request:
		rec, cmds, err := h.P.Ask(&r.Live, c.Path, h.Now)
		if err != nil {
			return err
		}
		h.write(r, rec)
		h.push(r.Start.ID, cmds)
	case engine.EndHold:
		var cmds []engine.Command
		var folded error
		rec, asking := h.P.EndHold(&r.Live, c, h.Now, func(cs []engine.Command, err error) { cmds, folded = cs, err })
		h.act(ctx, r, rec, asking)
		h.push(r.Start.ID, cmds)
		return folded
	case engine.Verify:
		w, ok := r.State.Wanted(c.Path)
		if !ok {
			return nil
		}
		w.Attempt = r.State.Attempts(c.Path)
		send, row := h.P.Check(ctx, &r.Live, w, h.Now, h.facts(r.Start.ID))
		if row != nil {
			h.Decisions = append(h.Decisions, *row)
		}
		return h.finish(ctx, r, w, send(ctx))
	}
	return nil
}

func (h *Host) ask(ctx context.Context, r *Run, c engine.Ask) error {
	w, ok := r.State.Wanted(c.Path)
	if !ok {
		return nil
	}
	if h.Broken != "" && !perform.TriesBroken(w) {
		return h.Take(r.Start.ID, engine.Blocked{Path: c.Path, Connection: w.Connection, Why: engine.BlockBroken, Text: h.Broken}) //nolint:contextcheck // nothing here can be cancelled
	}
	pr, err := h.P.Prepare(ctx, &r.Live, w, h.Now, h.facts(r.Start.ID), h.Approvals[w.Approval])
	if err != nil {
		return h.Take(r.Start.ID, engine.Decided{Path: c.Path, Outcome: string(gate.Deny), Error: perform.Refusal(w, err)}) //nolint:contextcheck // nothing here can be cancelled
	}
	var att *perform.Attempt
	var cmds []engine.Command
	var folded error
	asking := h.P.Asking(&r.Live, pr, h.Now, func(a *perform.Attempt, cs []engine.Command, err error) { att, cmds, folded = a, cs, err })
	h.act(ctx, r, r.Blank(), asking)
	h.push(r.Start.ID, cmds)
	if folded != nil || att == nil {
		return folded
	}
	att.Wanted.Connection = att.Call.Connection.Name
	att.Wanted.Decision, att.Wanted.Digest = att.Permit.Decision(), r.State.Digest(att.Path)
	if h.Async {
		h.flights = append(h.flights, flight{r.Start.ID, *att})
		return nil
	}
	return h.finish(ctx, r, att.Wanted, h.P.Do(ctx, *att))
}

// Flights tells how many attempts are in flight.
func (h *Host) Flights() int { return len(h.flights) }

// Land sends an attempt in flight and reports what it came to.
func (h *Host) Land(i int) error {
	f := h.lift(i)
	ctx := context.Background() //nolint:forbidigo // as in do
	b := perform.Await(h.P.Do(ctx, f.att), f.att.Wanted, h.Broken)
	if err := h.finish(ctx, h.runs[f.run], f.att.Wanted, b); err != nil {
		return err
	}
	return h.drain()
}

// Lose is a crash while an attempt is in flight: sent or not, nobody heard the
// reply.
func (h *Host) Lose(i int, sent bool) error {
	f := h.lift(i)
	ctx := context.Background() //nolint:forbidigo // as in do
	if sent {
		h.P.Do(ctx, f.att)
	}
	r := h.runs[f.run]
	w, ok := r.State.Wanted(f.att.Path)
	if !ok {
		return fmt.Errorf("no step %s", f.att.Path)
	}
	if err := h.finish(ctx, r, w, h.P.Lost(w)); err != nil {
		return err
	}
	return h.drain()
}

func (h *Host) lift(i int) flight {
	f := h.flights[i]
	h.flights = slices.Delete(h.flights, i, i+1)
	return f
}

func (h *Host) finish(ctx context.Context, r *Run, w engine.Wanted, b engine.Body) error {
	var cmds []engine.Command
	var folded error
	rec, asking := h.P.Finish(&r.Live, w, b, h.Now, nil, func(cs []engine.Command, err error) { cmds, folded = cs, err })
	h.act(ctx, r, rec, asking)
	h.push(r.Start.ID, cmds)
	return folded
}

// Resolve is a person's word on a step in doubt.
func (h *Host) Resolve(run string, b engine.Resolved) error {
	r := h.runs[run]
	w, ok := r.State.Wanted(b.Path)
	if !ok {
		return fmt.Errorf("no step %s", b.Path)
	}
	if err := h.finish(context.Background(), r, w, h.P.Resolve(w, b)); err != nil { //nolint:forbidigo // as in do
		return err
	}
	return h.drain()
}

// Next is the moment of the next timer; ok is false when nothing is due any more.
func (h *Host) Next() (at time.Time, ok bool) {
	for _, d := range h.timers {
		if !ok || d.Due.Before(at) {
			at, ok = d.Due, true
		}
	}
	return at, ok
}

// Advance moves the clock and fires every timer on the way, earliest first.
func (h *Host) Advance(to time.Time) error {
	for {
		at, ok := h.Next()
		if !ok || at.After(to) {
			break
		}
		if at.After(h.Now) {
			h.Now = at
		}
		i := slices.IndexFunc(h.timers, func(d due) bool { return d.Due.Equal(at) })
		d := h.timers[i]
		h.timers = slices.Delete(h.timers, i, i+1)
		if err := h.Take(d.run, engine.TimerFired{Path: d.Path, Timer: d.Kind}); err != nil {
			return err
		}
	}
	if to.After(h.Now) {
		h.Now = to
	}
	return nil
}

// Resume lifts the kill switch.
func (h *Host) Resume() error {
	h.Held = false
	for _, id := range slices.Clone(h.order) {
		if len(h.runs[id].State.Halted()) > 0 {
			if err := h.Take(id, engine.Resumed{}); err != nil {
				return err
			}
		}
	}
	return nil
}

// Mend says that the connections work again.
func (h *Host) Mend() error {
	h.Broken = ""
	for _, id := range slices.Clone(h.order) {
		for _, st := range h.runs[id].State.Steps() {
			if !h.runs[id].State.Blocked(st.Path) {
				continue
			}
			if err := h.Take(id, engine.Resumed{Path: st.Path}); err != nil {
				return err
			}
		}
	}
	return nil
}

// Pending lists the requests that wait, in the order in which they were opened.
func (h *Host) Pending() []*approval.Request {
	var out []*approval.Request
	for _, r := range h.Approvals {
		if r.Status == approval.Pending {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b *approval.Request) int {
		if c := a.CreatedAt.Compare(b.CreatedAt); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return out
}

// Vote is a person's word on a request; what follows is carried out.
func (h *Host) Vote(id string, by approval.Person, decision, comment string) error {
	h.People[by.Name] = by
	old := *h.Approvals[id]
	next, err := approval.Cast(old, h.People, approval.Word{By: by.Name, Decision: decision, Digest: old.Digest, Comment: comment}, h.Now)
	if err != nil {
		return err
	}
	return h.decided(next)
}

// Answer fills a question's form.
func (h *Host) Answer(id string, by approval.Person, answer map[string]any) error {
	h.People[by.Name] = by
	old := *h.Approvals[id]
	next, err := approval.Answer(old, h.People, by.Name, old.Digest, answer, h.Now)
	if err != nil {
		return err
	}
	return h.decided(next)
}

func (h *Host) decided(next approval.Request) error {
	h.Approvals[next.ID] = &next
	if next.Status == approval.Pending {
		return nil
	}
	comment := ""
	by := []string{}
	for _, v := range next.Votes {
		by = append(by, v.By)
		comment = v.Comment
	}
	return h.Take(next.Run, engine.ApprovalDecided{
		Path: next.Step, Approval: next.ID, Status: string(next.Status), HeldUntil: next.HeldUntil,
		By: by, Comment: comment, Answer: engine.Value{V: next.Answer},
	})
}
