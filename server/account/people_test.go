package account_test

import (
	"context"
	"strings"
	"testing"

	"github.com/tocsin-soar/tocsin/server/account"
	"github.com/tocsin-soar/tocsin/server/fault"
)

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
	follow := func(people ...account.Entry) []string {
		t.Helper()
		p, err := o.Sync(ctx, system, "people.yaml", people)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	bea := account.Entry{Name: "Bea", Email: "bea@example.org", Roles: []string{"responder"}, Teams: []string{"night"}}
	problems := follow(bea, account.Entry{Name: "bea"}, account.Entry{Name: "x y"}, account.Entry{Name: "cas", Roles: []string{"king"}})
	if len(problems) != 3 {
		t.Errorf("got problems %q, want 3", problems)
	}
	u, err := o.Find(ctx, "bea")
	if err != nil || u.ManagedBy != "people.yaml" || u.Version != 1 || u.Roles[0] != "responder" {
		t.Fatalf("got %+v, %v", u, err)
	}
	follow(bea)
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
	follow() // bea leaves
	if _, err := o.Session(ctx, g.ID, ip, false); err == nil {
		t.Error("whoever left the file is still logged in")
	}
	if u, _ = o.Find(ctx, "bea"); len(u.Roles) != 0 || u.ManagedBy != "" {
		t.Errorf("whoever left the file has %v", u.Roles)
	}
	if p := follow(account.Entry{Name: "admin", Roles: []string{"viewer"}}); len(p) != 1 {
		t.Errorf("the file took the last admin away: %q", p)
	}
}
