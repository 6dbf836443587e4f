package expr

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"cel.dev/cel-go/common/ast"

	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/ident"
)

// text is a text with expressions, written for one sink. A text for a header
// that is one expression is one too: its value is looked at.
type text struct {
	sink   Sink
	pieces []fragment
	whole  bool // one expression and nothing else: its type is kept
}

type fragment struct {
	lit   string
	expr  *Expr
	at    int
	query bool // behind the ? of a path
}

// Text compiles text with ${{ CEL }} inside.
func Text(src string, s *Scope, o TextOptions) (*Value, []Issue) {
	if !hasExpr(src) {
		return literalText(src, o)
	}
	pieces, bad := split(src)
	if bad != nil {
		return nil, []Issue{*bad}
	}
	if len(pieces) == 1 && pieces[0].expr {
		return wholeText(pieces[0], s, o)
	}
	if len(pieces) > maxPieces {
		return nil, []Issue{problem(0, "too_large", fmt.Sprintf("a text may not have more than %d parts", maxPieces), "split it with a set step")}
	}
	t := &text{sink: o.Sink}
	var issues []Issue
	query := false
	for _, p := range pieces {
		if !p.expr {
			query = query || o.Sink == SinkPath && strings.ContainsAny(p.text, "?#")
			t.pieces = append(t.pieces, fragment{lit: p.text})
			continue
		}
		e, iss := Compile(p.text, s, Dyn)
		issues = append(issues, shift(iss, p.at)...)
		if e == nil {
			continue
		}
		issues = append(issues, sinkIssues(e, o.Sink, p.at)...)
		t.pieces = append(t.pieces, fragment{expr: e, at: p.at, query: query})
	}
	if i, wrong := fits(String, o.Want, 0); wrong {
		issues = append(issues, i)
	}
	if broken(issues) {
		return nil, issues
	}
	if lit, only := t.static(); only {
		v, more := literalText(lit, o)
		return v, append(issues, more...)
	}
	return &Value{kind: isText, text: t, typ: String}, issues
}

// literalText is a text without expressions.
func literalText(src string, o TextOptions) (*Value, []Issue) {
	if i, wrong := fits(String, o.Want, 0); wrong {
		return nil, []Issue{i}
	}
	if o.Sink == SinkHeader && strings.ContainsAny(src, "\r\n\x00") {
		return nil, []Issue{problem(0, "header", "a header may not hold line breaks or NUL", "")}
	}
	return Literal(src), nil
}

// wholeText is exactly one expression: its type is kept.
func wholeText(p piece, s *Scope, o TextOptions) (*Value, []Issue) {
	if o.Sink == SinkPath {
		return nil, []Issue{problem(0, "path", "a path may not be one single expression: a value would choose the resource", "write the fixed parts as text: /api/hosts/${{ … }}")}
	}
	e, issues := Compile(p.text, s, o.Want)
	issues = shift(issues, p.at)
	if e == nil {
		return nil, issues
	}
	issues = append(issues, sinkIssues(e, o.Sink, p.at)...)
	if broken(issues) {
		return nil, issues
	}
	if o.Sink == SinkHeader {
		t := &text{sink: o.Sink, whole: true, pieces: []fragment{{expr: e, at: p.at}}}
		return &Value{kind: isText, text: t, typ: String}, issues
	}
	v := Of(e)
	v.at(p.at)
	return v, issues
}

// at moves the reads of an expression into the text around it.
func (v *Value) at(by int) {
	e := *v.expr
	e.facts.reads = moved(e.facts.reads, by)
	v.expr = &e
}

func moved(reads []Read, by int) []Read {
	out := make([]Read, len(reads))
	for i, r := range reads {
		r.Offset += by
		out[i] = r
	}
	return out
}

func (t *text) reads() []Read {
	var all []Read
	for _, p := range t.pieces {
		if p.expr != nil {
			all = append(all, moved(p.expr.facts.reads, p.at)...)
		}
	}
	return all
}

