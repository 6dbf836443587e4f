// Package engine decides what a run does next; never does it.
package engine

import (
	"cmp"
	"slices"
	"time"

	"github.com/tocsin-soar/tocsin/server/playbook"
)

// RunStatus is the state of a run.
type RunStatus string

// The states; the last three are final.
const (
	RunQueued    RunStatus = "queued"
	RunRunning   RunStatus = "running"
	RunWaiting   RunStatus = "waiting"
	RunSucceeded RunStatus = "succeeded"
	RunFailed    RunStatus = "failed"
	RunCancelled RunStatus = "cancelled"
)

// Final says whether nothing more happens in this state.
func (s RunStatus) Final() bool {
	return s == RunSucceeded || s == RunFailed || s == RunCancelled
}

// StepStatus is the state of a step.
type StepStatus string

// The states; the last five are settled, in_doubt is not: a person ends it.
const (
	StepPending   StepStatus = "pending"
	StepRunning   StepStatus = "running"
	StepWaiting   StepStatus = "waiting"
	StepRetrying  StepStatus = "retrying"
	StepInDoubt   StepStatus = "in_doubt"
	StepSucceeded StepStatus = "succeeded"
	StepFailed    StepStatus = "failed"
	StepSkipped   StepStatus = "skipped"
	StepCancelled StepStatus = "cancelled"
)

// Settled says whether the step is over.
func (s StepStatus) Settled() bool {
	switch s {
	case StepSucceeded, StepFailed, StepSkipped, StepCancelled:
		return true
	case StepPending, StepRunning, StepWaiting, StepRetrying, StepInDoubt:
	}
	return false
}

// Error is what a run or step failed with; Kind is a fault.Kind.
type Error struct {
	Kind      string `json:"kind"`
	Message   string `json:"message"`
	Step      string `json:"step"`    // path, or ""
	Attempt   int    `json:"attempt"` // 0 where none was made
	Retryable bool   `json:"retryable"`
}

// WaitKind says what for a run waits.
type WaitKind string

// The kinds.
const (
	WaitApproval    WaitKind = "approval"
	WaitQuestion    WaitKind = "question"
	WaitTimer       WaitKind = "timer"
	WaitEvent       WaitKind = "event"
	WaitConnection  WaitKind = "connection"
	WaitConcurrency WaitKind = "concurrency"
	WaitInDoubt     WaitKind = "in_doubt"
	WaitHalt        WaitKind = "halt"
)

// Waiting is one thing a run waits for. Text says it in words.
type Waiting struct {
	Step  string     `json:"step"`
	Kind  WaitKind   `json:"kind"`
	Ref   string     `json:"ref"`   // apr_…, a connection's name, or ""
	Until *time.Time `json:"until"` // nil: until somebody acts
	Text  string     `json:"text"`
}

// Trigger says what started a run.
type Trigger struct {
	Kind      string         `json:"kind"` // alert, schedule, manual, playbook, effect
	Index     int            `json:"index"`
	Source    string         `json:"source,omitempty"`     // of the alert
	Schedule  string         `json:"schedule,omitempty"`   // slug
	PlannedAt *time.Time     `json:"planned_at,omitempty"` // of the schedule
	By        string         `json:"by,omitempty"`         // who clicked
	Roles     []string       `json:"roles,omitempty"`      // theirs, at that moment
	ActorKind string         `json:"actor_kind,omitempty"` // user or token
	Effect    string         `json:"effect,omitempty"`     // eff_… that is undone or extended
	Purpose   string         `json:"purpose,omitempty"`    // of such a run: undo, expiry, extend, verify, manual
	Reason    string         `json:"reason,omitempty"`
	Depth     int64          `json:"depth,omitempty"`    // of the alert that started it
	Event     map[string]any `json:"event,omitempty"`    // that started it: subject, at, data
	Parent    string         `json:"parent,omitempty"`   // run_… that called it
	Step      string         `json:"step,omitempty"`     // of that run: the path of the call
	Detached  bool           `json:"detached,omitempty"` // the caller does not wait
	Calls     int            `json:"calls,omitempty"`    // how many runs are above it
}

