package opa_test

import (
	"context"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-soar/tocsin/server/approval"
	"github.com/tocsin-soar/tocsin/server/gate"
)

func TestTheShippedPoliciesAnswer(t *testing.T) {
	p := compile(t, nil)
	for name, tc := range map[string]struct {
		q       gate.Question
		outcome gate.Outcome
		rules   []string
	}{
		"a read":                    {question("read"), gate.Allow, []string{"allow shipped/reads"}},
		"a write of a reviewed one": {question("write"), gate.Allow, []string{"allow shipped/writes"}},
		"a write of an unreviewed one": {
			question("write", func(q *gate.Question) { q.Playbook.Reviewed = false }),
			gate.Approve,
			[]string{"approve shipped/writes_unreviewed"},
		},
		"an unreviewed one in a lab": {
			question("write", func(q *gate.Question) { q.Playbook.Reviewed, q.Connection.Environment = false, "lab" }),
			gate.Allow,
			[]string{"allow shipped/writes_elsewhere"},
		},
		"a containment": {question("contain"), gate.Approve, []string{"approve shipped/contain"}},
		"of a protected target": {
			question("contain", func(q *gate.Question) { q.Targets[0].Tags = []string{"protected"} }),
			gate.Deny,
			[]string{"deny shipped/protected", "approve shipped/contain"},
		},
		"a release": {question("release"), gate.Approve, []string{"approve shipped/release"}},
		"the end of a lease": {question("release", func(q *gate.Question) {
			q.Purpose = gate.ForExpiry
			q.Effect = &gate.Effect{Key: "k", Holds: []gate.Hold{{Run: "run_00", ApprovedBy: []string{"bea"}, LeaseSeconds: 60, Outcome: "approve"}}}
		}), gate.Allow, []string{"allow shipped/release_expiry"}},
		"a check that acts": {
			question("write", func(q *gate.Question) { q.Purpose = gate.ForHealth }),
			gate.Deny,
			[]string{"deny shipped/checks_only_read", "allow shipped/writes"},
		},
		"the eleventh host of a run (S086)": {
			question("contain", func(q *gate.Question) { q.Facts.Made.Run.ByImpact = map[string]int64{"contain": 10} }),
			gate.Approve,
			[]string{"approve shipped/contain", "approve shipped/limit_run"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := p.Judge(t.Context(), tc.q)
			if a.Outcome != tc.outcome {
				t.Errorf("got %s, want %s", a.Outcome, tc.outcome)
			}
			if diff := cmp.Diff(tc.rules, rules(a)); diff != "" {
				t.Errorf("rules (-want +got):\n%s", diff)
			}
			if a.Revision != p.Revision() {
				t.Error("the answer does not name its revision")
			}
			if (len(a.Required) > 0) != (tc.outcome == gate.Approve) {
				t.Errorf("requirements %v with %s", a.Required, a.Outcome)
			}
		})
	}
}

func TestTheEleventhHostIsHeldForTwoPersons(t *testing.T) {
	p := compile(t, nil)
	a := p.Judge(t.Context(), question("contain", func(q *gate.Question) { q.Facts.Made.Run.ByImpact = map[string]int64{"contain": 10} }))
	r := approval.Request{Kind: approval.KindAction, Status: approval.Pending, Requirements: a.Required}
	vote := func(names ...string) approval.Request {
		out := r
		for _, n := range names {
			out.Votes = append(out.Votes, approval.Vote{By: n, Decision: approval.Yes, At: noon})
		}
		return out
	}
	people := map[string]approval.Person{
		"rob": {Name: "rob", Roles: []string{"responder"}, Active: true}, "both": {Name: "both", Roles: []string{"responder", "lead"}, Active: true},
	}
	if approval.Weigh(vote("both"), people, noon).Met {
		t.Error("one person with two roles is enough")
	}
	if !approval.Weigh(vote("both", "rob"), people, noon).Met {
		t.Error("a responder and a lead are not enough")
	}
}

