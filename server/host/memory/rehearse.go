package memory

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-soar/tocsin/server/alert"
	"github.com/tocsin-soar/tocsin/server/approval"
	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/control"
	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/gate"
	"github.com/tocsin-soar/tocsin/server/ident"
	"github.com/tocsin-soar/tocsin/server/ledger"
	"github.com/tocsin-soar/tocsin/server/perform"
	"github.com/tocsin-soar/tocsin/server/playbook"
)

// Stage is what the tests of a playbook are played on: the real compiler, engine and
// policy.
type Stage struct {
	Catalog playbook.Catalog
	Judge   perform.Judge
	Source  []byte // of the playbook
	File    string // its name, for problems
	// Fixture reads a file; its path begins at the test's folder.
	Fixture func(path string) ([]byte, error)
	// Mapping finds an alert mapping by name.
	Mapping func(name string) (alert.Mapping, bool)
}

// Report is what came of a test file (contract.md, Shapes: test).
type Report struct {
	Playbook string          `json:"playbook"`
	Cases    []CaseReport    `json:"cases"`
	Coverage Coverage        `json:"coverage"`
	Problems []fault.Problem `json:"problems"`
}

// Passed says whether every case did.
func (r Report) Passed() bool {
	return len(r.Cases) > 0 && !fault.Broken(r.Problems) &&
		!slices.ContainsFunc(r.Cases, func(c CaseReport) bool { return c.Status != "passed" })
}

// CaseReport is what came of one case.
type CaseReport struct {
	Name     string    `json:"name"`
	Status   string    `json:"status"` // passed or failed
	Failures []Failure `json:"failures"`
}

// Failure is one thing that was otherwise than expected.
type Failure struct {
	At   string `json:"at"`
	Want any    `json:"want"`
	Got  any    `json:"got"`
}

// Rehearse plays every case of a test file. A day's wait takes no time.
func Rehearse(s Stage, tf *playbook.TestFile) Report {
	rep := Report{Playbook: tf.Playbook, Cases: []CaseReport{}, Problems: []fault.Problem{}}
	cat := bound{s.Catalog, tf.Capabilities}
	pb, problems := playbook.Compile(tf.Playbook, s.File, s.Source, cat)
	rep.Problems = append(rep.Problems, problems...)
	if pb == nil {
		return rep
	}
	cov := newCover(pb)
	for _, c := range tf.Cases {
		p := &play{stage: s, cat: cat, pb: pb, c: c, used: map[string]int{}, spoke: map[int]bool{}, came: map[int]bool{}}
		rep.Cases = append(rep.Cases, p.run(cov))
	}
	rep.Coverage = cov.report()
	return rep
}

// bound is the catalogue with the capabilities that a test file binds.
type bound struct {
	playbook.Catalog
	caps map[string]string
}

// Action finds an action, or the one that fulfils a capability here.
func (b bound) Action(ref string) (*connector.Action, bool) {
	integration, ok := b.caps[ref]
	if !ok {
		return b.Catalog.Action(ref)
	}
	for _, r := range b.Actions() {
		if a, ok := b.Catalog.Action(r); ok && a.Integration == integration && a.Implements == ref {
			return a, true
		}
	}
	return nil, false
}

// Fulfilled names no connection: a case has one for each integration.
func (bound) Fulfilled(string) (string, bool) { return "", false }

// CheckSchedule hands on to the catalogue's own check, where it has one.
func (b bound) CheckSchedule(cron, zone string) error {
	if c, ok := b.Catalog.(interface{ CheckSchedule(cron, zone string) error }); ok {
		return c.CheckSchedule(cron, zone)
	}
	return nil
}

// others is what a catalogue may know besides: the playbooks that may be called.
type others interface {
	playbook.Others
	Text(slug string) ([]byte, bool)
}

// Outline says what one must know of a playbook to call it.
func (b bound) Outline(slug string) (playbook.Outline, bool) {
	if o, ok := b.Catalog.(playbook.Others); ok {
		return o.Outline(slug)
	}
	return playbook.Outline{}, false
}

// Slugs lists the playbooks that may be called.
func (b bound) Slugs() []string {
	if o, ok := b.Catalog.(playbook.Others); ok {
		return o.Slugs()
	}
	return nil
}

// program finds the program of a run that is called: the real one, checked like the
// playbook of the test.
func (p *play) program(st engine.Start) (*engine.Program, gate.Playbook, error) {
	o, ok := p.stage.Catalog.(others)
	if !ok {
		return nil, gate.Playbook{}, fmt.Errorf("the playbook %s is not known here", st.Playbook)
	}
	src, ok := o.Text(st.Playbook)
	if !ok {
		return nil, gate.Playbook{}, fmt.Errorf("there is no playbook %s", st.Playbook)
	}
	pb, ps := playbook.Compile(st.Playbook, st.Playbook+".yaml", src, p.cat)
	if pb == nil {
		return nil, gate.Playbook{}, fmt.Errorf("the playbook %s has mistakes: line %d: %s", st.Playbook, ps[0].Line, ps[0].Message)
	}
	return engine.Compile(pb, p.cat.Action), p.book(pb), nil
}

