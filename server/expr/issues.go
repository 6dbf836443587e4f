package expr

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"

	"github.com/tocsin-soar/tocsin/server/fault"
)

var (
	reOverload = regexp.MustCompile(`^found no matching overload for '([^']+)' applied to '(.+)'$`)
	reName     = regexp.MustCompile(`^undeclared reference to '([^']+)'`)
	reField    = regexp.MustCompile(`^undefined field '([^']*)'`)
	reMismatch = regexp.MustCompile(`^expected type '([^']+)' but found '([^']+)'`)
	reSelect   = regexp.MustCompile(`^type '([^']+)' does not support field selection`)
	reRange    = regexp.MustCompile(`^expression of type '([^']+)' cannot be range`)
	reMessage  = regexp.MustCompile(`^'([^']+)' is not a `)
	reObject   = regexp.MustCompile(`object#\w+`)
)

func parseIssues(src string, iss *cel.Issues) []Issue {
	out := []Issue{}
	for _, e := range iss.Errors() {
		at := lineOffset(src, e.Location)
		message := strings.TrimPrefix(e.Message, "Syntax error: ")
		if i := strings.Index(message, " expecting "); i > 0 {
			message = message[:i]
		}
		message = strings.NewReplacer("'<EOF>'", "the end", "mismatched input", "unexpected", "extraneous input", "unexpected", "token recognition error at:", "unexpected").Replace(message)
		out = append(out, problem(at, "syntax", "this is no CEL expression: "+message, ""))
		if len(out) == 3 { // the rest follows from the first ones
			break
		}
	}
	return out
}

// overloadError takes "no matching overload" apart.
func overloadError(message string) (name string, args []string, ok bool) {
	m := reOverload.FindStringSubmatch(message)
	if m == nil {
		return "", nil, false
	}
	given, target := m[2], ""
	if i := strings.Index(given, ".("); i >= 0 {
		target, given = given[:i], given[i+1:]
	}
	given = strings.TrimSuffix(strings.TrimPrefix(given, "("), ")")
	if target != "" {
		args = append(args, target)
	}
	return m[1], append(args, splitTypes(given)...), true
}

// splitTypes cuts at commas outside brackets.
func splitTypes(s string) []string {
	var out []string
	depth, from := 0, 0
	for i := range len(s) {
		switch s[i] {
		case '(':
			depth++
		case ')':
			depth--
		case ',':
			if depth == 0 {
				out = append(out, strings.TrimSpace(s[from:i]))
				from = i + 1
			}
		}
	}
	if rest := strings.TrimSpace(s[from:]); rest != "" {
		out = append(out, rest)
	}
	return out
}

// maxIssues is how many mistakes of one expression are worth reading.
const maxIssues = 20

func (c *compiler) checkIssues(tree *ast.AST, iss *cel.Issues) []Issue {
	out := []Issue{}
	for _, e := range iss.Errors() {
		i := c.explain(tree, e)
		i.Offset = c.pointAt(lineOffset(c.src, e.Location), i.Code)
		if !slices.Contains(out, i) {
			out = append(out, i)
		}
		if len(out) == maxIssues {
			break
		}
	}
	return out
}

// pointAt moves from the dot or bracket, where CEL sees a mistake, to the name.
func (c *compiler) pointAt(at int, code string) int {
	switch {
	case at >= len(c.src):
		return at
	case strings.HasPrefix(c.src[at:], ".?"):
		return at + 2
	case c.src[at] == '.':
		return at + 1
	case c.src[at] == '(' && code == "unknown_name":
		for at > 0 && (isWord(c.src[at-1]) || c.src[at-1] == '.') {
			at--
		}
	}
	return at
}

