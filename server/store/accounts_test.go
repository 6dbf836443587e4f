package store

import (
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-soar/tocsin/server/account"
	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/lookup"
)

func secretHash(text string) string { return hexOf(sumOf([]byte(text))) }

func TestAUserIsKeptAsGiven(t *testing.T) {
	s, _ := fresh(t)
	want := person(t, s, "ana", "admin", "lead")
	for name, get := range map[string]func() (account.User, error){
		"by id":   func() (account.User, error) { return s.User(t.Context(), want.ID) },
		"by name": func() (account.User, error) { return s.UserNamed(t.Context(), "ana") },
	} {
		got, err := get()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	twice := want
	twice.ID = "usr_other"
	if err := s.AddUser(t.Context(), account.NewUser{User: twice}); fault.CodeOf(err) != "name_taken" {
		t.Errorf("the name again: %v", err)
	}
	if err := s.AddUser(t.Context(), account.NewUser{User: account.User{ID: "usr_2", Name: "bo"}, First: true}); fault.CodeOf(err) != "not_first" {
		t.Errorf("a second first: %v", err)
	}
	list, err := s.ListUsers(t.Context(), lookup.Page{})
	if err != nil || len(list.Items) != 1 {
		t.Errorf("listed %+v (%v)", list.Items, err)
	}
}

func TestOfManyFirstPeopleOneIs(t *testing.T) {
	s, _ := fresh(t)
	var won atomic.Int64
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			u := account.User{ID: strconv.Itoa(i), Name: strconv.Itoa(i), Kind: account.Person, Version: 1, CreatedAt: noon, UpdatedAt: noon}
			if s.AddUser(t.Context(), account.NewUser{User: u, First: true}) == nil {
				won.Add(1)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Errorf("%d", won.Load())
	}
}

func TestAChangedUserLosesWhatTheChangeEnds(t *testing.T) {
	s, _ := fresh(t)
	ana, bo := person(t, s, "ana", "admin"), person(t, s, "bo", "admin")
	for _, u := range []account.User{ana, bo} {
		session := account.Session{Hash: secretHash("session " + u.Name), User: u.ID, Auth: "password", CreatedAt: noon, SeenAt: noon}
		token := account.Token{ID: "tok_" + u.Name, Owner: u.ID, Scopes: []string{"read"}, CreatedAt: noon, Hash: secretHash("token " + u.Name)}
		link := account.Link{Hash: secretHash("link " + u.Name), User: u.ID, Purpose: "password", CreatedAt: noon, ExpiresAt: noon.Add(time.Hour)}
		if err := errors.Join(s.AddSession(t.Context(), session, 1, "", nil), s.AddToken(t.Context(), token, 1, nil), s.AddLink(t.Context(), link, nil)); err != nil {
			t.Fatal(err)
		}
	}
	after, err := s.ChangeUser(t.Context(), ana.ID, func(u account.User, admins int) (account.UserChange, error) {
		if admins != 1 {
			t.Errorf("%d other admins", admins)
		}
		u.Disabled, u.UpdatedAt, u.Name, u.Version = true, noon.Add(time.Minute), "renamed", 77
		return account.UserChange{User: u, EndSessions: true, RevokeTokens: true, EndLinks: true, Audit: []audit.Draft{note("user.manage")}}, nil
	})
	if err != nil || after.Version != 2 || after.Name != "ana" || !after.Disabled {
		t.Fatalf("got %+v (%v)", after, err)
	}
	if _, _, err := s.Session(t.Context(), secretHash("session ana")); fault.KindOf(err) != fault.NotFound {
		t.Errorf("the session is there: %v", err)
	}
	if k, u, err := s.Token(t.Context(), secretHash("token ana")); err != nil || k.RevokedAt == nil || k.OwnerName != "ana" || !u.Disabled {
		t.Errorf("the token: %+v (%v)", k, err)
	}
	if err := s.UseLink(t.Context(), secretHash("link ana"), nil); fault.KindOf(err) != fault.Unauthorized {
		t.Errorf("the link: %v", err)
	}
	if e, u, err := s.Session(t.Context(), secretHash("session bo")); err != nil || e.User != bo.ID || u.Name != "bo" {
		t.Errorf("the other one's session: %+v (%v)", e, err)
	}
	if k, _, err := s.Token(t.Context(), secretHash("token bo")); err != nil || k.RevokedAt != nil {
		t.Errorf("the other one's token: %+v (%v)", k, err)
	}
	no := errors.New("no")
	if _, err := s.ChangeUser(t.Context(), bo.ID, func(_ account.User, admins int) (account.UserChange, error) {
		if admins != 0 {
			t.Errorf("a disabled admin counts: %d", admins)
		}
		return account.UserChange{}, no
	}); !errors.Is(err, no) {
		t.Errorf("got %v", err)
	}
	if _, err := s.ChangeUser(t.Context(), "usr_none", nil); fault.KindOf(err) != fault.NotFound {
		t.Errorf("of nobody: %v", err)
	}
}

func TestALinkIsUsedOnce(t *testing.T) {
	s, _ := fresh(t)
	ana := person(t, s, "ana")
	link := func(text string) account.Link {
		return account.Link{Hash: secretHash(text), User: ana.ID, Purpose: "password", CreatedAt: noon, ExpiresAt: noon.Add(time.Hour)}
	}
	if err := errors.Join(s.AddLink(t.Context(), link("old"), nil), s.AddLink(t.Context(), link("new"), nil)); err != nil {
		t.Fatal(err)
	}
	use := func(l account.Link, u account.User) (account.LinkUse, error) {
		u.Password = "phc"
		return account.LinkUse{
			Change:  account.UserChange{User: u, Audit: []audit.Draft{note("session.link")}},
			Session: account.Session{Hash: secretHash("by " + l.Hash), User: u.ID, Auth: "link", CreatedAt: noon, SeenAt: noon},
		}, nil
	}
	if err := s.UseLink(t.Context(), secretHash("old"), use); fault.KindOf(err) != fault.Unauthorized {
		t.Errorf("an older one: %v", err)
	}
	no := errors.New("expired")
	if err := s.UseLink(t.Context(), secretHash("new"), func(account.Link, account.User) (account.LinkUse, error) { return account.LinkUse{}, no }); !errors.Is(err, no) {
		t.Errorf("refused with %v", err)
	}
	var won atomic.Int64
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			if s.UseLink(t.Context(), secretHash("new"), use) == nil {
				won.Add(1)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Errorf("used %d times", won.Load())
	}
	if u, err := s.User(t.Context(), ana.ID); err != nil || u.Password != "phc" || u.Version != 2 {
		t.Errorf("got %+v (%v)", u, err)
	}
}

func TestASessionIsReplacedTouchedAndSwept(t *testing.T) {
	s, _ := fresh(t)
	ana := person(t, s, "ana")
	at := func(h int) time.Time { return noon.Add(time.Duration(h) * time.Hour) }
	session := func(text string, h int) account.Session {
		return account.Session{Hash: secretHash(text), User: ana.ID, Auth: "password", IP: "10.0.0.1", CreatedAt: at(h), SeenAt: at(h)}
	}
	if err := s.AddSession(t.Context(), session("one", 0), 1, "", []audit.Draft{note("session.begin")}); err != nil {
		t.Fatal(err)
	}
	if err := s.AddSession(t.Context(), session("late", 0), 9, "", nil); fault.KindOf(err) != fault.Conflict {
		t.Errorf("of a user that changed: %v", err)
	}
	if err := s.AddSession(t.Context(), session("two", 1), 1, secretHash("one"), nil); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Session(t.Context(), secretHash("one")); fault.KindOf(err) != fault.NotFound {
		t.Errorf("the replaced one: %v", err)
	}
	if err := errors.Join(s.TouchSession(t.Context(), secretHash("two"), at(3)), s.TouchSession(t.Context(), secretHash("two"), at(2))); err != nil {
		t.Fatal(err)
	}
	e, u, err := s.Session(t.Context(), secretHash("two"))
	want := session("two", 1)
	want.SeenAt = at(3)
	if err != nil || cmp.Diff(want, e) != "" || u.LastLogin == nil || !u.LastLogin.Equal(at(1)) {
		t.Errorf("got %+v of %+v (%v)", e, u, err)
	}
	if err := s.SweepSessions(t.Context(), at(2), at(-20)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Session(t.Context(), secretHash("two")); err != nil {
		t.Errorf("swept too early: %v", err)
	}
	if err := s.SweepSessions(t.Context(), at(4), at(-20)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Session(t.Context(), secretHash("two")); fault.KindOf(err) != fault.NotFound {
		t.Errorf("not swept: %v", err)
	}
	if err := s.EndSession(t.Context(), "no hash", nil); err != nil {
		t.Errorf("none is no error: %v", err)
	}
}

func TestATokenIsFoundByItsHashOnly(t *testing.T) {
	s, _ := fresh(t)
	ana := person(t, s, "ana")
	end := noon.Add(time.Hour)
	want := account.Token{ID: "tok_1", Name: "ci", Owner: ana.ID, Scopes: []string{"read"}, CreatedAt: noon, ExpiresAt: &end, Hash: secretHash("x")}
	if err := s.AddToken(t.Context(), want, 2, nil); fault.KindOf(err) != fault.Conflict {
		t.Errorf("of an owner that changed: %v", err)
	}
	if err := s.AddToken(t.Context(), want, 1, []audit.Draft{note("token.manage")}); err != nil {
		t.Fatal(err)
	}
	want.OwnerName = "ana"
	got, u, err := s.Token(t.Context(), secretHash("x"))
	if err != nil || u.ID != ana.ID {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if err := s.TouchToken(t.Context(), "tok_1", end); err != nil {
		t.Fatal(err)
	}
	list, err := s.ListTokens(t.Context(), ana.ID, lookup.Page{})
	if err != nil || len(list.Items) != 1 || list.Items[0].OwnerName != "ana" || list.Items[0].LastUsed == nil {
		t.Errorf("listed %+v (%v)", list.Items, err)
	}
	_, err = s.ChangeToken(t.Context(), "tok_1", func(k account.Token) (account.Token, []audit.Draft, error) {
		k.RevokedAt, k.Owner, k.Scopes = &end, "usr_other", []string{"admin"}
		return k, []audit.Draft{note("token.manage")}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	got, _, err = s.Token(t.Context(), secretHash("x"))
	if err != nil || got.RevokedAt == nil || got.Owner != ana.ID || got.Scopes[0] != "read" {
		t.Errorf("got %+v (%v)", got, err)
	}
	if _, err := s.ChangeToken(t.Context(), "tok_none", nil); fault.KindOf(err) != fault.NotFound {
		t.Errorf("of none: %v", err)
	}
}
