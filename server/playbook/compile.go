package playbook

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/tocsin-soar/tocsin/server/document"
	"github.com/tocsin-soar/tocsin/server/expr"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/ident"
)

// The defaults and bounds of the language.
const (
	defaultRun     = 24 * time.Hour
	longestRun     = 30 * 24 * time.Hour
	defaultAttempt = 30 * time.Second
	longestAttempt = time.Hour
	longestLease   = 366 * 24 * time.Hour
	longestPause   = 15 * time.Minute
	defaultLimit   = 1000
	maxBlocks      = 2000
	maxExpressions = 4000
	maxProblems    = 500
)

// compiler is the state of one check.
type compiler struct {
	catalog  Catalog
	playbook *Playbook
	problems []fault.Problem

	drafts   []*draft          // in document order
	byID     map[string]*draft // the first block with each id
	nullable bool              // a run may have no alert

	base        *expr.Scope // every name outside loops, as known so far
	loops       []loop      // the for_each blocks around
	current     int         // the place in document order of the block that is checked
	varType     map[string]expr.Type
	inputs      map[string]*document.Node // where each was declared
	vars        map[string]*document.Node
	used        map[string]bool // "inputs.x", "vars.x"; "inputs" and "vars" for all of them
	expressions int             // compiled so far
	regex       bool            // patterns need not be literals here
	catching    int             // the catch lists around
	finally     int             // the finally lists around
}

// loop is a for_each or while block around what is being checked.
type loop struct {
	id   string
	as   string // "" in a while
	item expr.Type
}

// Compile reads and checks a playbook. All problems are given at once, ordered by
// place, each with line, column and a hint; the playbook is nil when one of them is
// an error. slug is its name for programs: the file's name without .yaml.
func Compile(slug, file string, src []byte, c Catalog) (*Playbook, []fault.Problem) {
	p, problems := Sketch(slug, file, src, c)
	if fault.Broken(problems) {
		return nil, problems
	}
	return p, problems
}

// Sketch is Compile that gives the playbook beside errors too, as far as it could
// be read: to be drawn, never to be run. It is nil where the file is no YAML.
func Sketch(slug, file string, src []byte, c Catalog) (*Playbook, []fault.Problem) {
	root, problems := document.Parse(file, src)
	if root == nil {
		return nil, problems
	}
	k := &compiler{
		catalog: c, problems: problems, byID: map[string]*draft{},
		varType: map[string]expr.Type{}, inputs: map[string]*document.Node{}, vars: map[string]*document.Node{},
		used:     map[string]bool{},
		playbook: &Playbook{Slug: slug, Source: slices.Clone(src), SHA256: ident.Sum(src)},
	}
	if !ident.Slug(slug) {
		k.add(root.Problem("bad_name", fmt.Sprintf("a playbook cannot be named %q", slug), "small letters, digits and hyphens, at most 64; the file is called NAME.yaml"))
	}
	k.whole(root)
	return k.playbook, k.sorted()
}

func (k *compiler) add(ps ...fault.Problem) { k.problems = append(k.problems, ps...) }

// sorted gives the problems by place, each once.
func (k *compiler) sorted() []fault.Problem {
	slices.SortStableFunc(k.problems, func(a, b fault.Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Severity, b.Severity), cmp.Compare(a.Code, b.Code))
	})
	out := slices.Compact(k.problems)
	if len(out) > maxProblems {
		out = out[:maxProblems]
	}
	return out
}

func (k *compiler) whole(root *document.Node) {
	raw := rawPlaybook{Timeout: defaultRun, OnFailure: "keep"}
	k.add(document.Decode(root, &raw)...)
	p := k.playbook
	p.Name, p.Description, p.Attack = raw.Name, raw.Description, raw.Attack
	p.Timeout, p.Undo, p.Hunt = raw.Timeout, raw.OnFailure == "undo", raw.Hunt
	k.between(root, "timeout", raw.Timeout, time.Second, longestRun)
	if root.Has("name") && raw.Name == "" && root.Get("name").Kind == document.Text {
		k.add(root.Get("name").Problem("no_value", "name has no value", ""))
	}
	k.attack(root.Get("attack"))
	k.triggers(root, raw.On)
	k.base = expr.NewScope().With("alert", k.alertType(false)).With("run", expr.RunType()).With("now", expr.Timestamp)
	k.declareInputs(raw.Inputs)
	if raw.Concurrency != nil {
		k.concurrency(root, raw.Concurrency)
	}
	k.draftAll(raw.Steps)
	if root.Has("steps") && root.Get("steps").Kind == document.List && len(raw.Steps) == 0 {
		k.add(root.Get("steps").Problem("no_steps", "a playbook needs at least one step", ""))
	}
	top := k.tops()
	end := k.flow(top, newFacts())
	p.Steps = blocksOf(top)
	k.current = len(k.drafts)
	p.Outputs = k.named(raw.Outputs, end)
	k.checkReturns(raw.Outputs)
	k.unused()
}

var technique = regexp.MustCompile(`^T[0-9]{4}(\.[0-9]{3})?$`)

func (k *compiler) attack(n *document.Node) {
	for _, item := range n.Items() {
		if item.Kind == document.Text && !technique.MatchString(item.Scalar()) {
			k.add(item.Problem("bad_value", fmt.Sprintf("%q is no ATT&CK technique", item.Scalar()), "for example T1486 or T1059.001"))
		}
	}
}

// between bounds a duration that stands in the document.
func (k *compiler) between(n *document.Node, key string, d, least, most time.Duration) {
	if !n.Has(key) {
		return
	}
	if k := n.Get(key).Kind; k != document.Text && k != document.Int {
		return // said already
	}
	at := n.Get(key)
	if _, err := document.ParseDuration(at.Scalar()); err != nil {
		return
	}
	switch {
	case d < least:
		k.add(at.Problem("out_of_range", fmt.Sprintf("%s must be at least %s", key, document.FormatDuration(least)), ""))
	case d > most:
		k.add(at.Problem("out_of_range", fmt.Sprintf("%s may be at most %s", key, document.FormatDuration(most)), ""))
	}
}

// alertType is the alert's type where it is sure that there is one, or not.
func (k *compiler) alertType(sure bool) expr.Type {
	if k.nullable && !sure {
		return expr.Nullable(expr.AlertType())
	}
	return expr.AlertType()
}

func (k *compiler) concurrency(root *document.Node, raw *rawConcurrency) {
	if !root.Get("concurrency").Has("limit") {
		raw.Limit = 1
	}
	if raw.Then == "" {
		raw.Then = "queue"
	}
	c := &Concurrency{Limit: raw.Limit, Then: raw.Then}
	if raw.Key != nil {
		c.Key = k.value(raw.Key, newFacts(), map[string]any{"type": []any{"string", "integer", "number", "boolean"}})
	}
	k.playbook.Concurrency = c
}

// unused warns of inputs and vars that nothing reads.
func (k *compiler) unused() {
	for name, n := range k.inputs {
		if !k.used["inputs"] && !k.used["inputs."+name] {
			k.add(n.Warning("unused", fmt.Sprintf("the input %q is never read", name), "read it as inputs."+name+", or remove it"))
		}
	}
	for name, n := range k.vars {
		if !k.used["vars"] && !k.used["vars."+name] {
			k.add(n.Warning("unused", fmt.Sprintf("vars.%s is never read", name), "remove it"))
		}
	}
}
