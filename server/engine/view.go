// Package engine decides what a run does next; never does it.
package engine

import "time"

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
	Kind      string     `json:"kind"` // alert, schedule, manual, playbook, effect
	Index     int        `json:"index"`
	Source    string     `json:"source,omitempty"`     // of the alert
	Schedule  string     `json:"schedule,omitempty"`   // slug
	PlannedAt *time.Time `json:"planned_at,omitempty"` // of the schedule
	By        string     `json:"by,omitempty"`         // who clicked
	Roles     []string   `json:"roles,omitempty"`      // theirs, at that moment
	ActorKind string     `json:"actor_kind,omitempty"` // user or token
	Effect    string     `json:"effect,omitempty"`     // eff_… that is undone or extended
	Purpose   string     `json:"purpose,omitempty"`    // of such a run: undo, expiry, extend, verify, manual
	Reason    string     `json:"reason,omitempty"`
	Depth     int64      `json:"depth,omitempty"` // of the alert that started it
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
	Steps     []Step         `json:"steps"`
	StartedAt *time.Time     `json:"started_at"`
	EndedAt   *time.Time     `json:"ended_at"`
	CreatedAt time.Time      `json:"created_at"`
	Severity  string         `json:"severity"` // of its alert, or ""
}

// Step is a step of a run as the API shows it (contract.md, Shapes).
type Step struct {
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
