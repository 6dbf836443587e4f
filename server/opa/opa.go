// Package opa is OPA: compile a policy tree, answer a gate's question.
package opa

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tocsin-soar/tocsin/server/account"
	"github.com/tocsin-soar/tocsin/server/approval"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/gate"
)

// Engine answers with the policy in force and takes a new one whole or not at
// all. All methods may be called at once from many goroutines.
type Engine struct {
	now     func() time.Time
	swap    sync.Mutex
	current atomic.Pointer[Policy]
}

// NewEngine starts with the shipped policies alone. An error means that the
// binary itself is broken.
func NewEngine(ctx context.Context, now func() time.Time) (*Engine, error) {
	p, problems := Compile(ctx, nil)
	if fault.Broken(problems) {
		return nil, fault.New(fault.Internal, "the shipped policies do not compile: %s", problems[0].Message)
	}
	e := &Engine{now: now}
	e.current.Store(p)
	return e, nil
}

// Swap puts the shipped policies with these files of a workspace in force, by
// path: Rego modules, their tests, and at most one data.yaml. It compiles and
// runs the tests first; with any error among the problems the policy before
// stays. Warnings do not stop it.
func (e *Engine) Swap(ctx context.Context, files map[string][]byte) []fault.Problem {
	e.swap.Lock()
	defer e.swap.Unlock()
	p, problems := Compile(ctx, files)
	if fault.Broken(problems) {
		return problems
	}
	report, failed := RunTests(ctx, files)
	problems = append(problems, failed...)
	for _, c := range report.Cases {
		if !c.Passed {
			problems = append(problems, c.problem())
		}
	}
	if fault.Broken(problems) {
		return problems
	}
	e.current.Store(p)
	return problems
}

// Current gives the policy in force.
func (e *Engine) Current() *Policy { return e.current.Load() }

// Revision names the policy in force.
func (e *Engine) Revision() string { return e.Current().Revision() }

// Judge answers a question under the policy in force. No answer, an error or more
// than 100 ms is a denial that says so.
func (e *Engine) Judge(ctx context.Context, q gate.Question) gate.Answer {
	begin := e.now()
	a := e.Current().Judge(ctx, q)
	a.Took = e.now().Sub(begin)
	return a
}

// Moment tells a time in the words of the calendar in force.
func (e *Engine) Moment(at time.Time) gate.Now { return e.Current().Moment(at) }

// May says whether somebody may do a thing; anything unclear is no.
func (e *Engine) May(ctx context.Context, q account.Question) bool {
	return e.Current().May(ctx, q)
}

// Verbs lists every verb that the access rules know.
func (e *Engine) Verbs() []string { return e.Current().Verbs() }

// Objections asks tocsin.approve about a vote that a person is about to cast.
func (e *Engine) Objections(ctx context.Context, r approval.Request, voter approval.Person, decision string, at time.Time) []approval.Reason {
	return e.Current().Objections(ctx, r, voter, decision, at)
}
