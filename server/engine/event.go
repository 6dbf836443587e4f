package engine

import "time"

// Semantics is the number of the rules by which this package runs a program. A
// run pins it; a binary that does not know it refuses to start.
const Semantics = 1

// Event is one thing that happened to a run, stamped with the host's time.
type Event struct {
	At   time.Time
	Body Body
}

// Body is what happened: one of the types of this file.
type Body interface {
	// Kind is the word in the journal.
	Kind() string
}

// Started begins a run with the inputs it was given.
type Started struct {
	Semantics int               `json:"semantics"`
	Inputs    Object            `json:"inputs"`
	Manifests map[string]string `json:"manifests"`       // action → action_sha256, pinned
	Calls     map[string]string `json:"calls,omitempty"` // slug → sha256 of the playbooks that are called, pinned
	Lined     bool              `json:"lined,omitempty"` // it waits for its turn under the playbook's concurrency
}

// Heard is an event of the platform that a step waits for, or the body of a callback.
type Heard struct {
	Path string `json:"path"`
	Body Value  `json:"body"`
}

// Returned is the end of a run that a step has called.
type Returned struct {
	Path    string    `json:"path"`
	Run     string    `json:"run"`
	Status  RunStatus `json:"status"`
	Partial bool      `json:"partial,omitempty"`
	Outputs Object    `json:"outputs"`
	Error   *Error    `json:"error,omitempty"`
}

// Placed lets a run begin that waited for its turn.
type Placed struct{}

// Dropped ends a run before it began: as many as may are at work, and the playbook
// wants no further one.
type Dropped struct {
	Limit int `json:"limit"`
}

// Evaluated records a value that steers: the run goes on with it, also when it is
// replayed by a newer expression library. Path is "" for the run's own values.
type Evaluated struct {
	Path  string `json:"path"`
	What  string `json:"what"` // if, with, items, set, message, outputs, inputs, key, return, title, for, until, otherwise, switch, while, transform, match
	Value Value  `json:"value"`
	Error *Error `json:"error,omitempty"`
}

// Decided is the policy's answer to the question before an attempt.
type Decided struct {
	Path       string     `json:"path"`
	Decision   string     `json:"decision"` // dec_…
	Outcome    string     `json:"outcome"`  // allow, approve or deny
	Permitted  bool       `json:"permitted"`
	Reason     string     `json:"reason"` // in words, of a denial
	Digest     string     `json:"digest"`
	Connection string     `json:"connection"`
	Lease      int64      `json:"lease,omitempty"` // seconds, after the policy's max_for
	DryRun     bool       `json:"dry_run,omitempty"`
	Approval   string     `json:"approval,omitempty"` // opened or kept
	Deadline   *time.Time `json:"deadline,omitempty"`
	Error      *Error     `json:"error,omitempty"` // the question could not be asked at all
}

// Halted says that the kill switch held an attempt back.
type Halted struct {
	Path string `json:"path"`
}

// Blocked says that a step waits for its connection before its attempt: nothing was
// sent, and no attempt is counted.
type Blocked struct {
	Path       string   `json:"path"`
	Connection string   `json:"connection"`
	Why        BlockWhy `json:"why"`
	Text       string   `json:"text,omitempty"` // what is known of it, in words
}

// BlockWhy says why a connection takes no call just now.
type BlockWhy string

// The reasons.
const (
	BlockBroken   BlockWhy = "broken"   // it cannot be reached
	BlockDisabled BlockWhy = "disabled" // people have switched it off
	BlockBusy     BlockWhy = "busy"     // as many calls as it may have are under way
	BlockRate     BlockWhy = "rate"     // it had as many calls of late as it may have
)

// Resumed says that the kill switch is off, or, with a path, that the step's
// connection takes its call.
type Resumed struct {
	Path string `json:"path,omitempty"`
}

// Dispatched is written before the first byte of an attempt leaves.
type Dispatched struct {
	Path     string `json:"path"`
	Attempt  int    `json:"attempt"`
	Key      string `json:"key"`
	Digest   string `json:"digest"`
	Decision string `json:"decision"`
}

// Succeeded is an attempt that did what it should.
type Succeeded struct {
	Path    string `json:"path"`
	Attempt int    `json:"attempt"`
	Output  Value  `json:"output"`
	Effect  *Made  `json:"effect,omitempty"`
	DryRun  bool   `json:"dry_run,omitempty"`
	Seen    bool   `json:"seen,omitempty"` // not by its reply: the other system was asked
}

// Made is the effect an attempt put in force.
type Made struct {
	ID       string     `json:"id"`
	Key      string     `json:"key"`
	Action   string     `json:"action"`          // the inverse
	Params   Object     `json:"params"`          // of the inverse
	Manifest string     `json:"manifest"`        // action_sha256 of the inverse
	Lease    int64      `json:"lease,omitempty"` // seconds
	Until    *time.Time `json:"until,omitempty"`
	Foreign  bool       `json:"foreign,omitempty"`
}

