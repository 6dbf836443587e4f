package inbox_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-soar/tocsin/server/approval"
	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/ident"
	"github.com/tocsin-soar/tocsin/server/inbox"
	"github.com/tocsin-soar/tocsin/server/notification"
)

var (
	noon = time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)
	id   = ident.Derive(ident.Approval, noon, "one")
)

// store keeps one request in memory, with the atomicity that inbox.Store asks for.
type store struct {
	mu      sync.Mutex
	request approval.Request
	people  map[string]approval.Person
	signals []inbox.Signal
	audit   []audit.Draft
	haltOff int
	told    []notification.Draft
}

func (s *store) DueCalls(_ context.Context, now time.Time, _ int) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at, ok := s.request.NextCall(); ok && !at.After(now) {
		return []string{s.request.ID}, nil
	}
	return nil, nil
}

func (s *store) Change(_ context.Context, want, _ string, decide func(inbox.Ballot) (inbox.Change, error)) (approval.Request, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if want != s.request.ID {
		return approval.Request{}, fault.New(fault.NotFound, "no approval")
	}
	c, err := decide(inbox.Ballot{Request: s.request, People: s.people})
	if refusal, ok := errors.AsType[*inbox.Refusal](err); ok {
		s.audit = append(s.audit, refusal.Audit...)
		return approval.Request{}, refusal.Err
	}
	if err != nil {
		return approval.Request{}, err
	}
	s.request = c.Request
	s.audit = append(s.audit, c.Audit...)
	s.told = append(s.told, c.Tell...)
	if c.Signal != nil {
		s.signals = append(s.signals, *c.Signal)
	}
	if c.HaltOff {
		s.haltOff++
	}
	return c.Request, nil
}

// policy objects to whom it is told.
type policy struct{ against string }

func (p policy) Objections(_ context.Context, _ approval.Request, v approval.Person, decision string, _ time.Time) []approval.Reason {
	if v.Name != p.against {
		return nil
	}
	return []approval.Reason{{Rule: "not_" + v.Name, Outcome: "deny", Reason: "no " + decision + " of " + v.Name}}
}

func setup(kind approval.Kind) (*store, *inbox.Inbox) {
	person := func(name string, roles ...string) approval.Person {
		return approval.Person{Name: name, Roles: roles, Active: true}
	}
	s := &store{
		request: approval.Request{
			ID: id, Kind: kind, Status: approval.Pending, Digest: "sha256:aa", Run: "run_1", Step: "if1/isolate", Deadline: noon.Add(time.Hour), Starter: "sam",
			Requirements: []approval.Requirement{{Rule: "contain", Who: []string{"role:responder"}, Quorum: 1, Not: []string{"starter"}, Hold: "8s", Extend: "10m", ValidFor: "15m"}},
		},
		people: map[string]approval.Person{
			"rob": person("rob", "responder"), "rita": person("rita", "responder"), "sam": person("sam", "responder"), "eve": person("eve", "responder"), "vic": person("vic", "viewer"),
		},
	}
	return s, &inbox.Inbox{Store: s, Policy: policy{"eve"}, Now: func() time.Time { return noon }}
}

func who(name string) audit.Actor {
	return audit.Actor{Kind: "user", ID: "usr_" + name, Name: name, Auth: "password", IP: "127.0.0.1"}
}

