package expr

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
)

// Scope is what an expression may name. It never changes: With and Step give
// a new one. It may be used by many goroutines.
type Scope struct {
	vars    map[string]Type
	steps   map[string]Type // of the outputs; nil: the name steps is not known
	dynamic bool            // patterns may be made at run time
	env     chan *cel.Env   // holds the environment, nil until it is needed
}

// NewScope knows the functions and no names.
func NewScope() *Scope { return newScope(map[string]Type{}, nil, false) }

func newScope(vars, steps map[string]Type, dynamic bool) *Scope {
	s := &Scope{vars: vars, steps: steps, dynamic: dynamic, env: make(chan *cel.Env, 1)}
	s.env <- nil
	return s
}

// With adds (or replaces) a name.
func (s *Scope) With(name string, t Type) *Scope {
	vars := maps.Clone(s.vars)
	vars[name] = t
	return newScope(vars, s.steps, s.dynamic)
}

// Step adds steps.<id> with the type of its output. An empty id makes steps
// known without one.
func (s *Scope) Step(id string, output Type) *Scope {
	steps := maps.Clone(s.steps)
	if steps == nil {
		steps = map[string]Type{}
	}
	if id != "" {
		steps[id] = output
	}
	return newScope(s.vars, steps, s.dynamic)
}

// DynamicRegex allows patterns that are not literals (regex: dynamic).
func (s *Scope) DynamicRegex() *Scope { return newScope(s.vars, s.steps, true) }

// Names lists the names at the top, sorted.
func (s *Scope) Names() []string {
	names := slices.Collect(maps.Keys(s.vars))
	if s.steps != nil {
		names = append(names, "steps")
	}
	slices.Sort(names)
	return names
}

// lookup gives the type of a name at the top.
func (s *Scope) lookup(name string) (Type, bool) {
	if name == "steps" && s.steps != nil {
		o := s.stepsObject()
		return Type{cel: o.typ, obj: o}, true
	}
	t, ok := s.vars[name]
	return t, ok
}

// stepsObject needs no name of its own content: there is one in a scope.
func (s *Scope) stepsObject() *object {
	o := &object{name: objectPrefix + "steps", fields: make(map[string]Type, len(s.steps))}
	o.typ = types.NewObjectType(o.name)
	for id, output := range s.steps {
		o.fields[id] = stepType(output)
	}
	return o
}

// environment makes the CEL environment once.
func (s *Scope) environment() (*cel.Env, error) {
	env := <-s.env
	var err error
	if env == nil {
		env, err = s.build()
	}
	s.env <- env
	return env, err
}

func (s *Scope) build() (*cel.Env, error) {
	objects := builtinObjects()
	opts := make([]cel.EnvOption, 0, len(s.vars)+2)
	for name, t := range s.vars {
		t.collect(objects)
		opts = append(opts, cel.Variable(name, t.typ()))
	}
	if s.steps != nil {
		o := s.stepsObject()
		Type{cel: o.typ, obj: o}.collect(objects)
		opts = append(opts, cel.Variable("steps", o.typ))
	}
	base, ok := language.CELTypeProvider().(provider)
	if !ok {
		return nil, errors.New("the language has another provider")
	}
	opts = append(opts, cel.CustomTypeProvider(provider{base.Registry, objects}))
	env, err := language.Extend(opts...)
	if err != nil {
		return nil, fmt.Errorf("extend the language: %w", err)
	}
	return env, nil
}