// Failed is an attempt that certainly did nothing, or a refusal before one.
type Failed struct {
	Path       string `json:"path"`
	Attempt    int    `json:"attempt"`
	Error      Error  `json:"error"`
	RetryAfter int64  `json:"retry_after,omitempty"` // seconds
	// Broken says in words that the connection is known to be broken: the step waits
	// for it as if the attempt had not been made.
	Broken string `json:"broken,omitempty"`
}

// Unknown is an attempt of which nobody knows whether it took effect. Resend: it
// is a read or the other side honours the key. Verify: the other side can be asked.
type Unknown struct {
	Path    string `json:"path"`
	Attempt int    `json:"attempt"`
	Error   Error  `json:"error"`
	Resend  bool   `json:"resend,omitempty"`
	Verify  bool   `json:"verify,omitempty"`
	Lost    bool   `json:"lost,omitempty"`   // the server stopped in between
	Output  Value  `json:"output,omitzero"`  // of a 2xx that does not fit the schema
	Settle  int64  `json:"settle,omitempty"` // seconds to wait before asking
	Broken  string `json:"broken,omitempty"` // as in Failed; with Resend only
}

// Verified is what the other system says of an attempt of unknown outcome.
type Verified struct {
	Path    string `json:"path"`
	Attempt int    `json:"attempt"`
	Found   string `json:"found"` // yes, no or unsure
	Output  Value  `json:"output"`
	Effect  *Made  `json:"effect,omitempty"`
}

// TimerFired is a timer that came due.
type TimerFired struct {
	Path  string `json:"path"`
	Timer string `json:"timer"`
}

// Requested is a request of an approval or question block that was opened.
type Requested struct {
	Path     string     `json:"path"`
	Approval string     `json:"approval"`
	Deadline *time.Time `json:"deadline,omitempty"`
}

// Escalated says that more people may decide a request: nobody answered for a while.
// The step waits on as before.
type Escalated struct {
	Path     string   `json:"path"`
	Approval string   `json:"approval"`
	Who      []string `json:"who"` // added: role:x, team:y, user:z
}

// ApprovalDecided is the end of a request, or a withdrawal of its yes.
type ApprovalDecided struct {
	Path      string     `json:"path"`
	Approval  string     `json:"approval"`
	Status    string     `json:"status"` // approved, denied, expired, void or withdrawn
	HeldUntil *time.Time `json:"held_until,omitempty"`
	By        []string   `json:"by"`
	Comment   string     `json:"comment,omitempty"`
	Answer    Value      `json:"answer"`
}

// Resolved is a person's word on a step in doubt.
type Resolved struct {
	Path   string `json:"path"`
	As     string `json:"as"` // done, failed or retry
	Output Value  `json:"output"`
	By     string `json:"by"`
	Reason string `json:"reason"`
	Effect *Made  `json:"effect,omitempty"` // put in by the host
}

// CancelRequested ends a run early.
type CancelRequested struct {
	By     string `json:"by"`
	Reason string `json:"reason"`
	Force  bool   `json:"force,omitempty"`
}

// HoldEnded says whether an effect's last hold ended, so that its inverse is due.
type HoldEnded struct {
	Path string `json:"path"`
	Key  string `json:"key"`
	Due  bool   `json:"due"`
	Kept string `json:"kept,omitempty"` // who holds it still, in words
}

// Kind is the event's word in the journal.
func (Started) Kind() string { return "started" }

// Kind is the event's word in the journal.
func (Heard) Kind() string { return "heard" }

// Kind is the event's word in the journal.
func (Returned) Kind() string { return "returned" }

// Kind is the event's word in the journal.
func (Placed) Kind() string { return "placed" }

// Kind is the event's word in the journal.
func (Dropped) Kind() string { return "dropped" }

// Kind is the event's word in the journal.
func (Evaluated) Kind() string { return "evaluated" }

// Kind is the event's word in the journal.
func (Decided) Kind() string { return "decided" }

// Kind is the event's word in the journal.
func (Halted) Kind() string { return "halted" }

// Kind is the event's word in the journal.
func (Blocked) Kind() string { return "blocked" }

// Kind is the event's word in the journal.
func (Resumed) Kind() string { return "resumed" }

// Kind is the event's word in the journal.
func (Dispatched) Kind() string { return "dispatched" }

// Kind is the event's word in the journal.
func (Succeeded) Kind() string { return "succeeded" }

// Kind is the event's word in the journal.
func (Failed) Kind() string { return "failed" }

// Kind is the event's word in the journal.
func (Unknown) Kind() string { return "unknown" }

// Kind is the event's word in the journal.
func (Verified) Kind() string { return "verified" }

// Kind is the event's word in the journal.
func (TimerFired) Kind() string { return "timer_fired" }

// Kind is the event's word in the journal.
func (Requested) Kind() string { return "requested" }

// Kind is the event's word in the journal.
func (Escalated) Kind() string { return "escalated" }

// Kind is the event's word in the journal.
func (ApprovalDecided) Kind() string { return "approval_decided" }

// Kind is the event's word in the journal.
func (Resolved) Kind() string { return "resolved" }

// Kind is the event's word in the journal.
func (CancelRequested) Kind() string { return "cancel_requested" }

// Kind is the event's word in the journal.
func (HoldEnded) Kind() string { return "hold_ended" }
