package store

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-soar/tocsin/server/account"
	"github.com/tocsin-soar/tocsin/server/approval"
	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/control"
	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/ident"
	"github.com/tocsin-soar/tocsin/server/inbox"
	"github.com/tocsin-soar/tocsin/server/ledger"
	"github.com/tocsin-soar/tocsin/server/lookup"
	"github.com/tocsin-soar/tocsin/server/perform"
)

func person(t *testing.T, s *Store, name string, roles ...string) account.User {
	t.Helper()
	u := account.User{
		ID: ident.Derive(ident.User, noon, name), Name: name, Kind: account.Person, Roles: roles, Teams: []string{"soc"}, Version: 1,
		CreatedAt: noon, UpdatedAt: noon,
	}
	if err := s.AddUser(t.Context(), account.NewUser{User: u, Audit: []audit.Draft{note("user.manage")}}); err != nil {
		t.Fatal(err)
	}
	return u
}

func asked(run, id string) approval.Request {
	return approval.Request{
		ID: ident.Derive(ident.Approval, noon, id), Kind: approval.KindAction, Status: approval.Pending, Run: run, Step: "isolate", Deadline: noon.Add(time.Hour),
		Votes: []approval.Vote{}, CreatedAt: noon,
	}
}

func opened(t *testing.T, s *Store, run string, req approval.Request) {
	t.Helper()
	if err := s.Append(t.Context(), perform.Record{Run: run, Open: []approval.Request{req}}, nil); err != nil {
		t.Fatal(err)
	}
}

// yes is a vote of one person, enough alone; a second one comes too late.
func yes(b inbox.Ballot) (inbox.Change, error) {
	const voter = "ana"
	r := b.Request
	if r.Status != approval.Pending {
		return inbox.Change{}, &inbox.Refusal{
			Err:   fault.New(fault.Conflict, "decided").WithCode("already_decided"),
			Audit: []audit.Draft{{At: noon, Verb: "approval.decide", Outcome: audit.Refused}},
		}
	}
	if !b.People[voter].Active {
		return inbox.Change{}, errors.New("nobody")
	}
	r.Status = approval.Approved
	r.Votes = append(r.Votes, approval.Vote{By: voter, Decision: "approve", At: noon, Counts: true})
	kind, raw, err := engine.Encode(engine.ApprovalDecided{Path: r.Step, Approval: r.ID, Status: "approved", By: []string{voter}})
	return inbox.Change{
		Request: r, Signal: &inbox.Signal{Kind: kind, Body: raw}, Audit: []audit.Draft{note("approval.decide")},
	}, err
}

