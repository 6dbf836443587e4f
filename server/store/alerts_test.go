package store

import (
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-soar/tocsin/server/alert"
	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/intake"
	"github.com/tocsin-soar/tocsin/server/lookup"
	"github.com/tocsin-soar/tocsin/server/perform"
)

func TestAlertsThatNameTheSameThingsAreRelatedAndSayWhy(t *testing.T) {
	s, _ := fresh(t)
	put := func(n int, host, ip string) string {
		d := aDelivery(n)
		d.Items[0].Alert.Hosts = []alert.Host{{Name: host, IP: ip}}
		a, err := s.Accept(t.Context(), d, keepNew)
		if err != nil {
			t.Fatal(err)
		}
		return a.Alerts[0].ID
	}
	one := put(1, "FIN-LT-0231", "10.0.0.1")
	both := put(2, "fin-lt-0231", "10.0.0.1")
	half := put(3, "OTHER", "10.0.0.1")
	put(4, "NONE", "10.9.9.9")
	got, err := s.Alert(t.Context(), one)
	if err != nil {
		t.Fatal(err)
	}
	want := []lookup.Related{
		{ID: both, Title: "Malware 2", Severity: alert.High, Status: alert.New, LastSeen: noon, Why: []string{"host fin-lt-0231", "ip 10.0.0.1"}},
		{ID: half, Title: "Malware 3", Severity: alert.High, Status: alert.New, LastSeen: noon, Why: []string{"ip 10.0.0.1"}},
	}
	for i := range got.Related {
		slices.Sort(got.Related[i].Why)
	}
	if diff := cmp.Diff(want, got.Related); diff != "" {
		t.Error(diff)
	}
	if len(got.Runs) != 1 || got.Runs[0].Playbook != "isolate" || got.Version != 1 {
		t.Errorf("runs %+v, version %d", got.Runs, got.Version)
	}
}

func TestAnAlertIsEditedWithItsAudit(t *testing.T) {
	s, _ := fresh(t)
	id := accept(t, s, 1).Alerts[0].ID
	_, err := s.UpdateAlert(t.Context(), id, func(a alert.Alert, version int64) (alert.Alert, []audit.Draft, error) {
		if version != 1 {
			return a, nil, fault.New(fault.Conflict, "changed")
		}
		a.Status, a.Owner = alert.Closed, "ana"
		return a, []audit.Draft{note("alert.edit")}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := anAlert(1)
	want.Status, want.Owner = alert.Closed, "ana"
	got, err := s.Alert(t.Context(), id)
	if err != nil || got.Version != 2 {
		t.Fatalf("version %d (%v)", got.Version, err)
	}
	if diff := cmp.Diff(want, got.Alert); diff != "" {
		t.Error(diff)
	}
	if n := rows(t, s, "SELECT count(*) FROM audit WHERE verb = 'alert.edit'"); n != 1 {
		t.Errorf("%d entries", n)
	}
}

func TestARepeatIsFoldedIntoTheAlertWithItsKey(t *testing.T) {
	s, _ := fresh(t)
	id := accept(t, s, 1).Alerts[0].ID
	d := aDelivery(1)
	d.Identity = "another"
	a, err := s.Accept(t.Context(), d, keepNew)
	if err != nil || len(a.Alerts) != 1 || a.Alerts[0] != (intake.Taken{ID: id}) || len(a.Runs) != 0 {
		t.Fatalf("got %+v (%v)", a, err)
	}
	if got, err := s.Alert(t.Context(), id); err != nil || got.Count != 2 || got.Version != 2 {
		t.Errorf("count %d, version %d (%v)", got.Count, got.Version, err)
	}
}

func TestADeliveryIsForgottenAfterADay(t *testing.T) {
	s, c := fresh(t)
	accept(t, s, 1)
	later := aDelivery(1)
	later.At = noon.Add(keepDelivery)
	later.SHA256, later.Raw = aDelivery(2).SHA256, aDelivery(2).Raw
	if _, err := s.Accept(t.Context(), later, keepNew); err != nil {
		t.Errorf("after a day: %v", err)
	}
	c.Add(3 * keepDelivery)
	if _, err := s.Tend(t.Context(), Keep{}); err != nil {
		t.Fatal(err)
	}
	if n := rows(t, s, "SELECT count(*) FROM delivery"); n != 0 {
		t.Errorf("%d deliveries are kept", n)
	}
}

func TestADeliveryIsTakenWholeOrNotAtAll(t *testing.T) {
	s, _ := fresh(t)
	d := aDelivery(1)
	d.Items = append(d.Items, intake.Item{Alert: anAlert(2)}, intake.Item{Alert: anAlert(3)})
	before := state(t, s)
	_, err := s.Accept(t.Context(), d, func(old *alert.Alert, it intake.Item) intake.Folded {
		f := keepNew(old, it)
		if it.Alert.Dedup == "dedup-3" {
			f.Alert.ID = anAlert(1).ID // of the first one: the database refuses it
		}
		return f
	})
	if err == nil {
		t.Fatal("taken")
	}
	if diff := cmp.Diff(before, state(t, s)); diff != "" {
		t.Error(diff)
	}
}

func TestAStartWithAKnownKeyIsTheRunOfThen(t *testing.T) {
	s, _ := fresh(t)
	st := startOf(anAlert(1))
	first, err := s.Start(t.Context(), []engine.Start{st}, []audit.Draft{note("run.start")})
	if err != nil {
		t.Fatal(err)
	}
	st.ID = "run_other"
	again, err := s.Start(t.Context(), []engine.Start{st}, []audit.Draft{note("run.start")})
	if err != nil || !slices.Equal(first, again) {
		t.Errorf("got %v and %v (%v)", first, again, err)
	}
	if n := rows(t, s, "SELECT count(*) FROM audit WHERE verb = 'run.start'"); n != 1 {
		t.Errorf("%d entries", n)
	}
}

func TestARunWhoseTriggerFailedIsThereAndFailed(t *testing.T) {
	s, _ := fresh(t)
	st := startOf(anAlert(1))
	st.Error = &engine.Error{Kind: "expression", Message: "too costly"}
	ids, err := s.Start(t.Context(), []engine.Start{st}, nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Run(t.Context(), ids[0])
	if err != nil || r.Status != engine.RunFailed || r.Error == nil || r.Error.Message != "too costly" || r.EndedAt == nil {
		t.Errorf("got %+v (%v)", r, err)
	}
}

func TestBadgesCountWhatWaits(t *testing.T) {
	s, _ := fresh(t)
	run := aRun(t, s, 1)
	accept(t, s, 2)
	opened(t, s, run, asked(run, "1"))
	gripped(t, s, run, grip(perform.GripTake, run, "eff_1", nil))
	rec := perform.Record{Run: run, Events: events(0, 1), View: view(run, engine.RunWaiting, engine.WaitInDoubt)}
	if err := s.Append(t.Context(), rec, nil); err != nil {
		t.Fatal(err)
	}
	got, err := s.Badges(t.Context())
	want := lookup.Badges{Alerts: 2, Approvals: 1, Runs: 2, InDoubt: 1, Effects: 1}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v (%v)", got, err)
	}
	runs, err := s.Runs(t.Context(), lookup.Runs{Waiting: "in_doubt"}, lookup.Page{})
	if err != nil || len(runs.Items) != 1 || runs.Items[0].ID != run {
		t.Errorf("in doubt: %+v (%v)", runs.Items, err)
	}
}
