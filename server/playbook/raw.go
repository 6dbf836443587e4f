package playbook

import (
	"time"

	"github.com/tocsin-soar/tocsin/server/document"
)

// What follows is the language as it is written. The checker reads documents into
// these types, and the JSON Schema that editors complete with is made from them.

type rawPlaybook struct {
	Name        string           `yaml:"name,required" doc:"what it does, in a few words for people"`
	Description string           `yaml:"description" doc:"what it does and when one wants it"`
	Attack      []string         `yaml:"attack" doc:"ATT&CK techniques it answers: T1486, T1059.001"`
	On          *document.Node   `yaml:"on" schema:"triggers" doc:"what starts it"`
	Inputs      *document.Node   `yaml:"inputs" schema:"inputs" doc:"values it is started with: a JSON Schema each, with default or optional"`
	Concurrency *rawConcurrency  `yaml:"concurrency" doc:"how many runs with an equal key go on at once"`
	Timeout     time.Duration    `yaml:"timeout" doc:"bounds a whole run; 24h unless said otherwise, at most 30d"`
	Steps       []*document.Node `yaml:"steps,required" schema:"block" doc:"what it does, from top to bottom"`
	Outputs     *document.Node   `yaml:"outputs" schema:"values" doc:"what a finished run gives: a name and a value each"`
	OnFailure   string           `yaml:"on_failure" enum:"keep undo" doc:"undo takes back the run's effects when it fails or is cancelled; keep leaves them in the ledger"`
	Hunt        map[string]any   `yaml:"hunt" doc:"hypothesis, techniques and queries of a hunt"`
}

type rawConcurrency struct {
	Key   *document.Node `yaml:"key,required" schema:"text" doc:"runs with an equal key count together"`
	Limit int            `yaml:"limit" min:"1" max:"1000" doc:"how many; 1 unless said otherwise"`
	Then  string         `yaml:"then" enum:"queue drop cancel_oldest" doc:"what happens to one too many"`
}

type rawTrigger struct {
	Alert    *document.Node `yaml:"alert" schema:"condition" doc:"a condition (CEL) over alert"`
	Repeat   bool           `yaml:"repeat" doc:"also on repeats of an alert"`
	Priority int            `yaml:"priority" min:"-1000" max:"1000" doc:"the highest first, where several playbooks start"`
	Schedule *rawSchedule   `yaml:"schedule" doc:"by the clock"`
	Manual   *document.Node `yaml:"manual" schema:"manual" doc:"by a person: shows a Run button"`
	Event    *rawEvent      `yaml:"event" doc:"by something that happened in the platform"`
	At       *document.Node `yaml:"at" doc:"once, at a time (RFC 3339)"`
}

type rawEvent struct {
	Subject *document.Node `yaml:"subject,required" schema:"subject" doc:"what happened: alert.closed, run.failed, …"`
	If      *document.Node `yaml:"if" schema:"condition" doc:"a condition (CEL) over event"`
}

type rawSchedule struct {
	Cron     string        `yaml:"cron,required" doc:"five fields, or @hourly, @daily, @weekly, @monthly, @yearly"`
	Timezone string        `yaml:"timezone" doc:"a name like Europe/Vienna; UTC unless said otherwise"`
	Missed   string        `yaml:"missed" enum:"skip once all" doc:"what a missed time means; once unless said otherwise"`
	Overlap  string        `yaml:"overlap" enum:"skip queue allow" doc:"what happens while the last run still goes on; skip unless said otherwise"`
	Jitter   time.Duration `yaml:"jitter" doc:"starts up to so much later, always by the same amount"`
}

type rawManual struct {
	Alert string   `yaml:"alert" enum:"required optional" doc:"required offers it on alerts only"`
	Roles []string `yaml:"roles" doc:"who may start it; empty: everyone who may start runs"`
}

// common are the keys that every block may have.
type common struct {
	ID      *document.Node `yaml:"id" schema:"id" doc:"its name in paths and expressions"`
	Name    string         `yaml:"name" doc:"what it does, for people"`
	If      *document.Node `yaml:"if" schema:"condition" doc:"a condition (CEL): the block is skipped where it does not hold"`
	OnError string         `yaml:"on_error" enum:"fail continue" doc:"continue goes on with the next block when this one fails"`
	Regex   string         `yaml:"regex" enum:"dynamic" doc:"dynamic allows patterns that are not literals"`
}

