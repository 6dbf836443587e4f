package engine

import (
	"time"

	"github.com/tocsin-soar/tocsin/server/approval"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/playbook"
)

// people makes a step wait for an answer, at most until the deadline.
func (t *turn) people(st *step, deadline *time.Time) {
	t.wait(st, atPeople, StepWaiting, deadline)
	if deadline != nil {
		t.do(SetTimer{st.path, TimerDeadline, *deadline})
	}
	if st.undoOf != nil { // the next undo does not wait for this one's people
		t.undoGoesOn(st)
	}
}

func (t *turn) requested(st *step, b Requested) {
	if st.stage == atPeople && b.Approval == st.approval { // people got more time
		t.people(st, b.Deadline)
		return
	}
	if st.stage != atRequest {
		return
	}
	st.approval = b.Approval
	st.requests++
	t.people(st, b.Deadline)
}

func (t *turn) answered(st *step, b ApprovalDecided) {
	if b.Approval != st.approval || (st.stage != atPeople && st.stage != atHold) {
		return
	}
	t.do(DropTimer{st.path, TimerDeadline})
	who := ""
	if len(b.By) > 0 {
		who = " by " + b.By[len(b.By)-1]
	}
	switch approval.Status(b.Status) {
	case approval.Approved:
		t.approved(st, b)
	case approval.Denied:
		why := "denied" + who
		if b.Comment != "" {
			why += ": " + b.Comment
		}
		t.refuse(st, fault.ApprovalDenied, why)
	case approval.Expired:
		t.silentEnd(st)
	case approval.Void:
		t.refuse(st, fault.Denied, b.Comment)
	case approval.Withdrawn:
		t.do(DropTimer{st.path, TimerHold})
		t.askAgain(st)
	case approval.Pending:
	}
}

// askAgain opens a new request in place of one whose yes was taken back.
func (t *turn) askAgain(st *step) {
	st.approval = ""
	if st.block != nil && st.block.Kind != playbook.KindAction {
		st.stage = atRequest
		t.do(Request{st.path})
		return
	}
	t.ask(st)
}

func (t *turn) approved(st *step, b ApprovalDecided) {
	if st.action == nil {
		t.settle(st, StepSucceeded, answerOutput(st, b, t.s.now), nil)
		return
	}
	if b.HeldUntil != nil && b.HeldUntil.After(t.s.now) {
		t.wait(st, atHold, StepWaiting, b.HeldUntil)
		t.do(SetTimer{st.path, TimerHold, *b.HeldUntil})
		return
	}
	t.ask(st)
}

// answerOutput is a form's answer, or who agreed and when.
func answerOutput(st *step, b ApprovalDecided, now time.Time) any {
	if st.block.Kind == playbook.KindQuestion {
		return b.Answer.V
	}
	who := make([]any, len(b.By))
	for i, w := range b.By {
		who[i] = w
	}
	return map[string]any{"who": who, "when": now.UTC().Format(time.RFC3339Nano), "comment": b.Comment}
}

// silent is the deadline of a request: silence is a refusal, or a question's
// otherwise.
func (t *turn) silent(st *step) {
	t.do(Void{st.path, st.approval, string(approval.Expired), "nobody answered in time"})
	t.silentEnd(st)
}

func (t *turn) silentEnd(st *step) {
	if st.block != nil && st.block.Question != nil && st.block.Question.Otherwise != nil {
		st.stage = atEvaluate
		t.do(Evaluate{st.path, "otherwise"})
		return
	}
	t.refuse(st, fault.ApprovalExpired, "nobody answered in time")
}