// Fact 9: without strict errors a failing function lets the rule vanish.
func TestAFailingFunctionDenies(t *testing.T) {
	p := compile(t, action(`deny contains {"rule": "big", "reason": "too big"} if to_number(input.action.params.host) > 3`))
	a := p.Judge(t.Context(), question("read"))
	if a.Outcome != gate.Deny || a.Reasons[0].Rule != "policy_error" {
		t.Errorf("got %s %v, want a denial by policy_error", a.Outcome, rules(a))
	}
	ok := p.Judge(t.Context(), question("read", func(q *gate.Question) { q.Action.Params["host"] = "2" }))
	if ok.Outcome != gate.Allow {
		t.Errorf("got %s %v where the function does not fail", ok.Outcome, rules(ok))
	}
}

func TestNoAnswerIsADenial(t *testing.T) {
	p := compile(t, map[string]string{"policies/data.yaml": "disabled: [reads]\n"})
	a := p.Judge(t.Context(), question("read"))
	if diff := cmp.Diff([]string{"deny no_rule"}, rules(a)); a.Outcome != gate.Deny || diff != "" {
		t.Errorf("got %s %s", a.Outcome, diff)
	}
	if w := p.Judge(t.Context(), question("write")); w.Outcome != gate.Allow {
		t.Errorf("a write is %s: switching reads off did more than that", w.Outcome)
	}
}

func TestAnInputThatDoesNotFitIsADenial(t *testing.T) {
	p := compile(t, nil)
	alert := func(change func(map[string]any)) func(*gate.Question) {
		return func(q *gate.Question) {
			q.Alert = wholeAlert(t)
			change(q.Alert)
		}
	}
	if a := p.Judge(t.Context(), question("read", alert(func(map[string]any) {}))); a.Outcome != gate.Allow {
		t.Fatalf("a whole alert is denied: %v", a.Reasons)
	}
	for name, change := range map[string]func(*gate.Question){
		"no impact":               func(q *gate.Question) { q.Action.Impact = "" },
		"an unknown impact":       func(q *gate.Question) { q.Action.Impact = "Read" },
		"no purpose":              func(q *gate.Question) { q.Purpose = "" },
		"no action":               func(q *gate.Question) { q.Action.ID = "" },
		"null params":             func(q *gate.Question) { q.Action.Params = nil },
		"null targets":            func(q *gate.Question) { q.Targets = nil },
		"null tags":               func(q *gate.Question) { q.Targets[0].Tags = nil },
		"a target without kind":   func(q *gate.Question) { q.Targets[0].Kind = "" },
		"null roles":              func(q *gate.Question) { q.Actor.Roles = nil },
		"an unknown actor":        func(q *gate.Question) { q.Actor.Kind = "root" },
		"null approvals":          func(q *gate.Question) { q.Approvals = nil },
		"attempt zero":            func(q *gate.Question) { q.Attempt.Number = 0 },
		"no time":                 func(q *gate.Question) { q.Now.Time = "" },
		"a day that is none":      func(q *gate.Question) { q.Now.Weekday = "Monday" },
		"hour 24":                 func(q *gate.Question) { q.Now.Hour = 24 },
		"a counter below zero":    func(q *gate.Question) { q.Facts.Made.H24.Total = -1 },
		"null counters":           func(q *gate.Question) { q.Facts.InForce.ByAction = nil },
		"an effect without holds": func(q *gate.Question) { q.Effect = &gate.Effect{Key: "k"} },
		"an alert without fields": alert(func(a map[string]any) { delete(a, "fields") }),
		"severity as a number":    alert(func(a map[string]any) { a["severity"] = int64(4) }),
		"an unknown alert field":  alert(func(a map[string]any) { a["sverity"] = "high" }),
		"confidence 101":          alert(func(a map[string]any) { a["confidence"] = int64(101) }),
		"params that are no JSON": func(q *gate.Question) { q.Action.Params["host"] = struct{}{} },
		"params that never end":   func(q *gate.Question) { q.Action.Params["host"] = deep(200) },
		"a Go time in an alert":   alert(func(a map[string]any) { a["first_seen"] = time.Time{} }),
	} {
		t.Run(name, func(t *testing.T) {
			a := p.Judge(t.Context(), question("read", change))
			if diff := cmp.Diff([]string{"deny bad_input"}, rules(a)); a.Outcome != gate.Deny || diff != "" {
				t.Errorf("got %s %s", a.Outcome, diff)
			}
		})
	}
}

