package engine

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/gate"
	"github.com/tocsin-soar/tocsin/server/ident"
	"github.com/tocsin-soar/tocsin/server/playbook"
)

func (t *turn) openAction(st *step) {
	a := st.block.Action
	st.action, st.connection, st.lease = a.Action, a.Connection, a.For
	st.occurrence = st.scope.occurrence()
	st.purpose = gate.ForStep
	if p := t.s.trigger.Purpose; p != "" {
		st.purpose = gate.Purpose(p)
	}
	t.do(Evaluate{st.path, "with"})
}

// key is the idempotency key of the step's occurrence.
func (s *State) key(st *step) string { return ident.Key(s.id, st.path, st.occurrence) }

// ask puts the question to the policy, before every attempt.
func (t *turn) ask(st *step) {
	st.stage, st.status, st.until = atAsk, StepRunning, nil
	t.touch(st)
	t.do(Ask{st.path})
}

func (t *turn) decided(st *step, b Decided) {
	if st.stage != atAsk {
		return
	}
	st.decision, st.digest, st.connection = b.Decision, b.Digest, b.Connection
	st.dryRun = b.DryRun
	if b.Error == nil {
		st.lease = seconds(b.Lease)
	}
	switch {
	case b.Error != nil:
		t.settle(st, StepFailed, nil, b.Error)
	case b.Outcome == string(gate.Deny):
		t.refuse(st, fault.Denied, b.Reason)
	case b.Permitted:
		st.stage, st.status = atCall, StepRunning
		t.do(Call{st.path})
	default:
		if b.Approval != st.approval {
			st.approval = b.Approval
			st.requests++
		}
		t.people(st, b.Deadline)
	}
}

// refuse ends a step that may not be done.
func (t *turn) refuse(st *step, kind fault.Kind, why string) {
	t.settle(st, StepFailed, nil, &Error{Kind: string(kind), Message: why})
}

func (t *turn) dispatched(st *step, b Dispatched) {
	if st.stage != atCall || st.flight {
		return
	}
	st.flight = true
	st.attempts = b.Attempt
	if st.first.IsZero() {
		st.first = t.s.now
	}
}

func (t *turn) succeeded(st *step, b Succeeded) {
	if !st.flight || b.Attempt != st.attempts {
		return
	}
	st.dryRun = b.DryRun
	t.made(st, b.Effect)
	t.settle(st, StepSucceeded, b.Output.V, nil)
}

// made notes what the step has put in force.
func (t *turn) made(st *step, m *Made) {
	if m == nil {
		return
	}
	st.effect = m
	t.s.made = append(t.s.made, st)
}

func (t *turn) failed(st *step, b Failed) {
	if b.Attempt != 0 && b.Attempt != st.attempts {
		return
	}
	st.flight = false
	st.lastError = b.Error.Kind
	if b.Broken != "" && !st.stopped() {
		t.block(st, Blocked{Path: st.path, Connection: st.connection, Why: BlockBroken, Text: b.Broken})
		return
	}
	st.blockedAt = time.Time{}
	st.tries++
	e := b.Error
	e.Retryable = retryable(e.Kind)
	if d, ok := t.again(st, e.Kind, seconds(b.RetryAfter)); ok {
		t.retry(st, d)
		return
	}
	t.settle(st, StepFailed, nil, &e)
}

// retryable kinds certainly did nothing and may be better next time.
func retryable(kind string) bool {
	return kind == string(fault.Unavailable) || kind == string(fault.RateLimited)
}

// retry waits before the next attempt.
func (t *turn) retry(st *step, d time.Duration) {
	if d <= 0 {
		t.ask(st)
		return
	}
	due := t.after(d)
	t.wait(st, atRetry, StepRetrying, &due)
	t.do(SetTimer{st.path, TimerRetry, due})
}

// again says whether an attempt that did nothing is repeated, and when
// (language.md, Retry).
func (t *turn) again(st *step, kind string, retryAfter time.Duration) (time.Duration, bool) {
	r := st.rule()
	if !retryable(kind) || st.stopped() || st.tries >= r.Attempts || retryAfter > maxRetryAfter {
		return 0, false
	}
	d := max(pause(r, st.tries, t.s.key(st)), retryAfter)
	if t.after(d).Sub(st.first) > maxRetryTotal && !st.first.IsZero() {
		return 0, false
	}
	return d, true
}

// stopped says whether no further attempt of the step may begin.
func (st *step) stopped() bool {
	if st.undoFor != nil {
		return st.undoFor.scope.stop
	}
	return st.scope != nil && st.scope.stop
}

