package httpapi_test

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-soar/tocsin/server/account"
	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/httpapi"
)

func TestS044ALogInGivesANewCookieOfTheRightKind(t *testing.T) {
	for _, secure := range []bool{false, true} {
		w := newWorld(t, func(d *httpapi.Deps) {
			d.Secure = secure
			if secure {
				d.BaseURL = &url.URL{Scheme: "https", Host: "tocsin.example.org"}
			}
		})
		if _, err := w.desk.Add(t.Context(), audit.Actor{}, account.Wish{Name: "jana", Roles: []string{account.Responder}, Password: password}); err != nil {
			t.Fatal(err)
		}
		planted := strings.Repeat("A", 43)
		login := func(cookie string) *http.Cookie {
			got := w.ask(http.MethodPost, "/api/v1/session", `{"username":"Jana","password":"`+password+`"}`, cookie)
			if got.StatusCode != http.StatusOK || len(got.Cookies()) != 1 || !strings.Contains(got.body, `"name":"jana"`) {
				t.Fatalf("got %d %s %v", got.StatusCode, got.body, got.Cookies())
			}
			return got.Cookies()[0]
		}
		first := login("Cookie: " + w.cookie + "=" + planted)
		want := "tocsin"
		if secure {
			want = "__Host-tocsin"
		}
		if first.Name != want || !first.HttpOnly || first.Secure != secure || first.SameSite != http.SameSiteStrictMode || first.Path != "/" || first.Domain != "" || first.MaxAge != 43200 {
			t.Errorf("got %+v", first)
		}
		if first.Value == planted {
			t.Error("a planted id was adopted")
		}
		second := login("Cookie: " + first.Name + "=" + first.Value)
		me := func(c string) int { return w.ask(http.MethodGet, "/api/v1/me", "", "Cookie: "+c).StatusCode }
		if me(first.Name+"="+first.Value) != 401 || me(second.Name+"="+second.Value) != 200 {
			t.Error("the session before did not end with the new one")
		}
		twice := []string{second.Name + "=" + second.Value, second.Name + "=" + planted}
		if me(twice[0]+"; "+twice[1]) != http.StatusUnauthorized || me(twice[1]+"; "+twice[0]) != http.StatusUnauthorized {
			t.Error("two cookies of the name were taken for one")
		}
		if me("tocsin_="+second.Value) != 401 || me("__Host-tocsin="+second.Value) == 200 != secure {
			t.Error("a cookie of another name was taken")
		}
		w.pass(30 * time.Minute)
		if me(second.Name+"="+second.Value) != 401 {
			t.Error("the session is alive after 30 idle minutes")
		}
	}
}

func TestALogOutEndsTheSession(t *testing.T) {
	w := newWorld(t)
	jana := w.person("jana", account.Viewer)
	got := w.ask(http.MethodDelete, "/api/v1/session", "", jana)
	if got.StatusCode != http.StatusNoContent || len(got.Cookies()) != 1 || got.Cookies()[0].Value != "" || !got.Cookies()[0].Expires.Before(w.clock()) {
		t.Errorf("got %d %v", got.StatusCode, got.Cookies())
	}
	if got := w.ask(http.MethodGet, "/api/v1/me", "", jana); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("after the log-out: got %d", got.StatusCode)
	}
}

func TestALinkLogsInOnce(t *testing.T) {
	w := newWorld(t)
	w.person("jana", account.Viewer)
	text, _, err := w.desk.NewLink(t.Context(), audit.Actor{}, "jana")
	if err != nil {
		t.Fatal(err)
	}
	body := `{"token":"` + text + `","password":"another password"}`
	if got := w.ask(http.MethodPost, "/api/v1/session/link", body); got.StatusCode != http.StatusOK || len(got.Cookies()) != 1 {
		t.Errorf("got %d %s", got.StatusCode, got.body)
	}
	if got := w.ask(http.MethodPost, "/api/v1/session/link", body); got.StatusCode != http.StatusUnauthorized || got.problem(t).Code != "link_invalid" {
		t.Errorf("a second time: got %d %s", got.StatusCode, got.body)
	}
}

