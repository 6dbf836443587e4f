package connector

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-soar/tocsin/server/document"
	"github.com/tocsin-soar/tocsin/server/expr"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/ident"
)

// The file as it is written (integrations.md, Manifest).
type (
	manifestFile struct {
		ID         string         `yaml:"id,required" form:"slug"`
		Name       string         `yaml:"name,required"`
		Category   string         `yaml:"category,required" form:"slug"`
		Version    string         `yaml:"version"`
		Docs       string         `yaml:"docs"`
		Tested     string         `yaml:"tested" enum:"server published documented"`
		Native     bool           `yaml:"native"`
		Connection connectionFile `yaml:"connection"`
		Health     *healthFile    `yaml:"health"`
		Actions    *document.Node `yaml:"actions"`
		Alerts     *document.Node `yaml:"alerts"`
	}
	connectionFile struct {
		BaseURL struct {
			Required bool `yaml:"required"`
		} `yaml:"base_url"`
		Auth []*document.Node `yaml:"auth"`
		Rate struct {
			PerSecond float64 `yaml:"per_second" min:"0"`
			Burst     int     `yaml:"burst" min:"0"`
		} `yaml:"rate"`
	}
	healthFile struct {
		Action *document.Node `yaml:"action,required"`
	}
	actionFile struct {
		Title        string         `yaml:"title,required"`
		Description  string         `yaml:"description"`
		Implements   *document.Node `yaml:"implements"`
		Impact       string         `yaml:"impact,required" enum:"read write contain release"`
		Targets      []targetFile   `yaml:"targets"`
		Input        *document.Node `yaml:"input"`
		Request      *document.Node `yaml:"request"`
		Output       *outputFile    `yaml:"output"`
		Errors       []errorFile    `yaml:"errors"`
		Idempotency  *document.Node `yaml:"idempotency"`
		Happened     *happenedFile  `yaml:"happened"`
		Inverse      *inverseFile   `yaml:"inverse"`
		InForce      *probeFile     `yaml:"in_force"`
		Already      *document.Node `yaml:"already"`
		Irreversible bool           `yaml:"irreversible"`
		Redirects    string         `yaml:"redirects" enum:"same_origin"`
		Example      *exampleFile   `yaml:"example"`
	}
	targetFile struct {
		Kind  string         `yaml:"kind,required" form:"name"`
		Value *document.Node `yaml:"value,required"`
	}
	requestFile struct {
		Method     string         `yaml:"method" enum:"GET POST PUT PATCH DELETE"`
		MethodFrom *document.Node `yaml:"method_from"`
		Path       *document.Node `yaml:"path"`
		Paths      []pathFile     `yaml:"paths"`
		Below      *document.Node `yaml:"below"`
		Query      *document.Node `yaml:"query"`
		Headers    *document.Node `yaml:"headers"`
		JSON       *document.Node `yaml:"json"`
		Form       *document.Node `yaml:"form"`
		Body       *document.Node `yaml:"body"`
	}
	pathFile struct {
		If   *document.Node `yaml:"if"`
		Path *document.Node `yaml:"path,required"`
	}
	outputFile struct {
		Schema *document.Node `yaml:"schema,required"`
		Map    *document.Node `yaml:"map"`
		Reply  bool           `yaml:"reply"`
	}
	errorFile struct {
		When    *document.Node `yaml:"when,required"`
		Kind    *document.Node `yaml:"kind,required"`
		Message *document.Node `yaml:"message"`
		Did     string         `yaml:"did" enum:"nothing unknown done"`
	}
	happenedFile struct {
		Action *document.Node `yaml:"action,required"`
		With   *document.Node `yaml:"with"`
		Yes    *document.Node `yaml:"yes,required"`
		Output *document.Node `yaml:"output"`
		Settle time.Duration  `yaml:"settle"`
	}
	inverseFile struct {
		Action *document.Node `yaml:"action,required"`
		With   *document.Node `yaml:"with"`
	}
	probeFile struct {
		Action *document.Node `yaml:"action,required"`
		With   *document.Node `yaml:"with"`
		Yes    *document.Node `yaml:"yes,required"`
	}
	exampleFile struct {
		Input  *document.Node `yaml:"input"`
		Output *document.Node `yaml:"output"`
	}
	alertsFile struct {
		Items  string            `yaml:"items"`
		When   string            `yaml:"when"`
		Closes string            `yaml:"closes"`
		Map    map[string]string `yaml:"map,required"`
	}
)

