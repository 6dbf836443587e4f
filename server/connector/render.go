package connector

import (
	"bytes"
	"encoding/json"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/tocsin-soar/tocsin/server/expr"
	"github.com/tocsin-soar/tocsin/server/fault"
)

// Rendered is a request as it will be sent, without what the connection adds
// (base address, authentication, idempotency key). Path is escaped and relative
// to base_url; header names are lower case.
type Rendered struct {
	Method  string            `json:"method"`
	Path    string            `json:"path"`
	Query   url.Values        `json:"query"`
	Headers map[string]string `json:"headers"`
	Type    string            `json:"type"` // content type of Body, "" without one
	Body    []byte            `json:"body"`
}

// Render makes the request of an action out of its parameters. It is pure: a
// plan and a dry run show what a later call sends. A part of query, headers,
// form or a JSON object whose expression gives null is left out; a literal null
// stays. Errors are of kind invalid_input or expression.
func (a *Action) Render(params map[string]any, key string, c Connection) (Rendered, error) {
	r := a.Request
	if r == nil {
		return Rendered{}, fault.New(fault.Internal, "%s makes no HTTP request", a.Ref())
	}
	input := a.WithDefaults(params)
	vars := expr.Vars{"input": input, "key": key, "connection": c.Facts()}
	out := Rendered{Method: r.Method}
	if m, ok := input[r.MethodFrom].(string); ok && r.MethodFrom != "" {
		out.Method = m
	}
	if !slices.Contains(methods, out.Method) {
		return Rendered{}, fault.New(fault.InvalidInput, "the method must be one of %s", strings.Join(methods, ", "))
	}
	var err error
	if out.Path, err = a.renderPath(vars, input); err != nil {
		return Rendered{}, err
	}
	if out.Query, err = pairs(r.Query, vars, "query"); err != nil {
		return Rendered{}, err
	}
	if out.Headers, err = headers(r.Headers, vars); err != nil {
		return Rendered{}, err
	}
	if err := out.setBody(r, vars); err != nil {
		return Rendered{}, err
	}
	return out, nil
}

// Facts is what an expression of a manifest sees as connection.
func (c Connection) Facts() map[string]any {
	return map[string]any{"name": c.Name, "base_url": strings.TrimRight(c.BaseURL, "/"), "environment": c.Environment}
}

var methods = []string{"GET", "POST", "PUT", "PATCH", "DELETE"} //nolint:gochecknoglobals // a constant table

func (a *Action) renderPath(vars expr.Vars, input map[string]any) (string, error) {
	var v any
	var err error
	switch r := a.Request; {
	case r.Below != "":
		v = input[r.Below]
	case r.Path != nil:
		v, err = r.Path.Eval(vars)
	default:
		v, err = choosePath(r.Paths, vars)
	}
	if err != nil {
		return "", fault.Wrap(err, fault.KindOf(err), "the path cannot be made: %s", said(err))
	}
	s, ok := v.(string)
	if !ok {
		return "", fault.New(fault.InvalidInput, "the path is not text")
	}
	return s, nil
}

func choosePath(ps []Path, vars expr.Vars) (any, error) {
	for _, p := range ps {
		if p.If != nil {
			if holds, err := p.If.Eval(vars); err != nil || holds != true {
				continue
			}
		}
		return p.Path.Eval(vars)
	}
	return "", nil
}

// said gives the message of our own errors and nothing of others.
func said(err error) string {
	if fault.KindOf(err) == fault.Internal {
		return "an error inside"
	}
	return err.Error()
}

