package engine

import (
	"maps"
	"slices"
	"time"

	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/gate"
	"github.com/tocsin-soar/tocsin/server/playbook"
)

// The bounds of a run (law 5). A run that meets one fails with kind bound.
const (
	maxSteps       = 20_000
	maxEvents      = 200_000
	maxResends     = 5
	defaultAttempt = 30 * time.Second
	defaultRun     = 24 * time.Hour
	maxRetryAfter  = 15 * time.Minute
	maxRetryTotal  = time.Hour
	maxBroken      = time.Hour      // a step waits for a broken connection
	maxBlocked     = 24 * time.Hour // for one that is disabled or busy
)

// State is a run as far as it has come. Step owns the state that it is given:
// go on with the one it returns.
type State struct {
	id       string
	playbook string
	version  string
	trigger  Trigger
	alertID  string
	created  time.Time

	alert   map[string]any // as expressions see it, or nil
	inputs  map[string]any
	vars    map[string]any
	outputs map[string]any
	err     *Error
	status  RunStatus
	partial bool

	seq     uint64
	now     time.Time
	started *time.Time
	ended   *time.Time

	steps   map[string]*step
	order   []string // paths, as they began
	root    *scope
	made    []*step // with an effect, in order of success
	undoing []*step // undo steps still to begin
	undos   int     // undo steps begun and not settled
	cleanup *Error  // of a finally that failed after a return
	ending  ending
	line    line
	seed    string
	early   map[string]any    // callbacks that came before their wait began, by path
	calls   map[string]string // versions of the playbooks that are called
	busy    int               // steps that are at work, not waiting
	waits   map[string]Waiting
	touched map[string]bool
}

// ending says why the root scope is being stopped.
type ending struct {
	returned  bool
	cancelled *CancelRequested
	timedOut  bool
	hard      bool // finally is stopped too
	undo      bool // the undo phase has begun
}

// stage says what a step stands at.
type stage int

const (
	atNothing stage = iota
	atEvaluate
	atAsk
	atPeople // a request waits for people
	atHold   // the undo window of a yes runs
	atHalt
	atBlocked // its connection takes no call
	atCall    // dispatched, or about to be
	atVerify
	atSettle // waits before a no counts
	atRetry
	atDoubt
	atTimer   // a wait block
	atRequest // a request is about to be opened
	atChildren
	atEndHold
	atCalled // another run works for it
	atEvent  // a wait for an event or a callback
)

type step struct {
	path   string
	n      int // steps that began before it
	block  *playbook.Block
	scope  *scope // nil for an undo step
	stage  stage
	status StepStatus

	action     *connector.Action
	connection string
	purpose    gate.Purpose
	input      map[string]any
	output     any
	err        *Error
	lease      time.Duration
	until      *time.Time // what it waits for

	occurrence int
	attempts   int
	first      time.Time // of the first attempt of this occurrence
	tries      int       // attempts that counted for retry
	resends    int
	lastError  string
	flight     bool
	blocked    Blocked   // by what it is, or was last
	blockedAt  time.Time // since when; zero when an attempt came to something since
	decision   string
	digest     string
	approval   string
	requests   int
	dryRun     bool
	effect     *Made
	undoOf     *step
	undoFor    *step // the undo block that it belongs to; nil for on_failure: undo
	undone     bool
	queue      []*step // of an undo block: steps still to be undone
	undos      int     // of an undo block: undo steps begun and not settled
	part       part    // of a try block
	heard      any     // the event that is held to match
	called     string  // run_… that a call block began
	told       int     // of a call block: how often that run was told to end
	caught     bool    // of a try block: its catch list was begun
	halfway    bool    // of a try block: it was stopped before its end

	children []*scope // those not ended
	items    []any
	results  []any
	next     int
	done     int
	failure  *Error
	branches map[string]any

	startedAt, endedAt *time.Time
	counted            bool // in State.busy
}

// part is the list of a try block that is being done.
type part int

const (
	inTry part = iota
	inCatch
	inFinally
)

// scope is a list of blocks with one token in it.
type scope struct {
	path   string // of what stands in it, up to its own id
	owner  *step  // nil for the root
	parent *scope
	blocks []*playbook.Block
	at     int
	active *step
	last   *step
	iter   string // id of the loop, or ""
	turn   bool   // of a while
	as     string
	item   any
	index  int
	branch string
	caught *Error // what a catch list sees as error
	shield bool   // a finally list: a cancel from outside does not stop it
	stop   bool   // no new work
	ended  bool
}

// New is the state before the first event.
func New(st Start, alert map[string]any) State {
	s := State{
		id: st.ID, playbook: st.Playbook, trigger: st.Trigger,
		alertID: st.Alert, created: st.At, alert: alert, status: RunQueued,
		inputs: map[string]any{}, vars: map[string]any{}, steps: map[string]*step{},
		seed: st.Seed, early: map[string]any{}, waits: map[string]Waiting{}, touched: map[string]bool{}, now: st.At,
	}
	if st.Version != "" {
		s.version = "sha256:" + st.Version
	}
	return s
}

// Seq is the number of events taken.
func (s State) Seq() uint64 { return s.seq }

// Status is the run's state.
func (s State) Status() RunStatus { return s.status }

// step finds one that is not over: events of one that is come too late.
func (s State) step(path string) (*step, bool) {
	st, ok := s.steps[path]
	return st, ok && !st.status.Settled()
}

