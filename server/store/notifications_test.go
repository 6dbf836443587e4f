package store

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-soar/tocsin/server/approval"
	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/control"
	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/gate"
	"github.com/tocsin-soar/tocsin/server/ident"
	"github.com/tocsin-soar/tocsin/server/inbox"
	"github.com/tocsin-soar/tocsin/server/ledger"
	"github.com/tocsin-soar/tocsin/server/lookup"
	"github.com/tocsin-soar/tocsin/server/notification"
	"github.com/tocsin-soar/tocsin/server/perform"
)

func reads(name string, roles ...string) lookup.Reader {
	return lookup.Reader{ID: "usr_" + name, Name: name, Words: notification.Words(name, roles, nil), Since: noon.Add(-time.Hour)}
}

// sees gives the kinds a person sees, with * at those that still want them.
func sees(t *testing.T, s *Store, who lookup.Reader) []string {
	t.Helper()
	list, err := s.Notifications(t.Context(), who, false, lookup.Page{Limit: 200})
	if err != nil {
		t.Fatal(err)
	}
	out, unread := []string{}, int64(0)
	for _, n := range list.Items {
		word := string(n.Kind)
		if !n.Read && !n.Over {
			word += "*"
			unread++
		}
		out = append(out, word)
	}
	if unread != list.Unread {
		t.Errorf("%d are shown as unread, %d counted", unread, list.Unread)
	}
	return out
}

func pending(id string) approval.Request {
	return approval.Request{
		ID: id, Kind: approval.KindAction, Status: approval.Pending, Digest: "sha256:aa", Title: "Isolate FIN-LT-0231", Starter: "sam",
		CreatedAt: noon, Deadline: noon.Add(time.Hour), Votes: []approval.Vote{},
		Requirements: []approval.Requirement{
			{Rule: "contain", Reason: "containment needs a person", Who: []string{"role:responder"}, Quorum: 1, Not: []string{"starter", "user:eve"}, Escalate: []approval.Escalation{{After: "20m", Who: []string{"role:lead"}}}},
		},
	}
}

var aRequest = ident.Derive(ident.Approval, noon, "one")

// open1Request writes a request as the engine does.
func open1Request(t *testing.T, s *Store) {
	t.Helper()
	if err := s.commit(t.Context(), func(tx *tx) error { return tx.saveApproval(pending(aRequest), 1) }); err != nil {
		t.Fatal(err)
	}
}

