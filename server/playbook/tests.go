package playbook

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-soar/tocsin/server/document"
	"github.com/tocsin-soar/tocsin/server/fault"
)

// TestFile is NAME.test.yaml beside a playbook (language.md, Tests).
type TestFile struct {
	Playbook string `yaml:"playbook,required" form:"slug" doc:"the playbook's name"`
	// Capabilities says which integration fulfils what, for all cases. Calls,
	// replies and effects name its actions: range-edr.isolate_host.
	Capabilities map[string]string `yaml:"capabilities" doc:"which integration fulfils a capability, for all cases"`
	Cases        []Case            `yaml:"cases,required" doc:"one run each"`
}

// Case is one run with its replies, its people, and what must come of it.
type Case struct {
	Name    string         `yaml:"name,required" doc:"a sentence about what must hold"`
	Alert   *TestAlert     `yaml:"alert" doc:"the alert that starts the run; without it a person or the schedule does"`
	Inputs  map[string]any `yaml:"inputs" doc:"values for the inputs"`
	Replies Replies        `yaml:"replies" schema:"replies" doc:"what actions answer: one reply for every call, or a list, one for each call in order; others answer their manifest's example"`
	People  []TestPerson   `yaml:"people" doc:"who answers what, and when"`
	Events  []TestEvent    `yaml:"events" doc:"what reaches waits for events and callbacks"`
	Given   Given          `yaml:"given" doc:"the world around, where it differs from the usual"`
	AtEnd   string         `yaml:"at_end" enum:"run leases" doc:"leases plays until the last lease has ended; run (the default) until the run has"`
	Expect  Expect         `yaml:"expect,required" doc:"what must have happened"`

	Line int `yaml:"-"`
}

// TestAlert is a recorded payload with its mapping, or the fields themselves.
type TestAlert struct {
	Fixture string         `yaml:"fixture" doc:"a JSON file, its path beginning at the test's folder"`
	Mapping string         `yaml:"mapping" doc:"the integration whose mapping reads it; generic by default"`
	Fields  map[string]any `yaml:"fields" doc:"instead of a fixture: the payload, written out"`
}

// Replies are what actions answer, by integration.action.
type Replies map[string][]TestReply

// TestReply is one answer. Exactly one of the two is meant: Error nil is a
// success with Output.
type TestReply struct {
	Output any        `yaml:"output" doc:"checked against the action's output schema"`
	Error  *TestError `yaml:"error" doc:"the attempt fails"`

	Line int `yaml:"-"`
}

// TestError is how an attempt fails.
type TestError struct {
	Kind    string `yaml:"kind,required" enum:"invalid_input unauthorized forbidden not_found conflict rate_limited unavailable timeout cancelled denied approval_denied approval_expired in_doubt egress_denied redirect_refused bad_reply too_large expression bound internal" doc:"an error.kind"`
	Message string `yaml:"message" doc:"its words"`
	Did     string `yaml:"did" enum:"nothing unknown done" doc:"what the attempt did; by the kind unless said otherwise"`
}

// TestEvent reaches a wait for an event or a callback.
type TestEvent struct {
	Wait  string        `yaml:"wait,required" doc:"the step that waits: its id or path"`
	Body  any           `yaml:"body" doc:"of the callback, or the event: { data: { … } }"`
	After time.Duration `yaml:"after" doc:"how long after the step began to wait"`
}

// TestPerson answers an approval or a question.
type TestPerson struct {
	Approval string         `yaml:"approval" doc:"the step whose approval is meant: its id or path"`
	Question string         `yaml:"question" doc:"the step whose question is meant: its id or path"`
	Decision string         `yaml:"decision" enum:"approve deny" doc:"of an approval"`
	Answer   map[string]any `yaml:"answer" doc:"of a question"`
	By       string         `yaml:"by,required" doc:"a log-in name"`
	Roles    []string       `yaml:"roles" doc:"of that person"`
	Teams    []string       `yaml:"teams" doc:"of that person"`
	Comment  string         `yaml:"comment" doc:"what they say"`
	After    time.Duration  `yaml:"after" doc:"how long they take"`

	Line int `yaml:"-"`
}

