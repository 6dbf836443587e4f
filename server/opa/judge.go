package opa

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"

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
	if why := whyNot(books()[schemaInput].check, in); why != "" {
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

// result of an evaluation in its goroutine.
type result struct {
	value ast.Value
	err   error
}

// evaluate asks one prepared query for its variable "members". It comes back at
// the limit even where OPA does not look at the clock; a panic is an error. With
// an error comes the name of the rule that denies.
func evaluate(ctx context.Context, q rego.PreparedEvalQuery, input ast.Value) (v ast.Value, rule string, err error) {
	ctx, stop := context.WithTimeout(ctx, limit)
	defer stop()
	done := make(chan result, 1)
	go func() {
		defer func() {
			if recover() != nil {
				done <- result{err: errors.New("the policy could not be evaluated: it broke the evaluator")}
			}
		}()
		done <- run(ctx, q, input)
	}()
	select {
	case r := <-done:
		if r.err != nil && ctx.Err() != nil {
			return nil, ruleTimeout, late(ctx)
		}
		return r.value, ruleError, r.err
	case <-ctx.Done():
		return nil, ruleTimeout, late(ctx)
	}
}

func late(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return errors.New("the policy took too long to answer")
	}
	return errors.New("the question was given up before the policy answered")
}

func run(ctx context.Context, q rego.PreparedEvalQuery, input ast.Value) result {
	rs, err := q.Eval(ctx, rego.EvalParsedInput(input))
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