func deep(n int) any {
	var v any = "x"
	for range n {
		v = []any{v}
	}
	return v
}

func TestADenialNeverRepeatsAValueOfTheInput(t *testing.T) {
	p := compile(t, nil)
	a := p.Judge(t.Context(), question("read", func(q *gate.Question) { q.Actor.Kind = "hunter2" }))
	if strings.Contains(a.Reasons[0].Reason, "hunter2") {
		t.Errorf("got %q", a.Reasons[0].Reason)
	}
}

func TestAMemberThatDoesNotFitIsADenial(t *testing.T) {
	for name, rule := range map[string]string{
		"deny without a reason":       `deny contains {"rule": "x"} if input.action.impact == "read"`,
		"deny with a field too many":  `deny contains {"rule": "x", "reason": "y", "why": "z"} if input.action.impact == "read"`,
		"deny that is text":           `deny contains "x" if input.action.impact == "read"`,
		"allow without a rule":        `allow contains {"reason": "x"} if input.action.impact == "read"`,
		"allow with a misspelt rule":  `allow contains {"rul": "x"} if input.action.impact == "read"`,
		"allow that is true":          `allow contains true if input.action.impact == "read"`,
		"a rule named with blanks":    `allow contains {"rule": "my rule"} if input.action.impact == "read"`,
		"a rule named from the alert": `allow contains {"rule": input.action.params.host} if input.action.impact == "read"`,
		"approve without who":         `approve contains {"rule": "x", "reason": "y"} if input.action.impact == "read"`,
		"approve by nobody":           `approve contains {"rule": "x", "reason": "y", "who": []} if input.action.impact == "read"`,
		"an unknown role":             `approve contains {"rule": "x", "reason": "y", "who": ["role:responders"]} if input.action.impact == "read"`,
		"a role without prefix":       `approve contains {"rule": "x", "reason": "y", "who": ["responder"]} if input.action.impact == "read"`,
		"a quorum of none":            `approve contains {"rule": "x", "reason": "y", "who": ["role:lead"], "quorum": 0} if input.action.impact == "read"`,
		"a quorum of a half":          `approve contains {"rule": "x", "reason": "y", "who": ["role:lead"], "quorum": 1.5} if input.action.impact == "read"`,
		"an exclusion of a role":      `approve contains {"rule": "x", "reason": "y", "who": ["role:lead"], "not": ["role:lead"]} if input.action.impact == "read"`,
		"within no time":              `approve contains {"rule": "x", "reason": "y", "who": ["role:lead"], "within": "0s"} if input.action.impact == "read"`,
		"within nonsense":             `approve contains {"rule": "x", "reason": "y", "who": ["role:lead"], "within": "soon"} if input.action.impact == "read"`,
		"held for two minutes":        `approve contains {"rule": "x", "reason": "y", "who": ["role:lead"], "hold": "120s"} if input.action.impact == "read"`,
		"used up before it is free":   `approve contains {"rule": "x", "reason": "y", "who": ["role:lead"], "hold": "30s", "valid_for": "30s"} if input.action.impact == "read"`,
		"a lease of no time":          `limit contains {"rule": "x", "max_for": "0s"} if input.action.impact == "read"`,
		"a lease in words":            `limit contains {"rule": "x", "max_for": "four hours"} if input.action.impact == "read"`,
		"dry run in words":            `limit contains {"rule": "x", "dry_run": "yes"} if input.action.impact == "read"`,
	} {
		t.Run(name, func(t *testing.T) {
			a := compile(t, action(rule)).Judge(t.Context(), question("read"))
			if a.Outcome != gate.Deny || !slices.Contains(rules(a), "deny bad_rule") {
				t.Errorf("got %s %v, want a denial by bad_rule", a.Outcome, rules(a))
			}
			w := compile(t, action(rule)).Judge(t.Context(), question("write"))
			if w.Outcome != gate.Allow {
				t.Errorf("a rule that does not speak matters: %v", rules(w))
			}
		})
	}
}

