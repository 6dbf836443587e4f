package memory_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-soar/tocsin/server/approval"
	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/expr"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/gate"
	"github.com/tocsin-soar/tocsin/server/host/memory"
	"github.com/tocsin-soar/tocsin/server/perform"
	"github.com/tocsin-soar/tocsin/server/playbook"
)

var (
	seeds = flag.Int("seeds", 3000, "how many random runs to simulate")
	seed  = flag.Uint64("seed", 0, "simulate this one only")
)

// TestRandomRunsKeepTheLaws simulates random programs with random replies, people,
// cancels and clocks, and holds every one to the laws of the engine.
func TestRandomRunsKeepTheLaws(t *testing.T) {
	if *seed != 0 {
		simulate(t, *seed)
		return
	}
	for s := range uint64(*seeds) { //nolint:gosec // a count
		simulate(t, s+1)
		if t.Failed() {
			t.Fatalf("replay it alone with -seed %d", s+1)
		}
	}
}

type world struct {
	r       *rand.Rand
	actions map[string]*connector.Action
	arrived map[string]int // key → times it reached the other side
	applied map[string]int // key → times it took effect
	last    map[string]connector.Did
	dead    map[string]bool // keys that must never be sent again
	broken  []string
	ids     int
}

func newWorld(r *rand.Rand) *world {
	w := &world{
		r: r, actions: map[string]*connector.Action{}, arrived: map[string]int{}, applied: map[string]int{},
		last: map[string]connector.Did{}, dead: map[string]bool{},
	}
	add := func(id string, impact connector.Impact, change func(*connector.Action)) {
		a := &connector.Action{ID: id, Integration: "sim", Title: id, Impact: impact, SHA256: id}
		if change != nil {
			change(a)
		}
		w.actions[a.Ref()] = a
	}
	host := []connector.Target{{Kind: "host", Value: expr.Literal("h1")}}
	add("look", connector.Read, nil)
	add("send", connector.Write, nil)
	add("put", connector.Write, func(a *connector.Action) { a.Idempotency = "Idempotency-Key" })
	add("find", connector.Read, nil)
	add("ticket", connector.Write, func(a *connector.Action) {
		yes, _ := expr.Compile("result.found", expr.NewScope().With("result", expr.Dyn), expr.Bool)
		a.Happened = &connector.Happened{Action: "find", With: expr.Literal(map[string]any{}), Yes: yes, Settle: 30 * time.Second}
	})
	add("isolate", connector.Contain, func(a *connector.Action) {
		a.Targets, a.Inverse = host, &connector.Inverse{Action: "release", With: expr.Literal(map[string]any{"host": "h1"})}
	})
	add("release", connector.Release, func(a *connector.Action) { a.Targets = host })
	return w
}

func (w *world) Judge(_ context.Context, q gate.Question) gate.Answer {
	switch q.Action.Impact {
	case "contain":
		return gate.Answer{Outcome: gate.Approve, Required: []approval.Requirement{{
			Rule: "contain", Reason: "asks", Who: []string{"role:responder"}, Quorum: 1, Within: "30m", Hold: "8s", ValidFor: "15m",
		}}}
	case "write":
		if w.r.IntN(20) == 0 {
			return gate.DenyAll("no", "not today", "r1")
		}
	}
	return gate.Answer{Outcome: gate.Allow}
}

func (w *world) Moment(at time.Time) gate.Now { return gate.Now{Time: at.Format(time.RFC3339)} }

func (w *world) Connection(string, string) (connector.Connection, error) {
	return connector.Connection{Name: "sim", Integration: "sim", BaseURL: "http://127.0.0.1"}, nil
}

func (w *world) Tags(string, string) ([]string, string) { return nil, "" }

func (w *world) Action(ref string) (*connector.Action, bool) {
	a, ok := w.actions[ref]
	return a, ok
}

// Call is the other side: it sometimes acts without saying so, and sometimes says
// so without having acted.
func (w *world) Call(_ context.Context, permit gate.Permit, c connector.Call) connector.Reply {
	digest, err := c.Sent()
	if err == nil {
		err = permit.Check(digest)
	}
	if err != nil {
		w.broken = append(w.broken, "a call without a permit: "+err.Error())
		return connector.Reply{Did: connector.DidNothing, Err: err}
	}
	if c.Action.ID == "find" {
		return connector.Reply{Did: connector.DidDone, Output: map[string]any{"found": w.applied[c.Key] > 0}}
	}
	if w.dead[c.Key] {
		w.broken = append(w.broken, "key "+c.Key+" of "+c.Action.ID+" was sent again")
	}
	w.arrived[c.Key]++
	side := c.Action.Impact.SideEffect()
	switch n := w.r.IntN(10); {
	case n < 6:
		w.apply(c)
		w.dead[c.Key] = side && c.Action.Idempotency == "" && c.Action.Happened == nil
		return connector.Reply{Did: connector.DidDone, Output: map[string]any{"n": int64(1), "x": 1.0}}
	case n < 7:
		return connector.Reply{Did: connector.DidNothing, Err: fault.New(fault.Unavailable, "away")}
	case n < 8:
		return connector.Reply{Did: connector.DidNothing, Err: fault.New(fault.InvalidInput, "no")}
	default:
		if w.r.IntN(2) == 0 {
			w.apply(c)
		}
		w.dead[c.Key] = side && c.Action.Idempotency == "" && c.Action.Happened == nil
		return connector.Reply{Did: connector.DidUnknown, Err: fault.New(fault.Unavailable, "cut")}
	}
}

