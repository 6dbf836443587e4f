package account_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tocsin-soar/tocsin/server/account"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/lookup"
)

func TestALinkSetsThePasswordOnce(t *testing.T) {
	o := open(t)
	if _, err := o.Add(context.Background(), system, account.Wish{Name: "jana", Roles: []string{account.Responder}}); err != nil {
		t.Fatal(err)
	}
	text, until, err := o.NewLink(context.Background(), system, "Jana")
	if err != nil {
		t.Fatal(err)
	}
	if want := o.clock().Add(30 * time.Minute); !until.Equal(want) {
		t.Errorf("ends %v, want %v", until, want)
	}
	if _, err := o.UseLink(context.Background(), text, "short", ip); fault.CodeOf(err) != "weak_password" {
		t.Errorf("a weak password: %v", err)
	}
	g, err := o.UseLink(context.Background(), text, good, ip)
	if err != nil {
		t.Fatal(err)
	}
	if who, err := o.Session(context.Background(), g.ID, ip, false); err != nil || who.User.Name != "jana" {
		t.Errorf("the link did not log in: %v", err)
	}
	_, err = o.UseLink(context.Background(), text, "another password", ip)
	code(t, err, "link_invalid")
	o.logIn(t, "jana")
}

func TestALinkThatIsOverOpensNothing(t *testing.T) {
	yes := true
	for name, spoil := range map[string]func(o *office, text string) string{
		"after 30 minutes": func(o *office, text string) string { o.pass(30 * time.Minute); return text },
		"after a newer one": func(o *office, text string) string {
			_, _, _ = o.NewLink(context.Background(), system, "jana")
			return text
		},
		"after the person was disabled": func(o *office, text string) string {
			_, _ = o.Change(context.Background(), system, "jana", 0, account.Edit{Disabled: &yes})
			return text
		},
		"with one letter wrong": func(_ *office, text string) string { return "A" + text[:42] },
		"cut":                   func(_ *office, text string) string { return text[:42] },
		"empty":                 func(*office, string) string { return "" },
	} {
		t.Run(name, func(t *testing.T) {
			o := open(t)
			o.person(t, "jana")
			text, _, err := o.NewLink(context.Background(), system, "jana")
			if err != nil {
				t.Fatal(err)
			}
			_, err = o.UseLink(context.Background(), spoil(o, text), "another password", ip)
			code(t, err, "link_invalid")
		})
	}
}

