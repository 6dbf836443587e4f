package opa_test

import (
	"testing"

	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/opa"
)

func TestEveryShippedRuleIsHeldByItsTests(t *testing.T) {
	report, problems := opa.RunShipped(t.Context())
	for _, p := range problems {
		t.Errorf("%s:%d:%d %s %s (%s)", p.File, p.Line, p.Column, p.Code, p.Message, p.Hint)
	}
	if len(report.Cases) < 50 {
		t.Errorf("only %d tests ran", len(report.Cases))
	}
	for _, c := range report.Cases {
		if !c.Passed || c.Skipped {
			t.Errorf("%s:%d %s: %s", c.File, c.Line, c.Name, c.Message)
		}
	}
	if len(report.Coverage) < 8 {
		t.Errorf("only %d modules are covered", len(report.Coverage))
	}
	for _, l := range report.Coverage {
		if l.Hit != l.All {
			t.Errorf("%s: %d of %d lines ran; not those at %v", l.File, l.Hit, l.All, l.Missed)
		}
	}
}

func TestTheShippedPoliciesCompileWithoutAWarning(t *testing.T) {
	p, problems := opa.Compile(t.Context(), nil)
	for _, p := range problems {
		t.Errorf("%s:%d:%d %s %s (%s)", p.File, p.Line, p.Column, p.Code, p.Message, p.Hint)
	}
	if p == nil || fault.Broken(problems) {
		t.Fatal("no policy")
	}
}
