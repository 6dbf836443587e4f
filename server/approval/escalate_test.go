package approval_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tocsin-soar/tocsin/server/approval"
)

var opened = time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)

func waits(within time.Duration, escalate ...approval.Escalation) approval.Request {
	return approval.Request{
		Status: approval.Pending, CreatedAt: opened, Deadline: opened.Add(within), Starter: "sam",
		Requirements: []approval.Requirement{{Rule: "contain", Who: []string{"role:responder"}, Quorum: 1, Not: []string{"starter"}, Escalate: escalate}},
	}
}

func TestTheNextCallIsTheEarliestOfRemindersAndEscalations(t *testing.T) {
	lead := func(after string) approval.Escalation {
		return approval.Escalation{After: after, Who: []string{"role:lead"}}
	}
	called := opened.Add(15 * time.Minute)
	for name, tc := range map[string]struct {
		r    approval.Request
		want time.Duration // 0: none
	}{
		"half of the time":                         {waits(30 * time.Minute), 15 * time.Minute},
		"an escalation before that":                {waits(30*time.Minute, lead("5m")), 5 * time.Minute},
		"an escalation after that":                 {waits(30*time.Minute, lead("20m")), 15 * time.Minute},
		"five minutes before the end":              {func() approval.Request { r := waits(30 * time.Minute); r.CalledAt = &called; return r }(), 25 * time.Minute},
		"a short one is reminded once":             {waits(8 * time.Minute), 4 * time.Minute},
		"a very short one never":                   {waits(time.Minute), 0},
		"an escalation after the deadline never":   {waits(time.Minute, lead("2m")), 0},
		"an escalation at the deadline never":      {waits(time.Minute, lead("1m")), 0},
		"one that is decided":                      {func() approval.Request { r := waits(time.Hour); r.Status = approval.Denied; return r }(), 0},
		"one without a deadline and an escalation": {func() approval.Request { r := waits(0, lead("1h")); r.Deadline = time.Time{}; return r }(), time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			at, ok := tc.r.NextCall()
			if want := opened.Add(tc.want); ok != (tc.want != 0) || ok && !at.Equal(want) {
				t.Errorf("got %s %v, want %s", at, ok, want)
			}
		})
	}
}

func TestAnEscalationStaysWhenThePolicyIsAskedOnceMore(t *testing.T) {
	r := waits(time.Hour, approval.Escalation{After: "10m", Who: []string{"role:lead"}})
	people := map[string]approval.Person{
		"lea": {Name: "lea", Roles: []string{"lead"}, Active: true}, "sam": {Name: "sam", Roles: []string{"lead"}, Active: true},
	}
	fresh := r.Requirements
	r, came, _ := approval.Call(r, people, opened.Add(10*time.Minute))
	if len(came) != 1 {
		t.Fatalf("%d came", len(came))
	}
	r.Requirements = approval.Stricter(r.Requirements, fresh)
	r.Votes = []approval.Vote{{By: "lea", Decision: approval.Yes, At: opened.Add(11 * time.Minute)}}
	tally := approval.Weigh(r, people, opened.Add(12*time.Minute))
	if !tally.Met {
		t.Errorf("the lead's yes does not hold: %s", tally.Why)
	}
	if d := cmp.Diff([]string{"role:lead", "role:responder"}, tally.Needs[0].Who); d != "" {
		t.Error(d)
	}
	if why := approval.WhyNot(r, people["sam"]); why == "" {
		t.Error("an escalation let the one decide who started the run")
	}
}

func TestAfterACallNothingIsDueBeforeTheNextOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := waits(time.Duration(rapid.Int64Range(0, 7200).Draw(t, "within")) * time.Second)
		for range rapid.IntRange(0, 3).Draw(t, "escalations") {
			r.Requirements[0].Escalate = append(r.Requirements[0].Escalate, approval.Escalation{
				After: approval.DurationText(time.Duration(rapid.Int64Range(0, 7200).Draw(t, "after")) * time.Second),
				Who:   []string{rapid.SampledFrom([]string{"role:lead", "team:blue", "user:zoe"}).Draw(t, "who")},
			})
		}
		now := opened
		for range 6 {
			now = now.Add(time.Duration(rapid.Int64Range(0, 2400).Draw(t, "later")) * time.Second)
			before := r
			r, _, _ = approval.Call(r, nil, now)
			if at, ok := r.NextCall(); ok && !at.After(now) && !r.Late(now) {
				t.Fatalf("at %s a call is due of %s", now, at)
			}
			for _, q := range r.Requirements {
				for _, w := range before.Asked(q) {
					if !slices.Contains(r.Asked(q), w) {
						t.Fatalf("%s may no longer decide", w)
					}
				}
			}
		}
	})
}
