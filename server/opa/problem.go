package opa

import (
	"errors"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/types"

	"github.com/tocsin-soar/tocsin/server/fault"
)

func wrong(file string, line, column int, code, message, hint string) fault.Problem {
	return fault.Problem{
		File: file, Line: line, Column: column, Severity: fault.SeverityError, Code: code, Message: message, Hint: hint,
	}
}

func wrongAt(loc *ast.Location, code, message, hint string) fault.Problem {
	if loc == nil {
		return wrong("", 0, 0, code, message, hint)
	}
	return wrong(loc.File, loc.Row, loc.Col, code, message, hint)
}

func warnAt(loc *ast.Location, code, message, hint string) fault.Problem {
	p := wrongAt(loc, code, message, hint)
	p.Severity = fault.SeverityWarning
	return p
}

// problemsOf turns OPA's errors into problems with hints. File is where one
// without a place belongs. Names maps OPA's own names of variables to those in
// the text.
func problemsOf(err error, file string, names map[ast.Var]ast.Var) []fault.Problem {
	var list ast.Errors
	if one, ok := errors.AsType[*ast.Error](err); ok {
		list = ast.Errors{one}
	} else if many, ok := errors.AsType[ast.Errors](err); ok {
		list = many
	}
	if len(list) == 0 {
		return []fault.Problem{wrong(file, 0, 0, "rego_error", err.Error(), "")}
	}
	out := make([]fault.Problem, 0, len(list))
	for _, e := range list {
		p := wrongAt(e.Location, e.Code, readable(e.Message, names), hintFor(e))
		if p.File == "" {
			p.File = file
		}
		if p.Code == "rego_type_error" && strings.HasPrefix(p.Message, "undefined ref") {
			p.Code = "unknown_field"
		}
		out = append(out, p)
	}
	return out
}

// readable puts the names of the text back where OPA shows its own.
func readable(text string, names map[ast.Var]ast.Var) string {
	for own, given := range names {
		if strings.Contains(text, string(own)) {
			text = strings.ReplaceAll(text, string(own), string(given))
		}
	}
	return text
}

// hintFor says what to write instead.
func hintFor(e *ast.Error) string {
	switch d := e.Details.(type) {
	case *ast.RefErrInvalidDetail:
		var known []string
		for _, v := range d.OneOf {
			if s, ok := v.(ast.String); ok {
				known = append(known, string(s))
			}
		}
		typed := ""
		if d.Pos < len(d.Ref) {
			if s, ok := d.Ref[d.Pos].Value.(ast.String); ok {
				typed = string(s)
			}
		}
		return didYouMean(typed, known)
	case *ast.UnificationErrDetail:
		if _, null := d.Right.(types.Null); null {
			return "to ask for null, write is_null(…)"
		}
		if d.Left != nil && d.Right != nil {
			return "the left is " + kindOf(d.Left) + ", the right " + kindOf(d.Right)
		}
	}
	switch {
	case strings.Contains(e.Message, "undefined function"):
		name := strings.TrimSpace(strings.TrimPrefix(e.Message, "undefined function "))
		if s := fault.Suggest(name, allowed()); s != "" {
			return "did you mean " + s + "?"
		}
		return "policies have no network, clock, randomness or environment; input.now tells the time"
	case strings.Contains(e.Message, "`if` keyword is required"):
		return "write: deny contains {…} if { … }"
	}
	return ""
}

// kindOf names a type without what is inside.
func kindOf(t types.Type) string {
	switch t.(type) {
	case *types.Object:
		return "an object"
	case *types.Array:
		return "a list"
	case *types.Set:
		return "a set"
	}
	return types.Sprint(t)
}

func didYouMean(typed string, known []string) string {
	if s := fault.Suggest(typed, known); s != "" {
		return "did you mean " + s + "?"
	}
	if len(known) > 0 {
		return "there is " + strings.Join(known, ", ")
	}
	return ""
}