// rule is the retry rule in force: three attempts for reads and undos, one for
// the rest, unless the playbook says otherwise.
func (st *step) rule() playbook.Retry {
	r := playbook.Retry{Attempts: 1, First: 2 * time.Second, Factor: 2, Max: time.Minute}
	if !st.action.Impact.SideEffect() || st.undoOf != nil || st.purpose == gate.ForUndo || st.purpose == gate.ForExpiry {
		r.Attempts = 3
	}
	if st.block == nil || st.block.Action == nil || st.block.Action.Retry == nil {
		return r
	}
	own := *st.block.Action.Retry
	if own.Attempts == 0 {
		own.Attempts = r.Attempts
	}
	if own.First == 0 {
		own.First = r.First
	}
	if own.Factor == 0 {
		own.Factor = r.Factor
	}
	if own.Max == 0 {
		own.Max = r.Max
	}
	return own
}

// pause is the time before attempt n+1 with full jitter; the jitter is derived,
// so that a replay waits as long.
func pause(r playbook.Retry, n int, key string) time.Duration {
	top := float64(r.First) * math.Pow(r.Factor, float64(n-1))
	top = min(top, float64(r.Max))
	sum := sha256.Sum256([]byte(key + "|" + strconv.Itoa(n)))
	share := float64(binary.BigEndian.Uint64(sum[:8])>>11) / (1 << 53)
	return time.Duration(top * share)
}

// unknown decides what becomes of an attempt that may have taken effect (law 4).
func (t *turn) unknown(st *step, b Unknown) {
	if !st.flight || b.Attempt != st.attempts {
		return
	}
	st.flight = false
	st.lastError = b.Error.Kind
	st.err = &b.Error
	if b.Broken != "" && b.Resend && !b.Lost && !st.stopped() {
		t.block(st, Blocked{Path: st.path, Connection: st.connection, Why: BlockBroken, Text: b.Broken})
		return
	}
	st.blockedAt = time.Time{}
	read := !st.action.Impact.SideEffect()
	switch {
	case b.Resend && b.Lost && st.resends < maxResends:
		st.resends++
		t.resend(st, 0)
	case read:
		t.readAgain(st, b.Error)
	case b.Resend && st.resends < maxResends && !st.stopped():
		st.resends++
		t.resend(st, pause(playbook.Retry{First: time.Second, Factor: 2, Max: time.Minute}, st.resends, t.s.key(st)))
	case b.Verify && b.Settle > 0:
		due := t.after(seconds(b.Settle))
		t.wait(st, atSettle, StepRunning, &due)
		t.do(SetTimer{st.path, TimerSettle, due})
	case b.Verify:
		st.stage, st.status = atVerify, StepRunning
		t.do(Verify{st.path})
	default:
		t.doubt(st)
	}
}

// resend repeats an attempt whose repetition cannot do harm.
func (t *turn) resend(st *step, d time.Duration) {
	if st.stopped() {
		t.doubtOrCancel(st)
		return
	}
	t.retry(st, d)
}

// doubtOrCancel ends a step of a stopped scope: a read is cancelled, anything
// else may have happened.
func (t *turn) doubtOrCancel(st *step) {
	if st.action.Impact.SideEffect() {
		t.doubt(st)
		return
	}
	t.settle(st, StepCancelled, nil, &Error{Kind: string(fault.Cancelled), Message: "cancelled"})
}

func (t *turn) readAgain(st *step, e Error) {
	st.tries++
	r := st.rule()
	if st.stopped() || st.tries >= r.Attempts {
		e.Retryable = true
		t.settle(st, StepFailed, nil, &e)
		return
	}
	t.retry(st, pause(r, st.tries, t.s.key(st)))
}

// doubt leaves the step to a person: nothing is guessed.
func (t *turn) doubt(st *step) { t.wait(st, atDoubt, StepInDoubt, nil) }

func (t *turn) verified(st *step, b Verified) {
	if st.stage != atVerify || b.Attempt != st.attempts {
		return
	}
	switch {
	case b.Found == "yes":
		t.made(st, b.Effect)
		t.settle(st, StepSucceeded, b.Output.V, nil)
	case b.Found == "no" && st.stopped():
		t.settle(st, StepCancelled, nil, &Error{Kind: string(fault.Cancelled), Message: "cancelled; the other system says that the attempt had no effect"})
	case b.Found == "no" && st.resends < maxResends:
		st.resends++
		t.ask(st)
	default:
		t.doubt(st)
	}
}

func (t *turn) resolved(st *step, b Resolved) {
	if st.stage != atDoubt {
		return
	}
	switch b.As {
	case "done":
		t.made(st, b.Effect)
		t.settle(st, StepSucceeded, b.Output.V, nil)
	case "failed":
		t.refuse(st, fault.InDoubt, fmt.Sprintf("%s says that it did not happen: %s", b.By, b.Reason))
	case "retry":
		st.occurrence++
		st.approval, st.first, st.tries, st.resends = "", time.Time{}, 0, 0
		t.ask(st)
	}
}
