package connector

import (
	"maps"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/tocsin-soar/tocsin/server/document"
	"github.com/tocsin-soar/tocsin/server/expr"
	"github.com/tocsin-soar/tocsin/server/fault"
)

// schema reads a JSON Schema. One of an object that lists its properties is
// closed where it does not say: what nobody declared is a mistake. A missing one
// takes an empty object as input, anything as output.
func (p *parser) schema(n *document.Node, into **jsonschema.Schema, closed bool) (map[string]any, bool) {
	s := map[string]any{}
	if n != nil {
		got, ok := n.Plain().(map[string]any)
		if !ok {
			p.say(n.Problem("wrong_type", "a JSON Schema is a map", "{ type: object, properties: … }"))
			return nil, false
		}
		s = got
	}
	if _, has := s["type"]; closed && !has {
		s["type"] = "object"
	}
	if _, says := s["additionalProperties"]; closed && !says && s["type"] == "object" && (n == nil || s["properties"] != nil) {
		s["additionalProperties"] = false
	}
	compiled, err := CompileSchema(s)
	if err != nil {
		p.say(place(n, p.root).Problem("bad_schema", "the JSON Schema does not compile: "+firstLine(err), ""))
		return nil, false
	}
	*into = compiled
	return s, p.sinks(n)
}

func place(n, or *document.Node) *document.Node {
	if n == nil {
		return or
	}
	return n
}