func TestS005ALinkHasTheConfiguredAddressWhateverTheRequestSays(t *testing.T) {
	w := newWorld(t)
	root := w.person("root", account.Admin)
	w.person("jana", account.Viewer)
	for _, head := range []string{"Host: evil.example", "X-Forwarded-Host: evil.example", "Forwarded: host=evil.example", "X-Forwarded-Proto: gopher", "X-Original-URL: http://evil.example/", "X-Host: evil.example"} {
		got := w.ask(http.MethodPost, "/api/v1/users/jana/link", "", root, head)
		var l httpapi.Link
		if err := json.Unmarshal([]byte(got.body), &l); err != nil || !strings.HasPrefix(l.URL, "http://127.0.0.1:8080/link#") || strings.Contains(got.body, "evil") {
			t.Errorf("%s: got %d %s", head, got.StatusCode, got.body)
		}
	}
}

func TestS051HeadersOfAStrangerSayNothingAboutWhoAsks(t *testing.T) {
	w := newWorld(t)
	w.person("root", account.Admin)
	for _, head := range []string{
		"X-WEBAUTH-USER: root", "X-Forwarded-User: root", "Remote-User: root", "X-Remote-User: root", "X-Auth-Request-User: root",
		"Authorization: Basic cm9vdDpjb3JyZWN0IGhvcnNlIGJhdHRlcnk=", "Authorization: Bearer root", "Authorization: root", "X-Api-Key: root", "X-Auth-Token: root",
	} {
		if got := w.ask(http.MethodGet, "/api/v1/me", "", head); got.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: got %d", head, got.StatusCode)
		}
	}
}

func addressOf(w *world, head ...string) string {
	w.ask(http.MethodPost, "/hooks/edr", "{}", append(head, "X-Signature: good")...)
	w.house.mu.Lock()
	defer w.house.mu.Unlock()
	return w.received[len(w.received)-1].Address
}

func TestS051TheAddressIsBelievedOnlyFromATrustedProxy(t *testing.T) {
	plain := newWorld(t)
	proxied := newWorld(t, func(d *httpapi.Deps) { d.Proxies = append(loopback, netip.MustParsePrefix("10.0.0.0/8")) })
	for head, want := range map[string][2]string{
		"X-Forwarded-For: 203.0.113.9":                     {"127.0.0.1", "203.0.113.9"},
		"X-Forwarded-For: 198.51.100.1, 203.0.113.9":       {"127.0.0.1", "203.0.113.9"},
		"X-Forwarded-For: 198.51.100.1, 10.1.2.3":          {"127.0.0.1", "198.51.100.1"},
		"X-Forwarded-For: evil":                            {"127.0.0.1", "127.0.0.1"},
		"X-Forwarded-For: 203.0.113.9, evil":               {"127.0.0.1", "127.0.0.1"},
		"X-Forwarded-For: ::ffff:203.0.113.9":              {"127.0.0.1", "203.0.113.9"},
		"X-Real-IP: 203.0.113.9":                           {"127.0.0.1", "127.0.0.1"},
		"Forwarded: for=203.0.113.9":                       {"127.0.0.1", "127.0.0.1"},
		"True-Client-IP: 203.0.113.9":                      {"127.0.0.1", "127.0.0.1"},
		"CF-Connecting-IP: 203.0.113.9":                    {"127.0.0.1", "127.0.0.1"},
		"X-Forwarded-For: 203.0.113.9:4711":                {"127.0.0.1", "127.0.0.1"},
		"X-Forwarded-For: 2001:db8::1, 10.0.0.1, 10.0.0.2": {"127.0.0.1", "2001:db8::1"},
	} {
		if got := addressOf(plain, head); got != want[0] {
			t.Errorf("%s from a stranger: got %s, want %s", head, got, want[0])
		}
		if got := addressOf(proxied, head); got != want[1] {
			t.Errorf("%s from a proxy: got %s, want %s", head, got, want[1])
		}
	}
}

func TestRightsTakenAwayAreGoneWithTheNextRequest(t *testing.T) {
	w := newWorld(t)
	root, jana := w.person("root", account.Admin), w.person("jana", account.Responder)
	if got := w.ask(http.MethodPatch, "/api/v1/users/jana", `{"disabled":true}`, root); got.StatusCode != http.StatusOK {
		t.Fatal(got.body)
	}
	if got := w.ask(http.MethodGet, "/api/v1/me", "", jana); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("got %d", got.StatusCode)
	}
	if got := w.ask(http.MethodPatch, "/api/v1/users/root", `{"roles":[]}`, root); got.StatusCode != http.StatusConflict || got.problem(t).Code != "last_admin" {
		t.Errorf("the last admin: got %d %s", got.StatusCode, got.body)
	}
}