// value is the trigger as expressions see it.
func (t Trigger) value() map[string]any {
	m := map[string]any{
		"kind": t.Kind, "index": int64(t.Index), "source": t.Source, "schedule": t.Schedule, "by": t.By, "planned_at": nil,
	}
	if t.PlannedAt != nil {
		m["planned_at"] = *t.PlannedAt
	}
	if t.Event != nil {
		m["event"] = t.Event
	}
	return m
}

// Run is a run as the API shows it (contract.md, Shapes).
type Run struct {
	ID        string         `json:"id"`
	Playbook  string         `json:"playbook"`
	Version   string         `json:"version"` // "sha256:" and hex
	Status    RunStatus      `json:"status"`
	Partial   bool           `json:"partial"`
	Trigger   Trigger        `json:"trigger"`
	Alert     *string        `json:"alert"` // alr_… or null
	Inputs    map[string]any `json:"inputs"`
	Outputs   map[string]any `json:"outputs"`
	Error     *Error         `json:"error"`
	Waiting   []Waiting      `json:"waiting"`
	Steps     []StepView     `json:"steps"`
	StartedAt *time.Time     `json:"started_at"`
	EndedAt   *time.Time     `json:"ended_at"`
	CreatedAt time.Time      `json:"created_at"`
	Severity  string         `json:"severity"` // of its alert, or ""
}

// StepView is a step of a run as the API shows it (contract.md, Shapes).
type StepView struct {
	Path       string         `json:"path"`
	ID         string         `json:"id"`
	Kind       string         `json:"kind"` // of the block
	Name       string         `json:"name"`
	Action     string         `json:"action"`
	Impact     string         `json:"impact"`
	Connection string         `json:"connection"`
	Status     StepStatus     `json:"status"`
	Attempts   int            `json:"attempts"`
	Occurrence int            `json:"occurrence"`
	StartedAt  *time.Time     `json:"started_at"`
	EndedAt    *time.Time     `json:"ended_at"`
	Input      map[string]any `json:"input"`
	Output     any            `json:"output"`
	Error      *Error         `json:"error"`
	Decision   string         `json:"decision"` // dec_… of the last question, or ""
	Approval   string         `json:"approval"` // apr_… or ""
	Effect     string         `json:"effect"`   // eff_… or ""
	DryRun     bool           `json:"dry_run"`
}

// touch notes that a step changed, and what it waits for.
func (t *turn) touch(st *step) {
	s := t.s
	s.touched[st.path] = true
	busy := false
	switch st.stage {
	case atEvaluate, atAsk, atCall, atVerify, atRequest, atEndHold:
		busy = true
	case atNothing, atPeople, atHold, atHalt, atBlocked, atSettle, atRetry, atDoubt, atTimer, atChildren, atCalled, atEvent:
	}
	if busy != st.counted {
		st.counted = busy
		if busy {
			s.busy++
		} else {
			s.busy--
		}
	}
	if w, waits := st.waiting(); waits {
		s.waits[st.path] = w
	} else {
		delete(s.waits, st.path)
	}
}

// wait makes a step wait at a stage, with an end where there is one.
func (t *turn) wait(st *step, at stage, status StepStatus, until *time.Time) {
	st.stage, st.status, st.until, st.flight = at, status, until, false
	t.touch(st)
}

