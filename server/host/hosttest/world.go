// Package hosttest is what every host must pass: a random world, random programs,
// and the laws that hold whatever happens.
package hosttest

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/tocsin-soar/tocsin/server/approval"
	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/expr"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/gate"
	"github.com/tocsin-soar/tocsin/server/playbook"
)

// World plays the policy, the configuration and the other systems. What it answers
// follows from its seed and the question alone, so that two hosts meet the same
// world whatever their order. It may be used by many goroutines.
type World struct {
	seed    uint64
	r       *rand.Rand // of the programs
	actions map[string]*connector.Action
	ids     int

	mu      sync.Mutex
	arrived map[string]int  // key → times it reached the other side
	applied map[string]int  // key → times it took effect
	dead    map[string]bool // keys that must never be sent again
	broken  []string
}

// NewWorld makes the world of a seed.
func NewWorld(seed uint64) *World {
	w := &World{
		seed: seed, r: rand.New(rand.NewPCG(seed, 1)), //nolint:gosec // repeatable on purpose
		actions: map[string]*connector.Action{}, arrived: map[string]int{}, applied: map[string]int{}, dead: map[string]bool{},
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

// chance draws from the seed and what is asked.
func (w *World) chance(n int, about ...any) int {
	f := fnv.New64a()
	_ = binary.Write(f, binary.BigEndian, w.seed)
	_, _ = fmt.Fprint(f, about...)
	return int(f.Sum64() % uint64(n)) //nolint:gosec // small
}

// Broken lists the laws that calls have broken.
func (w *World) Broken() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string{}, w.broken...)
}

// Judge is the policy: contain needs a responder, one write in twenty is denied.
func (w *World) Judge(_ context.Context, q gate.Question) gate.Answer {
	switch q.Action.Impact {
	case "contain":
		return gate.Answer{Outcome: gate.Approve, Required: []approval.Requirement{{
			Rule: "contain", Reason: "asks", Who: []string{"role:responder"}, Quorum: 1, Within: "30m", Hold: "8s", ValidFor: "15m",
		}}}
	case "write":
		if w.chance(20, "judge", q.Action.Digest) == 0 {
			return gate.DenyAll("no", "not today", "r1")
		}
	}
	return gate.Answer{Outcome: gate.Allow}
}

// Moment is the policy's calendar.
func (w *World) Moment(at time.Time) gate.Now { return gate.Now{Time: at.Format(time.RFC3339)} }

// Connection is the only one.
func (w *World) Connection(string, string) (connector.Connection, error) {
	return connector.Connection{Name: "sim", Integration: "sim", BaseURL: "http://127.0.0.1"}, nil
}

// Tags knows nothing.
func (w *World) Tags(string, string) ([]string, string) { return nil, "" }

// Action finds one of the world's actions.
func (w *World) Action(ref string) (*connector.Action, bool) {
	a, ok := w.actions[ref]
	return a, ok
}

// Call is the other side: it sometimes acts without saying so, and sometimes says
// so without having acted.
func (w *World) Call(_ context.Context, permit gate.Permit, c connector.Call) connector.Reply {
	w.mu.Lock()
	defer w.mu.Unlock()
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
	switch n := w.chance(10, c.Key, w.arrived[c.Key]); {
	case n < 6:
		w.apply(c)
		w.dead[c.Key] = side && c.Action.Idempotency == "" && c.Action.Happened == nil
		return connector.Reply{Did: connector.DidDone, Output: map[string]any{"n": int64(1), "x": 1.0}}
	case n < 7:
		return connector.Reply{Did: connector.DidNothing, Err: fault.New(fault.Unavailable, "away")}
	case n < 8:
		return connector.Reply{Did: connector.DidNothing, Err: fault.New(fault.InvalidInput, "no")}
	default:
		if w.chance(2, "applied", c.Key, w.arrived[c.Key]) == 0 {
			w.apply(c)
		}
		w.dead[c.Key] = side && c.Action.Idempotency == "" && c.Action.Happened == nil
		return connector.Reply{Did: connector.DidUnknown, Err: fault.New(fault.Unavailable, "cut")}
	}
}

// apply takes effect once for each key where the action honours it.
func (w *World) apply(c connector.Call) {
	if c.Action.Idempotency != "" && w.applied[c.Key] > 0 {
		return
	}
	w.applied[c.Key]++
	if c.Action.Impact.SideEffect() && w.applied[c.Key] > 1 {
		w.broken = append(w.broken, c.Action.ID+" took effect twice")
	}
}

func (w *World) block(depth int) *playbook.Block {
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
	e, _ := expr.Cond(strconv.FormatBool(yes), expr.NewScope())
	return e
}

func (w *World) blocks(depth, least int) []*playbook.Block {
	var out []*playbook.Block
	for range least + w.r.IntN(3) {
		out = append(out, w.block(depth))
	}
	return out
}

// Playbook draws a random playbook.
func (w *World) Playbook() *playbook.Playbook {
	return &playbook.Playbook{Slug: "sim", Steps: w.blocks(3, 1), Timeout: 24 * time.Hour, Undo: w.r.IntN(2) == 0}
}

// IntN draws a number for the driver of a test.
func (w *World) IntN(n int) int { return w.r.IntN(n) }
