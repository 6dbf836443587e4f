package engine

import (
	"fmt"

	"github.com/tocsin-soar/tocsin/server/fault"
)

// line is where a run stands under its playbook's concurrency. Runs that began before
// it was enforced do not want a place.
type line struct {
	wanted bool
	stands bool // it has a place, or waits for one: it must leave when it is over
	waits  bool
	key    string
}

const maxLineKey = 1024

// lineUp puts the run in line with its key; its steps begin when its turn has come.
func (t *turn) lineUp(v any) {
	c := t.p.Playbook.Concurrency
	key := text(v)
	if len(key) > maxLineKey {
		t.fail(&Error{Kind: string(fault.Bound), Message: fmt.Sprintf("the key of concurrency is longer than %d bytes", maxLineKey)})
		return
	}
	t.s.line = line{wanted: true, stands: true, waits: true, key: key}
	t.s.waits[""] = Waiting{
		Kind: WaitConcurrency, Ref: key,
		Text: fmt.Sprintf("Waits for its turn: of the runs with the key %q at most %d may work at once", key, c.Limit),
	}
	t.do(Line{Key: key, Limit: c.Limit, Then: c.Then})
}

func (t *turn) placed() {
	if !t.s.line.waits {
		return
	}
	t.s.line.waits = false
	delete(t.s.waits, "")
	if d := t.p.Playbook.Timeout; d > 0 {
		t.do(SetTimer{"", TimerRun, t.after(d)})
	}
	t.openRoot()
}

func (t *turn) dropped(b Dropped) {
	if !t.s.line.waits {
		return
	}
	t.s.line = line{}
	delete(t.s.waits, "")
	t.s.err = &Error{Kind: string(fault.Cancelled), Message: fmt.Sprintf("left out: %d with the same key were at work already", b.Limit)}
	t.finish(RunCancelled)
}

// openRoot begins the playbook's steps.
func (t *turn) openRoot() {
	t.s.root = &scope{blocks: t.p.Playbook.Steps}
	t.enter(t.s.root)
}

// Stands says whether the run has a place in line that it must leave when it is over.
func (s State) Stands() bool { return s.line.stands }