// InFlight says what must be under way now; only recovery asks. Calls that were
// dispatched come as Call: the host must not send them again but report Unknown
// with Lost.
func (s State) InFlight() []Command {
	var cmds []Command
	for _, path := range s.order {
		st := s.steps[path]
		switch st.stage {
		case atAsk:
			cmds = append(cmds, Ask{path})
		case atCall:
			cmds = append(cmds, Call{path})
		case atVerify:
			cmds = append(cmds, Verify{path})
		case atBlocked:
			cmds = append(cmds, Await{path})
		case atRequest:
			cmds = append(cmds, Request{path})
		case atEndHold:
			cmds = append(cmds, EndHold{path, st.effect.Key})
		case atNothing, atEvaluate, atPeople, atHold, atHalt, atSettle, atRetry, atDoubt, atTimer, atChildren, atCalled, atEvent:
		}
	}
	return cmds
}

// Dispatched says whether the attempt of a step has been written as dispatched
// and has no result.
func (s State) Dispatched(path string) bool {
	st, ok := s.steps[path]
	return ok && st.flight
}

// Wanted tells what a step's next attempt (or, in flight, its present one) is.
func (s State) Wanted(path string) (Wanted, bool) {
	st, ok := s.steps[path]
	if !ok || st.action == nil {
		return Wanted{}, false
	}
	w := Wanted{
		Path: path, Action: st.action, Connection: st.connection, Params: st.input,
		Occurrence: st.occurrence, Attempt: st.attempts + 1, Key: s.key(st), Lease: st.lease,
		Purpose: st.purpose, LastError: st.lastError, Approval: st.approval,
		Requests: st.requests, Decision: st.decision, Digest: st.digest, DryRun: st.dryRun,
		Timeout: defaultAttempt,
	}
	if st.flight {
		w.Attempt = st.attempts
	}
	if st.block != nil && st.block.Action != nil && st.block.Action.Timeout > 0 {
		w.Timeout = st.block.Action.Timeout
	}
	if st.block != nil && st.block.Action != nil {
		w.UndoWith = st.block.Action.UndoWith
	}
	if st.undoOf != nil {
		w.Effect = st.undoOf.effect.Key
	}
	return w, true
}

// Wanting says whether the step still wants what a command of its ordered; a
// cancel may have come in between.
func (s State) Wanting(c Command) bool {
	switch c := c.(type) {
	case Ask:
		return s.at(c.Path, atAsk)
	case Verify:
		return s.at(c.Path, atVerify)
	case Await:
		return s.at(c.Path, atBlocked)
	case Request:
		return s.at(c.Path, atRequest)
	case EndHold:
		return s.at(c.Path, atEndHold)
	case Call:
		return s.Calls(c.Path)
	case Evaluate, Void, SetTimer, DropTimer, StartRun, CancelRun, Line, Listen, Unlisten, Finish:
	}
	return true
}

// Asks says whether the step still wants the policy's answer.
func (s State) Asks(path string) bool { return s.at(path, atAsk) }

// Blocked says whether the step waits for its connection.
func (s State) Blocked(path string) bool { return s.at(path, atBlocked) }

// Calls says whether the step's attempt is permitted and not yet dispatched.
func (s State) Calls(path string) bool { return s.at(path, atCall) && !s.steps[path].flight }

func (s State) at(path string, g stage) bool {
	st, ok := s.steps[path]
	return ok && st.stage == g
}

// DryRun says whether the policy wants nothing sent for this step.
func (s State) DryRun(path string) bool {
	st, ok := s.steps[path]
	return ok && st.dryRun
}

// Asking gives the approval or question block whose request is about to be opened:
// its title, and how many it has opened before.
func (s State) Asking(path string) (b *playbook.Block, title string, requests int, ok bool) {
	if !s.at(path, atRequest) {
		return nil, "", 0, false
	}
	st := s.steps[path]
	title, _ = st.input["title"].(string)
	return st.block, title, st.requests, true
}

// Digest is that of the step's last question.
func (s State) Digest(path string) string {
	if st, ok := s.steps[path]; ok {
		return st.digest
	}
	return ""
}

// Attempts is how many attempts of the step were dispatched.
func (s State) Attempts(path string) int {
	if st, ok := s.steps[path]; ok {
		return st.attempts
	}
	return 0
}

// Outcome tells a step's status, why it ended so, and whether it is over.
func (s State) Outcome(path string) (status StepStatus, why string, over bool) {
	st, ok := s.steps[path]
	if !ok {
		return StepPending, "", false
	}
	if st.err != nil {
		why = st.err.Message
	}
	return st.status, why, st.status.Settled()
}

// Halted lists the steps that the kill switch holds back.
func (s State) Halted() []string {
	var out []string
	for _, path := range s.order {
		if s.steps[path].stage == atHalt {
			out = append(out, path)
		}
	}
	return out
}

// Caught lists the ids of the try blocks whose catch lists were begun.
func (s State) Caught() []string {
	var out []string
	for _, path := range s.order {
		if st := s.steps[path]; st.caught {
			out = append(out, st.block.ID)
		}
	}
	return out
}

// Asked gives the step's request and whether it waits for people.
func (s State) Asked(path string) (approval string, pending bool) {
	st, ok := s.step(path)
	if !ok {
		return "", false
	}
	return st.approval, st.stage == atPeople
}

// Started tells when the run began, its inputs' and trigger's origin.
func (s State) Started() (at time.Time, tr Trigger) {
	if s.started != nil {
		at = *s.started
	}
	return at, s.trigger
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func seconds(n int64) time.Duration { return time.Duration(n) * time.Second }