// fill evaluates a template: where it is an object, a part whose expression
// gives null is left out.
func fill(v *expr.Value, vars expr.Vars) (any, error) {
	if keys, vs := v.Fields(); keys != nil {
		out := make(map[string]any, len(keys))
		for i, k := range keys {
			got, err := fill(vs[i], vars)
			if err != nil {
				return nil, err
			}
			if _, literal := vs[i].Static(); got == nil && !literal {
				continue
			}
			out[k] = got
		}
		return out, nil
	}
	if items := v.Items(); items != nil {
		out := make([]any, 0, len(items))
		for _, it := range items {
			got, err := fill(it, vars)
			if err != nil {
				return nil, err
			}
			out = append(out, got)
		}
		return out, nil
	}
	got, err := v.Eval(vars)
	if err != nil {
		return nil, fault.Wrap(err, fault.KindOf(err), "the request cannot be made: %s", said(err))
	}
	return got, nil
}

// pairs evaluates a map to names with values; a list gives its name repeatedly,
// null leaves it out.
func pairs(v *expr.Value, vars expr.Vars, what string) (url.Values, error) {
	out := url.Values{}
	if v == nil {
		return out, nil
	}
	got, err := fill(v, vars)
	if err != nil {
		return nil, err
	}
	m, ok := got.(map[string]any)
	if !ok && got != nil {
		return nil, fault.New(fault.InvalidInput, "%s is not an object", what)
	}
	for name, v := range m {
		vs, many := v.([]any)
		if !many {
			vs = []any{v}
		}
		for _, v := range vs {
			if v == nil {
				continue
			}
			s, ok := Text(v)
			if !ok {
				return nil, fault.New(fault.InvalidInput, "%s %q is neither text nor a number nor true or false", what, token(name))
			}
			out.Add(name, s)
		}
	}
	return out, nil
}

// Text writes a plain value as it stands in a query, a header or a form; ok is
// false for null, lists and objects.
func Text(v any) (s string, ok bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case int:
		return strconv.Itoa(v), true
	case int64:
		return strconv.FormatInt(v, 10), true
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return "", false
		}
		return strconv.FormatFloat(v, 'f', -1, 64), true
	}
	return "", false
}

func headers(v *expr.Value, vars expr.Vars) (map[string]string, error) {
	got, err := pairs(v, vars, "header")
	if err != nil {
		return nil, err
	}
	out := make(map[string]string, len(got))
	for name, vs := range got {
		low := strings.ToLower(name)
		switch _, twice := out[low]; {
		case !headerName(name):
			return nil, fault.New(fault.InvalidInput, "a header's name is not a word")
		case twice:
			return nil, fault.New(fault.InvalidInput, "the header %s is given twice", low)
		}
		if out[low] = strings.Join(vs, ", "); !headerValue(out[low]) {
			return nil, fault.New(fault.InvalidInput, "the header %s holds a control character", low)
		}
	}
	return out, nil
}

func headerName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("!#$&'*+-.^_`|~", rune(c)) {
			return false
		}
	}
	return s != "" && len(s) <= maxToken
}

func headerValue(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// setBody takes the first of json, form and body that gives something.
func (out *Rendered) setBody(r *Request, vars expr.Vars) error {
	if r.JSON != nil {
		v, err := fill(r.JSON, vars)
		if err != nil {
			return err
		}
		if v != nil || literal(r.JSON) {
			out.Type = "application/json"
			out.Body, err = encode(v)
			return err
		}
	}
	if r.Form != nil {
		form, err := pairs(r.Form, vars, "form")
		if err != nil {
			return err
		}
		out.Type, out.Body = "application/x-www-form-urlencoded", []byte(form.Encode())
	}
	if r.Body == nil {
		return nil
	}
	v, err := fill(r.Body, vars)
	if err != nil || v == nil {
		return err
	}
	s, ok := v.(string)
	if !ok {
		return fault.New(fault.InvalidInput, "the body is not text")
	}
	out.Type, out.Body = "text/plain; charset=utf-8", []byte(s)
	return nil
}

func literal(v *expr.Value) bool {
	_, ok := v.Static()
	return ok
}

// encode writes JSON with sorted keys and without HTML escapes.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fault.Wrap(err, fault.InvalidInput, "the body cannot be written as JSON")
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
