package connector

import (
	"maps"
	"slices"
	"strings"

	"github.com/tocsin-soar/tocsin/server/approval"
	"github.com/tocsin-soar/tocsin/server/expr"
	"github.com/tocsin-soar/tocsin/server/fault"
)

// TargetsOf gives what the action touches, read from its input. An empty, null
// or all-meaning value is invalid_input: an action never falls on everything
// because a filter matched nothing.
func (a *Action) TargetsOf(input map[string]any) ([]approval.Target, error) {
	out := []approval.Target{}
	for _, t := range a.Targets {
		v, err := t.Value.Eval(expr.Vars{"input": withDefaults(a.Input, input)})
		if err != nil {
			return nil, fault.Wrap(err, fault.InvalidInput, "the target (%s) of %s cannot be read from its input", t.Kind, a.Ref())
		}
		vs, many := v.([]any)
		if !many {
			vs = []any{v}
		}
		if len(vs) == 0 {
			return nil, noTarget(a, t.Kind, "is an empty list")
		}
		for _, v := range vs {
			text, why := target(t.Kind, v)
			if why != "" {
				return nil, noTarget(a, t.Kind, why)
			}
			next := approval.Target{Kind: t.Kind, Value: text, Tags: []string{}}
			if !slices.ContainsFunc(out, func(o approval.Target) bool { return o.Kind == next.Kind && o.Value == next.Value }) {
				out = append(out, next)
			}
		}
	}
	if len(out) == 0 && a.Impact == Contain {
		return nil, noTarget(a, "thing", "is not named")
	}
	return out, nil
}

func noTarget(a *Action, kind, why string) error {
	return fault.New(fault.InvalidInput, "the target (%s) of %s %s", kind, a.Ref(), why)
}

// target reads one target's value; why is not empty where it names nothing or
// everything.
func target(kind string, v any) (text, why string) {
	s, ok := v.(string)
	switch trimmed := strings.ToLower(strings.TrimSpace(s)); {
	case v == nil:
		return "", "is null"
	case !ok:
		return "", "is not text"
	case trimmed == "":
		return "", "is empty"
	case strings.Trim(trimmed, "*?.%/_+^$:0") == "":
		return "", "means everything"
	case slices.Contains([]string{"all", "any", "everyone", "everything"}, trimmed):
		return "", "means everything"
	case slices.Contains([]string{"null", "nil", "none", "undefined", "<no value>"}, trimmed), strings.Contains(s, "${{"):
		return "", "is not resolved"
	case strings.Contains(s, "*") && !slices.Contains([]string{"url", "file", "mail", "message"}, kind):
		return "", "is a wildcard"
	}
	return s, ""
}

// Undo gives the parameters of the inverse, from the input and the output of
// the action; override (undo: with: of a playbook) replaces the manifest's own
// mapping, with the same names to read.
func (a *Action) Undo(input map[string]any, output any, override *expr.Value) (map[string]any, error) {
	if a.Inverse == nil {
		return nil, fault.New(fault.InvalidInput, "%s has no inverse", a.Ref())
	}
	with := a.Inverse.With
	if override != nil {
		with = override
	}
	if with == nil {
		return map[string]any{}, nil
	}
	v, err := with.Eval(expr.Vars{"input": withDefaults(a.Input, input), "output": output})
	if err != nil {
		return nil, fault.Wrap(err, fault.KindOf(err), "the parameters that undo %s cannot be made", a.Ref())
	}
	params, ok := v.(map[string]any)
	if !ok {
		return nil, fault.New(fault.Expression, "the parameters that undo %s are not an object", a.Ref())
	}
	return params, nil
}

// WasAlready says that the state was there before the action (governance.md:
// foreign effects). Without already: in the manifest it never was.
func (a *Action) WasAlready(output any) (bool, error) {
	if a.Already == nil {
		return false, nil
	}
	v, err := a.Already.Eval(expr.Vars{"output": output})
	if err != nil {
		return false, fault.Wrap(err, fault.Expression, "already: of %s cannot be evaluated", a.Ref())
	}
	was, ok := v.(bool)
	if !ok {
		return false, fault.New(fault.Expression, "already: of %s is not true or false", a.Ref())
	}
	return was, nil
}

// WithDefaults gives the parameters with the defaults of the input schema filled
// in; params itself stays as it is.
func (a *Action) WithDefaults(params map[string]any) map[string]any {
	return withDefaults(a.Input, params)
}

// withDefaults fills in the defaults that the schema names at the top; the
// given map stays as it is.
func withDefaults(schema, input map[string]any) map[string]any {
	props, ok := schema["properties"].(map[string]any)
	if !ok {
		return nonNil(input)
	}
	var out map[string]any
	for name, p := range props {
		sub, ok := p.(map[string]any)
		if !ok {
			continue
		}
		def, has := sub["default"]
		if _, given := input[name]; given || !has {
			continue
		}
		if out == nil {
			out = maps.Clone(nonNil(input))
		}
		out[name] = def
	}
	if out == nil {
		return nonNil(input)
	}
	return out
}

func nonNil(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}