func event(t *testing.T, s inbox.Signal) engine.Body {
	t.Helper()
	b, err := engine.Decode(s.Kind, s.Body)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAYesIsWrittenAuditedAndToldToTheRun(t *testing.T) {
	s, in := setup(approval.KindAction)
	got, err := in.Decide(t.Context(), who("Rob"), id, "approve", "sha256:aa", "go")
	if err != nil || got.Status != approval.Approved {
		t.Fatalf("got %s, %v", got.Status, err)
	}
	held := noon.Add(8 * time.Second)
	want := engine.ApprovalDecided{Path: "if1/isolate", Approval: id, Status: "approved", HeldUntil: &held, By: []string{"rob"}, Comment: "go"}
	if len(s.signals) != 1 {
		t.Fatalf("%d signals", len(s.signals))
	}
	if diff := cmp.Diff(engine.Body(want), event(t, s.signals[0])); diff != "" {
		t.Error(diff)
	}
	if len(s.audit) != 1 {
		t.Fatalf("%d audit entries", len(s.audit))
	}
	d := s.audit[0]
	if d.Before == "" || d.After == "" || d.Before == d.After {
		t.Errorf("before %q, after %q", d.Before, d.After)
	}
	d.Before, d.After = "", ""
	if diff := cmp.Diff(audit.Draft{
		At: noon, Actor: who("Rob"), Verb: "approval.decide", Object: audit.Object{Kind: "approval", ID: id}, Run: "run_1", Step: "if1/isolate",
		Digest: "sha256:aa", Reason: "approve: go", Outcome: audit.Done,
	}, d); diff != "" {
		t.Error(diff)
	}
}

func TestANoIsToldToTheRunWithItsReason(t *testing.T) {
	s, in := setup(approval.KindAction)
	if _, err := in.Decide(t.Context(), who("rita"), id, "deny", "sha256:aa", "a false alarm"); err != nil {
		t.Fatal(err)
	}
	want := engine.ApprovalDecided{Path: "if1/isolate", Approval: id, Status: "denied", By: []string{"rita"}, Comment: "a false alarm"}
	if diff := cmp.Diff(engine.Body(want), event(t, s.signals[0])); diff != "" {
		t.Error(diff)
	}
}

func TestAVoteThatDecidesNothingYetIsNotTheRunsBusiness(t *testing.T) {
	s, in := setup(approval.KindAction)
	s.request.Requirements[0].Quorum = 2
	for range 2 { // the second click changes nothing at all
		if _, err := in.Decide(t.Context(), who("rob"), id, "approve", "sha256:aa", ""); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.signals) != 0 || len(s.audit) != 1 || len(s.request.Votes) != 1 {
		t.Errorf("%d signals, %d audit entries, %d votes", len(s.signals), len(s.audit), len(s.request.Votes))
	}
	if _, err := in.Decide(t.Context(), who("rita"), id, "approve", "sha256:aa", ""); err != nil {
		t.Fatal(err)
	}
	e, ok := event(t, s.signals[0]).(engine.ApprovalDecided)
	if !ok || !cmp.Equal(e.By, []string{"rob", "rita"}) {
		t.Errorf("got %+v", e)
	}
}

func TestARefusalIsAuditedAndChangesNothing(t *testing.T) {
	for name, tc := range map[string]struct {
		try  func(ctx context.Context, in *inbox.Inbox) (approval.Request, error)
		verb string
		code string
	}{
		"by the starter": {func(ctx context.Context, in *inbox.Inbox) (approval.Request, error) {
			return in.Decide(ctx, who("sam"), id, "approve", "sha256:aa", "")
		}, "approval.decide", "not_entitled"},
		"by a viewer": {func(ctx context.Context, in *inbox.Inbox) (approval.Request, error) {
			return in.Decide(ctx, who("vic"), id, "deny", "sha256:aa", "no")
		}, "approval.decide", "not_entitled"},
		"of another digest": {func(ctx context.Context, in *inbox.Inbox) (approval.Request, error) {
			return in.Decide(ctx, who("rob"), id, "approve", "sha256:ab", "")
		}, "approval.decide", "digest_changed"},
		"where the policy objects": {func(ctx context.Context, in *inbox.Inbox) (approval.Request, error) {
			return in.Decide(ctx, who("EVE"), id, "approve", "sha256:aa", "")
		}, "approval.decide", "not_entitled"},
		"an answer to no question": {func(ctx context.Context, in *inbox.Inbox) (approval.Request, error) {
			return in.Answer(ctx, who("rob"), id, "sha256:aa", map[string]any{})
		}, "approval.answer", "decision_needed"},
		"a withdrawal of nothing": {func(ctx context.Context, in *inbox.Inbox) (approval.Request, error) {
			return in.Withdraw(ctx, who("rob"), id)
		}, "approval.withdraw", "nothing_to_withdraw"},
		"too much time": {func(ctx context.Context, in *inbox.Inbox) (approval.Request, error) {
			return in.Extend(ctx, who("rob"), id, time.Hour)
		}, "approval.extend", "extend_limit"},
	} {
		t.Run(name, func(t *testing.T) {
			s, in := setup(approval.KindAction)
			before := s.request
			_, err := tc.try(t.Context(), in)
			if fault.CodeOf(err) != tc.code {
				t.Errorf("got %v, want %s", err, tc.code)
			}
			if diff := cmp.Diff(before, s.request); diff != "" || len(s.signals) > 0 {
				t.Errorf("something changed: %s %v", diff, s.signals)
			}
			if len(s.audit) != 1 || s.audit[0].Outcome != audit.Refused || s.audit[0].Verb != tc.verb || !strings.Contains(s.audit[0].Reason, "refused") {
				t.Errorf("the audit has %+v", s.audit)
			}
		})
	}
}

func TestANoIsNeverHeldBackByThePolicy(t *testing.T) {
	_, in := setup(approval.KindAction)
	if r, err := in.Decide(t.Context(), who("eve"), id, "deny", "sha256:aa", "no"); err != nil || r.Status != approval.Denied {
		t.Errorf("got %s, %v", r.Status, err)
	}
}

func TestAnIdThatIsNoneIsNotFound(t *testing.T) {
	s, in := setup(approval.KindAction)
	for _, bad := range []string{"", "apr_1", id + "0", strings.ToUpper(id), "run_" + id[4:], id[:4] + "../../../../../../../../../../x"} {
		if _, err := in.Decide(t.Context(), who("rob"), bad, "approve", "sha256:aa", ""); fault.KindOf(err) != fault.NotFound {
			t.Errorf("%q: got %v", bad, err)
		}
	}
	if len(s.audit) > 0 {
		t.Error("the store was asked")
	}
}

func TestAnAnswerIsToldToTheRun(t *testing.T) {
	s, in := setup(approval.KindQuestion)
	s.request.Form = map[string]any{"verdict": map[string]any{"type": "string"}}
	s.request.Requirements[0].Hold = "0s"
	if _, err := in.Answer(t.Context(), who("rob"), id, "sha256:aa", map[string]any{"verdict": "clean"}); err != nil {
		t.Fatal(err)
	}
	want := engine.ApprovalDecided{Path: "if1/isolate", Approval: id, Status: "approved", By: []string{"rob"}, Answer: engine.Value{V: map[string]any{"verdict": "clean"}}}
	if diff := cmp.Diff(engine.Body(want), event(t, s.signals[0])); diff != "" {
		t.Error(diff)
	}
	if s.audit[0].Verb != "approval.answer" {
		t.Errorf("the verb is %s", s.audit[0].Verb)
	}
}

func TestAnAnswerIsRefusedWhereThePolicyObjects(t *testing.T) {
	s, in := setup(approval.KindQuestion)
	if _, err := in.Answer(t.Context(), who("eve"), id, "sha256:aa", nil); fault.CodeOf(err) != "not_entitled" || !strings.Contains(err.Error(), "no answer of eve") {
		t.Errorf("got %v", err)
	}
	if s.request.Status != approval.Pending {
		t.Error("it was taken")
	}
}

func TestAWithdrawalIsToldToTheRun(t *testing.T) {
	s, in := setup(approval.KindAction)
	for _, step := range []func() (approval.Request, error){
		func() (approval.Request, error) {
			return in.Decide(t.Context(), who("rob"), id, "approve", "sha256:aa", "")
		},
		func() (approval.Request, error) { return in.Withdraw(t.Context(), who("rob"), id) },
	} {
		if _, err := step(); err != nil {
			t.Fatal(err)
		}
	}
	if e, ok := event(t, s.signals[1]).(engine.ApprovalDecided); !ok || e.Status != "withdrawn" || e.HeldUntil != nil {
		t.Errorf("got %+v", e)
	}
}

func TestALaterDeadlineIsToldToTheRun(t *testing.T) {
	s, in := setup(approval.KindAction)
	if _, err := in.Extend(t.Context(), who("rob"), id, 10*time.Minute); err != nil {
		t.Fatal(err)
	}
	later := noon.Add(70 * time.Minute)
	if diff := cmp.Diff(engine.Body(engine.Requested{Path: "if1/isolate", Approval: id, Deadline: &later}), event(t, s.signals[0])); diff != "" {
		t.Error(diff)
	}
}

func TestTheLastVoteOnAHaltLiftsIt(t *testing.T) {
	s, in := setup(approval.KindHalt)
	s.request.Run, s.request.Requirements[0].Hold = "", "0s"
	if _, err := in.Decide(t.Context(), who("sam"), id, "approve", "sha256:aa", ""); fault.CodeOf(err) != "not_entitled" || s.haltOff != 0 {
		t.Errorf("who asked for it lifts it: %v", err)
	}
	if _, err := in.Decide(t.Context(), who("rob"), id, "approve", "sha256:aa", ""); err != nil || s.haltOff != 1 || len(s.signals) != 0 {
		t.Errorf("lifted %d times, %d signals, %v", s.haltOff, len(s.signals), err)
	}
}

func TestADeniedHaltStays(t *testing.T) {
	s, in := setup(approval.KindHalt)
	if _, err := in.Decide(t.Context(), who("rob"), id, "deny", "sha256:aa", "not yet"); err != nil || s.haltOff != 0 {
		t.Errorf("lifted %d times, %v", s.haltOff, err)
	}
}

// S074: whoever comes second gets a conflict, and the run hears one decision.
func TestARaceHasOneOutcome(t *testing.T) {
	s, in := setup(approval.KindAction)
	var wg sync.WaitGroup
	codes := make(chan string, 20)
	for i := range 20 {
		wg.Go(func() {
			word, name := "approve", "rob"
			if i%2 == 0 {
				word, name = "deny", "rita"
			}
			_, err := in.Decide(t.Context(), who(name), id, word, "sha256:aa", "because")
			codes <- fault.CodeOf(err)
		})
	}
	wg.Wait()
	close(codes)
	won := 0
	for c := range codes {
		switch c {
		case "":
			won++
		case "already_decided":
		default:
			t.Errorf("got %s", c)
		}
	}
	if won != 1 || len(s.signals) != 1 || len(s.audit) != 20 {
		t.Errorf("%d won, %d signals, %d audit entries", won, len(s.signals), len(s.audit))
	}
}
