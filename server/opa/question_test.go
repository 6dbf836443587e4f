package opa_test

import (
	"slices"
	"testing"
	"time"

	"github.com/tocsin-soar/tocsin/server/approval"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/gate"
	"github.com/tocsin-soar/tocsin/server/opa"
)

var noon = time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC) // a Monday

// question asks for an action of an impact by a reviewed playbook.
func question(impact string, change ...func(*gate.Question)) gate.Question {
	q := gate.Question{
		Action:     gate.Action{ID: "edr.isolate_host", Integration: "edr", Impact: impact, Params: map[string]any{"host": "ws-117"}, Digest: "sha256:00"},
		Purpose:    gate.ForStep,
		Targets:    []approval.Target{{Kind: "host", Value: "ws-117"}},
		Connection: gate.Connection{Name: "edr", Environment: "production"},
		Playbook:   gate.Playbook{Name: "malware-isolate", Version: "sha256:00", Author: "ann", Reviewed: true, AgeSeconds: 30 * 86400},
		Run:        gate.Run{ID: "run_00", Trigger: "alert", StartedAt: "2026-01-05T11:59:00Z"},
		Actor:      gate.Actor{Kind: "system"},
		Attempt:    gate.Attempt{Number: 1},
		Now:        gate.Now{Time: "2026-01-05T12:00:00Z", Weekday: "monday", Hour: 12, Business: true},
	}.Whole()
	for _, c := range change {
		c(&q)
	}
	return q
}

// compile compiles workspace files that must be right.
func compile(tb testing.TB, files map[string]string) *opa.Policy {
	tb.Helper()
	p, problems := opa.Compile(tb.Context(), bytesOf(files))
	for _, bad := range problems {
		if bad.Severity == fault.SeverityError {
			tb.Fatalf("%s:%d:%d %s %s", bad.File, bad.Line, bad.Column, bad.Code, bad.Message)
		}
	}
	return p
}

func bytesOf(files map[string]string) map[string][]byte {
	out := map[string][]byte{}
	for name, text := range files {
		out[name] = []byte(text)
	}
	return out
}

// action wraps rules into a module of tocsin.action.
func action(rules string) map[string]string {
	return map[string]string{"policies/edr/x.rego": "package tocsin.action\n\nimport rego.v1\n\n" + rules + "\n"}
}

func rules(a gate.Answer) []string {
	out := []string{}
	for _, r := range a.Reasons {
		out = append(out, r.Outcome+" "+r.Rule)
	}
	return out
}

func codes(ps []fault.Problem) []string {
	out := []string{}
	for _, p := range ps {
		if p.Severity == fault.SeverityError && !slices.Contains(out, p.Code) {
			out = append(out, p.Code)
		}
	}
	return out
}