type rawAction struct {
	common     `yaml:",inline"`
	Action     *document.Node `yaml:"action,required" schema:"action" doc:"integration.action, or a capability"`
	With       *document.Node `yaml:"with" schema:"values" doc:"its parameters"`
	Connection *document.Node `yaml:"connection" doc:"which connection, where there are several"`
	Retry      *rawRetry      `yaml:"retry" doc:"when an attempt that certainly did nothing is repeated"`
	Timeout    time.Duration  `yaml:"timeout" doc:"bounds one attempt; 30s unless said otherwise, at most 1h"`
	For        time.Duration  `yaml:"for" doc:"a lease: it is undone after so long"`
	Undo       *rawUndo       `yaml:"undo" doc:"how it is undone, where the integration's own way does not fit"`
}

type rawUndo struct {
	With *document.Node `yaml:"with,required" schema:"values" doc:"the inverse action's parameters, from input and output"`
}

type rawRetry struct {
	Attempts int           `yaml:"attempts" min:"1" max:"20" doc:"how many in all; 3 unless said otherwise"`
	First    time.Duration `yaml:"first" doc:"the first pause; 2s unless said otherwise"`
	Factor   float64       `yaml:"factor" min:"1" max:"10" doc:"each pause is so many times the last; 2 unless said otherwise"`
	Max      time.Duration `yaml:"max" doc:"the longest pause; 1m unless said otherwise"`
}

type rawIf struct {
	common `yaml:",inline"`
	Then   []*document.Node `yaml:"then,required" schema:"block" doc:"what is done when the condition holds"`
	Else   []*document.Node `yaml:"else" schema:"block" doc:"what is done when it does not"`
}

type rawForEach struct {
	common      `yaml:",inline"`
	ForEach     *document.Node   `yaml:"for_each,required" schema:"list" doc:"a list"`
	As          *document.Node   `yaml:"as" schema:"id" doc:"what an element is called; item unless said otherwise"`
	Do          []*document.Node `yaml:"do,required" schema:"block" doc:"what is done for each element"`
	Concurrency int              `yaml:"concurrency" min:"1" max:"100" doc:"how many at once; 1 unless said otherwise"`
	Limit       int              `yaml:"limit" min:"1" max:"10000" doc:"a longer list is an error; 1000 unless said otherwise"`
	OnItemError string           `yaml:"on_item_error" enum:"stop continue" doc:"stop cancels the rest with the first failure; continue makes the run partial"`
}

type rawParallel struct {
	common   `yaml:",inline"`
	Parallel *document.Node `yaml:"parallel,required" schema:"branches" doc:"named branches that go on at once"`
	WaitFor  *document.Node `yaml:"wait_for" schema:"wait_for" doc:"all (unless said otherwise), any, or a number; the rest is cancelled"`
}

type rawWait struct {
	common `yaml:",inline"`
	Wait   *rawWaitFor `yaml:"wait,required" doc:"for a duration, until a time, for an event or a callback"`
}

type rawWaitFor struct {
	For      *document.Node `yaml:"for" doc:"a duration: 10m, 4h, 7d"`
	Until    *document.Node `yaml:"until" doc:"a time, RFC 3339"`
	Event    *document.Node `yaml:"event" schema:"subject" doc:"something that happens in the platform: alert.closed, run.failed, …"`
	Match    *document.Node `yaml:"match" schema:"condition" doc:"a condition (CEL) over event: others are not what one waits for"`
	Callback *rawCallback   `yaml:"callback" doc:"{}: another system calls POST /api/v1/callbacks/ with the token callbacks.ID"`

	Within    time.Duration  `yaml:"within" doc:"how long one waits for an event or a callback"`
	Otherwise *document.Node `yaml:"otherwise" schema:"values" doc:"the output when nothing came; without it that is the error timeout"`
}

type rawCallback struct{}

type rawQuestion struct {
	common   `yaml:",inline"`
	Question *rawAsk `yaml:"question,required" doc:"a form for a person"`
}

type rawAsk struct {
	Title     *document.Node `yaml:"title,required" schema:"text" doc:"what is asked"`
	To        *document.Node `yaml:"to,required" schema:"people" doc:"who may answer: role:responder, team:night, user:bea"`
	Form      *document.Node `yaml:"form,required" schema:"inputs" doc:"the fields: a JSON Schema each, optional where it may be left empty"`
	Within    time.Duration  `yaml:"within,required" doc:"how long one waits for the answer"`
	Otherwise *document.Node `yaml:"otherwise" schema:"values" doc:"the answer when nobody gives one; without it silence is the error approval_expired"`
}

type rawApproval struct {
	common   `yaml:",inline"`
	Approval *rawAgree `yaml:"approval,required" doc:"people must agree before what follows goes on"`
}

type rawAgree struct {
	Title  *document.Node `yaml:"title,required" schema:"text" doc:"what one agrees to"`
	To     *document.Node `yaml:"to,required" schema:"people" doc:"who may agree: role:responder, team:night, user:bea"`
	Quorum int            `yaml:"quorum" min:"1" max:"10" doc:"how many must; 1 unless said otherwise"`
	Within time.Duration  `yaml:"within,required" doc:"how long one waits; silence is the error approval_expired"`
}

