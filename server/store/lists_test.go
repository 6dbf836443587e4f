package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tocsin-soar/tocsin/server/alert"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/ident"
	"github.com/tocsin-soar/tocsin/server/lookup"
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
		"severity":    func(a alert.Alert) string { return strconv.Itoa(a.Severity.Rank()) + a.ID },
		"count":       func(a alert.Alert) string { return strconv.FormatInt(a.Count, 10) + a.ID },
		"-severity":   func(a alert.Alert) string { return strconv.Itoa(a.Severity.Rank()) + a.ID },
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
