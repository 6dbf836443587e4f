package embedded_test

import (
	"context"
	"crypto/rand"
	"log/slog"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tocsin-soar/tocsin/server/breaker"
	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/expr"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/gate"
	"github.com/tocsin-soar/tocsin/server/health"
	"github.com/tocsin-soar/tocsin/server/host/embedded"
	"github.com/tocsin-soar/tocsin/server/host/hosttest"
	"github.com/tocsin-soar/tocsin/server/ident"
	"github.com/tocsin-soar/tocsin/server/lookup"
	"github.com/tocsin-soar/tocsin/server/perform"
	"github.com/tocsin-soar/tocsin/server/playbook"
	"github.com/tocsin-soar/tocsin/server/store"
)

// plant is a host on a database with one connection, whose other side a test switches
// on and off.
type plant struct {
	*testing.T
	c     *clock
	path  string
	world *hosttest.World
	s     *store.Store
	lines *health.Health
	h     *embedded.Host
	prog  *engine.Program
	stop  func()

	mu    sync.Mutex
	conn  connector.Connection
	up    bool
	calls int
	now   int           // under way
	most  int           // under way at once
	slow  chan struct{} // not nil: calls wait until it is closed
}

func newPlant(t *testing.T, conn connector.Connection, action string) *plant {
	t.Helper()
	conn.Name, conn.Integration = "edr", "sim"
	p := &plant{
		T: t, c: &clock{now: time.Date(2026, 1, 5, 10, 0, 0, 0, time.UTC), moved: make(chan struct{})},
		path: filepath.Join(t.TempDir(), "tocsin.db"), world: hosttest.NewWorld(1), conn: conn, up: true,
	}
	act, _ := p.world.Action(action)
	p.prog = engine.Compile(&playbook.Playbook{Slug: "sim", Timeout: 24 * time.Hour, Steps: []*playbook.Block{{
		ID: "call", Kind: playbook.KindAction, OnError: "fail",
		Action: &playbook.Action{Ref: action, Action: act, With: expr.Literal(map[string]any{}), Timeout: time.Minute},
	}}}, p.world.Action)
	p.open()
	t.Cleanup(func() { p.stop() })
	return p
}

func (p *plant) open() {
	p.Helper()
	log := slog.New(slog.DiscardHandler)
	s, err := store.Open(p.Context(), store.Options{Path: p.path, Clock: p.c.time, Log: log, Random: rand.Reader})
	if err != nil {
		p.Fatal(err)
	}
	p.s = s
	p.lines = health.New(s, p.c.time, func() { p.h.Reopen() })
	if err := p.lines.Load(p.Context()); err != nil {
		p.Fatal(err)
	}
	p.h = embedded.New(embedded.Options{
		Journal: s, Programs: p, Requests: s, Clock: p.c.time, Sleep: p.c.sleep, Log: log, Shards: 8, Lines: p.lines,
		Performer: &perform.Performer{Gate: p, Estate: p, Caller: p, Instance: s.Instance},
		Panicked:  func() { p.Error("a turn panicked") },
	})
	cancel := s.Subscribe(func(cs []lookup.Change) {
		for _, c := range cs {
			if c.Wake {
				p.h.Wake(c.ID)
			}
		}
	})
	if err := p.h.Start(p.Context()); err != nil {
		p.Fatal(err)
	}
	p.stop = func() {
		cancel()
		p.h.Stop(0)
		if err := s.Close(context.Background()); err != nil {
			p.Error(err)
		}
	}
}

func (p *plant) Program(context.Context, engine.Start, map[string]string) (*engine.Program, gate.Playbook, error) {
	return p.prog, gate.Playbook{Name: "sim", Version: "v"}, nil
}

func (p *plant) Judge(context.Context, gate.Question) gate.Answer {
	return gate.Answer{Outcome: gate.Allow}
}

func (p *plant) Moment(at time.Time) gate.Now              { return gate.Now{Time: at.Format(time.RFC3339)} }
func (p *plant) Tags(string, string) ([]string, string)    { return nil, "" }
func (p *plant) Action(r string) (*connector.Action, bool) { return p.world.Action(r) }

func (p *plant) Connection(string, string) (connector.Connection, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.conn, nil
}

func (p *plant) Call(ctx context.Context, _ gate.Permit, c connector.Call) connector.Reply {
	p.mu.Lock()
	p.calls++
	p.now++
	p.most = max(p.most, p.now)
	up, slow := p.up, p.slow
	p.mu.Unlock()
	if slow != nil {
		<-slow
	}
	r := connector.Reply{Did: connector.DidDone, Output: map[string]any{}}
	if !up {
		r = connector.Reply{Did: connector.DidNothing, Err: fault.New(fault.Unavailable, "nothing was sent: the connection was refused")}
	}
	if err := p.lines.Heard(context.WithoutCancel(ctx), c.Connection.Name, r); err != nil {
		p.Error(err)
	}
	p.mu.Lock()
	p.now--
	p.mu.Unlock()
	return r
}

