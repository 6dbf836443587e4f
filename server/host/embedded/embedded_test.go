package embedded_test

import (
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"log/slog"
	"path/filepath"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-soar/tocsin/server/account"
	"github.com/tocsin-soar/tocsin/server/approval"
	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/control"
	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/gate"
	"github.com/tocsin-soar/tocsin/server/host/embedded"
	"github.com/tocsin-soar/tocsin/server/host/hosttest"
	"github.com/tocsin-soar/tocsin/server/ident"
	"github.com/tocsin-soar/tocsin/server/inbox"
	"github.com/tocsin-soar/tocsin/server/lookup"
	"github.com/tocsin-soar/tocsin/server/perform"
	"github.com/tocsin-soar/tocsin/server/store"
)

var runsFlag = flag.Int("runs", 60, "how many random runs to host")

// clock is a time that moves only when nobody has anything to do.
type clock struct {
	mu    sync.Mutex
	now   time.Time
	moved chan struct{}
}

func (c *clock) time() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	close(c.moved)
	c.moved = make(chan struct{})
}

func (c *clock) sleep(ctx context.Context, d time.Duration) {
	end := c.time().Add(d)
	for {
		c.mu.Lock()
		now, moved := c.now, c.moved
		c.mu.Unlock()
		if !now.Before(end) {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-moved:
		}
	}
}

// bench is a database, a host on it, and people.
type bench struct {
	t     *testing.T
	c     *clock
	path  string
	s     *store.Store
	h     *embedded.Host
	in    *inbox.Inbox
	ctl   *control.Control
	world map[string]*hosttest.World
	progs map[string]*engine.Program
	stop  func()
	mu    sync.Mutex
	// children are the runs that were called, as far as the host has seen them
	children []engine.Start
	hold     chan struct{} // not nil: calls wait until it is closed
}

func newID(p ident.Prefix, at time.Time) string {
	var r [10]byte
	_, _ = rand.Read(r[:])
	return ident.New(p, at, r)
}

