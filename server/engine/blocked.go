package engine

import (
	"fmt"
	"time"

	"github.com/tocsin-soar/tocsin/server/fault"
)

// block makes a step wait for its connection, for so long and no longer. How long it
// has waited goes on over calls that only tried whether the connection is back.
func (t *turn) block(st *step, b Blocked) {
	if st.blockedAt.IsZero() || st.blocked.Why != b.Why {
		st.blockedAt = t.s.now
	}
	st.blocked, st.connection = b, b.Connection
	due := st.blockedAt.Add(b.Why.limit())
	if !due.After(t.s.now) {
		t.unblocked(st)
		return
	}
	t.wait(st, atBlocked, StepWaiting, &due)
	t.do(SetTimer{st.path, TimerConnection, due})
	t.do(Await{st.path})
}

func (w BlockWhy) limit() time.Duration {
	if w == BlockBroken {
		return maxBroken
	}
	return maxBlocked
}

// duration says a limit as playbooks do.
func duration(d time.Duration) string { return fmt.Sprintf("%dh", int(d.Hours())) }

// unblocked ends a step whose connection was waited for long enough.
func (t *turn) unblocked(st *step) {
	b := st.blocked
	t.settle(st, StepFailed, nil, &Error{
		Kind: string(fault.Unavailable), Retryable: true,
		Message: fmt.Sprintf("the connection %s %s; it was waited for for %s. Look at it under Integrations, then run this again",
			b.Connection, b.inWords(), duration(b.Why.limit())),
	})
}

// resumed lets the steps go on that the kill switch or a connection held back.
func (t *turn) resumed(b Resumed) {
	if b.Path == "" {
		for _, path := range t.s.Halted() {
			t.ask(t.s.steps[path])
		}
		return
	}
	t.on(b.Path, func(st *step) {
		if st.stage == atBlocked {
			t.do(DropTimer{st.path, TimerConnection})
			t.ask(st)
		}
	})
}

// inWords goes on after the connection's name.
func (b Blocked) inWords() string {
	switch b.Why {
	case BlockBroken:
		if b.Text != "" {
			return "is broken: " + b.Text
		}
		return "is broken"
	case BlockDisabled:
		return "is disabled"
	case BlockBusy:
		return "is busy: as many calls as it may have at once are under way"
	case BlockRate:
		return "is busy: it has had as many calls of late as it may have"
	}
	return "takes no call"
}

// blockedWords says what the step waits for, and what will end it.
func (st *step) blockedWords() string {
	text := fmt.Sprintf("The connection %s %s. %s ", st.blocked.Connection, st.blocked.inWords(), st.what())
	switch st.blocked.Why {
	case BlockBroken:
		return text + "is sent by itself when it works again, and given up after " + duration(maxBroken)
	case BlockDisabled:
		return text + "is sent by itself when somebody enables it"
	case BlockBusy, BlockRate:
	}
	return text + "is sent when its turn comes"
}