func (p *plant) set(do func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	do()
}

func (p *plant) made() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls
}

func (p *plant) start(n int) []string {
	p.Helper()
	var starts []engine.Start
	var ids []string
	for range n {
		id := newID(ident.Run, p.c.time())
		starts = append(starts, engine.Start{ID: id, Key: id, Playbook: "sim", Version: "v", At: p.c.time(), Trigger: engine.Trigger{Kind: "manual"}})
		ids = append(ids, id)
	}
	if _, err := p.s.Start(p.Context(), starts, nil); err != nil {
		p.Fatal(err)
	}
	return ids
}

// when waits for a condition, without moving the clock.
func (p *plant) when(what string, holds func() bool) {
	p.Helper()
	for range 10_000 {
		if holds() {
			return
		}
		time.Sleep(time.Millisecond) //nolint:forbidigo // a pause between two looks at a condition
	}
	p.Fatalf("it does not come to pass that %s", what)
}

func (p *plant) run(id string) engine.Run {
	p.Helper()
	r, err := p.s.Run(p.Context(), id)
	if err != nil {
		p.Fatal(err)
	}
	return r
}

// count tells how many runs are in a state.
func (p *plant) count(ids []string, status engine.RunStatus) int {
	n := 0
	for _, id := range ids {
		if p.run(id).Status == status {
			n++
		}
	}
	return n
}

// journal gives a run's events by their words.
func (p *plant) journal(id string) []string {
	p.Helper()
	st, err := p.s.Load(p.Context(), id)
	if err != nil {
		p.Fatal(err)
	}
	var out []string
	for _, e := range st.Events {
		out = append(out, e.Kind)
	}
	return out
}

func TestRunsWaitForABrokenConnectionOverARestartAndFinishByThemselves(t *testing.T) {
	p := newPlant(t, connector.Connection{Concurrency: 4}, "sim.send")
	p.up = false
	ids := p.start(60)
	settled := func() bool {
		return p.count(ids, engine.RunWaiting)+p.count(ids, engine.RunFailed) == len(ids)
	}
	p.when("it is broken", func() bool { return p.lines.Line("edr").Open })
	p.c.add(6 * time.Second) // those who stood in line before say so after a while
	p.when("every run waits or has failed", settled)
	if n := p.made(); n < breaker.Trip || n > breaker.Trip+4 {
		t.Errorf("%d calls to a side that is away", n)
	}
	failed := p.count(ids, engine.RunFailed)
	if failed >= breaker.Trip {
		t.Errorf("%d runs failed; from the trip on they must wait", failed)
	}
	i := slices.IndexFunc(ids, func(id string) bool { return p.run(id).Status == engine.RunWaiting })
	w := p.run(ids[i]).Waiting[0]
	if w.Kind != engine.WaitConnection || w.Ref != "edr" || w.Until == nil || !strings.Contains(w.Text, "the connection was refused") {
		t.Errorf("it does not say what it waits for: %+v", w)
	}
	for range 3 { // one call tries, and fails, each time
		before := p.made()
		p.c.add(breaker.Pause)
		p.when("one call tries", func() bool { return p.made() > before })
		p.when("it has failed and waits again", func() bool { return settled() && !p.h.Trying("edr") })
		if n := p.made() - before; n != 1 {
			t.Errorf("%d calls tried", n)
		}
	}
	p.stop()
	p.open()
	p.when("all stand in line again", func() bool { return p.h.Waiting("edr") == len(ids)-failed })
	before := p.made()
	p.set(func() { p.up, p.most = true, 0 })
	p.c.add(breaker.Pause)
	p.when("every run has ended", func() bool { return p.count(ids, engine.RunSucceeded) == len(ids)-failed })
	if n := p.made() - before; n != len(ids)-failed {
		t.Errorf("%d calls for %d runs", n, len(ids)-failed)
	}
	if p.most > 4 {
		t.Errorf("%d calls at once", p.most)
	}
	if l := p.lines.Line("edr"); l != (breaker.Line{}) {
		t.Errorf("left %+v", l)
	}
	for _, id := range ids {
		p.replays(id)
	}
}

// replays holds a run to law 1: its journal leads to what the pages show.
func (p *plant) replays(id string) {
	p.Helper()
	st, err := p.s.Load(p.Context(), id)
	if err != nil {
		p.Fatal(err)
	}
	var journal []engine.Recorded
	for _, e := range st.Events {
		journal = append(journal, engine.Recorded{At: e.At, Kind: e.Kind, Body: e.Body})
	}
	state, err := engine.Replay(p.prog, st.Start, nil, journal)
	if err != nil {
		p.Fatal(err)
	}
	if got, want := plain(p.run(id).Steps), plain(state.Steps()); !slices.Equal(got, want) {
		p.Errorf("%s: the pages show %v, the journal says %v", id, got, want)
	}
}