// explain says a mistake in our words, with what to write instead.
func (c *compiler) explain(tree *ast.AST, e *cel.Error) Issue {
	if m := reName.FindStringSubmatch(e.Message); m != nil {
		return c.unknownName(m[1])
	}
	if m := reField.FindStringSubmatch(e.Message); m != nil {
		return c.unknownField(tree, e.ExprID, m[1])
	}
	if name, args, ok := overloadError(e.Message); ok {
		return c.wrongTypes(tree, e.ExprID, name, args)
	}
	if m := reMismatch.FindStringSubmatch(e.Message); m != nil {
		return problem(0, "type_mismatch", words(m[2])+" stands where "+words(m[1])+" is needed", "")
	}
	if m := reSelect.FindStringSubmatch(e.Message); m != nil {
		return problem(0, "type_mismatch", words(m[1])+" has no fields", "")
	}
	if m := reRange.FindStringSubmatch(e.Message); m != nil {
		return problem(0, "type_mismatch", "only lists and maps can be gone through, not "+words(m[1]), "")
	}
	if m := reMessage.FindStringSubmatch(e.Message); m != nil {
		return problem(0, "unknown_name", "there is no type \""+m[1]+"\"", "")
	}
	return problem(0, "syntax", reObject.ReplaceAllString(e.Message, "object"), "")
}

func (c *compiler) unknownName(name string) Issue {
	known := c.scope.Names()
	for fn := range c.env.Functions() {
		if fn[0] != '@' && fn[0] != '_' && len(fn) > 2 {
			known = append(known, fn)
		}
	}
	slices.Sort(known)
	hint := didYouMean(name, known)
	switch {
	case name == "error":
		hint = "error is known inside catch; that of a step is steps.ID.error"
	case name == "index" || name == "item":
		hint = name + " is known inside a loop"
	case hint == "":
		hint = "known here: " + strings.Join(c.scope.Names(), ", ")
	}
	return problem(0, "unknown_name", "there is no name or function \""+name+"\" here", hint)
}

func didYouMean(word string, known []string) string {
	if near := fault.Suggest(word, known); near != "" {
		return "did you mean \"" + near + "\"?"
	}
	return ""
}

func (c *compiler) unknownField(tree *ast.AST, id int64, field string) Issue {
	node := find(tree, id)
	var o *object
	if node != nil {
		if over := operand(node); over != nil {
			if over.Kind() == ast.IdentKind && over.AsIdent() == "steps" {
				return problem(0, "unknown_step", "there is no step \""+field+"\" before this one", didYouMean(field, slices.Sorted(maps.Keys(c.scope.steps))))
			}
			o = c.infer(over, c.locals(tree)).obj
		}
	}
	if o == nil {
		return problem(0, "unknown_field", "there is no field \""+field+"\"", "")
	}
	hint := didYouMean(field, o.fieldNames())
	if hint == "" {
		hint = "its fields: " + strings.Join(o.fieldNames(), ", ")
	}
	return problem(0, "unknown_field", "there is no field \""+field+"\"", hint)
}

// locals gives the types of the names that comprehensions make.
func (c *compiler) locals(tree *ast.AST) map[string]Type {
	local := map[string]Type{}
	ast.PreOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.ComprehensionKind {
			return
		}
		over := c.infer(e.AsComprehension().IterRange(), local)
		if over.obj == nil && over.cel != nil && over.cel.Kind() == types.ListKind {
			local[e.AsComprehension().IterVar()] = over.Elem()
		}
	}))
	return local
}

// operand is what a field is read of.
func operand(e ast.Expr) ast.Expr {
	switch e.Kind() { //nolint:exhaustive // the other kinds need nothing special
	case ast.SelectKind:
		return e.AsSelect().Operand()
	case ast.CallKind:
		if call := e.AsCall(); call.FunctionName() == "_?._" {
			return call.Args()[0]
		}
	}
	return nil
}

// infer finds the type of a path as far as it is plain; the checker gives no
// types where it found mistakes.
func (c *compiler) infer(e ast.Expr, local map[string]Type) Type {
	switch e.Kind() { //nolint:exhaustive // the other kinds need nothing special
	case ast.IdentKind:
		if t, ok := local[e.AsIdent()]; ok {
			return t
		}
		t, _ := c.scope.lookup(e.AsIdent())
		return t
	case ast.SelectKind:
		sel := e.AsSelect()
		return fieldType(c.infer(sel.Operand(), local), sel.FieldName())
	case ast.ListKind:
		if items := e.AsList().Elements(); len(items) > 0 {
			return List(c.infer(items[0], local))
		}
	case ast.CallKind:
		call := e.AsCall()
		switch call.FunctionName() {
		case "_?._":
			if name, ok := call.Args()[1].AsLiteral().(types.String); ok {
				return fieldType(c.infer(call.Args()[0], local), string(name))
			}
		case "_[_]", "_[?_]":
			return c.infer(call.Args()[0], local).Elem()
		case fnEach, "dyn":
			return c.infer(call.Args()[0], local)
		case "url":
			return Type{obj: urlObject()}
		case "domain":
			return Type{obj: domainObject()}
		case "extract.iocs":
			return Type{obj: iocsObject()}
		}
	}
	return Dyn
}