func TestOfTwoDecisionsOneCounts(t *testing.T) {
	s, _ := fresh(t)
	person(t, s, "ana", "responder")
	run := aRun(t, s, 1)
	req := asked(run, "1")
	opened(t, s, run, req)
	var won, late atomic.Int64
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			switch _, err := s.Change(t.Context(), req.ID, "ana", yes); fault.CodeOf(err) {
			case "":
				won.Add(1)
			case "already_decided":
				late.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 || late.Load() != 19 {
		t.Errorf("%d decided, %d came late", won.Load(), late.Load())
	}
	if n := rows(t, s, "SELECT count(*) FROM audit WHERE verb = 'approval.decide'"); n != 20 {
		t.Errorf("%d of 20 attempts are audited", n)
	}
	st, err := s.Load(t.Context(), run)
	if err != nil || len(st.Signals) != 1 || st.Signals[0].Kind != "approval_decided" {
		t.Fatalf("signals %+v (%v)", st.Signals, err)
	}
	rec := perform.Record{Run: run, Events: events(0, 1), Signals: []int64{st.Signals[0].ID}}
	if err := s.Append(t.Context(), rec, nil); err != nil {
		t.Fatal(err)
	}
	if st, err := s.Load(t.Context(), run); err != nil || len(st.Signals) != 0 {
		t.Errorf("consumed, and still there: %+v (%v)", st.Signals, err)
	}
	if _, err := s.Change(t.Context(), "apr_none", "ana", yes); fault.KindOf(err) != fault.NotFound {
		t.Errorf("of no request: %v", err)
	}
}

func TestARunHearsADecisionBeforeItClosesTheRequest(t *testing.T) {
	s, c := fresh(t)
	person(t, s, "ana", "responder")
	run := aRun(t, s, 1)
	req := asked(run, "1")
	opened(t, s, run, req)
	expire := perform.Record{Run: run, Close: []perform.Close{{ID: req.ID, Status: approval.Expired, Why: "nobody answered"}}}
	if _, err := s.Change(t.Context(), req.ID, "ana", yes); err != nil {
		t.Fatal(err)
	}
	if err := s.Append(t.Context(), expire, nil); fault.CodeOf(err) != "already_decided" {
		t.Fatalf("closed over a decision: %v", err)
	}
	st, err := s.Load(t.Context(), run)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Append(t.Context(), perform.Record{Run: run, Events: events(0, 1), Signals: []int64{st.Signals[0].ID}}, nil); err != nil {
		t.Fatal(err)
	}
	void := perform.Record{Run: run, Expect: 1, Close: []perform.Close{{ID: req.ID, Status: approval.Void, Why: "cancelled"}}}
	c.Add(time.Minute)
	if err := s.Append(t.Context(), void, nil); err != nil {
		t.Fatal(err)
	}
	got, err := s.Approval(t.Context(), req.ID)
	if err != nil || got.Status != approval.Void || got.Why != "cancelled" || !got.DecidedAt.Equal(c.Now()) {
		t.Errorf("got %+v (%v)", got, err)
	}
}

func TestTheGroundHoldsVotersAsTheyAreNow(t *testing.T) {
	s, _ := fresh(t)
	ana := person(t, s, "ana", "responder")
	run := aRun(t, s, 1)
	req := asked(run, "1")
	opened(t, s, run, req)
	if _, err := s.Change(t.Context(), req.ID, "ana", yes); err != nil {
		t.Fatal(err)
	}
	ground := func() (g perform.Ground) {
		err := s.Append(t.Context(), perform.Record{Run: run}, &perform.Asking{
			Approval: req.ID, Then: func(got perform.Ground) perform.Record { g = got; return perform.Record{Run: run} },
		})
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	want := approval.Person{Name: "ana", Roles: []string{"responder"}, Teams: []string{"soc"}, Active: true}
	if g := ground(); g.Approval == nil || len(g.Approval.Votes) != 1 || cmp.Diff(want, g.Voters["ana"]) != "" || g.Halted {
		t.Errorf("got %+v", g)
	}
	_, err := s.ChangeUser(t.Context(), ana.ID, func(u account.User, _ int) (account.UserChange, error) {
		u.Disabled, u.Roles = true, nil
		return account.UserChange{User: u}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if g := ground(); g.Voters["ana"].Active || len(g.Voters["ana"].Roles) != 0 {
		t.Errorf("got %+v", g.Voters)
	}
}

func TestASignalToARunThatIsOverIsForgotten(t *testing.T) {
	s, _ := fresh(t)
	run := aRun(t, s, 1)
	order := func(engine.Run) (control.Order, error) {
		return control.Order{Kind: "cancel_requested", Body: []byte(`{}`), Audit: []audit.Draft{note("run.cancel")}}, nil
	}
	if err := s.Signal(t.Context(), run, order); err != nil {
		t.Fatal(err)
	}
	if n := rows(t, s, "SELECT count(*) FROM signal"); n != 1 {
		t.Fatalf("%d signals", n)
	}
	if err := s.Append(t.Context(), perform.Record{Run: run, Events: events(0, 1), View: view(run, engine.RunCancelled)}, nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Signal(t.Context(), run, order); err != nil {
		t.Fatal(err)
	}
	if n := rows(t, s, "SELECT count(*) FROM signal"); n != 0 {
		t.Errorf("%d signals are left", n)
	}
	no := fault.New(fault.Conflict, "no")
	if err := s.Signal(t.Context(), run, func(r engine.Run) (control.Order, error) {
		if r.Status != engine.RunCancelled {
			t.Errorf("it looks %s", r.Status)
		}
		return control.Order{}, no
	}); !errors.Is(err, no) {
		t.Errorf("got %v", err)
	}
}

func TestTheKillSwitchStopsTheVeryNextQuestion(t *testing.T) {
	o, _ := options(t, t.TempDir())
	s := open1(t, o)
	run := aRun(t, s, 1)
	halted := func() bool {
		h := false
		err := s.Append(t.Context(), perform.Record{Run: run}, &perform.Asking{Then: func(g perform.Ground) perform.Record { h = g.Halted; return perform.Record{Run: run} }})
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	set := func(h control.Halt) {
		_, err := s.Halt(t.Context(), func(control.Halt, []approval.Person) (control.HaltOrder, error) {
			return control.HaltOrder{Halt: h, Audit: []audit.Draft{note("halt.on")}}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if halted() || s.Halted() {
		t.Fatal("halted from the start")
	}
	set(control.Halt{On: true, Reason: "storm", By: "ana", Since: &noon})
	if !halted() || !s.Halted() {
		t.Error("not halted")
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	s = open1(t, o)
	if h, err := s.HaltState(t.Context()); err != nil || !h.On || h.By != "ana" || !s.Halted() {
		t.Errorf("after a restart %+v (%v)", h, err)
	}
	set(control.Halt{})
	if halted() {
		t.Error("still halted")
	}
}

func TestASecondPersonLiftsTheHaltByTheirVote(t *testing.T) {
	s, _ := fresh(t)
	person(t, s, "ana", "lead")
	req := asked("", "halt")
	req.Kind = approval.KindHalt
	_, err := s.Halt(t.Context(), func(_ control.Halt, others []approval.Person) (control.HaltOrder, error) {
		if len(others) != 1 || others[0].Name != "ana" {
			t.Errorf("people: %+v", others)
		}
		return control.HaltOrder{Halt: control.Halt{On: true, Approval: req.ID, Quarantine: true}, Open: &req}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Change(t.Context(), req.ID, "ana", func(b inbox.Ballot) (inbox.Change, error) {
		c, err := yes(b)
		c.HaltOff, c.Signal = true, nil
		return c, err
	})
	if err != nil {
		t.Fatal(err)
	}
	if h, err := s.HaltState(t.Context()); err != nil || h.On || h.Quarantine || s.Halted() {
		t.Errorf("got %+v (%v)", h, err)
	}
}

func grip(verb perform.GripVerb, run, id string, until *time.Time) perform.Grip {
	return perform.Grip{Verb: verb, Effect: ledger.Effect{
		ID: id, Key: "key", Action: "edr.isolate_host", Impact: "contain", Connection: "edr", Status: ledger.InForce, Since: noon, Run: run, Step: "a", Playbook: "isolate",
		Targets: []ledger.Target{{Kind: "host", Value: "FIN-LT-0231"}}, Holds: []ledger.Hold{{Run: run, Step: "a", Until: until}},
	}}
}

func gripped(t *testing.T, s *Store, run string, g perform.Grip) (ended []perform.Ended) {
	t.Helper()
	err := s.Append(t.Context(), perform.Record{Run: run, Effects: []perform.Grip{g}}, &perform.Asking{
		Then: func(g perform.Ground) perform.Record { ended = g.Ended; return perform.Record{Run: run} },
	})
	if err != nil {
		t.Fatal(err)
	}
	return ended
}

func TestAnEffectIsReleasedAfterItsLastHold(t *testing.T) {
	o, _ := options(t, t.TempDir())
	s := open1(t, o)
	one, two := aRun(t, s, 1), aRun(t, s, 2)
	gripped(t, s, one, grip(perform.GripTake, one, "eff_1", nil))
	gripped(t, s, two, grip(perform.GripTake, two, "eff_2", nil))
	for _, id := range []string{"eff_1", "eff_2"} { // each run's own name for it
		if e, err := s.EffectByID(t.Context(), id); err != nil || e.ID != "eff_1" || len(e.Holds) != 2 {
			t.Errorf("%s is %+v (%v)", id, e, err)
		}
	}
	if f := s.Facts("", noon).InForce; f.Total != 1 || f.ByTargetKind["host"] != 1 || f.ByImpact["contain"] != 1 {
		t.Errorf("in force: %+v", f)
	}
	if e := gripped(t, s, one, grip(perform.GripEnd, one, "", nil)); len(e) != 1 || e[0].Due || e[0].Kept != two+" holds it" {
		t.Errorf("the first end: %+v", e)
	}
	if e := gripped(t, s, two, grip(perform.GripEnd, two, "", nil)); len(e) != 1 || !e[0].Due || e[0].Effect.Status != ledger.Undoing {
		t.Errorf("the last end: %+v", e)
	}
	if e := gripped(t, s, two, grip(perform.GripEnd, two, "", nil)); len(e) != 1 || e[0].Due {
		t.Errorf("once more: %+v", e)
	}
	state := grip(perform.GripState, two, "", nil)
	state.Effect.Status, state.Effect.UndoRun = ledger.Undone, two
	gripped(t, s, two, state)
	gripped(t, s, two, state) // what is not open changes nothing
	if f := s.Facts("", noon).InForce; f.Total != 0 {
		t.Errorf("still in force: %+v", f)
	}
	gripped(t, s, two, grip(perform.GripTake, two, "eff_3", nil)) // and begins anew
	list, err := s.Effects(t.Context(), lookup.Effects{Target: "fin-lt-0231"}, lookup.Page{})
	if err != nil || len(list.Items) != 2 {
		t.Errorf("on this host: %+v (%v)", list.Items, err)
	}
	byRun, err := s.Effects(t.Context(), lookup.Effects{Run: one, Status: "undone"}, lookup.Page{})
	if err != nil || len(byRun.Items) != 1 {
		t.Errorf("of run one: %+v (%v)", byRun.Items, err)
	}
	before := s.Facts("", noon)
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, open1(t, o).Facts("", noon)); diff != "" {
		t.Errorf("after a restart: %s", diff)
	}
}

func TestALeaseIsDueAtItsEndAndQueuesItsUndoOnce(t *testing.T) {
	s, c := fresh(t)
	run := aRun(t, s, 1)
	until := noon.Add(time.Hour)
	gripped(t, s, run, grip(perform.GripTake, run, "eff_1", &until))
	if ids, next, err := s.DueEffects(t.Context(), noon, 10); err != nil || len(ids) != 0 || !next.Equal(until) {
		t.Fatalf("due %v, next %v (%v)", ids, next, err)
	}
	c.Add(time.Hour)
	ids, _, err := s.DueEffects(t.Context(), c.Now(), 10)
	if err != nil || len(ids) != 1 {
		t.Fatalf("due %v (%v)", ids, err)
	}
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			_, err := s.Effect(context.Background(), ids[0], func(e ledger.Effect) (control.EffectOrder, error) {
				after, undo := ledger.Expire(e, c.Now())
				o := control.EffectOrder{Effect: after}
				if undo {
					st := startOf(anAlert(77))
					o.Start = &st
				}
				return o, nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := rows(t, s, "SELECT count(*) FROM run"); n != 2 {
		t.Errorf("%d runs", n)
	}
	if ids, _, err := s.DueEffects(t.Context(), c.Now(), 10); err != nil || len(ids) != 0 {
		t.Errorf("still due: %v (%v)", ids, err)
	}
}

func TestAnExtensionKeepsTheEffect(t *testing.T) {
	s, c := fresh(t)
	run := aRun(t, s, 1)
	until, later := noon.Add(time.Hour), noon.Add(3*time.Hour)
	gripped(t, s, run, grip(perform.GripTake, run, "eff_1", &until))
	more := grip(perform.GripExtend, "run_x", "eff_1", &later)
	more.Effect.Key = ""
	gripped(t, s, run, more)
	c.Add(2 * time.Hour)
	_, err := s.Effect(t.Context(), "eff_1", func(e ledger.Effect) (control.EffectOrder, error) {
		after, undo := ledger.Expire(e, c.Now())
		if undo || len(after.Holds) != 1 {
			t.Errorf("undo %v with %d holds", undo, len(after.Holds))
		}
		return control.EffectOrder{Effect: after}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, next, err := s.DueEffects(t.Context(), c.Now(), 10); err != nil || !next.Equal(later) {
		t.Errorf("next at %v (%v)", next, err)
	}
}