// Given is the world around a case; its zero value is the usual one.
type Given struct {
	Connections []TestConnection `yaml:"connections" doc:"instead of one for each integration, in production"`
	Assets      []TestAsset      `yaml:"assets" doc:"hosts, addresses and users with tags"`
	Reviewed    *bool            `yaml:"reviewed" doc:"whether a second person has published the playbook; true unless said otherwise"`
	Facts       map[string]any   `yaml:"facts" doc:"what is in force and was made already, as the policy's input has it"`
	Now         string           `yaml:"now" doc:"when the run starts; 2026-01-05T10:00:00Z unless said otherwise"`
}

// TestConnection is a connection of a case.
type TestConnection struct {
	Name        string   `yaml:"name,required" form:"slug" doc:"its name"`
	Integration string   `yaml:"integration,required" form:"slug" doc:"what it is a connection to"`
	Environment string   `yaml:"environment" doc:"production unless said otherwise"`
	Tags        []string `yaml:"tags" doc:"for the policy"`
	Idempotent  bool     `yaml:"idempotent" doc:"whether the other side honours idempotency keys"`
}

// TestAsset is something that actions touch.
type TestAsset struct {
	Name    string   `yaml:"name,required" doc:"as actions name it"`
	Aliases []string `yaml:"aliases" doc:"other names"`
	Kind    string   `yaml:"kind" doc:"host, user, ip, …"`
	Tags    []string `yaml:"tags" doc:"for the policy: protected, critical, …"`
	Owner   string   `yaml:"owner" doc:"who is asked about it"`
}

// Expect is what must have happened; what is not named is not looked at. "*"
// stands for any value.
type Expect struct {
	Status  string            `yaml:"status" enum:"succeeded failed cancelled waiting" doc:"of the run"`
	Partial *bool             `yaml:"partial" doc:"whether a loop went on over failures"`
	Calls   []ExpectCall      `yaml:"calls" doc:"the attempts in order, all of them"`
	Effects []ExpectEffect    `yaml:"effects" doc:"the effects, all of them"`
	Outputs map[string]any    `yaml:"outputs" doc:"of the run"`
	Steps   map[string]string `yaml:"steps" enum:"pending running waiting retrying succeeded failed skipped cancelled in_doubt" doc:"statuses by path"`
	Error   *ExpectError      `yaml:"error" doc:"of the run"`
}

// ExpectCall is a number of attempts of one action, one behind the other.
type ExpectCall struct {
	Action     string         `yaml:"action,required" doc:"integration.action"`
	Times      *int           `yaml:"times" min:"1" max:"100000" doc:"1 unless said otherwise"`
	With       map[string]any `yaml:"with" doc:"parameters that must be so; others are not looked at"`
	Connection string         `yaml:"connection" doc:"which"`

	Line int `yaml:"-"`
}

// ExpectEffect is an effect in the ledger.
type ExpectEffect struct {
	Action    string         `yaml:"action,required" doc:"integration.action"`
	Status    string         `yaml:"status" enum:"in_force undoing undone undo_failed in_doubt foreign drifted" doc:"in_force unless said otherwise"`
	ExpiresIn *time.Duration `yaml:"expires_in" doc:"after it was made"`

	Line int `yaml:"-"`
}

// ExpectError is what a run failed with.
type ExpectError struct {
	Kind    string `yaml:"kind" doc:"an error.kind"`
	Step    string `yaml:"step" doc:"the path of the step that failed"`
	Message string `yaml:"message" doc:"a part of its words"`
}

// DecodeNode reads one reply or a list of them for each action.
func (r *Replies) DecodeNode(n *document.Node) []fault.Problem {
	if n.Kind != document.Map {
		return []fault.Problem{n.Problem("wrong_type", "replies must be a map from actions to replies", "jira.create_issue: { output: { … } }")}
	}
	*r = Replies{}
	var ps []fault.Problem
	for _, e := range n.Entries() {
		items := e.Value.Items()
		if e.Value.Kind == document.Map {
			items = []*document.Node{e.Value}
		}
		if len(items) == 0 {
			ps = append(ps, e.Value.Problem("wrong_type", "a reply is { output: … } or { error: { kind: … } }, or a list of them", ""))
		}
		for _, i := range items {
			reply := TestReply{Line: i.Line}
			ps = append(ps, document.DecodeAs(i, &reply, "a reply")...)
			if i.Kind == document.Map && i.Has("output") == i.Has("error") {
				ps = append(ps, i.Problem("bad_value", "a reply has either an output or an error", ""))
			}
			(*r)[e.Key] = append((*r)[e.Key], reply)
		}
	}
	return ps
}

