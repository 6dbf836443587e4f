package opa

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/topdown"

	"github.com/tocsin-soar/tocsin/server/gate"
)

// The rules of the house itself, when no policy can answer.
const (
	ruleNone    = "no_rule"
	ruleMember  = "bad_rule"
	ruleInput   = "bad_input"
	ruleError   = "policy_error"
	ruleTimeout = "policy_timeout"
)

// limit is how long one evaluation may take.
const limit = 100 * time.Millisecond

// Judge answers a question. The input is checked against its schema first; a
// misfit, no answer, an error or more than 100 ms is a denial that says so.
func (p *Policy) Judge(ctx context.Context, q gate.Question) gate.Answer {
	in := plain(q)
	if why := whyNot(books()[schemaInput].root, in); why != "" {
		return gate.DenyAll(ruleInput, "what is asked does not fit the policy's input: "+why, p.revision)
	}
	input, err := valueOf(in, 0)
	if err != nil {
		return gate.DenyAll(ruleInput, "what is asked does not fit the policy's input: "+err.Error(), p.revision)
	}
	v, rule, err := evaluate(ctx, p.judge, input.Value)
	if err != nil {
		return gate.DenyAll(rule, err.Error(), p.revision)
	}
	members, ok := v.(ast.Object)
	if !ok {
		return gate.DenyAll(ruleError, "the policy gave no answer", p.revision)
	}
	return p.answer(members, q.Action.Impact)
}

// query is a prepared query for the variable "members".
type query struct {
	prepared rego.PreparedEvalQuery
	// watched: it calls functions that OPA cannot stop, so it runs where it can be
	// left behind.
	watched bool
}

// result of an evaluation.
type result struct {
	value ast.Value
	err   error
}

// evaluate asks a query. It comes back at the limit; a panic is an error. A query
// that was late once is asked once more, because the machine may have been busy.
// With an error comes the name of the rule that denies.
func evaluate(ctx context.Context, q query, input ast.Value) (v ast.Value, rule string, err error) {
	v, rule, err = once(ctx, q, input)
	if rule == ruleTimeout && ctx.Err() == nil {
		return once(ctx, q, input)
	}
	return v, rule, err
}

func once(ctx context.Context, q query, input ast.Value) (v ast.Value, rule string, err error) {
	ctx, stop := context.WithTimeout(ctx, limit)
	defer stop()
	if ctx.Err() != nil {
		return nil, ruleTimeout, late(ctx)
	}
	var r result
	if q.watched {
		done := make(chan result, 1)
		go func() { done <- run(ctx, q, input) }()
		select {
		case r = <-done:
		case <-ctx.Done():
			return nil, ruleTimeout, late(ctx)
		}
	} else {
		r = run(ctx, q, input)
	}
	switch {
	case r.err == nil:
		return r.value, "", nil
	case ctx.Err() != nil:
		return nil, ruleTimeout, late(ctx)
	}
	return nil, ruleError, r.err
}

func late(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return errors.New("the policy took too long to answer")
	}
	return errors.New("the question was given up before the policy answered")
}

func run(ctx context.Context, q query, input ast.Value) (r result) {
	defer func() {
		if recover() != nil {
			r = result{err: errors.New("the policy could not be evaluated: it broke the evaluator")}
		}
	}()
	cancel := topdown.NewCancel()
	defer context.AfterFunc(ctx, cancel.Cancel)()
	rs, err := q.prepared.Eval(ctx, rego.EvalParsedInput(input), rego.EvalExternalCancel(cancel))
	if err != nil {
		return result{err: fmt.Errorf("the policy failed: %w", err)}
	}
	if len(rs) != 1 {
		return result{err: errors.New("the policy gave no answer")}
	}
	v, ok := rs[0].Bindings["members"].(ast.Value)
	if !ok {
		return result{err: errors.New("the policy gave no answer")}
	}
	return result{value: v}
}

// Moment tells a time in the words of data.config.hours.
func (p *Policy) Moment(at time.Time) gate.Now { return p.hours.moment(at) }