type rawSet struct {
	common `yaml:",inline"`
	Set    *document.Node `yaml:"set,required" schema:"values" doc:"names and values, visible as vars.NAME from here on"`
}

type rawSwitch struct {
	common  `yaml:",inline"`
	Switch  *document.Node   `yaml:"switch" doc:"the value that the cases' is are compared with"`
	Cases   []*document.Node `yaml:"cases,required" schema:"case" doc:"the ways; the first that holds is gone"`
	Default []*document.Node `yaml:"default" schema:"block" doc:"what is done when no case holds; nothing unless said otherwise"`
}

type rawCase struct {
	Is   *document.Node   `yaml:"is" doc:"a value, or a list of values, that switch equals"`
	When *document.Node   `yaml:"when" schema:"condition" doc:"a condition (CEL), instead of is"`
	Do   []*document.Node `yaml:"do,required" schema:"block" doc:"what is done in this case"`
}

type rawWhile struct {
	common `yaml:",inline"`
	While  *document.Node   `yaml:"while,required" schema:"condition" doc:"a condition (CEL), asked before each turn"`
	Do     []*document.Node `yaml:"do,required" schema:"block" doc:"what is done in each turn"`
	Limit  int              `yaml:"limit,required" min:"1" max:"10000" doc:"more turns are the error bound"`
}

type rawTry struct {
	common  `yaml:",inline"`
	Try     []*document.Node `yaml:"try,required" schema:"block" doc:"what may fail"`
	Catch   []*document.Node `yaml:"catch" schema:"block" doc:"what is done when it has failed; error says with what"`
	Finally []*document.Node `yaml:"finally" schema:"block" doc:"what is done in every case, also on cancel"`
}

type rawTakeBack struct {
	common `yaml:",inline"`
	Undo   *rawUndoOf `yaml:"undo,required" doc:"takes back what this run, or one of its steps, has put in force"`
}

type rawUndoOf struct {
	Step *document.Node `yaml:"step" schema:"id" doc:"the id of the step; all of the run unless said otherwise"`
}

type rawTransform struct {
	common    `yaml:",inline"`
	Transform *rawJQ `yaml:"transform,required" doc:"makes another value of a value"`
}

type rawJQ struct {
	Value *document.Node `yaml:"value,required" doc:"the value, . in the program"`
	JQ    *document.Node `yaml:"jq,required" schema:"jq" doc:"a jq program that gives one value"`
}

type rawCall struct {
	common `yaml:",inline"`
	Call   *document.Node `yaml:"call,required" schema:"slug" doc:"another playbook's name: it is done by a run of its own"`
	With   *document.Node `yaml:"with" schema:"values" doc:"its inputs"`
	Detach bool           `yaml:"detach" doc:"true goes on at once and does not hear how it ends"`
}

type rawFail struct {
	common `yaml:",inline"`
	Fail   *document.Node `yaml:"fail,required" schema:"text" doc:"why: ends the run as failed"`
}

type rawReturn struct {
	common `yaml:",inline"`
	Return *document.Node `yaml:"return,required" schema:"values" doc:"outputs: ends the run as succeeded"`
}

// form is how a kind of block is written: the key by which one knows it, and
// where what it says is read into.
type form struct {
	kind Kind
	key  string
	raw  func() any
}

// word is the key by which people look for the block.
func (f form) word() string {
	switch f.key {
	case "then":
		return "if"
	case "cases":
		return "switch"
	}
	return f.key
}

// forms are the blocks of the language that are built.
func forms() []form {
	return []form{
		{KindAction, "action", func() any { return &rawAction{} }},
		{KindForEach, "for_each", func() any { return &rawForEach{} }},
		{KindParallel, "parallel", func() any { return &rawParallel{} }},
		{KindWait, "wait", func() any { return &rawWait{} }},
		{KindQuestion, "question", func() any { return &rawQuestion{} }},
		{KindApproval, "approval", func() any { return &rawApproval{} }},
		{KindSet, "set", func() any { return &rawSet{} }},
		{KindFail, "fail", func() any { return &rawFail{} }},
		{KindReturn, "return", func() any { return &rawReturn{} }},
		{KindSwitch, "cases", func() any { return &rawSwitch{} }},
		{KindWhile, "while", func() any { return &rawWhile{} }},
		{KindTry, "try", func() any { return &rawTry{} }},
		{KindCall, "call", func() any { return &rawCall{} }},
		{KindTransform, "transform", func() any { return &rawTransform{} }},
		{KindUndo, "undo", func() any { return &rawTakeBack{} }},
		{KindIf, "then", func() any { return &rawIf{} }},
	}
}