func firstLine(err error) string {
	lines := strings.Split(strings.TrimSpace(err.Error()), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}

// sinks looks for misspelt x- words in a schema: one that is not known would
// protect nothing.
func (p *parser) sinks(n *document.Node) bool {
	ok := true
	known := []string{"path", "header", "query", "kql", "spl", "lucene", "esql", "ldap", "sql", "sh"}
	for _, e := range n.Entries() {
		switch {
		case e.Key == "x-sink" && !slices.Contains(known, e.Value.Scalar()):
			p.say(e.Value.Problem("bad_value", "x-sink must be one of "+strings.Join(known, ", "), ""))
			ok = false
		case strings.HasPrefix(e.Key, "x-") && e.Key != "x-sink" && e.Value.Kind != document.Map:
			p.say(document.UnknownKey(e, []string{"x-sink"}))
			ok = false
		case e.Key != "default" && e.Key != "const" && e.Key != "enum" && e.Key != "examples":
			ok = p.sinks(e.Value) && ok
		}
	}
	for _, it := range n.Items() {
		ok = p.sinks(it) && ok
	}
	return ok
}

// compile reads what an action says with its own schemas alone.
func (p *parser) compile(a *parsed) {
	if !a.opened {
		return
	}
	p.implements(a)
	p.targets(a)
	p.request(a)
	p.output(a)
	p.rules(a)
	p.idempotency(a)
	if a.file.Already != nil {
		scope := expr.NewScope().With("output", expr.SchemaType(a.action.Output))
		a.action.Already = p.value(a.file.Already, scope, map[string]any{"type": "boolean"})
	}
	if a.action.Redirects && a.action.Impact != Read {
		p.say(a.entry.Value.Get("redirects").Problem("bad_value", "only a read may follow redirects", ""))
	}
}

// value compiles a template and looks at what it reads of the input.
func (p *parser) value(n *document.Node, s *expr.Scope, schema map[string]any) *expr.Value {
	v, ps := document.Value(n, s, schema)
	// What another system answers has no schema: that its values are dyn is no news,
	// the output's schema checks them.
	p.say(slices.DeleteFunc(ps, func(q fault.Problem) bool { return q.Code == "dyn" })...)
	return v
}

func (p *parser) targets(a *parsed) {
	scope := expr.NewScope().With("input", expr.SchemaType(a.action.Input))
	for _, t := range a.file.Targets {
		if t.Value == nil {
			continue
		}
		v := p.value(t.Value, scope, nil)
		if v == nil {
			continue
		}
		if _, fixed := v.Static(); fixed {
			p.say(t.Value.Problem("bad_value", "a target must be read from the input", `write it as "${{ input.host }}"`))
		}
		a.action.Targets = append(a.action.Targets, Target{Kind: t.Kind, Value: v})
	}
	if a.action.Impact == Contain && len(a.file.Targets) == 0 {
		p.say(a.entry.KeyNode().Problem("missing_key", "a contain action must name its targets",
			`targets: [{ kind: host, value: "${{ input.host }}" }]`))
	}
}

func (p *parser) request(a *parsed) {
	n := a.file.Request
	switch {
	case p.m.Native && n != nil:
		p.say(n.Problem("unknown_key", "a native integration's actions have no request", ""))
		return
	case p.m.Native:
		return
	case n == nil:
		p.say(a.entry.KeyNode().Problem("missing_key", "the action needs a request", ""))
		return
	}
	var f requestFile
	if !p.decode(n, &f) {
		return
	}
	r, scope := &Request{Method: f.Method}, requestScope(a.action)
	p.method(a, n, f, r)
	p.path(a, n, f, r, scope)
	mapOf := func(sink expr.Sink) map[string]any {
		return map[string]any{"type": "object", "additionalProperties": map[string]any{"x-sink": string(sink)}}
	}
	compile := func(n *document.Node, schema map[string]any) *expr.Value {
		if n == nil {
			return nil
		}
		v := p.value(n, scope, schema)
		p.absent(n, v, a.action)
		return v
	}
	r.Query = compile(f.Query, mapOf(expr.SinkQuery))
	r.Headers = compile(f.Headers, mapOf(expr.SinkHeader))
	r.JSON = compile(f.JSON, nil)
	r.Form = compile(f.Form, mapOf(expr.SinkQuery))
	r.Body = compile(f.Body, nil)
	p.headersOf(f.Headers, a.action)
	if f.Form != nil && (f.JSON != nil || f.Body != nil) {
		p.say(n.Problem("bad_value", "a request has form or json and body, not all", ""))
	}
	a.action.Request = r
}

func (p *parser) method(a *parsed, n *document.Node, f requestFile, r *Request) {
	if f.MethodFrom == nil {
		if f.Method == "" {
			p.say(n.Problem("missing_key", "a request needs a method", "GET, POST, PUT, PATCH or DELETE"))
		}
		return
	}
	prop := property(a.action.Input, f.MethodFrom.Scalar())
	allowed, _ := prop["enum"].([]any)
	for _, m := range allowed {
		if s, ok := m.(string); !ok || !slices.Contains(methods, s) {
			allowed = nil
			break
		}
	}
	if len(allowed) == 0 {
		p.say(f.MethodFrom.Problem("bad_value", "method_from names an input whose enum lists methods", ""))
		return
	}
	r.MethodFrom = f.MethodFrom.Scalar()
	if _, has := prop["default"]; r.Method == "" && !has && !required(a.action.Input, r.MethodFrom) {
		p.say(f.MethodFrom.Problem("missing_key", "the input that names the method must be required or have a default", ""))
	}
}

func (p *parser) path(a *parsed, n *document.Node, f requestFile, r *Request, scope *expr.Scope) {
	one := func(n *document.Node) *expr.Value {
		v := p.value(n, scope, map[string]any{"type": "string", "x-sink": "path"})
		p.absent(n, v, a.action)
		return v
	}
	given := 0
	for _, is := range []bool{f.Path != nil, len(f.Paths) > 0, f.Below != nil} {
		if is {
			given++
		}
	}
	switch {
	case given != 1:
		p.say(n.Problem("missing_key", "a request has either path or paths or below", ""))
	case f.Below != nil:
		prop := property(a.action.Input, f.Below.Scalar())
		if prop["x-sink"] != "path" || !required(a.action.Input, f.Below.Scalar()) {
			p.say(f.Below.Problem("bad_value", "below names a required input with x-sink: path", ""))
			return
		}
		r.Below = f.Below.Scalar()
	case f.Path != nil:
		r.Path = one(f.Path)
	default:
		p.paths(f.Paths, r, scope, one)
	}
}

// paths are tried in order; the last one takes what is left.
func (p *parser) paths(fs []pathFile, r *Request, scope *expr.Scope, one func(*document.Node) *expr.Value) {
	for i, f := range fs {
		last := i == len(fs)-1
		switch {
		case f.Path == nil:
			continue
		case last != (f.If == nil):
			p.say(f.Path.Problem("bad_value", "every path but the last has an if", ""))
			continue
		}
		c := Path{Path: one(f.Path)}
		if f.If != nil {
			e, ps := document.Condition(f.If, scope)
			p.say(ps...)
			c.If = e
		}
		r.Paths = append(r.Paths, c)
	}
}

func property(schema map[string]any, name string) map[string]any {
	props, _ := schema["properties"].(map[string]any)
	prop, _ := props[name].(map[string]any)
	return prop
}

func required(schema map[string]any, name string) bool {
	list, _ := schema["required"].([]any)
	return slices.Contains(list, any(name))
}

// absent warns where an input that need not be given is read as if it were.
func (p *parser) absent(n *document.Node, v *expr.Value, a *Action) {
	if v == nil {
		return
	}
	asked := map[string]bool{}
	for _, r := range v.Reads() {
		asked[r.Field] = asked[r.Field] || r.Name == "input" && r.Optional
	}
	told := map[string]bool{}
	for _, r := range v.Reads() {
		_, has := property(a.Input, r.Field)["default"]
		if r.Name != "input" || r.Field == "" || r.Optional || asked[r.Field] || told[r.Field] || has || required(a.Input, r.Field) {
			continue
		}
		told[r.Field] = true
		p.say(n.Warning("may_be_absent", "input."+r.Field+" need not be given", "read it as input.?"+r.Field))
	}
}

// headersOf refuses headers that are the runtime's, as far as their names stand
// in the file.
func (p *parser) headersOf(n *document.Node, a *Action) {
	for _, e := range n.Entries() {
		r := Rendered{Headers: map[string]string{strings.ToLower(e.Key): ""}}
		if err := a.CheckHeaders(r, Connection{}); err != nil {
			p.say(e.KeyNode().Problem("bad_value", err.Error(), ""))
		}
	}
}

func (p *parser) output(a *parsed) {
	f := a.file.Output
	switch {
	case f == nil:
		p.say(a.entry.KeyNode().Problem("missing_key", "the action needs output: { schema: … }", ""))
	case p.m.Native && (f.Map != nil || f.Reply):
		p.say(a.entry.KeyNode().Problem("unknown_key", "a native integration gives its output itself", ""))
	case f.Map != nil && f.Reply:
		p.say(f.Map.Problem("bad_value", "an output is the whole reply or is mapped, not both", ""))
	case f.Reply:
		a.action.OutputReply = true
	case f.Map != nil:
		a.action.OutputMap = p.value(f.Map, replyScope(a.action), a.action.Output)
	}
}

func (p *parser) rules(a *parsed) {
	scope := replyScope(a.action)
	for _, f := range a.file.Errors {
		if f.When == nil || f.Kind == nil {
			continue
		}
		when, ps := document.Condition(f.When, scope)
		p.say(ps...)
		r := ErrorRule{When: when, Kind: f.Kind.Scalar(), Did: Did(f.Did)}
		if !slices.Contains(kinds, r.Kind) {
			p.say(f.Kind.Problem("bad_value", "kind must be one of "+strings.Join(kinds, ", "), fault.Suggest(r.Kind, kinds)))
		}
		if f.Message != nil {
			r.Message = p.value(f.Message, scope, nil)
		}
		a.action.Errors = append(a.action.Errors, r)
	}
}

// idempotency: none, or { header: NAME }.
func (p *parser) idempotency(a *parsed) {
	n := a.file.Idempotency
	switch {
	case n == nil, n.Kind == document.Text && n.Scalar() == "none":
	case n.Kind == document.Map && len(n.Entries()) == 1 && n.Has("header") && headerName(n.Get("header").Scalar()):
		a.action.Idempotency = n.Get("header").Scalar()
	default:
		p.say(n.Problem("bad_value", "idempotency is none or names a header", "{ header: Idempotency-Key }"))
	}
}

// closedCopy gives the schema of a probe's parameters for what stands in with:.
func closedCopy(schema map[string]any) map[string]any {
	if len(schema) == 0 {
		return map[string]any{"type": "object", "additionalProperties": false}
	}
	return maps.Clone(schema)
}