// apply takes effect once for each key where the action honours it.
func (w *world) apply(c connector.Call) {
	if c.Action.Idempotency != "" && w.applied[c.Key] > 0 {
		return
	}
	w.applied[c.Key]++
	if c.Action.Impact.SideEffect() && w.applied[c.Key] > 1 {
		w.broken = append(w.broken, c.Action.ID+" took effect twice")
	}
}

func (w *world) block(depth int) *playbook.Block {
	w.ids++
	b := &playbook.Block{ID: fmt.Sprintf("s%d", w.ids), OnError: "fail"}
	if w.r.IntN(4) == 0 {
		b.OnError = "continue"
	}
	n := w.r.IntN(16)
	if depth <= 0 {
		n = w.r.IntN(9)
	}
	switch n {
	case 0, 1, 2, 3, 4, 5:
		ref := []string{"sim.look", "sim.send", "sim.put", "sim.ticket", "sim.isolate"}[w.r.IntN(5)]
		b.Kind = playbook.KindAction
		b.Action = &playbook.Action{Ref: ref, Action: w.actions[ref], With: expr.Literal(map[string]any{"i": int64(w.ids)}), Timeout: time.Second}
		if w.r.IntN(2) == 0 {
			b.Action.Retry = &playbook.Retry{Attempts: 1 + w.r.IntN(3)}
		}
	case 6:
		b.Kind, b.Set = playbook.KindSet, []playbook.Named{{Name: "v", Value: expr.Literal(2.0)}}
	case 7:
		b.Kind, b.Wait = playbook.KindWait, &playbook.Wait{For: expr.Literal("5m")}
	case 8:
		b.Kind, b.Question = playbook.KindQuestion, &playbook.Question{
			Title: expr.Literal("sure?"), To: []string{"role:responder"}, Within: time.Hour,
			Form: map[string]any{"ok": map[string]any{"type": "boolean"}}, Fields: []string{"ok"},
		}
		if w.r.IntN(2) == 0 {
			b.Question.Otherwise = expr.Literal(map[string]any{"ok": false})
		}
	case 9:
		b.Kind, b.Approval = playbook.KindApproval, &playbook.Approval{Title: expr.Literal("go on?"), To: []string{"role:responder"}, Quorum: 1, Within: time.Hour}
	case 10:
		b.Kind, b.If = playbook.KindIf, cond(w.r.IntN(2) == 0)
		b.Then, b.Else = w.blocks(depth-1, 1), w.blocks(depth-1, 0)
	case 11, 12:
		items := make([]any, w.r.IntN(5))
		for i := range items {
			items[i] = int64(i)
		}
		b.Kind, b.ForEach = playbook.KindForEach, &playbook.ForEach{
			Items: expr.Literal(items), As: "item", Do: w.blocks(depth-1, 1), Concurrency: 1 + w.r.IntN(3),
			Limit: 4, Continue: w.r.IntN(2) == 0,
		}
	case 13, 14:
		p := &playbook.Parallel{}
		for i := range 1 + w.r.IntN(3) {
			p.Branches = append(p.Branches, playbook.Branch{Name: fmt.Sprintf("b%d", i), Steps: w.blocks(depth-1, 1)})
		}
		p.WaitFor = 1 + w.r.IntN(len(p.Branches))
		b.Kind, b.Parallel = playbook.KindParallel, p
	default:
		if w.r.IntN(2) == 0 {
			b.Kind, b.Fail = playbook.KindFail, expr.Literal("enough")
		} else {
			b.Kind, b.Return = playbook.KindReturn, []playbook.Named{{Name: "v", Value: expr.Literal(int64(1))}}
		}
	}
	if b.Kind != playbook.KindIf && w.r.IntN(6) == 0 {
		b.If = cond(w.r.IntN(3) > 0)
	}
	return b
}

func cond(yes bool) *expr.Expr {
	e, _ := expr.Cond(fmt.Sprint(yes), expr.NewScope())
	return e
}

func (w *world) blocks(depth, least int) []*playbook.Block {
	var out []*playbook.Block
	for range least + w.r.IntN(3) {
		out = append(out, w.block(depth))
	}
	return out
}

var bea = approval.Person{Name: "bea", Roles: []string{"responder"}, Active: true}

