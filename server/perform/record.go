// Package perform is ask, act, record: the life of one action.
package perform

import (
	"time"

	"github.com/tocsin-soar/tocsin/server/approval"
	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/gate"
	"github.com/tocsin-soar/tocsin/server/ledger"
)

// Event is one line of a run's journal: Body is the JSON of the event, in the
// codec of server/engine. Seq is dense from 1.
type Event struct {
	Seq  uint64
	At   time.Time
	Kind string
	Body []byte
}

// Record is what one act of a run writes, all or nothing: journal, read model
// and everything that follows from the events.
type Record struct {
	Run    string
	Expect uint64 // last sequence the writer has seen; another one is a conflict
	Events []Event
	View   *engine.Run       // nil: unchanged; Steps inside are ignored
	Steps  []engine.StepView // the touched ones

	Decisions  []Decided
	Open       []approval.Request // new ones, and new versions of pending ones
	Close      []Close            // of one that is not pending any more: a conflict
	UsedUp     []string           // ids of approvals whose yes was used
	Effects    []Grip
	DropTimers []TimerKey // written before SetTimers
	SetTimers  []Timer
	Signals    []int64 // ids of the signals consumed
	Free       []Claim // reservations of attempts that certainly did nothing
	Audit      []audit.Draft

	Starts   []engine.Start // runs that it calls
	Send     []Signal       // to other runs; ID and At are the store's
	Listens  []engine.Listen
	Unlisten []string // paths; written before Listens
	Deaf     bool     // it is over and hears of nothing any more

	Line   *engine.Line // it gets in line; nil: it does not
	Leaves bool         // it is over and leaves the line
}

// Decided is a decision with its exact input (the alert apart, by hash) and the
// reservation an allowed side effect takes.
type Decided struct {
	gate.Decision
	Input       []byte // canonical JSON of the question with alert null
	AlertSHA256 string // of the payload row that holds the alert's JSON, or ""
	Reserve     *Claim
	// Notify are those whom the policy wants to be told of it.
	Notify []string
}

// Claim is one reservation: what the counters count.
type Claim struct {
	Decision    string // dec_… : its identity
	Run         string
	Step        string
	Occurrence  int
	Action      string
	Impact      string
	TargetKinds []string // one element per target
	Playbook    string
	At          time.Time
}

// Close ends an approval from the engine's side (void, expired).
type Close struct {
	ID     string
	Status approval.Status
	Why    string
	Answer any
}

// GripVerb says what happens to an effect.
type GripVerb string

// The verbs.
const (
	GripTake   GripVerb = "take"   // begin it or add a hold
	GripEnd    GripVerb = "end"    // end this run's hold (Effect.Key); the last one makes it undoing
	GripExtend GripVerb = "extend" // a longer hold: Effect.ID, Until in its one hold
	GripState  GripVerb = "state"  // set the status by ID, or by Key where ID is empty: undone, undo_failed, in_doubt
)

// Grip is one change of the ledger. For take, Effect is the effect as it would
// begin, with exactly one hold; for state, Effect holds ID or
// Key, Status, EndedBy, Why and UndoRun; a Key that is not in force changes nothing.
//
// Audit is entered only where the ledger changed, under the id that the effect has
// there; nil leaves no entry.
type Grip struct {
	Verb   GripVerb
	Effect ledger.Effect
	Audit  *audit.Draft
}

// TimerKey names a timer of a run.
type TimerKey struct {
	Path string
	Kind string // retry, wait, deadline, hold, run, settle, question, connection
}

// Timer wakes a run.
type Timer struct {
	TimerKey
	Due time.Time
}

// Signal is something that reaches a run from outside: a person's answer, a
// cancel, a resolution. It waits in the database until the run consumes it. Kind
// and Body are an engine event in its codec.
type Signal struct {
	ID   int64
	Run  string
	Kind string
	Body []byte
	At   time.Time
}