func fieldType(t Type, name string) Type {
	if t.obj == nil {
		return t.Elem()
	}
	f, _ := t.obj.field(name)
	return f
}

// words turns a type as CEL writes it into ours.
func words(s string) string {
	s = reObject.ReplaceAllString(s, "object")
	switch {
	case strings.HasPrefix(s, "list("):
		return "list of " + words(strings.TrimSuffix(strings.TrimPrefix(s, "list("), ")"))
	case strings.HasPrefix(s, "map("):
		return "map"
	case strings.HasPrefix(s, "optional_type("):
		return "optional " + words(strings.TrimSuffix(strings.TrimPrefix(s, "optional_type("), ")"))
	}
	if w, ok := map[string]string{"string": "text", "double": "number", "int": "integer", "dyn": "anything", "google.protobuf.Timestamp": "timestamp", "google.protobuf.Duration": "duration"}[s]; ok {
		return w
	}
	return s
}

func (c *compiler) wrongTypes(tree *ast.AST, id int64, name string, args []string) Issue {
	said := make([]string, len(args))
	for i, a := range args {
		said[i] = words(a)
	}
	if fault.Suggest(name, []string{name}) == "" || len(args) == 0 {
		return problem(0, "type_mismatch", name+" is not called like this", "")
	}
	hint := c.typeHint(tree, id, name, args)
	op := map[string]string{
		"_==_": "compared with", "_!=_": "compared with", "_<_": "compared with", "_<=_": "compared with",
		"_>_": "compared with", "_>=_": "compared with", "_+_": "added to", "_-_": "subtracted from",
		"_*_": "multiplied by", "_/_": "divided by", "_%_": "divided by", "@in": "looked for in",
	}[name]
	switch {
	case op != "" && len(said) == 2:
		return problem(0, "type_mismatch", said[0]+" cannot be "+op+" "+said[1], hint)
	case name == "_?_:_" && len(said) == 3:
		return problem(0, "type_mismatch", "a choice needs a condition and two values of one type, not "+strings.Join(said, ", "), hint)
	case name == "_&&_" || name == "_||_" || name == "!_":
		return problem(0, "type_mismatch", "conditions must be bool, not "+strings.Join(said, " and "), hint)
	case name == "_[_]" || name == "_[?_]":
		return problem(0, "type_mismatch", said[0]+" has no index of type "+said[len(said)-1], hint)
	}
	return problem(0, "type_mismatch", strings.TrimPrefix(name, "@")+" does not take "+strings.Join(said, ", "), hint)
}

// typeHint knows the mistakes that people make.
func (c *compiler) typeHint(tree *ast.AST, id int64, name string, args []string) string {
	isSeverity := func() bool {
		found := false
		if node := find(tree, id); node != nil {
			ast.PostOrderVisit(node, ast.NewExprVisitor(func(e ast.Expr) { found = found || c.infer(e, c.locals(tree)).word }))
		}
		return found
	}
	has := func(t string) bool { return slices.Contains(args, t) }
	switch {
	case has("int") && has("string") && isSeverity():
		return "severity is an ordered enum: compare it with severity.low, severity.high and friends"
	case (has("int") || has("double")) && has("string") && name != "_+_":
		return "turn the text into a number with int(x) or double(x)"
	case name == "_+_" && has("string") && len(args) == 2:
		return "turn the other value into text with string(x)"
	case has("int") && has("double"):
		return "write a number with a fraction (2.0), or double(x)"
	case slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "optional_type(") }):
		return "say what an optional value is when it is not there: .orValue(…)"
	case strings.HasSuffix(strings.Join(args, ","), "timestamp,string"), has("google.protobuf.Timestamp") && has("string"):
		return "turn the text into a time with timestamp(x)"
	}
	return ""
}