// ParseTests reads NAME.test.yaml. What the cases name (actions, fixtures, steps)
// is checked by who runs them; all problems of the file itself are given.
func ParseTests(file string, src []byte) (*TestFile, []fault.Problem) {
	root, ps := document.Parse(file, src)
	if root == nil {
		return nil, ps
	}
	var out TestFile
	ps = append(ps, document.Decode(root, &out)...)
	if root.Has("cases") && len(root.Get("cases").Items()) == 0 {
		ps = append(ps, root.Get("cases").Problem("no_cases", "a test needs at least one case", ""))
	}
	names := map[string]int{}
	for i, n := range root.Get("cases").Items() {
		if i >= len(out.Cases) {
			break
		}
		ps = append(ps, out.Cases[i].check(n)...)
		name := out.Cases[i].Name
		if line, twice := names[name]; twice && name != "" {
			ps = append(ps, n.Problem("duplicate_name", fmt.Sprintf("the case of line %d has the same name", line), ""))
		}
		names[name] = n.Line
	}
	slices.SortStableFunc(ps, func(a, b fault.Problem) int { return a.Line - b.Line })
	if fault.Broken(ps) {
		return nil, ps
	}
	return &out, ps
}

// check looks at what the types cannot say, and notes the lines.
func (c *Case) check(n *document.Node) []fault.Problem {
	var ps []fault.Problem
	c.Line = n.Line
	if c.AtEnd == "" {
		c.AtEnd = "run"
	}
	if a := n.Get("alert"); a != nil && c.Alert != nil {
		ps = append(ps, c.Alert.check(a)...)
	}
	for i, p := range n.Get("people").Items() {
		if i < len(c.People) {
			c.People[i].Line = p.Line
			ps = append(ps, c.People[i].check(p)...)
		}
	}
	expect := n.Get("expect")
	for i, e := range expect.Get("calls").Items() {
		if i < len(c.Expect.Calls) {
			c.Expect.Calls[i].Line = e.Line
		}
	}
	for i, e := range expect.Get("effects").Items() {
		if i < len(c.Expect.Effects) {
			c.Expect.Effects[i].Line = e.Line
		}
	}
	if expect.Kind == document.Map && len(expect.Entries()) == 0 {
		ps = append(ps, expect.Problem("no_value", "this case expects nothing, so it cannot fail", "expect: { status: succeeded }"))
	}
	if now := n.Get("given").Get("now"); now != nil {
		if _, err := time.Parse(time.RFC3339, now.Scalar()); err != nil {
			ps = append(ps, now.Problem("bad_value", "now is no time", "RFC 3339: 2026-01-05T10:00:00Z"))
		}
	}
	return ps
}

func (a *TestAlert) check(n *document.Node) []fault.Problem {
	var ps []fault.Problem
	if n.Has("fixture") == n.Has("fields") {
		ps = append(ps, n.Problem("bad_value", "an alert needs either a fixture or fields", "alert: { fixture: testdata/x.json, mapping: generic }"))
	}
	if f := n.Get("fixture"); f != nil && !inside(f.Scalar()) {
		ps = append(ps, f.Problem("bad_value", "a fixture lies in the test's folder or below it", "testdata/NAME.json"))
	}
	if a.Mapping == "" {
		a.Mapping = "generic"
	}
	return ps
}

func (p TestPerson) check(n *document.Node) []fault.Problem {
	switch {
	case n.Has("approval") == n.Has("question"):
		return []fault.Problem{n.Problem("bad_value", "a person answers either an approval or a question", "")}
	case n.Has("approval") && !n.Has("decision"):
		return []fault.Problem{n.Problem("missing_key", "an approval needs a decision", "decision: approve, or deny")}
	case n.Has("question") && !n.Has("answer"):
		return []fault.Problem{n.Problem("missing_key", "a question needs an answer", "answer: { field: value }")}
	case n.Has("approval") && n.Has("answer"), n.Has("question") && n.Has("decision"):
		return []fault.Problem{n.Problem("bad_value", "an approval has a decision, a question an answer", "")}
	}
	return nil
}

// inside says whether a path stays in the folder it begins at.
func inside(path string) bool {
	if path == "" || strings.HasPrefix(path, "/") || strings.ContainsAny(path, "\\\x00") {
		return false
	}
	return !slices.Contains(strings.Split(path, "/"), "..")
}