// book is what the policy is told of a playbook of the case.
func (p *play) book(pb *playbook.Playbook) gate.Playbook {
	if p.c.Given.Reviewed == nil || *p.c.Given.Reviewed {
		return gate.Playbook{Name: pb.Slug, Version: pb.SHA256, Reviewed: true, AgeSeconds: int64((30 * 24 * time.Hour).Seconds())}
	}
	return gate.Playbook{Name: pb.Slug, Version: pb.SHA256, AgeSeconds: 60}
}

// callsOf are the versions of what a playbook calls, and of what they call in turn.
func (p *play) callsOf(pb *playbook.Playbook) map[string]string {
	out := map[string]string{}
	names := playbook.Calls(pb.Steps)
	for len(names) > 0 {
		o, ok := p.cat.Outline(names[0])
		_, done := out[names[0]]
		names = names[1:]
		if ok && !done {
			out[o.Slug] = o.SHA256
			names = append(names, o.Calls...)
		}
	}
	return out
}

// play is one case being played.
type play struct {
	stage Stage
	cat   bound
	pb    *playbook.Playbook
	c     playbook.Case
	h     *Host
	calls []called
	used  map[string]int // replies given, by action
	spoke map[int]bool   // people who have answered
	came  map[int]bool   // events that have come
	bad   []Failure
}

type called struct {
	action, connection string
	params             map[string]any
}

const firstRun = "run_00000000000070008000000000000001"

// usualNow is when a case plays unless it says otherwise.
var usualNow = time.Date(2026, 1, 5, 10, 0, 0, 0, time.UTC) //nolint:gochecknoglobals // a constant

func (p *play) run(cov *cover) CaseReport {
	rep := CaseReport{Name: p.c.Name, Status: "passed", Failures: []Failure{}}
	if err := p.play(); err != nil {
		p.fail("case", "it can be played", err.Error())
	}
	if p.h != nil {
		if r := p.h.Run(firstRun); r != nil {
			p.compare(r)
			cov.see(r)
		}
	}
	if len(p.bad) > 0 {
		rep.Status, rep.Failures = "failed", p.bad
	}
	return rep
}

func (p *play) fail(at string, want, got any) { p.bad = append(p.bad, Failure{at, want, got}) }

func (p *play) play() error {
	now := usualNow
	if p.c.Given.Now != "" {
		at, err := time.Parse(time.RFC3339, p.c.Given.Now)
		if err != nil {
			return errors.New("given.now is not a time (RFC 3339)")
		}
		now = at.UTC()
	}
	perf := &perform.Performer{Gate: p.stage.Judge, Estate: p, Caller: p, Instance: func() string { return "rehearsal" }}
	p.h = New(perf, now)
	if err := p.facts(); err != nil {
		return err
	}
	st := engine.Start{
		ID: firstRun, Key: firstRun, Playbook: p.pb.Slug, Version: p.pb.SHA256, Inputs: p.c.Inputs, At: now,
		Trigger: engine.Trigger{Kind: "manual"},
	}
	var policy, vars map[string]any
	if p.c.Alert != nil {
		a, err := p.alert(now)
		if err != nil {
			return err
		}
		policy, vars = alert.Value(a, false), alert.Value(a, true)
		st.Alert, st.Priority = a.ID, a.Severity.Rank()
		st.Trigger = engine.Trigger{Kind: "alert", Source: a.Source}
	}
	prog := engine.Compile(p.pb, p.cat.Action)
	prog.Calls = p.callsOf(p.pb)
	p.h.Find = p.program
	if err := p.h.Start(st, prog, p.book(p.pb), policy, vars); err != nil {
		return err
	}
	if err := p.drive(); err != nil {
		return err
	}
	if p.c.AtEnd == "leases" {
		return p.leases()
	}
	return nil
}

func (p *play) facts() error {
	if p.c.Given.Facts == nil {
		return nil
	}
	raw, err := json.Marshal(p.c.Given.Facts)
	if err != nil {
		return fmt.Errorf("given.facts: %w", err)
	}
	var f gate.Facts
	if err := json.Unmarshal(raw, &f); err != nil {
		return fmt.Errorf("given.facts do not have the shape of the policy's input: %w", err)
	}
	whole := gate.Question{Facts: f}.Whole().Facts
	p.h.Given = &whole
	return nil
}

