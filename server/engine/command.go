package engine

import (
	"time"

	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/expr"
	"github.com/tocsin-soar/tocsin/server/gate"
)

// Command is what shall happen next: one of the types of this file. A host
// carries it out only after the event that ordered it is durable.
type Command interface{ command() }

// Evaluate wants a value now; State.Evaluate computes it, and the host takes the
// Evaluated it gives as the next event of the same act.
type Evaluate struct{ Path, What string }

// Ask wants the policy's answer about the step's next attempt: State.Wanted says
// to what. The host answers with Decided, Halted or Failed.
type Ask struct{ Path string }

// Call wants the attempt sent; the host writes Dispatched first.
type Call struct{ Path string }

// Verify wants the other system asked whether an attempt took effect; the host
// answers with Verified.
type Verify struct{ Path string }

// Await wants to be told, with Resumed, when the step's connection takes its call.
type Await struct{ Path string }

// Request wants people asked: the request of an approval or question block. The
// host answers with Requested.
type Request struct{ Path string }

// Void closes a request from the engine's side.
type Void struct{ Path, Approval, Status, Why string }

// SetTimer wakes the run with TimerFired; a second one of the same path and kind
// replaces the first.
type SetTimer struct {
	Path, Timer string
	Due         time.Time
}

// DropTimer takes a timer back.
type DropTimer struct{ Path, Timer string }

// EndHold ends this run's hold on an effect; the host answers with HoldEnded.
type EndHold struct{ Path, Key string }

// StartRun queues a run of another playbook. Its host ends it with Returned, unless it
// is detached.
type StartRun struct {
	Path     string
	Run      string // run_…
	Playbook string
	Version  string // sha256 hex
	Inputs   map[string]any
	Detached bool
}

// CancelRun cancels a run that a step has called.
type CancelRun struct {
	Path, Run string
	Force     bool
}

// Listen lets a step hear of every event of a subject, or of the one call with a
// token whose hash is given. It is told by a signal: Heard.
type Listen struct {
	Path    string
	Subject string // "" for a callback
	Hash    [32]byte
}

// Unlisten ends that.
type Unlisten struct{ Path string }

// Line puts the run in line among those of its playbook with the same key. It is
// told by a signal: Placed when its turn has come, Dropped when it is not wanted.
type Line struct {
	Key   string
	Limit int
	Then  string // queue, drop or cancel_oldest
}

// Finish says that the run has ended: nothing is under way any more.
type Finish struct{}

func (Evaluate) command()  {}
func (Ask) command()       {}
func (Call) command()      {}
func (Verify) command()    {}
func (Await) command()     {}
func (Request) command()   {}
func (Void) command()      {}
func (SetTimer) command()  {}
func (DropTimer) command() {}
func (EndHold) command()   {}
func (StartRun) command()  {}
func (CancelRun) command() {}
func (Listen) command()    {}
func (Unlisten) command()  {}
func (Line) command()      {}
func (Finish) command()    {}

// The timers.
const (
	TimerRetry    = "retry"    // an attempt may be repeated
	TimerWait     = "wait"     // a wait block is over
	TimerDeadline = "deadline" // nobody answered
	TimerHold     = "hold"     // the undo window of an approval is over
	TimerSettle   = "settle"   // a no of the other system counts now
	TimerRun      = "run"      // the playbook's timeout

	TimerConnection = "connection" // it has been waited for long enough
)

// Wanted is everything the policy and the caller need to know of a step's next
// attempt.
type Wanted struct {
	Path       string
	Action     *connector.Action
	Connection string // "" means the integration's default
	Params     map[string]any
	Occurrence int // from 1
	Attempt    int // the number it would have, from 1
	Key        string
	Lease      time.Duration // 0: none
	Purpose    gate.Purpose
	LastError  string // kind of the last attempt's error, or ""
	Approval   string // apr_… of this occurrence, or ""
	Requests   int    // how many requests this step has opened
	Timeout    time.Duration
	Decision   string // of the last question
	Digest     string // of the last question
	DryRun     bool
	Effect     string      // key of the effect that is undone, or ""
	UndoWith   *expr.Value // overrides the inverse's parameters, or nil
}