func TestAnApproveMemberHasItsDefaults(t *testing.T) {
	files := action(`approve contains {"rule": "ask", "reason": "because", "who": ["user:zoe"]} if input.action.id == "edr.isolate_host"`)
	p := compile(t, files)
	got := p.Judge(t.Context(), question("write")).Required
	want := []approval.Requirement{{
		Rule: "ask", Reason: "because", Who: []string{"user:zoe"}, Quorum: 1, Not: []string{}, Within: "30m", Extend: "0s", Hold: "0s",
		ValidFor: "15m", Escalate: []approval.Escalation{},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, r := range p.Judge(t.Context(), question("contain")).Required {
		if r.Hold != "8s" {
			t.Errorf("%s is held %s, want 8s for a containment", r.Rule, r.Hold)
		}
	}
}

func TestAnApproveMemberMaySayMore(t *testing.T) {
	got := compile(t, action(`approve contains {"rule": "ask", "reason": "because", "who": ["team:soc", "role:lead"], "quorum": 3,
	"not": ["starter", "user:eve"], "within": "1h", "extend": "10m", "hold": "60s", "valid_for": "5m",
	"escalate": [{"after": "20m", "who": ["role:admin"]}]} if input.action.impact == "write"`)).Judge(t.Context(), question("write")).Required
	want := []approval.Requirement{{
		Rule: "ask", Reason: "because", Who: []string{"role:lead", "team:soc"}, Quorum: 3, Not: []string{"starter", "user:eve"},
		Within: "1h", Extend: "10m", Hold: "1m", ValidFor: "5m",
		Escalate: []approval.Escalation{{After: "20m", Who: []string{"role:admin"}}},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestLimitsAddUpToTheSmallest(t *testing.T) {
	a := compile(t, action(`
limit contains {"rule": "a", "max_for": "4h"} if input.action.impact == "write"
limit contains {"rule": "b", "max_for": "90m", "notify": ["role:lead", "user:zoe"]} if input.action.impact == "write"
limit contains {"rule": "c", "dry_run": true, "notify": ["role:lead"]} if input.action.impact == "write"
limit contains {"rule": "d", "dry_run": false} if input.action.impact == "write"`)).Judge(t.Context(), question("write"))
	seconds := int64(5400)
	if diff := cmp.Diff(gate.Limits{MaxForSeconds: &seconds, DryRun: true, Notify: []string{"role:lead", "user:zoe"}}, a.Limits); diff != "" {
		t.Error(diff)
	}
	if a.Outcome != gate.Allow {
		t.Errorf("a limit decides: %s", a.Outcome)
	}
	if a := compile(t, nil).Judge(t.Context(), question("write")); a.Limits.MaxForSeconds != nil || a.Limits.DryRun {
		t.Errorf("limits without a rule: %+v", a.Limits)
	}
}

func TestALimitAloneAllowsNothing(t *testing.T) {
	files := action(`limit contains {"rule": "a", "dry_run": true} if input.action.impact == "read"`)
	files["policies/data.yaml"] = "disabled: [reads]"
	if a := compile(t, files).Judge(t.Context(), question("read")); a.Outcome != gate.Deny {
		t.Errorf("got %s", a.Outcome)
	}
}

func TestTheStrictestOfBothPackagesWins(t *testing.T) {
	for name, tc := range map[string]struct {
		rule string
		want gate.Outcome
	}{
		"a workspace denies what is shipped as allowed":   {`deny contains {"rule": "no", "reason": "no"} if input.action.impact == "write"`, gate.Deny},
		"a workspace asks for what is shipped as allowed": {`approve contains {"rule": "ask", "reason": "no", "who": ["role:lead"]} if input.action.impact == "write"`, gate.Approve},
		"a workspace allows more than one thing":          {`allow contains {"rule": "yes"} if input.action.impact == "write"`, gate.Allow},
	} {
		t.Run(name, func(t *testing.T) {
			if a := compile(t, action(tc.rule)).Judge(t.Context(), question("write")); a.Outcome != tc.want {
				t.Errorf("got %s, want %s", a.Outcome, tc.want)
			}
		})
	}
	p := compile(t, action(`allow contains {"rule": "contain"} if input.action.impact == "contain"`))
	a := p.Judge(t.Context(), question("contain"))
	if diff := cmp.Diff([]string{"approve shipped/contain", "allow contain"}, rules(a)); a.Outcome != gate.Approve || diff != "" {
		t.Errorf("a workspace loosened a shipped rule: %s %s", a.Outcome, diff)
	}
	protected := question("contain", func(q *gate.Question) { q.Targets[0].Tags = []string{"protected"} })
	if a := p.Judge(t.Context(), protected); a.Outcome != gate.Deny {
		t.Errorf("a workspace allowed a protected target: %s", a.Outcome)
	}
}

// S066: a runaway rule stops at the limit, without eating the machine.
func TestARunawayRuleIsStopped(t *testing.T) {
	for name, rule := range map[string]string{
		"a comprehension": `deny contains {"rule": "loop", "reason": "x"} if {
	xs := [1 | some a in input.action.params.xs; some b in input.action.params.xs; some c in input.action.params.xs; some d in input.action.params.xs; a + b + c + d > 0]
	count(xs) == 1
}`,
		"a search": `deny contains {"rule": "loop", "reason": "x"} if {
	some a in input.action.params.xs
	some b in input.action.params.xs
	some c in input.action.params.xs
	a + b + c == -1
}`,
		"a pattern": `deny contains {"rule": "loop", "reason": "x"} if regex.match("(a?){100}b", input.action.params.text)`,
	} {
		t.Run(name, func(t *testing.T) {
			p := compile(t, action(rule))
			xs := make([]any, 2000)
			for i := range xs {
				xs[i] = int64(i)
			}
			q := question("read", func(q *gate.Question) {
				q.Action.Params["xs"], q.Action.Params["text"] = xs, strings.Repeat("a", 1<<18)
			})
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			ctx, stop := context.WithTimeout(t.Context(), 1100*time.Millisecond)
			defer stop()
			a := p.Judge(t.Context(), q)
			late := ctx.Err() != nil
			runtime.ReadMemStats(&after)
			if diff := cmp.Diff([]string{"deny policy_timeout"}, rules(a)); diff != "" {
				t.Error(diff)
			}
			if late {
				t.Error("it took more than a second longer than the limit")
			}
			if after.Sys > before.Sys+256<<20 {
				t.Errorf("memory grew by %d MiB", (after.Sys-before.Sys)>>20)
			}
		})
	}
}

func TestAQuestionThatIsGivenUpIsADenial(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	a := compile(t, nil).Judge(ctx, question("read"))
	if diff := cmp.Diff([]string{"deny policy_timeout"}, rules(a)); a.Outcome != gate.Deny || diff != "" {
		t.Errorf("got %s %s", a.Outcome, diff)
	}
}

func BenchmarkJudge(b *testing.B) {
	p := compile(b, nil)
	for _, impact := range []string{"read", "write", "contain"} {
		q := question(impact, func(q *gate.Question) { q.Alert = wholeAlert(b) })
		b.Run(impact, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p.Judge(b.Context(), q)
			}
		})
	}
}