func TestALinkUsedAtTheSameMomentWorksForOne(t *testing.T) {
	o := open(t)
	o.person(t, "jana")
	text, _, err := o.NewLink(context.Background(), system, "jana")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	won := 0
	for i := range 8 {
		wg.Go(func() {
			if _, err := o.UseLink(context.Background(), text, fmt.Sprintf("another password %d", i), ip); err == nil {
				mu.Lock()
				won++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if won != 1 {
		t.Errorf("the link opened %d times", won)
	}
}

func TestSecretsAreStoredOnlyAsHashes(t *testing.T) {
	o := open(t)
	o.person(t, "jana", account.Admin)
	g := o.logIn(t, "jana")
	link, _, err := o.NewLink(context.Background(), system, "jana")
	if err != nil {
		t.Fatal(err)
	}
	token, _, err := o.NewToken(context.Background(), g.Identity, account.TokenWish{Name: "t", Scopes: []string{"read"}})
	if err != nil {
		t.Fatal(err)
	}
	users, links, sessions, tokens := o.store.Stored()
	stored := fmt.Sprintf("%#v %#v %#v %#v %#v", users, links, sessions, tokens, o.store.Audit())
	wire, err := json.Marshal([]any{users, tokens})
	if err != nil {
		t.Fatal(err)
	}
	for what, secret := range map[string]string{"password": good, "session": g.ID, "link": link, "token": token} {
		if strings.Contains(stored, secret) {
			t.Errorf("the %s stands in the store", what)
		}
	}
	if strings.Contains(string(wire), "argon2id") || strings.Contains(string(wire), tokens[0].Hash) {
		t.Errorf("a hash is on the wire: %s", wire)
	}
}

func TestATokenNeverReachesFurtherThanItsMaker(t *testing.T) {
	o := open(t)
	o.person(t, "root", account.Admin)
	o.person(t, "jana", account.Responder)
	if _, err := o.Add(context.Background(), system, account.Wish{Name: "siem", Kind: account.Service, Roles: []string{account.Analyst}}); err != nil {
		t.Fatal(err)
	}
	person := o.logIn(t, "root").Identity
	text, _, err := o.NewToken(context.Background(), person, account.TokenWish{Name: "narrow", Scopes: []string{"read", "admin"}})
	if err != nil {
		t.Fatal(err)
	}
	token, err := o.Bearer(context.Background(), text, ip)
	if err != nil {
		t.Fatal(err)
	}
	past, far := o.clock(), o.clock().Add(400*24*time.Hour)
	for name, tc := range map[string]struct {
		by   account.Identity
		wish account.TokenWish
		want string
	}{
		"own":                    {person, account.TokenWish{Name: "a", Scopes: []string{"read", "decide"}}, ""},
		"for a service":          {person, account.TokenWish{Name: "a", Owner: "siem", Scopes: []string{"write"}}, ""},
		"for another person":     {person, account.TokenWish{Name: "a", Owner: "jana", Scopes: []string{"decide"}}, "not_your_token"},
		"a service that decides": {person, account.TokenWish{Name: "a", Owner: "siem", Scopes: []string{"decide"}}, "service_never_votes"},
		"by a token, the same":   {token, account.TokenWish{Name: "a", Scopes: []string{"read"}}, ""},
		"by a token, wider":      {token, account.TokenWish{Name: "a", Scopes: []string{"read", "write"}}, "scope_not_yours"},
		"unknown scope":          {person, account.TokenWish{Name: "a", Scopes: []string{"root"}}, "unknown_scope"},
		"no scope":               {person, account.TokenWish{Name: "a"}, "unknown_scope"},
		"no name":                {person, account.TokenWish{Name: " ", Scopes: []string{"read"}}, "bad_name"},
		"name with a new line":   {person, account.TokenWish{Name: "a\nb", Scopes: []string{"read"}}, "bad_name"},
		"ends now":               {person, account.TokenWish{Name: "a", Scopes: []string{"read"}, ExpiresAt: &past}, "bad_expiry"},
		"ends in 400 days":       {person, account.TokenWish{Name: "a", Scopes: []string{"read"}, ExpiresAt: &far}, "bad_expiry"},
		"for nobody":             {person, account.TokenWish{Name: "a", Owner: "nobody-here", Scopes: []string{"read"}}, "not_found"},
	} {
		_, _, err := o.NewToken(context.Background(), tc.by, tc.wish)
		if fault.CodeOf(err) != tc.want {
			t.Errorf("%s: got %q (%v), want %q", name, fault.CodeOf(err), err, tc.want)
		}
	}
}

func TestATokenEndsWhenRevokedOrOver(t *testing.T) {
	o := open(t)
	o.person(t, "jana", account.Admin)
	who := o.logIn(t, "jana").Identity
	text, tok, err := o.NewToken(context.Background(), who, account.TokenWish{Name: "a", Scopes: []string{"read"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.Bearer(context.Background(), text, ip); err != nil {
		t.Fatal(err)
	}
	for _, wrong := range []string{"", text[:len(text)-1], text + "A", strings.ToUpper(text), "Bearer " + text, strings.Replace(text, "tocsin_", "tocsin-", 1), tok.ID, tok.Hash} {
		_, err := o.Bearer(context.Background(), wrong, ip)
		code(t, err, "bad_token")
	}
	o.pass(account.TokenLife - time.Second)
	if _, err := o.Bearer(context.Background(), text, ip); err != nil {
		t.Errorf("a second before its end: %v", err)
	}
	o.pass(time.Second)
	_, err = o.Bearer(context.Background(), text, ip)
	code(t, err, "bad_token")
	text, tok, err = o.NewToken(context.Background(), who, account.TokenWish{Name: "b", Scopes: []string{"read"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.RevokeToken(context.Background(), system, tok.ID); err != nil {
		t.Fatal(err)
	}
	_, err = o.Bearer(context.Background(), text, ip)
	code(t, err, "bad_token")
	before := len(o.store.Audit())
	if _, err := o.RevokeToken(context.Background(), system, tok.ID); err != nil || len(o.store.Audit()) != before {
		t.Errorf("revoking twice: error %v, %d audit entries more", err, len(o.store.Audit())-before)
	}
	list, err := o.TokensOf(context.Background(), "jana", lookup.Page{})
	if err != nil || len(list.Items) != 2 {
		t.Errorf("got %d tokens (%v), want 2", len(list.Items), err)
	}
}