// alert reads the case's alert as a source would.
func (p *play) alert(now time.Time) (alert.Alert, error) {
	var payload any = p.c.Alert.Fields
	if f := p.c.Alert.Fixture; f != "" {
		raw, err := p.stage.Fixture(f)
		if err != nil {
			return alert.Alert{}, fmt.Errorf("fixture %s: %w", f, err)
		}
		if payload, err = ident.Decode(raw); err != nil {
			return alert.Alert{}, fmt.Errorf("fixture %s: %w", f, err)
		}
	}
	name := p.c.Alert.Mapping
	if name == "" {
		name = "generic"
	}
	m, ok := p.stage.Mapping(name)
	if !ok {
		return alert.Alert{}, fmt.Errorf("there is no alert mapping %s", name)
	}
	list, err := alert.Normalise(m, payload, nil, "test", now)
	if err != nil {
		return alert.Alert{}, fmt.Errorf("the alert cannot be read: %w", err)
	}
	if len(list) == 0 {
		return alert.Alert{}, errors.New("the payload holds no alert")
	}
	a := list[0].Alert
	a.ID, a.Source, a.Status, a.Count = "alr_00000000000070008000000000000001", "test", alert.New, 1
	return a, nil
}

const mostMoves = 10_000

// drive lets people answer and time pass until the run is over, or until nobody is
// left whom the case waits for.
func (p *play) drive() error {
	for range mostMoves {
		if p.h.Run(firstRun).State.Status().Final() {
			return nil
		}
		timer, ticking := p.h.Next()
		at, i, q := p.nextAnswer()
		came, err := p.eventFirst(timer, ticking, at, q != nil)
		switch {
		case err != nil:
			return err
		case came:
		case q != nil && (!ticking || !timer.Before(at)):
			if err := p.h.Advance(at); err != nil {
				return err
			}
			p.spoke[i] = true
			if err := p.speak(p.c.People[i], q); err != nil {
				return err
			}
		case q == nil && p.c.Expect.Status == "waiting" && len(p.h.Pending()) > 0:
			return nil
		case ticking:
			if err := p.h.Advance(timer); err != nil {
				return err
			}
		default:
			return nil
		}
	}
	return fmt.Errorf("the run does not end within %d moves", mostMoves)
}

// nextAnswer finds who answers first, and what.
func (p *play) nextAnswer() (at time.Time, person int, q *approval.Request) {
	for i, who := range p.c.People {
		if p.spoke[i] {
			continue
		}
		for _, r := range p.h.Pending() {
			step := who.Approval
			if r.Kind == approval.KindQuestion {
				step = who.Question
			}
			if step == "" || step != r.Step && !strings.HasSuffix(r.Step, "/"+step) {
				continue
			}
			if when := r.CreatedAt.Add(who.After); q == nil || when.Before(at) {
				at, person, q = when, i, r
			}
		}
	}
	return at, person, q
}

func (p *play) speak(who playbook.TestPerson, q *approval.Request) error {
	by := approval.Person{Name: who.By, Roles: who.Roles, Teams: who.Teams, Active: true}
	if q.Kind == approval.KindQuestion {
		return p.h.Answer(q.ID, by, who.Answer)
	}
	word, comment := approval.Yes, who.Comment
	if who.Decision == "deny" {
		word = approval.No
		if comment == "" {
			comment = "no"
		}
	}
	return p.h.Vote(q.ID, by, word, comment)
}

// leases plays until the last lease has ended: each is undone by a run of its own.
func (p *play) leases() error {
	for n := 2; ; n++ {
		due := p.nextLease()
		if due == nil {
			return nil
		}
		if err := p.expire(*due, n); err != nil {
			return err
		}
	}
}

// nextLease finds the effect whose lease ends first; nil when none has one.
func (p *play) nextLease() *ledger.Effect {
	var due *ledger.Effect
	for _, e := range p.h.Effects {
		if e.Status == ledger.InForce && e.Until != nil && (due == nil || e.Until.Before(*due.Until)) {
			due = e
		}
	}
	return due
}

// expire plays the end of a lease with the n-th run of the case.
func (p *play) expire(e ledger.Effect, n int) error {
	if err := p.h.Advance(*e.Until); err != nil {
		return err
	}
	after, undo := ledger.Expire(e, p.h.Now)
	if !undo {
		return fmt.Errorf("the lease of %s does not end", e.Action)
	}
	after.Status = ledger.Undoing
	p.h.Effects[after.Key] = &after
	inv, ok := p.cat.Action(e.Inverse.Action)
	if !ok {
		return fmt.Errorf("the inverse %s is not known", e.Inverse.Action)
	}
	single := engine.Single{Action: inv.Ref(), Connection: e.Connection, Params: e.Inverse.Params}
	st := engine.Start{
		ID: fmt.Sprintf("run_0000000000007000800000000000%04x", n), At: p.h.Now, Effect: control.Told(e),
		Trigger: engine.Trigger{Kind: "effect", Effect: e.ID, Purpose: string(gate.ForExpiry)},
	}
	if err := p.h.Start(st, single.Program(inv), gate.Playbook{Reviewed: true}, nil, nil); err != nil {
		return err
	}
	for range mostMoves { // retries, or a request that nobody answers
		at, ok := p.h.Next()
		if !ok || p.h.Run(st.ID).State.Status().Final() {
			return nil
		}
		if err := p.h.Advance(at); err != nil {
			return err
		}
	}
	return nil
}
