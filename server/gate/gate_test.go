package gate_test

import (
	"testing"

	"github.com/tocsin-soar/tocsin/server/gate"
)

// Fact 18 of the security page: a struct with unexported fields can be made as its
// zero value in any package. That one must permit nothing.
func TestFact18OnlyAMadePermitPermitsAndOnlyItsDigest(t *testing.T) {
	permit := gate.NewPermit //nolint:forbidigo // the test of the permit itself
	var zero gate.Permit
	for name, tc := range map[string]struct {
		given  gate.Permit
		digest string
		ok     bool
	}{
		"the zero permit":                {gate.Permit{}, "sha256:a", false},
		"the zero permit for no digest":  {zero, "", false},
		"one without a decision":         {permit("", "sha256:a"), "sha256:a", false},
		"one without a digest":           {permit("dec_1", ""), "", false},
		"one for something else":         {permit("dec_1", "sha256:a"), "sha256:b", false},
		"one for exactly what is sent":   {permit("dec_1", "sha256:a"), "sha256:a", true},
		"a prefix of what was permitted": {permit("dec_1", "sha256:ab"), "sha256:a", false},
	} {
		t.Run(name, func(t *testing.T) {
			if err := tc.given.Check(tc.digest); (err == nil) != tc.ok {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestNoAnswerIsADenial(t *testing.T) {
	if a := gate.DenyAll("no_rule", "nothing allows it", "r"); a.Outcome != gate.Deny || len(a.Reasons) != 1 {
		t.Errorf("got %+v", a)
	}
	if (gate.Answer{}).Outcome == gate.Allow {
		t.Error("the zero answer allows")
	}
}
