package account_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tocsin-soar/tocsin/server/account"
	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/internal/fakes"
	"github.com/tocsin-soar/tocsin/server/lookup"
)

const (
	good = "correct horse battery"
	ip   = "192.0.2.7"
)

var system = audit.Actor{Kind: "system", Name: "operator", Auth: "socket"}

// office is a desk on a store in memory with a clock that the test moves.
type office struct {
	*account.Desk
	store *fakes.Accounts
	mu    sync.Mutex
	now   time.Time
}

func (o *office) clock() time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.now
}

func (o *office) pass(d time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.now = o.now.Add(d)
}

func open(t *testing.T) *office {
	t.Helper()
	s := fakes.NewAccounts()
	o := &office{store: s, now: time.Date(2026, 11, 23, 2, 14, 7, 0, time.UTC)}
	o.Desk = account.New(account.Options{
		Users: s, Links: s, Sessions: s, Tokens: s, Log: s, Clock: o.clock, Random: rand.Reader,
	})
	return o
}

func (o *office) person(t *testing.T, name string, roles ...string) account.User {
	t.Helper()
	u, err := o.Add(context.Background(), system, account.Wish{Name: name, Roles: roles, Password: good})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func (o *office) logIn(t *testing.T, name string) account.Grant {
	t.Helper()
	g, err := o.LogIn(context.Background(), name, good, "", ip)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func code(t *testing.T, err error, want string) {
	t.Helper()
	if got := fault.CodeOf(err); got != want {
		t.Errorf("got code %q (%v), want %q", got, err, want)
	}
}

func TestALogInSucceedsInEverySpellingOfTheNameAndNoOther(t *testing.T) {
	o := open(t)
	o.person(t, "jana.novak", account.Responder)
	for name, ok := range map[string]bool{
		"jana.novak": true, "Jana.Novak": true, "JANA.NOVAK": true,
		"jana.novak ": false, "jana novak": false, "jana..novak": false, "": false, "jаna.novak": false, // Cyrillic а
		"jana.nova\u212a": false, "jana.novak\x00": false, "jana.novak/../x": false,
	} {
		_, err := o.LogIn(context.Background(), name, good, "", ip)
		if (err == nil) != ok {
			t.Errorf("log-in as %q: got error %v, want success %v", name, err, ok)
		}
		if err != nil {
			code(t, err, "bad_credentials")
		}
	}
}

func TestEveryLogInThatFailsGivesTheSameAnswer(t *testing.T) {
	o := open(t)
	o.person(t, "jana", account.Responder)
	o.person(t, "gone", account.Responder)
	yes := true
	if _, err := o.Change(context.Background(), system, "gone", 0, account.Edit{Disabled: &yes}); err != nil {
		t.Fatal(err)
	}
	add := func(w account.Wish) {
		if _, err := o.Add(context.Background(), system, w); err != nil {
			t.Fatal(err)
		}
	}
	add(account.Wish{Name: "robot", Kind: account.Service, Roles: []string{account.Analyst}})
	add(account.Wish{Name: "fresh", Roles: []string{account.Analyst}})
	var first string
	for _, tc := range []struct{ why, name, password string }{
		{"unknown", "nobody-here", good},
		{"wrong password", "jana", good + "x"},
		{"other case of the password", "jana", strings.ToUpper(good)},
		{"empty password", "jana", ""},
		{"huge password", "jana", strings.Repeat("x", 5000)},
		{"disabled", "gone", good},
		{"service account", "robot", good},
		{"no password yet", "fresh", ""},
	} {
		_, err := o.LogIn(context.Background(), tc.name, tc.password, "", ip)
		code(t, err, "bad_credentials")
		if first == "" {
			first = fmt.Sprint(err)
		}
		if fmt.Sprint(err) != first {
			t.Errorf("%s: got %q, want %q", tc.why, err, first)
		}
	}
}

func TestAnUnknownNameCostsAsMuchAsAWrongPassword(t *testing.T) {
	o := open(t)
	o.person(t, "jana")
	took := func(name string) time.Duration {
		best := time.Hour
		for i := range 3 {
			from := time.Now() //nolint:forbidigo // the time it takes is what is tested
			_, err := o.LogIn(context.Background(), name, "not the one", "", fmt.Sprintf("198.51.100.%d", i))
			best = min(best, time.Since(from)) //nolint:forbidigo // as above
			code(t, err, "bad_credentials")
		}
		return best
	}
	known, unknown := took("jana"), took("nobody-here")
	if unknown < known/3 {
		t.Errorf("an unknown name took %v, a known one %v", unknown, known)
	}
}

func TestGuessingIsSlowedDownForKnownAndUnknownNamesAlike(t *testing.T) {
	for _, name := range []string{"jana", "nobody-here"} {
		o := open(t)
		o.person(t, "jana")
		fails := 0
		var err error
		for range 30 {
			if _, err = o.LogIn(context.Background(), name, "wrong wrong", "", ip); fault.KindOf(err) == fault.RateLimited {
				break
			}
			fails++
		}
		if fails != 10 {
			t.Errorf("%s: %d guesses were looked at, want 10", name, fails)
		}
		if _, err = o.LogIn(context.Background(), "jana", good, "", "203.0.113.9"); name == "jana" && fault.KindOf(err) != fault.RateLimited {
			t.Errorf("the right password from elsewhere got in while the account is guessed at: %v", err)
		}
		o.pass(16 * time.Minute)
		if _, err = o.LogIn(context.Background(), "jana", good, "", ip); err != nil {
			t.Errorf("after the window: %v", err)
		}
	}
}

func TestAStrangerCannotLockOutSomebodyWhoLogsInFromTheirUsualPlace(t *testing.T) {
	o := open(t)
	o.person(t, "jana")
	o.logIn(t, "jana")
	for range 20 {
		_, _ = o.LogIn(context.Background(), "jana", "wrong wrong", "", "203.0.113.9")
	}
	o.logIn(t, "jana")
}

func TestOneAddressCannotGuessThroughManyNames(t *testing.T) {
	o := open(t)
	looked := 0
	for i := range 80 {
		_, err := o.LogIn(context.Background(), fmt.Sprintf("name%d", i), "wrong wrong", "", fmt.Sprintf("2001:db8::%x", i))
		if fault.KindOf(err) == fault.Unauthorized {
			looked++
		}
	}
	if looked != 50 {
		t.Errorf("%d guesses of one network were looked at, want 50", looked)
	}
}

func TestManyGuessesAtOnceStayUnderTheLimit(t *testing.T) {
	o := open(t)
	o.person(t, "jana")
	var wg sync.WaitGroup
	var mu sync.Mutex
	looked := 0
	for range 40 {
		wg.Go(func() {
			_, err := o.LogIn(context.Background(), "jana", "wrong wrong", "", ip)
			mu.Lock()
			defer mu.Unlock()
			if fault.KindOf(err) == fault.Unauthorized {
				looked++
			}
		})
	}
	wg.Wait()
	if looked > 10 {
		t.Errorf("%d guesses at once were looked at, want 10 at most", looked)
	}
}

func TestASessionEndsWhenItIsIdleOrOldOrEnded(t *testing.T) {
	for name, tc := range map[string]struct {
		do   func(o *office, g account.Grant)
		want bool
	}{
		"at once":             {func(*office, account.Grant) {}, true},
		"29 minutes idle":     {func(o *office, _ account.Grant) { o.pass(29 * time.Minute) }, true},
		"30 minutes idle":     {func(o *office, _ account.Grant) { o.pass(30 * time.Minute) }, false},
		"a clock turned back": {func(o *office, _ account.Grant) { o.pass(-time.Hour) }, false},
		"logged out":          {func(o *office, g account.Grant) { _ = o.LogOut(context.Background(), g.Identity) }, false},
		"used for 11 hours":   {func(o *office, g account.Grant) { use(o, g, 11*time.Hour) }, true},
		"used for 12 hours":   {func(o *office, g account.Grant) { use(o, g, 12*time.Hour) }, false},
		"looked at for 31 min": {func(o *office, g account.Grant) {
			for range 31 {
				o.pass(time.Minute)
				_, _ = o.Session(context.Background(), g.ID, ip, true)
			}
		}, false},
		"swept after 30 min":   {func(o *office, _ account.Grant) { o.pass(31 * time.Minute); _ = o.Sweep(context.Background()) }, false},
		"swept after a minute": {func(o *office, _ account.Grant) { o.pass(time.Minute); _ = o.Sweep(context.Background()) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			o := open(t)
			o.person(t, "jana")
			g := o.logIn(t, "jana")
			tc.do(o, g)
			_, err := o.Session(context.Background(), g.ID, ip, false)
			if (err == nil) != tc.want {
				t.Errorf("got error %v, want alive %v", err, tc.want)
			}
		})
	}
}

func use(o *office, g account.Grant, d time.Duration) {
	for ; d > 0; d -= 20 * time.Minute {
		o.pass(min(d, 20*time.Minute))
		_, _ = o.Session(context.Background(), g.ID, ip, false)
	}
}

func TestALogInMakesANewSessionAndEndsTheOneBefore(t *testing.T) {
	o := open(t)
	o.person(t, "jana")
	first := o.logIn(t, "jana")
	second, err := o.LogIn(context.Background(), "jana", good, first.ID, ip)
	if err != nil {
		t.Fatal(err)
	}
	if second.ID == first.ID {
		t.Error("the id did not change")
	}
	_, err = o.Session(context.Background(), first.ID, ip, false)
	code(t, err, "unauthorized")
	planted := strings.Repeat("A", 43)
	third, err := o.LogIn(context.Background(), "jana", good, planted, ip)
	if err != nil || third.ID == planted {
		t.Errorf("a planted id was adopted: %v", err)
	}
}

func TestRightsAreTakenAwayAtOnce(t *testing.T) {
	yes, roles, teams, password := true, []string{account.Viewer}, []string{"night"}, "another password"
	for name, tc := range map[string]struct {
		edit        account.Edit
		session     bool
		tokenUsable bool
	}{
		"disabled":        {account.Edit{Disabled: &yes}, false, false},
		"other roles":     {account.Edit{Roles: &roles}, false, true},
		"other teams":     {account.Edit{Teams: &teams}, false, true},
		"other password":  {account.Edit{Password: &password}, false, true},
		"nothing changed": {account.Edit{}, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			o := open(t)
			o.person(t, "jana", account.Responder)
			g := o.logIn(t, "jana")
			text, _, err := o.NewToken(context.Background(), g.Identity, account.TokenWish{Name: "t", Scopes: []string{"read"}})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := o.Change(context.Background(), system, "jana", 0, tc.edit); err != nil {
				t.Fatal(err)
			}
			if _, err := o.Session(context.Background(), g.ID, ip, false); (err == nil) != tc.session {
				t.Errorf("session: got error %v, want alive %v", err, tc.session)
			}
			who, err := o.Bearer(context.Background(), text, ip)
			if (err == nil) != tc.tokenUsable {
				t.Errorf("token: got error %v, want usable %v", err, tc.tokenUsable)
			}
			if name == "other roles" && (len(who.User.Roles) != 1 || who.User.Roles[0] != account.Viewer) {
				t.Errorf("the token still has the roles %v", who.User.Roles)
			}
		})
	}
}

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

func TestTheFirstPersonIsMadeOnceAndOnlyOnAnEmptyDatabase(t *testing.T) {
	o := open(t)
	added, err := o.Bootstrap(context.Background(), system, good)
	if err != nil || !added {
		t.Fatalf("got %v, %v", added, err)
	}
	g := o.logIn(t, "admin")
	if got := strings.Join(g.Identity.User.Roles, " "); got != "admin engineer responder" {
		t.Errorf("got roles %s", got)
	}
	added, err = o.Bootstrap(context.Background(), system, "another password")
	if err != nil || added {
		t.Errorf("again: got %v, %v", added, err)
	}
	_, err = o.LogIn(context.Background(), "admin", "another password", "", ip)
	code(t, err, "bad_credentials")
	empty := open(t)
	_, err = empty.Bootstrap(context.Background(), system, "short")
	code(t, err, "weak_password")
}

func TestNamesThatWouldMakeASecondPersonAreRefused(t *testing.T) {
	o := open(t)
	o.person(t, "jana.novak")
	for name, want := range map[string]string{
		"jana.novak": "name_taken", "Jana.Novak": "name_taken", "JANA.NOVAK": "name_taken",
		"jаna.novak": "bad_name", "jana.novak\u200b": "bad_name", "ｊana": "bad_name", " jana": "bad_name", "jana\n": "bad_name",
		"": "bad_name", ".": "bad_name", "..": "bad_name", "-jana": "bad_name", "jana-": "bad_name", "a__b": "bad_name", "a/b": "bad_name",
		"starter": "bad_name", "Author": "bad_name", "system": "bad_name", "operator": "bad_name",
		strings.Repeat("a", 65): "bad_name", "jana@example.org": "bad_name", "role:admin": "bad_name",
	} {
		_, err := o.Add(context.Background(), system, account.Wish{Name: name, Password: good})
		if fault.CodeOf(err) != want {
			t.Errorf("%q: got %q, want %q", name, fault.CodeOf(err), want)
		}
	}
}

func TestEditsAreChecked(t *testing.T) {
	yes := true
	str := func(s string) *string { return &s }
	lst := func(s ...string) *[]string { return &s }
	for name, tc := range map[string]struct {
		who     string
		version int64
		edit    account.Edit
		want    string
	}{
		"the last admin loses the role": {"root", 0, account.Edit{Roles: lst(account.Viewer)}, "last_admin"},
		"the last admin is disabled":    {"root", 0, account.Edit{Disabled: &yes}, "last_admin"},
		"unknown role":                  {"jana", 0, account.Edit{Roles: lst("root")}, "unknown_role"},
		"role in other case":            {"jana", 0, account.Edit{Roles: lst("Admin")}, "unknown_role"},
		"bad team":                      {"jana", 0, account.Edit{Teams: lst("Night Shift")}, "bad_team"},
		"bad mail":                      {"jana", 0, account.Edit{Email: str("Jana <jana@example.org>")}, "bad_email"},
		"mail":                          {"jana", 0, account.Edit{Email: str("jana@example.org")}, ""},
		"no mail":                       {"jana", 0, account.Edit{Email: str("")}, ""},
		"weak password":                 {"jana", 0, account.Edit{Password: str("Password123")}, "weak_password"},
		"password is one letter":        {"jana", 0, account.Edit{Password: str("aaaaaaaaaaaa")}, "weak_password"},
		"password of 2 kB":              {"jana", 0, account.Edit{Password: str(strings.Repeat("ab", 1024))}, "weak_password"},
		"an old version":                {"jana", 7, account.Edit{}, "changed_meanwhile"},
		"the version seen":              {"jana", 1, account.Edit{}, ""},
		"a service gets a password":     {"siem", 0, account.Edit{Password: str(good)}, "not_a_person"},
		"roles that a file brings":      {"filed", 0, account.Edit{Roles: lst(account.Admin)}, "managed_by_files"},
		"disabling whom a file brings":  {"filed", 0, account.Edit{Disabled: &yes}, ""},
		"nobody":                        {"nobody-here", 0, account.Edit{}, "not_found"},
	} {
		t.Run(name, func(t *testing.T) {
			o := open(t)
			o.person(t, "root", account.Admin)
			o.person(t, "jana", account.Responder)
			if _, err := o.Add(context.Background(), system, account.Wish{Name: "siem", Kind: account.Service, Roles: []string{account.Admin}}); err != nil {
				t.Fatal(err)
			}
			if p, err := o.Sync(context.Background(), system, "people.yaml", []account.Entry{{Name: "filed", Roles: []string{account.Lead}}}); err != nil || p != nil {
				t.Fatal(p, err)
			}
			_, err := o.Change(context.Background(), system, tc.who, tc.version, tc.edit)
			code(t, err, tc.want)
		})
	}
}

func TestTheFileOfPeopleIsFollowed(t *testing.T) {
	o := open(t)
	ctx := context.Background()
	if _, err := o.Bootstrap(ctx, system, good); err != nil {
		t.Fatal(err)
	}
	sync := func(people ...account.Entry) []string {
		t.Helper()
		p, err := o.Sync(ctx, system, "people.yaml", people)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	bea := account.Entry{Name: "Bea", Email: "bea@example.org", Roles: []string{"responder"}, Teams: []string{"night"}}
	problems := sync(bea, account.Entry{Name: "bea"}, account.Entry{Name: "x y"}, account.Entry{Name: "cas", Roles: []string{"king"}})
	if len(problems) != 3 {
		t.Errorf("got problems %q, want 3", problems)
	}
	u, err := o.Find(ctx, "bea")
	if err != nil || u.ManagedBy != "people.yaml" || u.Version != 1 || u.Roles[0] != "responder" {
		t.Fatalf("got %+v, %v", u, err)
	}
	sync(bea)
	if again, _ := o.Find(ctx, "bea"); again.Version != 1 {
		t.Errorf("an unchanged file changed the account: version %d", again.Version)
	}
	link, _, err := o.NewLink(ctx, system, "bea")
	if err != nil {
		t.Fatal(err)
	}
	g, err := o.UseLink(ctx, link, good, ip)
	if err != nil {
		t.Fatal(err)
	}
	sync() // bea leaves
	if _, err := o.Session(ctx, g.ID, ip, false); err == nil {
		t.Error("whoever left the file is still logged in")
	}
	if u, _ = o.Find(ctx, "bea"); len(u.Roles) != 0 || u.ManagedBy != "" {
		t.Errorf("whoever left the file has %v", u.Roles)
	}
	if p := sync(account.Entry{Name: "admin", Roles: []string{"viewer"}}); len(p) != 1 {
		t.Errorf("the file took the last admin away: %q", p)
	}
}