func (b *bench) open() {
	b.t.Helper()
	log := slog.New(slog.DiscardHandler)
	s, err := store.Open(b.t.Context(), store.Options{Path: b.path, Clock: b.c.time, Log: log, Random: rand.Reader})
	if err != nil {
		b.t.Fatal(err)
	}
	b.s = s
	b.in = &inbox.Inbox{Store: s, Policy: worlds{b}, Now: b.c.time}
	b.ctl = &control.Control{Store: s, Clock: b.c.time, NewID: func(p ident.Prefix) string { return newID(p, b.c.time()) }}
	b.h = embedded.New(embedded.Options{
		Journal: s, Programs: b, Requests: s, Clock: b.c.time, Sleep: b.c.sleep, Log: log, Shards: 8,
		Performer: &perform.Performer{Gate: worlds{b}, Estate: worlds{b}, Caller: worlds{b}, Instance: s.Instance},
		Panicked:  func() { b.t.Error("a turn panicked") },
	})
	cancel := s.Subscribe(func(cs []lookup.Change) {
		for _, c := range cs {
			if c.Wake {
				b.h.Wake(c.ID)
			}
		}
	})
	if err := b.h.Start(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
	b.stop = func() {
		cancel()
		b.h.Stop(0)
		if err := s.Close(context.Background()); err != nil {
			b.t.Error(err)
		}
	}
}

// Program finds the program of a run.
func (b *bench) Program(_ context.Context, st engine.Start, _ map[string]string) (*engine.Program, gate.Playbook, error) {
	p, ok := b.progs[st.Version]
	if st.Trigger.Parent != "" {
		b.adopt(st)
	}
	if !ok {
		return nil, gate.Playbook{}, fmt.Errorf("no program %s", st.Version)
	}
	return p, gate.Playbook{Name: "sim", Version: st.Version}, nil
}

// TestRandomRunsEndUnderTheHostAsTheLawsSay hosts random runs on a database, with
// people, crashes between commits and restarts, and holds each to the laws.
func TestRandomRunsEndUnderTheHostAsTheLawsSay(t *testing.T) {
	b := &bench{
		t: t, c: &clock{now: time.Date(2026, 1, 5, 10, 0, 0, 0, time.UTC), moved: make(chan struct{})},
		path:  filepath.Join(t.TempDir(), "tocsin.db"),
		world: map[string]*hosttest.World{}, progs: map[string]*engine.Program{},
	}
	b.open()
	b.people()
	var starts []engine.Start
	for seed := range uint64(*runsFlag) { //nolint:gosec // a count
		w := hosttest.NewWorld(seed + 1000)
		version := fmt.Sprintf("%064x", seed)
		b.progs[version] = engine.Compile(w.Playbook(), w.Action)
		b.progs[version].Calls = map[string]string{"sub": "sub" + version}
		b.progs["sub"+version] = engine.Compile(w.Sub(), w.Action)
		id := newID(ident.Run, b.c.time())
		b.world[id] = w
		starts = append(starts, engine.Start{ID: id, Key: id, Playbook: "sim", Version: version, At: b.c.time(), Trigger: engine.Trigger{Kind: "manual", By: "al"}})
	}
	if _, err := b.ctl.Store.Start(t.Context(), starts, nil); err != nil {
		t.Fatal(err)
	}
	b.drive(starts)
	defer func() { b.stop() }()
	for _, st := range b.family(starts) {
		b.check(st)
	}
	if len(b.children) == 0 {
		t.Error("nobody called anybody: the check saw nothing")
	}
	b.checkLedgerAudit()
	if r, err := b.s.VerifyAudit(t.Context(), nil); err != nil || r.First != nil {
		t.Errorf("the audit log does not verify: %+v, %v", r, err)
	}
}

// checkLedgerAudit holds every entry about an effect to an effect that exists: a
// release of what was never in force ends nothing.
func (b *bench) checkLedgerAudit() {
	b.t.Helper()
	seen := 0
	for _, verb := range []string{"effect.begin", "effect.end", "effect.undo"} {
		list, err := b.s.AuditEntries(b.t.Context(), lookup.Audit{Verb: verb}, lookup.Page{Limit: 200})
		if err != nil {
			b.t.Fatal(err)
		}
		for _, e := range list.Items {
			seen++
			if !ident.Valid(ident.Effect, e.Object.ID) {
				b.t.Errorf("%s is about %q", verb, e.Object.ID)
			} else if _, err := b.s.EffectByID(b.t.Context(), e.Object.ID); err != nil {
				b.t.Errorf("%s is about an effect that is not there: %v", verb, err)
			}
		}
	}
	if seen == 0 {
		b.t.Error("no effect began or ended: the check saw nothing")
	}
}

func (b *bench) people() {
	b.t.Helper()
	for _, name := range []string{"bea", "cyd"} {
		err := b.s.AddUser(b.t.Context(), account.NewUser{User: account.User{
			ID: newID(ident.User, b.c.time()), Name: name, Kind: account.Person, Roles: []string{"responder"}, Version: 1,
			CreatedAt: b.c.time(), UpdatedAt: b.c.time(),
		}})
		if err != nil {
			b.t.Fatal(err)
		}
	}
}

// drive plays people and time until every run is over, and stops the host five
// times in the middle of its work.
func (b *bench) drive(starts []engine.Start) {
	b.t.Helper()
	crashes, turns := 0, 0
	for b.unfinished(starts) > 0 {
		if turns++; turns > 5000 {
			for _, st := range starts {
				if r, _ := b.s.Run(b.t.Context(), st.ID); !r.Status.Final() {
					b.t.Errorf("%s is %s: %+v", st.ID, r.Status, r.Waiting)
				}
			}
			b.t.FailNow()
		}
		if turns%40 == 20 && crashes < 5 {
			crashes++
			b.stop()
			b.open()
		}
		if b.answer() || b.resolve(starts) {
			continue
		}
		b.c.add(2 * time.Second)
		if turns%10 == 0 {
			b.c.add(5 * time.Minute)
		}
		time.Sleep(time.Millisecond) //nolint:forbidigo // lets the host's goroutines run; nothing depends on how far
	}
}

func (b *bench) unfinished(starts []engine.Start) int {
	n := 0
	for _, st := range b.family(starts) {
		r, err := b.s.Run(b.t.Context(), st.ID)
		if err != nil {
			b.t.Fatal(err)
		}
		if !r.Status.Final() {
			n++
		}
	}
	return n
}

// answer lets bea answer what waits.
func (b *bench) answer() bool {
	list, err := b.s.Approvals(b.t.Context(), lookup.Approvals{Status: "pending"}, lookup.Page{Limit: 20})
	if err != nil {
		b.t.Fatal(err)
	}
	did := false
	for i, q := range list.Items {
		if i%5 == 4 {
			continue // some are left to their deadline
		}
		q, err = b.s.Approval(b.t.Context(), q.ID)
		if err != nil {
			b.t.Fatal(err)
		}
		by := audit.Actor{Kind: "user", Name: "bea"}
		if q.Kind == approval.KindQuestion {
			_, err = b.in.Answer(b.t.Context(), by, q.ID, q.Digest, map[string]any{"ok": true})
		} else {
			_, err = b.in.Decide(b.t.Context(), by, q.ID, approval.Yes, q.Digest, "")
		}
		did = did || err == nil
	}
	return did
}

func (b *bench) resolve(starts []engine.Start) bool {
	for _, st := range b.family(starts) {
		r, err := b.s.Run(b.t.Context(), st.ID)
		if err != nil {
			b.t.Fatal(err)
		}
		for _, w := range r.Waiting {
			if w.Kind == engine.WaitInDoubt {
				err := b.ctl.Resolve(b.t.Context(), control.Actor{Actor: audit.Actor{Kind: "user", Name: "bea"}}, st.ID,
					control.Resolution{Step: w.Step, As: "failed", Reason: "looked"})
				if err == nil {
					return true
				}
			}
		}
	}
	return false
}

// check holds a finished run to the laws: nothing was sent that must not be, and its
// journal leads to what the read model shows.
func (b *bench) check(st engine.Start) {
	b.t.Helper()
	for _, broken := range b.worldOf(st.ID).Broken() {
		b.t.Errorf("%s: %s", st.ID, broken)
	}
	stored, err := b.s.Load(b.t.Context(), st.ID)
	if err != nil {
		b.t.Fatal(err)
	}
	var journal []engine.Recorded
	for _, e := range stored.Events {
		journal = append(journal, engine.Recorded{At: e.At, Kind: e.Kind, Body: e.Body})
	}
	state, err := engine.Replay(b.progs[st.Version], stored.Start, nil, journal)
	if err != nil {
		b.t.Errorf("%s: %v", st.ID, err)
		return
	}
	run, err := b.s.Run(b.t.Context(), st.ID)
	if err != nil {
		b.t.Fatal(err)
	}
	want := state.View()
	want.Steps = state.Steps()
	if got, want := plain(run.Steps), plain(want.Steps); !reflect.DeepEqual(got, want) {
		b.t.Errorf("%s: the pages show other steps than the journal: %s", st.ID, cmp.Diff(want, got))
	}
	if run.Status != want.Status || run.Partial != want.Partial {
		b.t.Errorf("%s: got %s %v, want %s %v", st.ID, run.Status, run.Partial, want.Status, want.Partial)
	}
	diffs, err := engine.VerifyRun(b.progs[st.Version], stored.Start, nil, journal)
	if err != nil || len(diffs) > 0 {
		b.t.Errorf("%s: verify: %v, %v", st.ID, diffs, err)
	}
}

// plain keeps what a step is; its effect's name may be another run's.
func plain(steps []engine.StepView) []string {
	out := make([]string, len(steps))
	for i, s := range steps {
		out[i] = fmt.Sprintf("%s %s %s %d %d", s.Path, s.Status, s.Action, s.Attempts, s.Occurrence)
	}
	return out
}