func TestAStepGivesABrokenConnectionUpAfterAnHour(t *testing.T) {
	p := newPlant(t, connector.Connection{}, "sim.look")
	p.up = false
	ids := p.start(4)
	p.when("all wait", func() bool { return p.count(ids, engine.RunWaiting) == 4 })
	for range 200 {
		p.c.add(breaker.Pause)
		p.when("the try is over", func() bool { return !p.h.Trying("edr") })
		if p.count(ids, engine.RunFailed) == 4 {
			break
		}
		time.Sleep(time.Millisecond) //nolint:forbidigo // lets the host's goroutines run; nothing depends on how far
	}
	for _, id := range ids {
		r := p.run(id)
		if r.Error == nil || r.Error.Kind != string(fault.Unavailable) || !strings.Contains(r.Error.Message, "edr") {
			t.Errorf("it ended with %+v: %v", r.Error, p.journal(id))
		}
		p.replays(id)
	}
}

func TestThousandsThatWaitOwnNoGoroutine(t *testing.T) {
	p := newPlant(t, connector.Connection{}, "sim.look")
	p.up = false
	p.when("it is broken", func() bool { p.start(1); return p.lines.Line("edr").Open })
	p.when("nothing is under way", func() bool { return p.h.Waiting("edr") > 0 && !p.h.Trying("edr") })
	before := runtime.NumGoroutine()
	const many = 3000
	for range many / 500 {
		p.start(500)
	}
	p.when("all stand in line", func() bool { return p.h.Waiting("edr") >= many })
	p.when("their goroutines have ended", func() bool { return runtime.NumGoroutine() <= before+5 })
}

func TestADisabledConnectionHoldsStepsUntilItIsEnabled(t *testing.T) {
	p := newPlant(t, connector.Connection{Disabled: true}, "sim.send")
	ids := p.start(3)
	p.when("all wait", func() bool { return p.count(ids, engine.RunWaiting) == 3 })
	if w := p.run(ids[0]).Waiting[0]; w.Kind != engine.WaitConnection || !strings.Contains(w.Text, "disabled") {
		t.Errorf("got %+v", w)
	}
	if p.made() != 0 {
		t.Error("it was called")
	}
	p.set(func() { p.conn.Disabled = false })
	p.h.Reopen()
	p.when("all have ended", func() bool { return p.count(ids, engine.RunSucceeded) == 3 })
}

func TestReleaseGoesThroughADisabledConnection(t *testing.T) {
	p := newPlant(t, connector.Connection{Disabled: true}, "sim.release")
	ids := p.start(1)
	p.when("it has ended", func() bool { return p.count(ids, engine.RunSucceeded) == 1 })
}

func TestARateHoldsAllRunsTogetherAndALongWaitIsShown(t *testing.T) {
	p := newPlant(t, connector.Connection{Rate: connector.Rate{PerSecond: 0.1, Burst: 2}}, "sim.look")
	ids := p.start(5)
	p.when("the burst is through", func() bool { return p.count(ids, engine.RunSucceeded) == 2 && p.h.Waiting("edr") == 3 })
	p.c.add(2 * time.Second)
	p.when("the rest says that it waits", func() bool { return p.count(ids, engine.RunWaiting) == 3 })
	for _, id := range ids {
		if r := p.run(id); r.Status == engine.RunWaiting && (r.Waiting[0].Kind != engine.WaitConnection || r.Waiting[0].Ref != "edr") {
			t.Errorf("got %+v", r.Waiting)
		}
	}
	for n := 3; n <= 5; n++ {
		p.c.add(10 * time.Second)
		p.when("the next is through", func() bool { return p.count(ids, engine.RunSucceeded) == n })
	}
	if p.made() != 5 {
		t.Errorf("%d calls", p.made())
	}
}

func TestAStepThatWaitsLongForAPlaceShowsIt(t *testing.T) {
	p := newPlant(t, connector.Connection{Concurrency: 1}, "sim.look")
	p.slow = make(chan struct{})
	ids := p.start(2)
	p.when("one is sent and one stands in line", func() bool { return p.made() == 1 && p.h.Waiting("edr") == 1 })
	p.c.add(6 * time.Second)
	p.when("the other says so", func() bool { return p.count(ids, engine.RunWaiting) == 1 })
	close(p.slow)
	p.when("both have ended", func() bool { return p.count(ids, engine.RunSucceeded) == 2 })
	for _, id := range ids {
		p.replays(id)
	}
}

// The path on which a place is free writes nothing of it.
func TestAFreePlaceLeavesNoTraceInTheJournal(t *testing.T) {
	p := newPlant(t, connector.Connection{Concurrency: 2}, "sim.look")
	ids := p.start(6)
	p.when("all have ended", func() bool { return p.count(ids, engine.RunSucceeded) == 6 })
	for _, id := range ids {
		for _, kind := range p.journal(id) {
			if kind == "blocked" || kind == "resumed" {
				t.Errorf("%v", p.journal(id))
			}
		}
	}
}
