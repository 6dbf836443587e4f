package store

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tocsin-soar/tocsin/server/alert"
	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/ident"
	"github.com/tocsin-soar/tocsin/server/intake"
	"github.com/tocsin-soar/tocsin/server/lookup"
	"github.com/tocsin-soar/tocsin/server/perform"
)

// many are alerts of which several are equal in whatever they are sorted by.
func many(t *testing.T, s *Store, n int) {
	t.Helper()
	for i := range n {
		d := aDelivery(i)
		a := &d.Items[0].Alert
		a.ID = ident.New(ident.Alert, noon.Add(time.Duration(i/3)*time.Millisecond), [10]byte{byte(i)})
		a.Severity, a.Count, a.LastSeen = alert.Severities[i%3], int64(i%4), noon.Add(time.Duration(i%5)*time.Hour)
		a.Title = fmt.Sprintf("100%% sure_%d", i)
		if _, err := s.Accept(t.Context(), d, keepNew); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPagesGiveEveryItemOnceInOrder(t *testing.T) {
	s, _ := fresh(t)
	const n = 40
	many(t, s, n)
	keys := map[string]func(a alert.Alert) string{
		"":            func(a alert.Alert) string { return a.ID },
		"created_at":  func(a alert.Alert) string { return a.ID },
		"last_seen":   func(a alert.Alert) string { return a.LastSeen.Format(time.RFC3339) + a.ID },
		"severity":    func(a alert.Alert) string { return fmt.Sprint(a.Severity.Rank()) + a.ID },
		"count":       func(a alert.Alert) string { return fmt.Sprint(a.Count) + a.ID },
		"-severity":   func(a alert.Alert) string { return fmt.Sprint(a.Severity.Rank()) + a.ID },
		"-last_seen":  func(a alert.Alert) string { return a.LastSeen.Format(time.RFC3339) + a.ID },
		"-created_at": func(a alert.Alert) string { return a.ID },
	}
	rapid.Check(t, func(rt *rapid.T) {
		sort := rapid.SampledFrom(slices.Sorted(mapsKeys(keys))).Draw(rt, "sort")
		p := lookup.Page{Sort: sort, Limit: rapid.IntRange(1, 15).Draw(rt, "limit")}
		var got []string
		for {
			list, err := s.Alerts(context.Background(), lookup.Alerts{}, p)
			if err != nil {
				rt.Fatal(err)
			}
			for _, a := range list.Items {
				got = append(got, keys[sort](a))
			}
			if list.Next == nil {
				break
			}
			p.Cursor = *list.Next
		}
		if sort == "" || sort[0] == '-' {
			slices.Reverse(got)
		}
		if len(got) != n || !slices.IsSorted(got) || len(slices.Compact(slices.Clone(got))) != n {
			rt.Fatalf("%d items, sorted %v", len(got), slices.IsSorted(got))
		}
	})
}

func mapsKeys[V any](m map[string]V) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func TestFiltersNarrowAndNeverWiden(t *testing.T) {
	s, _ := fresh(t)
	many(t, s, 30)
	for name, tc := range map[string]struct {
		f    lookup.Alerts
		want int
	}{
		"none":                  {lookup.Alerts{}, 30},
		"severity":              {lookup.Alerts{Severity: "low"}, 10},
		"two severities":        {lookup.Alerts{Severity: "low,medium"}, 20},
		"source":                {lookup.Alerts{Source: "edr"}, 30},
		"another source":        {lookup.Alerts{Source: "siem"}, 0},
		"source in other case":  {lookup.Alerts{Source: "EDR"}, 0},
		"status":                {lookup.Alerts{Status: "closed"}, 0},
		"two together":          {lookup.Alerts{Status: "new", Severity: "medium"}, 10},
		"owner":                 {lookup.Alerts{Owner: "ana"}, 0},
		"since":                 {lookup.Alerts{Since: noon.Add(4 * time.Hour)}, 6},
		"text":                  {lookup.Alerts{Q: "SURE_7"}, 1},
		"text of an entity":     {lookup.Alerts{Q: "fin-lt-0011"}, 1},
		"text with a wildcard":  {lookup.Alerts{Q: "sure%7"}, 0},
		"text with a percent":   {lookup.Alerts{Q: "100% sure"}, 30},
		"text with an escape":   {lookup.Alerts{Q: `\`}, 0},
		"text with a underline": {lookup.Alerts{Q: "s_re"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			list, err := s.Alerts(t.Context(), tc.f, lookup.Page{Limit: 200})
			if err != nil || len(list.Items) != tc.want {
				t.Errorf("got %d, want %d (%v)", len(list.Items), tc.want, err)
			}
		})
	}
	for name, f := range map[string]lookup.Alerts{
		"an unknown severity": {Severity: "severe"},
		"an empty one of two": {Severity: "low,"},
		"a text too long":     {Q: strings.Repeat("x", maxQ+1)},
	} {
		if _, err := s.Alerts(t.Context(), f, lookup.Page{}); fault.CodeOf(err) != "bad_filter" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// injections are texts that would change a statement if they ever became part of
// one.
func injections() []string {
	return []string{
		"id; DROP TABLE alert", "id--", "(SELECT password FROM user)", "password", "-password", "id, password", "1", "'", `"`, "id'", "id) OR (1=1",
		"' OR 1=1 --", "%", "CASE WHEN 1 THEN id ELSE id END", "id COLLATE NOCASE", "rowid", "body", "--created_at", "created_at ", "CREATED_AT",
	}
}

// Fact 8 and S058: what comes from a caller is a word of a list or a parameter.
func TestNoTextOfACallerBecomesPartOfAStatement(t *testing.T) {
	s, _ := fresh(t)
	many(t, s, 5)
	person(t, s, "ana", "admin")
	ctx := t.Context()
	lists := map[string]func(p lookup.Page) (int, error){
		"alerts": func(p lookup.Page) (int, error) {
			l, err := s.Alerts(ctx, lookup.Alerts{}, p)
			return len(l.Items), err
		},
		"runs": func(p lookup.Page) (int, error) { l, err := s.Runs(ctx, lookup.Runs{}, p); return len(l.Items), err },
		"approvals": func(p lookup.Page) (int, error) {
			l, err := s.Approvals(ctx, lookup.Approvals{}, p)
			return len(l.Items), err
		},
		"effects": func(p lookup.Page) (int, error) {
			l, err := s.Effects(ctx, lookup.Effects{}, p)
			return len(l.Items), err
		},
		"decisions": func(p lookup.Page) (int, error) {
			l, err := s.Decisions(ctx, lookup.Decisions{}, p)
			return len(l.Items), err
		},
		"audit": func(p lookup.Page) (int, error) {
			l, err := s.AuditEntries(ctx, lookup.Audit{}, p)
			return len(l.Items), err
		},
		"users":  func(p lookup.Page) (int, error) { l, err := s.ListUsers(ctx, p); return len(l.Items), err },
		"tokens": func(p lookup.Page) (int, error) { l, err := s.ListTokens(ctx, "", p); return len(l.Items), err },
	}
	for name, list := range lists {
		for _, text := range injections() {
			if _, err := list(lookup.Page{Sort: text}); fault.CodeOf(err) != "bad_sort" {
				t.Errorf("%s sorted by %q: %v", name, text, err)
			}
			if _, err := list(lookup.Page{Cursor: text}); fault.CodeOf(err) != "bad_cursor" {
				t.Errorf("%s from %q: %v", name, text, err)
			}
		}
		for _, limit := range []int{-1, maxPage + 1, 1 << 40} {
			if _, err := list(lookup.Page{Limit: limit}); fault.CodeOf(err) != "bad_limit" {
				t.Errorf("%s with limit %d: %v", name, limit, err)
			}
		}
	}
	for _, text := range injections() {
		filters := map[string]func() (int, error){
			"source": func() (int, error) {
				l, err := s.Alerts(ctx, lookup.Alerts{Source: text}, lookup.Page{})
				return len(l.Items), err
			},
			"status": func() (int, error) {
				l, err := s.Alerts(ctx, lookup.Alerts{Status: text}, lookup.Page{})
				return len(l.Items), err
			},
			"owner": func() (int, error) {
				l, err := s.Alerts(ctx, lookup.Alerts{Owner: text}, lookup.Page{})
				return len(l.Items), err
			},
			"playbook": func() (int, error) {
				l, err := s.Runs(ctx, lookup.Runs{Playbook: text}, lookup.Page{})
				return len(l.Items), err
			},
			"waiting": func() (int, error) {
				l, err := s.Runs(ctx, lookup.Runs{Waiting: text}, lookup.Page{})
				return len(l.Items), err
			},
			"target": func() (int, error) {
				l, err := s.Effects(ctx, lookup.Effects{Target: text}, lookup.Page{})
				return len(l.Items), err
			},
			"run": func() (int, error) {
				l, err := s.Effects(ctx, lookup.Effects{Run: text}, lookup.Page{})
				return len(l.Items), err
			},
			"outcome": func() (int, error) {
				l, err := s.Decisions(ctx, lookup.Decisions{Outcome: text}, lookup.Page{})
				return len(l.Items), err
			},
			"actor": func() (int, error) {
				l, err := s.AuditEntries(ctx, lookup.Audit{Actor: text}, lookup.Page{})
				return len(l.Items), err
			},
			"owner of": func() (int, error) { l, err := s.ListTokens(ctx, text, lookup.Page{}); return len(l.Items), err },
		}
		for name, filter := range filters {
			if n, err := filter(); n != 0 || err != nil {
				t.Errorf("%s %q gave %d items (%v)", name, text, n, err)
			}
		}
		for name, get := range map[string]func() error{
			"alert":    func() error { _, err := s.Alert(ctx, text); return err },
			"run":      func() error { _, err := s.Run(ctx, text); return err },
			"journal":  func() error { _, err := s.Journal(ctx, text); return err },
			"load":     func() error { _, err := s.Load(ctx, text); return err },
			"approval": func() error { _, err := s.Approval(ctx, text); return err },
			"effect":   func() error { _, err := s.EffectByID(ctx, text); return err },
			"decision": func() error { _, err := s.DecisionByID(ctx, text); return err },
			"user":     func() error { _, err := s.User(ctx, text); return err },
			"session":  func() error { _, _, err := s.Session(ctx, text); return err },
			"token":    func() error { _, _, err := s.Token(ctx, text); return err },
			"payload":  func() error { _, err := s.Payload(ctx, text); return err },
		} {
			if err := get(); fault.KindOf(err) != fault.NotFound {
				t.Errorf("%s %q: %v", name, text, err)
			}
		}
	}
	if n := rows(t, s, "SELECT count(*) FROM alert"); n != 5 {
		t.Errorf("%d alerts are left", n)
	}
}

func FuzzACursorIsReadOrRefused(f *testing.F) {
	good, err := writeCursor("-severity", int64(3), "alr_1")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add("e30")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := readCursor(text, "-severity")
		if err != nil {
			if fault.CodeOf(err) != "bad_cursor" {
				t.Fatal(err)
			}
			return
		}
		switch c.Unique.(type) {
		case string, int64:
		default:
			t.Fatalf("a place of type %T", c.Unique)
		}
	})
}

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