// maxActions bounds one integration.
const maxActions = 500

// kinds are the words an errors: rule may say.
var kinds = []string{ //nolint:gochecknoglobals // a constant table
	string(fault.InvalidInput), string(fault.Unauthorized), string(fault.Forbidden), string(fault.NotFound), string(fault.Conflict),
	string(fault.RateLimited), string(fault.Unavailable), string(fault.Timeout), string(fault.BadReply), string(fault.TooLarge),
}

// Parse reads and checks a manifest: every mistake of the file at once, each
// with its place. The manifest is nil when one of them is an error.
func Parse(file string, src []byte) (*Manifest, []fault.Problem) {
	root, problems := document.Parse(file, src)
	if root == nil {
		return nil, problems
	}
	p := &parser{root: root, problems: problems, actions: map[string]*parsed{}}
	m := p.manifest()
	if fault.Broken(p.problems) {
		return nil, p.problems
	}
	m.Source, m.SHA256 = slices.Clone(src), ident.Sum(src)
	return m, p.problems
}

// parser collects what one file says and what is wrong with it.
type parser struct {
	root     *document.Node
	problems []fault.Problem
	m        *Manifest
	actions  map[string]*parsed // by id
	order    []*parsed
}

// parsed is an action on its way.
type parsed struct {
	entry  document.Entry
	file   actionFile
	action *Action
	opened bool // its schemas are known: expressions about it can be compiled
}

func (p *parser) say(ps ...fault.Problem) { p.problems = append(p.problems, ps...) }

func (p *parser) decode(n *document.Node, into any) bool {
	ps := document.Decode(n, into)
	p.say(ps...)
	return !fault.Broken(ps)
}

func (p *parser) manifest() *Manifest {
	var f manifestFile
	p.decode(p.root, &f)
	p.m = &Manifest{
		ID: f.ID, Name: f.Name, Category: f.Category, Version: f.Version, Docs: f.Docs, Tested: f.Tested, Native: f.Native,
		BaseURL: f.Connection.BaseURL.Required,
		Rate:    Rate{PerSecond: f.Connection.Rate.PerSecond, Burst: f.Connection.Rate.Burst},
	}
	if f.Docs != "" && !strings.HasPrefix(f.Docs, "https://") {
		p.say(p.root.Get("docs").Problem("bad_value", "docs must be an https:// address", ""))
	}
	for _, n := range f.Connection.Auth {
		p.auth(n)
	}
	if f.Actions == nil && f.Alerts == nil {
		p.say(p.root.Problem("missing_key", "a manifest needs actions or alerts", ""))
	}
	p.open(f.Actions)
	for _, a := range p.order {
		p.compile(a)
	}
	for _, a := range p.order {
		p.relate(a)
	}
	for _, a := range p.order {
		p.example(a)
		p.m.Actions = append(p.m.Actions, a.action)
	}
	p.health(f.Health)
	p.alerts(f.Alerts)
	return p.m
}

// auth reads one way to authenticate: type, name and prefix are the runtime's
// words, every other key is a field of the connection with its label.
func (p *parser) auth(n *document.Node) {
	fields := map[string][]string{
		"none": {}, "basic": {"username", "password"}, "bearer": {"token"}, "header": {"value"}, "query": {"value"},
	}
	types := []string{"none", "basic", "bearer", "header", "query"}
	k := AuthKind{Fields: map[string]string{}}
	if n.Kind != document.Map {
		p.say(n.Problem("wrong_type", "a way to authenticate is a map with a type", "{ type: bearer, token: API token }"))
		return
	}
	if t := n.Get("type"); t == nil || !slices.Contains(types, t.Scalar()) {
		p.say(n.Problem("bad_value", "type must be one of "+strings.Join(types, ", "), fault.Suggest(t.Scalar(), types)))
		return
	}
	k.Type = n.Get("type").Scalar()
	known := append([]string{"type"}, fields[k.Type]...)
	if k.Type == "header" || k.Type == "query" {
		known = append(known, "name", "prefix")
	}
	for _, e := range n.Entries() {
		switch {
		case !slices.Contains(known, e.Key):
			p.say(document.UnknownKey(e, known))
		case e.Value.Kind != document.Text:
			p.say(e.Value.Problem("wrong_type", e.Key+" must be text", ""))
		case e.Key == "type":
		case e.Key == "name":
			k.Name = e.Value.Scalar()
		case e.Key == "prefix":
			k.Prefix = e.Value.Scalar()
		default:
			k.Fields[e.Key] = e.Value.Scalar()
		}
	}
	if k.Name != "" && !headerName(k.Name) {
		p.say(n.Get("name").Problem("bad_value", "name must be one word", ""))
	}
	p.m.Auth = append(p.m.Auth, k)
}