func simulate(t *testing.T, seed uint64) {
	t.Helper()
	w := newWorld(rand.New(rand.NewPCG(seed, 1)))
	pb := &playbook.Playbook{Slug: "sim", Steps: w.blocks(3, 1), Timeout: 24 * time.Hour, Undo: w.r.IntN(2) == 0}
	prog := engine.Compile(pb, w.Action)
	p := &perform.Performer{Gate: w, Estate: w, Caller: w, Instance: func() string { return "sim" }}
	start := time.Date(2026, 1, 5, 10, 0, 0, 0, time.UTC)
	h := memory.New(p, start)
	h.People["bea"] = bea
	h.Async = w.r.IntN(3) > 0
	st := engine.Start{ID: fmt.Sprintf("run_%032x", seed), Playbook: "sim", Version: "v", At: start}
	if err := h.Start(st, prog, gate.Playbook{Name: "sim"}, nil, nil); err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	run := h.Run(st.ID)
	for turn := 0; !run.State.Status().Final(); turn++ {
		if turn > 2000 {
			t.Errorf("seed %d: the run does not end: %+v", seed, run.State.View().Waiting)
			return
		}
		if v := run.State.View(); v.Status == engine.RunWaiting && len(v.Waiting) == 0 {
			t.Errorf("seed %d: the run waits for nothing", seed)
			return
		}
		if err := w.move(h, run); err != nil {
			t.Errorf("seed %d: %v", seed, err)
			return
		}
	}
	w.check(t, seed, h, run, prog, st)
}

// move lets one thing happen from outside.
func (w *world) move(h *memory.Host, run *memory.Run) error {
	for _, s := range run.State.Steps() {
		if s.Status == engine.StepInDoubt && w.r.IntN(2) == 0 {
			as := []string{"done", "failed"}[w.r.IntN(2)]
			return h.Resolve(run.Start.ID, engine.Resolved{Path: s.Path, As: as, Output: engine.Value{V: map[string]any{"n": int64(1)}}, By: "bea", Reason: "seen"})
		}
	}
	if w.r.IntN(60) == 0 {
		return h.Take(run.Start.ID, engine.CancelRequested{By: "bea", Force: w.r.IntN(3) == 0})
	}
	if ps := h.Pending(); len(ps) > 0 && w.r.IntN(4) > 0 {
		q := ps[w.r.IntN(len(ps))]
		if q.Kind == approval.KindQuestion {
			return h.Answer(q.ID, bea, map[string]any{"ok": true})
		}
		word := approval.Yes
		if w.r.IntN(4) == 0 {
			word = approval.No
		}
		return h.Vote(q.ID, bea, word, "because")
	}
	if n := h.Flights(); n > 0 && w.r.IntN(5) > 0 {
		if w.r.IntN(6) == 0 {
			return h.Lose(w.r.IntN(n), w.r.IntN(2) == 0)
		}
		return h.Land(w.r.IntN(n))
	}
	if at, ok := h.Next(); ok && (h.Flights() == 0 || w.r.IntN(8) == 0) {
		return h.Advance(at)
	}
	return nil
}

// check holds a finished run to the laws.
func (w *world) check(t *testing.T, seed uint64, h *memory.Host, run *memory.Run, prog *engine.Program, st engine.Start) {
	t.Helper()
	for _, b := range w.broken {
		t.Errorf("seed %d: %s", seed, b)
	}
	again, err := engine.Replay(prog, st, nil, run.Journal)
	if err != nil {
		t.Errorf("seed %d: replay: %v", seed, err)
		return
	}
	if diff := cmp.Diff(run.State.View(), again.View()); diff != "" {
		t.Errorf("seed %d: a replay leads elsewhere: %s", seed, diff)
	}
	if got, want := again.Steps(), run.State.Steps(); !reflect.DeepEqual(got, want) {
		t.Errorf("seed %d: a replay gives other steps: %s", seed, cmp.Diff(want, got))
	}
	diffs, err := engine.VerifyRun(prog, st, nil, run.Journal)
	if err != nil || len(diffs) > 0 {
		t.Errorf("seed %d: verify: %v %v", seed, diffs, err)
	}
	for _, s := range run.State.Steps() {
		if !s.Status.Settled() {
			t.Errorf("seed %d: the run has ended, %s is %s", seed, s.Path, s.Status)
		}
	}
	if h.Flights() > 0 {
		t.Errorf("seed %d: %d attempts are in flight", seed, h.Flights())
	}
	if n := len(h.Pending()); n > 0 {
		t.Errorf("seed %d: %d requests are left open", seed, n)
	}
	if at, ok := h.Next(); ok {
		t.Errorf("seed %d: a timer is left at %s", seed, at)
	}
	if run.Program.Playbook.Undo && run.State.Status() == engine.RunFailed && len(h.Force()) > 0 && !undoTried(run) {
		t.Errorf("seed %d: effects stay in force without an attempt to undo them", seed)
	}
}

// undoTried says that an undo was begun, or that a person's force forbade it.
func undoTried(run *memory.Run) bool {
	for _, e := range run.Journal {
		if b, err := engine.Decode(e.Kind, e.Body); err == nil {
			if c, cancel := b.(engine.CancelRequested); cancel && c.Force {
				return true
			}
		}
	}
	for _, s := range run.State.Steps() {
		if s.Kind == "undo" {
			return true
		}
	}
	return false
}
