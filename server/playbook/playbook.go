// Package playbook is the playbook document: parse it, check it, name its
// steps.
package playbook

import (
	"time"

	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/expr"
)

// Kind of a block.
type Kind string

// The kinds of blocks (language.md, Blocks).
const (
	KindAction   Kind = "action"
	KindIf       Kind = "if"
	KindForEach  Kind = "for_each"
	KindParallel Kind = "parallel"
	KindWait     Kind = "wait"
	KindQuestion Kind = "question"
	KindApproval Kind = "approval"
	KindSet      Kind = "set"
	KindFail     Kind = "fail"
	KindReturn   Kind = "return"
	KindSwitch   Kind = "switch"
	KindWhile    Kind = "while"
	KindTry      Kind = "try"
	KindUndo     Kind = "undo"

	KindTransform Kind = "transform"
	KindCall      Kind = "call"
)

// Playbook is one checked file.
type Playbook struct {
	Slug        string // the file's name without .yaml: its name for programs
	Name        string
	Description string
	Attack      []string
	Triggers    []Trigger
	Inputs      []Input // in document order
	Concurrency *Concurrency
	Timeout     time.Duration // 24h unless said otherwise
	Steps       []*Block
	Outputs     []Named // in document order
	Undo        bool    // on_failure: undo
	Hunt        map[string]any

	Source []byte
	SHA256 string // hex, of Source
}

// Trigger is one element of on:. Exactly one of the pointers is set.
type Trigger struct {
	Alert    *AlertTrigger
	Schedule *ScheduleTrigger
	Manual   *ManualTrigger
	Event    *EventTrigger
	At       *time.Time // once
	Line     int
}

// EventTrigger starts it on an event of the platform for which If holds.
type EventTrigger struct {
	Subject string
	If      *expr.Expr // over event; nil: on every one
}

// AlertTrigger starts the playbook on alerts for which If holds.
type AlertTrigger struct {
	If       *expr.Expr
	Repeat   bool
	Priority int
}

// ScheduleTrigger starts it by the clock.
type ScheduleTrigger struct {
	Cron     string
	Timezone string // IANA name, "UTC" by default
	Missed   string // skip, once (default) or all
	Overlap  string // skip (default), queue or allow
	Jitter   time.Duration
}

// ManualTrigger shows a Run button.
type ManualTrigger struct {
	AlertRequired bool
	Roles         []string
}

// Input is one declared input with its JSON Schema.
type Input struct {
	Name     string
	Schema   map[string]any // without default and optional
	Default  *expr.Value    // nil: none
	Optional bool
}

// Concurrency bounds runs with equal keys.
type Concurrency struct {
	Key   *expr.Value
	Limit int
	Then  string // queue, drop or cancel_oldest
}

// Named is a name with a value, in document order.
type Named struct {
	Name  string
	Value *expr.Value
}

// Block is one node of the document.
type Block struct {
	ID      string // given, or its kind and number (if1)
	Given   bool   // the id stands in the text
	Name    string
	Kind    Kind
	Line    int
	Column  int
	If      *expr.Expr // the guard of any block; the condition of an if block
	OnError string     // fail (default) or continue

	Action   *Action
	Then     []*Block // of an if block
	Else     []*Block
	ForEach  *ForEach
	Parallel *Parallel
	Wait     *Wait
	Question *Question
	Approval *Approval
	Set      []Named
	Fail     *expr.Value // the message
	Return   []Named
	Switch   *Switch
	While    *While
	Try      *Try
	Undo     *Undo

	Transform *Transform
	Call      *Call
}

// Action calls an integration's action.
type Action struct {
	Ref        string            // integration.action
	Action     *connector.Action // as loaded; pinned by its digest
	Connection string            // "" means the default one of the integration
	With       *expr.Value       // gives a map
	Retry      *Retry            // nil: the defaults of language.md
	Timeout    time.Duration     // of one attempt; 30s unless said otherwise
	For        time.Duration     // lease; 0: none
	UndoWith   *expr.Value       // overrides the inverse's parameters; nil: none
}

// Retry is when an attempt that certainly did nothing is repeated.
type Retry struct {
	Attempts int
	First    time.Duration
	Factor   float64
	Max      time.Duration
}

// ForEach runs Do for each item.
type ForEach struct {
	Items       *expr.Value
	As          string // "item" by default
	Do          []*Block
	Concurrency int  // 1 by default
	Limit       int  // 1,000 by default
	Continue    bool // on_item_error: continue
}

// Parallel runs named branches.
type Parallel struct {
	Branches []Branch // in document order
	WaitFor  int      // how many branches must succeed; len(Branches) for all, 1 for any
}

// Branch of a parallel block.
type Branch struct {
	Name  string
	Steps []*Block
}

// Wait sleeps for a duration, until a moment, until an event or a call from outside;
// exactly one of the first four is set.
type Wait struct {
	For      *expr.Value // gives duration text ("10m")
	Until    *expr.Value // gives RFC 3339 text
	Event    string      // subject
	Callback bool

	Match     *expr.Expr    // of an event, over event; nil: any
	Within    time.Duration // of an event or a callback
	Otherwise *expr.Value   // the output when nothing came; nil: that is the error timeout
}

// Question asks a person to fill a form.
type Question struct {
	Title     *expr.Value
	To        []string       // role:x, team:y, user:z
	Form      map[string]any // field → JSON Schema with `optional`
	Fields    []string       // in document order
	Within    time.Duration
	Otherwise *expr.Value // nil: silence is the error approval_expired
}

// Approval is a block at which people must agree.
type Approval struct {
	Title  *expr.Value
	To     []string
	Quorum int
	Within time.Duration
}

// Others is what a Catalog may know besides: the other playbooks. Without it what is
// called is not checked.
type Others interface {
	// Outline gives a playbook in force by its slug.
	Outline(slug string) (Outline, bool)
	// Slugs lists them, for suggestions.
	Slugs() []string
}

// Catalog is what the checker knows of the outside.
type Catalog interface {
	// Action finds an action by "integration.action".
	Action(ref string) (*connector.Action, bool)
	// Actions lists all references, sorted, for suggestions.
	Actions() []string
	// Connections lists the names of the connections of an integration, the
	// default one first; empty where none is configured.
	Connections(integration string) []string
}