func (t *text) static() (string, bool) {
	var b strings.Builder
	for _, p := range t.pieces {
		if p.expr != nil {
			return "", false
		}
		b.WriteString(p.lit)
	}
	return b.String(), true
}

// sinkIssues refuses what may not stand in a text for a search or command
// language: only literals and quote.LANG are safe there.
func sinkIssues(e *Expr, sink Sink, at int) []Issue {
	switch sink {
	case SinkText, SinkPath, SinkHeader, SinkQuery:
		return nil
	case SinkKQL, SinkSPL, SinkLucene, SinkESQL, SinkLDAP, SinkSQL, SinkSh:
	}
	if safeFor(e.tree.Expr(), string(sink)) {
		return nil
	}
	return []Issue{problem(at, "unquoted", "a value in "+string(sink)+" must be quoted", "write quote."+string(sink)+"(…)")}
}

func safeFor(e ast.Expr, lang string) bool {
	switch e.Kind() { //nolint:exhaustive // the other kinds need nothing special
	case ast.LiteralKind:
		return true
	case ast.CallKind:
		call := e.AsCall()
		switch call.FunctionName() {
		case "quote." + lang:
			return true
		case "_?_:_":
			return safeFor(call.Args()[1], lang) && safeFor(call.Args()[2], lang)
		}
	}
	return false
}

func (t *text) eval(vars Vars) (string, error) {
	var b strings.Builder
	var seg segment
	for _, p := range t.pieces {
		s := p.lit
		if p.expr != nil {
			plain, err := p.expr.Eval(vars)
			if err != nil {
				return "", err
			}
			if s, err = asText(plain); err != nil {
				return "", p.expr.explain(err)
			}
		}
		if t.sink == SinkPath {
			var err error
			if s, err = seg.write(p, s); err != nil {
				return "", err
			}
		}
		if b.Len()+len(s) > maxValue {
			return "", errTooLarge
		}
		b.WriteString(s)
	}
	out := b.String()
	switch {
	case t.sink == SinkPath:
		return out, seg.end()
	case t.sink == SinkHeader && strings.ContainsAny(out, "\r\n\x00"):
		return "", fault.New(fault.InvalidInput, "a header may not hold line breaks or NUL")
	}
	return out, nil
}

// segment watches the part of a path between two slashes in which a value
// stands: it may not be empty, . or .. as a whole either.
type segment struct {
	now   strings.Builder
	value bool
}

func (g *segment) write(p fragment, s string) (string, error) {
	switch {
	case p.expr == nil:
		return s, g.literal(s)
	case p.query:
		return url.QueryEscape(s), nil
	case s == "" || s == "." || s == "..":
		return "", fault.New(fault.InvalidInput, "a part of a path may not be empty, . or ..")
	case strings.ContainsRune(s, 0):
		return "", fault.New(fault.InvalidInput, "a part of a path may not hold NUL")
	}
	g.value = true
	g.now.WriteString(s)
	return url.PathEscape(s), nil
}

func (g *segment) literal(s string) error {
	for _, r := range s {
		if r != '/' && r != '?' && r != '#' {
			g.now.WriteRune(r)
			continue
		}
		if err := g.end(); err != nil {
			return err
		}
		g.now.Reset()
		g.value = false
	}
	return nil
}

func (g *segment) end() error {
	if s := g.now.String(); g.value && (s == "." || s == "..") {
		return fault.New(fault.InvalidInput, "a part of a path may not be empty, . or ..")
	}
	return nil
}

// asText writes a plain value inside a longer text: text as it is, null as
// nothing, the rest as JSON.
func asText(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	}
	raw, err := ident.Canonical(v)
	if err != nil {
		return "", fault.Wrap(err, fault.Expression, "a value has no exact JSON form")
	}
	return string(raw), nil
}