// waiting says in words what a step waits for.
func (st *step) waiting() (Waiting, bool) {
	w := Waiting{Step: st.path, Until: st.until}
	switch st.stage {
	case atPeople:
		w.Kind, w.Ref, w.Text = WaitApproval, st.approval, "Waits for an approval of "+st.what()
		if st.block != nil && st.block.Kind == playbook.KindQuestion {
			w.Kind, w.Text = WaitQuestion, "Waits for an answer: "+st.what()
		}
	case atHold:
		w.Kind, w.Ref, w.Text = WaitTimer, st.approval, "Approved: "+st.what()+" is sent when the time to take it back is over"
	case atHalt:
		w.Kind, w.Text = WaitHalt, "Held back by the kill switch: "+st.what()
	case atBlocked:
		w.Kind, w.Ref, w.Text = WaitConnection, st.blocked.Connection, st.blockedWords()
	case atRetry:
		w.Kind, w.Text = WaitTimer, "Waits to try again: "+st.what()+" ("+st.lastError+")"
	case atSettle:
		w.Kind, w.Text = WaitTimer, "Waits before asking whether "+st.what()+" took effect"
	case atDoubt:
		w.Kind, w.Text = WaitInDoubt, "Nobody knows whether "+st.what()+" took effect: a person must say"
	case atTimer:
		w.Kind, w.Text = WaitTimer, "Waits until the time given"
	case atEvent:
		w.Kind, w.Text = WaitEvent, "Waits for the event "+st.block.Wait.Event
		if st.block.Wait.Callback {
			w.Text = "Waits to be called back"
		}
	case atCalled:
		w.Kind, w.Ref, w.Text = WaitEvent, st.called, "Waits for the run of "+st.block.Call.Playbook
	case atNothing, atEvaluate, atAsk, atCall, atVerify, atRequest, atChildren, atEndHold:
		return w, false
	}
	return w, true
}

// what names the step's act in words.
func (st *step) what() string {
	if st.action != nil {
		return st.action.Ref()
	}
	if title, ok := st.input["title"].(string); ok {
		return title
	}
	return st.path
}

// View is the run as the API shows it, without its steps.
func (s State) View() Run {
	r := Run{
		ID: s.id, Playbook: s.playbook, Version: s.version, Status: s.status, Partial: s.partial,
		Trigger: s.trigger, Inputs: s.inputs, Outputs: s.outputs, Error: s.err,
		Waiting: []Waiting{}, Steps: []StepView{}, StartedAt: s.started, EndedAt: s.ended,
		CreatedAt: s.created,
	}
	if s.alertID != "" {
		id := s.alertID
		r.Alert = &id
	}
	if !s.status.Final() {
		for _, path := range sortedKeys(s.waits) {
			r.Waiting = append(r.Waiting, s.waits[path])
		}
	}
	return r
}

// TakeTouched gives the steps that changed since it was last called, in the order
// in which they began.
func (s *State) TakeTouched() []StepView {
	var out []StepView
	steps := make([]*step, 0, len(s.touched))
	for path := range s.touched {
		steps = append(steps, s.steps[path])
	}
	slices.SortFunc(steps, func(a, b *step) int { return cmp.Compare(a.n, b.n) })
	for _, st := range steps {
		out = append(out, st.view())
	}
	s.touched = map[string]bool{}
	return out
}

// Steps gives all steps, in the order in which they began.
func (s State) Steps() []StepView {
	out := make([]StepView, 0, len(s.order))
	for _, path := range s.order {
		out = append(out, s.steps[path].view())
	}
	return out
}

func (st *step) view() StepView {
	v := StepView{
		Path: st.path, Status: st.status, Attempts: st.attempts, Occurrence: st.occurrence,
		StartedAt: st.startedAt, EndedAt: st.endedAt, Input: st.input, Output: st.output,
		Error: st.err, Connection: st.connection, Decision: st.decision, Approval: st.approval,
		DryRun: st.dryRun, ID: st.path, Kind: "undo",
	}
	if b := st.block; b != nil {
		v.ID, v.Kind, v.Name = b.ID, string(b.Kind), b.Name
	}
	if st.action != nil {
		v.Action, v.Impact = st.action.Ref(), string(st.action.Impact)
	}
	if st.effect != nil && st.undoOf == nil {
		v.Effect = st.effect.ID
	}
	return v
}
