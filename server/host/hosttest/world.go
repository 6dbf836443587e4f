// Package hosttest is what every host must pass: a random world, random programs,
// and the laws that hold whatever happens.
package hosttest

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/tocsin-soar/tocsin/server/approval"
	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/expr"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/gate"
)

// World plays the policy, the configuration and the other systems. What it answers
// follows from its seed and the question alone, so that two hosts meet the same
// world whatever their order. It may be used by many goroutines.
type World struct {
	seed    uint64
	r       *rand.Rand // of the programs
	actions map[string]*connector.Action
	ids     int
	finally int  // the finally lists around what is drawn
	called  bool // what is drawn is the playbook that others call
	racing  int  // the loops around with several turns at once
	// isolations are the ids of the blocks whose effects an undo block may name
	isolations []string

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
