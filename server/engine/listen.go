package engine

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"

	"github.com/tocsin-soar/tocsin/server/fault"
)

// expect lets callbacks come from the run's beginning on: what is asked to call back
// may be faster than the steps in between. Those inside loops are known in their turn
// only.
func (t *turn) expect() {
	for _, id := range t.p.ids {
		n := t.p.nodes[id]
		if n.block.Wait != nil && n.block.Wait.Callback && n.iter == "" {
			t.do(Listen{Path: n.rel, Hash: TokenHash(t.s.token(n.rel))})
		}
	}
}

// token is the word with which another system may end a wait. It is made of a secret
// that no journal has.
func (s *State) token(path string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "callback\x00%s\x00%s\x00%s", s.seed, s.id, path))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// TokenHash is how a callback's token is stored.
func TokenHash(token string) [32]byte { return sha256.Sum256([]byte(token)) }

// tokens are those of the waits that are seen from a scope, by id.
func (s State) tokens(p *Program, sc *scope) map[string]any {
	out := map[string]any{}
	for _, id := range p.ids {
		n := p.nodes[id]
		if n.block.Wait == nil || !n.block.Wait.Callback {
			continue
		}
		if n.iter == "" {
			out[id] = s.token(n.rel)
			continue
		}
		for c := sc; c != nil; c = c.parent {
			if c.iter == n.iter {
				out[id] = s.token(join(c.path, n.rel))
				break
			}
		}
	}
	return out
}

// listen begins a wait for an event or a callback.
func (t *turn) listen(st *step) {
	w := st.block.Wait
	if body, came := t.s.early[st.path]; came {
		delete(t.s.early, st.path)
		t.settle(st, StepSucceeded, body, nil)
		return
	}
	due := t.after(w.Within)
	t.wait(st, atEvent, StepWaiting, &due)
	t.do(SetTimer{st.path, TimerDeadline, due})
	switch {
	case !w.Callback:
		t.do(Listen{Path: st.path, Subject: w.Event})
	case t.p.nodes[st.block.ID].iter != "":
		t.do(Listen{Path: st.path, Hash: TokenHash(t.s.token(st.path))})
	}
}

// heard hands an event to the step that waits for it.
func (t *turn) heard(b Heard) {
	st, begun := t.s.steps[b.Path]
	if !begun {
		t.s.early[b.Path] = b.Body.V // a callback's token was known before
		return
	}
	t.on(b.Path, func(*step) {
		switch {
		case st.stage != atEvent:
		case st.block.Wait.Match == nil:
			t.hears(st, b.Body.V)
		default:
			st.heard, st.stage = b.Body.V, atEvaluate
			t.do(Evaluate{st.path, "match"})
		}
	})
}

func (t *turn) hears(st *step, body any) {
	t.deaf(st)
	t.settle(st, StepSucceeded, body, nil)
}

// steerMatch takes the event that was waited for, or waits on.
func (t *turn) steerMatch(st *step, v any) {
	event := st.heard
	st.heard = nil
	if v == true {
		t.hears(st, event)
		return
	}
	st.stage = atEvent
}

// deaf takes back what a wait has asked for.
func (t *turn) deaf(st *step) {
	t.do(DropTimer{st.path, TimerDeadline})
	t.do(Unlisten{st.path})
}

// unheard is the end of a wait to which nothing came.
func (t *turn) unheard(st *step) {
	t.do(Unlisten{st.path})
	if st.block.Wait.Otherwise != nil {
		st.stage = atEvaluate
		t.do(Evaluate{st.path, "otherwise"})
		return
	}
	t.refuse(st, fault.Timeout, "nothing came in time")
}

// Listens says whether the run may have asked to hear of something: that is forgotten
// when it is over.
func (p *Program) Listens() bool {
	for _, id := range p.ids {
		if w := p.nodes[id].block.Wait; w != nil && (w.Callback || w.Event != "") {
			return true
		}
	}
	return false
}