func TestThoseWhoMayDecideAreToldAndNobodyElse(t *testing.T) {
	s, _ := fresh(t)
	open1Request(t, s)
	for name, tc := range map[string]struct {
		who  lookup.Reader
		want []string
	}{
		"a responder":              {reads("rita", "responder"), []string{"approval_waiting*"}},
		"another role":             {reads("vic", "viewer", "engineer"), []string{}},
		"the one who started it":   {reads("sam", "responder"), []string{}},
		"one excluded by name":     {reads("eve", "responder"), []string{}},
		"whom an escalation names": {reads("lea", "lead"), []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			if d := cmp.Diff(tc.want, sees(t, s, tc.who)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestANotificationFollowsTheRolesAsTheyAre(t *testing.T) {
	s, _ := fresh(t)
	open1Request(t, s)
	if got := sees(t, s, reads("ann", "analyst")); len(got) > 0 {
		t.Fatalf("an analyst sees %v", got)
	}
	if d := cmp.Diff([]string{"approval_waiting*"}, sees(t, s, reads("ann", "analyst", "responder"))); d != "" {
		t.Error(d)
	}
	late := reads("new", "responder")
	late.Since = noon.Add(time.Hour)
	if d := cmp.Diff([]string{"approval_waiting*"}, sees(t, s, late)); d != "" {
		t.Errorf("somebody who came later does not see what still waits: %s", d)
	}
}

func TestARequestThatIsOverAsksNobodyAnyMore(t *testing.T) {
	s, _ := fresh(t)
	open1Request(t, s)
	rita := reads("rita", "responder")
	end := func(to approval.Status, version int64) {
		r := pending(aRequest)
		r.Status = to
		if err := s.commit(t.Context(), func(tx *tx) error { return tx.saveApproval(r, version) }); err != nil {
			t.Fatal(err)
		}
	}
	end(approval.Approved, 2)
	if d := cmp.Diff([]string{"approval_waiting"}, sees(t, s, rita)); d != "" {
		t.Error(d)
	}
	end(approval.Pending, 3) // the yes was weighed anew and held no longer
	if d := cmp.Diff([]string{"approval_waiting*"}, sees(t, s, rita)); d != "" {
		t.Errorf("asked again: %s", d)
	}
}

func TestCallsAreDueAsTheRequestSaysAndSurviveARestart(t *testing.T) {
	o, c := options(t, t.TempDir())
	s := open1(t, o)
	open1Request(t, s)
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	s = open1(t, o)
	in := &inbox.Inbox{Store: s, Now: c.Now}
	call := func() {
		t.Helper()
		if err := in.Call(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	call()
	lea := reads("lea", "lead")
	if got := sees(t, s, lea); len(got) != 0 {
		t.Fatalf("the lead sees %v too early", got)
	}
	c.Add(21 * time.Minute)
	call()
	call()
	if d := cmp.Diff([]string{"approval_escalated*"}, sees(t, s, lea)); d != "" {
		t.Error(d)
	}
	r, err := s.Approval(t.Context(), aRequest)
	if err != nil || len(r.Escalated) != 1 || !slices.Contains(r.Required[0].Who, "role:lead") {
		t.Errorf("the request has %+v, %v", r.Escalated, err)
	}
	list, err := s.AuditEntries(t.Context(), lookup.Audit{Verb: "approval.escalate"}, lookup.Page{})
	if err != nil || len(list.Items) != 1 {
		t.Errorf("%d audit entries, %v", len(list.Items), err)
	}
	c.Add(40 * time.Minute) // the deadline has passed, and the run has not said so yet
	if ids, err := s.DueCalls(t.Context(), c.Now(), 10); err != nil || len(ids) > 0 {
		t.Errorf("due after the deadline: %v, %v", ids, err)
	}
}

func TestReadingIsOnesOwnAndAllIsAll(t *testing.T) {
	s, c := fresh(t)
	for i := range 5 {
		c.Add(time.Second)
		_, err := s.Tell(t.Context(), notification.Draft{
			Key: string(rune('a' + i)), Kind: notification.Note, At: c.Now(), Title: "n", To: notification.Everyone("role:lead", "user:rita"),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	rita, lea, vic := reads("rita"), reads("lea", "lead"), reads("vic")
	list, err := s.Notifications(t.Context(), rita, false, lookup.Page{Limit: 2})
	if err != nil || len(list.Items) != 2 || list.Next == nil || list.Unread != 5 {
		t.Fatalf("got %+v, %v", list, err)
	}
	newest := list.Items[0].ID
	if n, err := s.ReadNotifications(t.Context(), vic, []string{newest}, false); err != nil || n != 0 {
		t.Fatalf("somebody else: %d, %v", n, err)
	}
	if n, err := s.ReadNotifications(t.Context(), rita, []string{newest}, false); err != nil || n != 4 {
		t.Fatalf("left %d, %v", n, err)
	}
	if d := cmp.Diff([]string{"note*", "note*", "note*", "note*", "note"}, sees(t, s, rita)); d != "" {
		t.Error(d)
	}
	if got := sees(t, s, lea); slices.Contains(got, "note") {
		t.Errorf("what one has read is read for another: %v", got)
	}
	seen := map[string]bool{}
	for cursor := ""; ; {
		list, err := s.Notifications(t.Context(), rita, false, lookup.Page{Limit: 2, Cursor: cursor})
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range list.Items {
			if seen[n.ID] {
				t.Errorf("%s came twice", n.ID)
			}
			seen[n.ID] = true
		}
		if list.Next == nil {
			break
		}
		cursor = *list.Next
	}
	if len(seen) != 5 {
		t.Errorf("%d came", len(seen))
	}
	if n, err := s.ReadNotifications(t.Context(), rita, nil, true); err != nil || n != 0 {
		t.Errorf("left %d, %v", n, err)
	}
	for _, bad := range []string{"x", "2." + newest, "0.", "0.apr_1", "0." + newest + "0"} {
		if _, err := s.Notifications(t.Context(), rita, false, lookup.Page{Cursor: bad}); err == nil {
			t.Errorf("the cursor %q was taken", bad)
		}
	}
}

func TestTheSameKeyTellsOnceAndAnswersAsTheFirstTime(t *testing.T) {
	s, _ := fresh(t)
	person(t, s, "rita", "responder")
	person(t, s, "lea", "lead")
	d := notification.Draft{Key: "note/k", Kind: notification.Note, At: noon, Title: "t", To: notification.Everyone("role:lead", "user:rita")}
	entry := audit.Draft{At: noon, Verb: "notify", Outcome: audit.Done}
	for range 2 {
		if n, err := s.Tell(t.Context(), d, entry); err != nil || n != 2 {
			t.Errorf("told %d, %v", n, err)
		}
	}
	list, err := s.AuditEntries(t.Context(), lookup.Audit{Verb: "notify"}, lookup.Page{})
	if err != nil || len(list.Items) != 1 || len(sees(t, s, reads("rita"))) != 1 {
		t.Errorf("%d audit entries, %v", len(list.Items), err)
	}
}

func TestAnEffectTellsOfItsEndAndOfAnUndoThatFailed(t *testing.T) {
	s, c := fresh(t)
	person(t, s, "rita", "responder")
	until := noon.Add(time.Hour)
	e := ledger.Effect{
		ID: ident.Derive(ident.Effect, noon, "e"), Key: "k", Action: "edr.isolate_host", Status: ledger.InForce, Since: noon, Until: &until,
		Targets: []ledger.Target{{Kind: "host", Value: "FIN-LT-0231"}}, Inverse: ledger.Inverse{Action: "edr.release_host"},
		Holds: []ledger.Hold{{Run: "run_1", Until: &until, ApprovedBy: []string{"rita"}, LeaseSeconds: 3600}},
	}
	save := func(e ledger.Effect, version int64) {
		t.Helper()
		if err := s.commit(t.Context(), func(tx *tx) error { return tx.saveEffect(e, version) }); err != nil {
			t.Fatal(err)
		}
	}
	save(e, 1)
	ctl := &control.Control{Store: s, Clock: c.Now}
	warn := func() int {
		t.Helper()
		ids, err := s.DueWarnings(t.Context(), c.Now(), 10)
		for _, id := range ids {
			if _, err := ctl.Warn(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		return len(ids)
	}
	c.Add(44 * time.Minute)
	if n := warn(); n != 0 {
		t.Errorf("%d warnings a minute too early", n)
	}
	c.Add(time.Minute)
	if first, second := warn(), warn(); first != 1 || second != 0 {
		t.Errorf("warned %d and %d times", first, second)
	}
	rita, rob := reads("rita", "responder"), reads("rob", "responder")
	if d := cmp.Diff([]string{"lease_ending*"}, sees(t, s, rita)); d != "" {
		t.Error(d)
	}
	if got := sees(t, s, rob); len(got) != 0 {
		t.Errorf("who does not own it sees %v", got)
	}
	e, err := s.EffectByID(t.Context(), e.ID)
	if err != nil {
		t.Fatal(err)
	}
	longer := until.Add(time.Hour)
	e.Holds[0].Until, e.Until = &longer, &longer
	save(e, 5)
	if d := cmp.Diff([]string{"lease_ending"}, sees(t, s, rita)); d != "" {
		t.Errorf("extended: %s", d)
	}
	e.Status = ledger.UndoFailed
	save(e, 6)
	save(e, 7)
	if d := cmp.Diff([]string{"undo_failed*", "lease_ending"}, sees(t, s, rita)); d != "" {
		t.Errorf("undo failed: %s", d)
	}
	e.Status = ledger.Undone
	save(e, 8)
	if d := cmp.Diff([]string{"undo_failed", "lease_ending"}, sees(t, s, rita)); d != "" {
		t.Errorf("undone: %s", d)
	}
}

func TestALeaseWhoseOwnerIsGoneIsToldToTheResponders(t *testing.T) {
	s, _ := fresh(t)
	person(t, s, "rob", "responder")
	d := notification.Lease("eff_1", "isolate", "run_1", []string{"gone"}, noon.Add(time.Hour), noon, false)
	if n, err := s.Tell(t.Context(), d); err != nil || n != 1 {
		t.Errorf("told %d, %v", n, err)
	}
	if d := cmp.Diff([]string{"lease_ending*"}, sees(t, s, reads("rob", "responder"))); d != "" {
		t.Error(d)
	}
}

func TestAStepInDoubtIsToldUntilSomebodySpeaks(t *testing.T) {
	s, _ := fresh(t)
	accept(t, s, 1)
	run := startOf(anAlert(1)).ID
	rob := reads("rob", "responder")
	write := func(seq uint64, status engine.StepStatus) {
		t.Helper()
		rec := perform.Record{Run: run, Expect: seq - 1, Events: []perform.Event{{Seq: seq, At: noon, Kind: "resumed", Body: []byte("{}")}}}
		for _, path := range []string{"isolate", "block"} {
			rec.Steps = append(rec.Steps, engine.StepView{Path: path, Status: status, Action: "edr.x"})
		}
		if err := s.Append(t.Context(), rec, nil); err != nil {
			t.Fatal(err)
		}
	}
	write(1, engine.StepInDoubt)
	write(2, engine.StepInDoubt)
	if d := cmp.Diff([]string{"in_doubt*", "in_doubt*"}, sees(t, s, rob)); d != "" {
		t.Error(d)
	}
	kind, body, err := engine.Encode(engine.Resolved{Path: "isolate", As: "failed", By: "rob"})
	if err != nil {
		t.Fatal(err)
	}
	err = s.Signal(t.Context(), run, func(engine.Run) (control.Order, error) { return control.Order{Kind: kind, Body: body}, nil })
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"in_doubt*", "in_doubt"}, sees(t, s, rob)); d != "" {
		t.Error(d)
	}
}

func TestWhomThePolicyNamesIsToldOnceForARunAndAnAction(t *testing.T) {
	s, _ := fresh(t)
	accept(t, s, 1)
	run := startOf(anAlert(1)).ID
	for i, id := range []string{"a", "b"} {
		d := perform.Decided{Notify: []string{"role:lead"}, Input: []byte("{}"), Decision: gate.Decision{
			ID: ident.Derive(ident.Decision, noon, id), Run: run, Step: "s", Action: "edr.isolate_host", Outcome: gate.Deny, At: noon, Attempt: int64(i),
			InputSHA256: hexOf(sumOf([]byte(id))), Reasons: []approval.Reason{{Rule: "protected", Outcome: "deny", Reason: "it is protected"}},
		}}
		if err := s.Append(t.Context(), perform.Record{Run: run, Decisions: []perform.Decided{d}}, nil); err != nil {
			t.Fatal(err)
		}
	}
	list, err := s.Notifications(t.Context(), reads("lea", "lead"), true, lookup.Page{})
	if err != nil || len(list.Items) != 1 {
		t.Fatalf("%+v, %v", list, err)
	}
	if n := list.Items[0]; n.Title != "Denied: edr.isolate_host" || n.Text != "protected: it is protected" || n.Object.ID != run {
		t.Errorf("got %+v", n)
	}
}

func TestOldNotificationsAreForgottenButNotWhatStillWaits(t *testing.T) {
	s, c := fresh(t)
	open1Request(t, s)
	if _, err := s.Tell(t.Context(), notification.Draft{Key: "n", Kind: notification.Note, At: noon, Title: "t", To: notification.Everyone("role:responder")}); err != nil {
		t.Fatal(err)
	}
	c.Add(31 * 24 * time.Hour)
	if _, err := s.Tend(t.Context(), Keep{Notifications: 30 * 24 * time.Hour}); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"approval_waiting*"}, sees(t, s, reads("rita", "responder"))); d != "" {
		t.Error(d)
	}
}