// open reads the actions' heads and schemas, so that one action's expressions can
// refer to another.
func (p *parser) open(n *document.Node) {
	if n == nil {
		return
	}
	if n.Kind != document.Map || len(n.Entries()) > maxActions {
		p.say(n.Problem("wrong_type", fmt.Sprintf("actions is a map from id to action, with at most %d", maxActions), ""))
		return
	}
	for _, e := range n.Entries() {
		a := &parsed{entry: e, action: &Action{ID: e.Key, Integration: p.m.ID, Native: p.m.Native, auth: p.m.Auth}}
		if !ident.Name(e.Key) {
			p.say(e.KeyNode().Problem("bad_name", "an action's id is small letters, digits and _, beginning with a letter, at most 48", ""))
		}
		p.decode(e.Value, &a.file)
		if e.Value.Kind != document.Map {
			continue
		}
		p.head(a)
		p.actions[e.Key] = a
		p.order = append(p.order, a)
	}
}

func (p *parser) head(a *parsed) {
	f, out := a.file, a.action
	out.Title, out.Impact, out.Irreversible = f.Title, Impact(f.Impact), f.Irreversible
	out.Redirects = f.Redirects == "same_origin"
	var ok1, ok2 bool
	out.Input, ok1 = p.schema(f.Input, &out.input, true)
	var output *document.Node
	if f.Output != nil {
		output = f.Output.Schema
	}
	out.Output, ok2 = p.schema(output, &out.output, f.Output != nil && f.Output.Map != nil && f.Output.Map.Kind == document.Map)
	a.opened = ok1 && ok2
	digest, err := ident.Digest(map[string]any{"integration": p.m.ID, "id": a.entry.Key, "action": a.entry.Value.Plain()})
	if err != nil {
		p.say(a.entry.Value.Problem("bad_value", "the action has no digest: "+err.Error(), ""))
	}
	out.SHA256 = digest
}

// health names the action that is asked whether the connection works: a read
// without required input.
func (p *parser) health(f *healthFile) {
	if f == nil || f.Action == nil {
		return
	}
	a := p.action(f.Action)
	if a == nil {
		return
	}
	required, _ := a.action.Input["required"].([]any)
	switch {
	case a.action.Impact != Read:
		p.say(f.Action.Problem("bad_value", "a health check must be a read", ""))
	case len(required) > 0:
		p.say(f.Action.Problem("bad_value", "a health check can have no required input", ""))
	}
	p.m.Health = a.action.ID
}

// action finds the action that a node names.
func (p *parser) action(n *document.Node) *parsed {
	a := p.actions[n.Scalar()]
	if n.Kind != document.Text || a == nil {
		ids := make([]string, len(p.order))
		for i, o := range p.order {
			ids[i] = o.entry.Key
		}
		hint := ""
		if near := fault.Suggest(n.Scalar(), ids); near != "" {
			hint = fmt.Sprintf("did you mean %q?", near)
		}
		p.say(n.Problem("unknown_action", "this integration has no such action", hint))
		return nil
	}
	return a
}

func (p *parser) alerts(n *document.Node) {
	if n == nil {
		return
	}
	var f alertsFile
	if !p.decode(n, &f) {
		return
	}
	p.m.Alerts = &AlertMapping{Items: f.Items, When: f.When, Closes: f.Closes, Map: f.Map}
	p.say(checkAlerts(n, *p.m.Alerts)...)
}

// scope is what the request's expressions see.
func requestScope(a *Action) *expr.Scope {
	return expr.NewScope().With("input", expr.SchemaType(a.Input)).With("key", expr.String).
		With("connection", expr.Object(map[string]expr.Type{"name": expr.String, "base_url": expr.String, "environment": expr.String}))
}

// replyScope is what output.map and errors see besides.
func replyScope(a *Action) *expr.Scope {
	return requestScope(a).With("status", expr.Int).With("headers", expr.Map(expr.String)).With("body", expr.Dyn)
}
