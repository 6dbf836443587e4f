package inbox_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-soar/tocsin/server/approval"
	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/inbox"
	"github.com/tocsin-soar/tocsin/server/notification"
)

// waitsSince is a request of noon that goes to the lead after 20 minutes.
func waitsSince() (*store, *inbox.Inbox, *time.Time) {
	s, in := setup(approval.KindAction)
	s.request.CreatedAt = noon
	s.request.Requirements[0].Escalate = []approval.Escalation{{After: "20m", Who: []string{"role:lead"}}}
	s.people["lea"] = approval.Person{Name: "lea", Roles: []string{"lead"}, Active: true}
	now := noon
	in.Now = func() time.Time { return now }
	return s, in, &now
}

func kindsOf(ds []notification.Draft) []notification.Kind {
	var out []notification.Kind
	for _, d := range ds {
		out = append(out, d.Kind)
	}
	return out
}

func TestPeopleAreCalledWhenItIsTime(t *testing.T) {
	s, in, now := waitsSince()
	for _, step := range []struct {
		at   time.Duration
		want []notification.Kind
	}{
		{0, nil},
		{19*time.Minute + 59*time.Second, nil},
		{20 * time.Minute, []notification.Kind{notification.ApprovalEscalated}},
		{20*time.Minute + time.Second, nil},
		{30 * time.Minute, []notification.Kind{notification.ApprovalReminder}},
		{54 * time.Minute, nil},
		{55 * time.Minute, []notification.Kind{notification.ApprovalReminder}},
		{59 * time.Minute, nil},
		{61 * time.Minute, nil},
	} {
		*now, s.told = noon.Add(step.at), nil
		if err := in.Call(t.Context()); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(step.want, kindsOf(s.told)); d != "" {
			t.Errorf("after %s: %s", step.at, d)
		}
	}
}

func TestAnEscalationLetsMorePeopleDecideAndIsToldToTheRunAndTheAudit(t *testing.T) {
	s, in, now := waitsSince()
	if _, err := in.Decide(t.Context(), who("lea"), id, "approve", "sha256:aa", ""); fault.CodeOf(err) != "not_entitled" {
		t.Fatalf("before its time the lead got %v", err)
	}
	s.audit = nil
	*now = noon.Add(25 * time.Minute)
	if err := in.Call(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(s.audit) != 1 || s.audit[0].Verb != "approval.escalate" || s.audit[0].Before == s.audit[0].After {
		t.Errorf("the audit has %+v", s.audit)
	}
	want := engine.Escalated{Path: "if1/isolate", Approval: id, Who: []string{"role:lead"}}
	if d := cmp.Diff(engine.Body(want), event(t, s.signals[0])); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]notification.Audience{{Who: []string{"role:lead"}, Not: []string{"sam"}}}, s.told[0].To); d != "" {
		t.Error(d)
	}
	got, err := in.Decide(t.Context(), who("lea"), id, "approve", "sha256:aa", "")
	if err != nil || got.Status != approval.Approved {
		t.Errorf("the lead got %s, %v", got.Status, err)
	}
}

func TestWhatWasMissedIsMadeUpForOnce(t *testing.T) {
	s, in, now := waitsSince()
	*now = noon.Add(58 * time.Minute)
	for range 2 {
		if err := in.Call(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	want := []notification.Kind{notification.ApprovalReminder, notification.ApprovalEscalated}
	if d := cmp.Diff(want, kindsOf(s.told)); d != "" {
		t.Error(d)
	}
}
