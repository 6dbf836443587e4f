package demo

import (
	"bytes"
	"encoding/json"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock is a time that moves when a test says so.
type clock struct {
	sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.Lock()
	defer c.Unlock()
	return c.at
}

func (c *clock) forward(d time.Duration) {
	c.Lock()
	defer c.Unlock()
	c.at = c.at.Add(d)
}

func newClock() *clock { return &clock{at: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)} }

func open(t *testing.T, dir string, c *clock) *Range {
	t.Helper()
	r, err := Start(t.Context(), Options{Dir: dir, Clock: c.now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(t, r) })
	return r
}

func shut(t *testing.T, r *Range) {
	t.Helper()
	http.DefaultClient.CloseIdleConnections()
	if r.server == nil {
		return
	}
	if err := r.Stop(t.Context()); err != nil && t.Context().Err() == nil {
		t.Error(err)
	}
	_ = r.server.Close()
	r.server = nil
}

func read(dir, name string) ([]byte, error) { return fs.ReadFile(os.DirFS(dir), name) }

type reply struct {
	status int
	header http.Header
	text   string
	body   map[string]any
}

// ask calls a product with its right credential; header pairs come last.
func ask(t *testing.T, r *Range, method, path, body string, header ...string) reply {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), method, r.URL()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	product, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if raw, err := read(r.Secrets(), "range-"+product); err == nil {
		if name := logins[product]; name != "" {
			q.SetBasicAuth(name, string(raw))
		} else {
			q.Header.Set("Authorization", "Bearer "+string(raw))
		}
	}
	if method == http.MethodPost {
		q.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		q.Header.Set(header[i], header[i+1])
		if header[i] == "Host" {
			q.Host = header[i+1]
		}
	}
	res, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	out := reply{status: res.StatusCode, header: res.Header, text: string(raw)}
	if bytes.HasPrefix(raw, []byte("{")) {
		if err := json.Unmarshal(raw, &out.body); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func TestAHostIsIsolatedReleasedAndThePageShowsIt(t *testing.T) {
	r := open(t, t.TempDir(), newClock())
	shown := func() bool {
		return strings.Contains(ask(t, r, "GET", "/", "").text, `data-host="FIN-LT-0231" data-isolated="true"`)
	}
	if shown() {
		t.Fatal("the page shows an isolated host before anything was done")
	}
	first := ask(t, r, "POST", "/edr/v1/hosts/fin-lt-0231/isolate", `{"reason":"<b>loader</b>"}`)
	if first.status != 200 || first.body["isolated"] != true || first.body["was_isolated"] != false {
		t.Fatalf("isolate: got %+v", first)
	}
	if again := ask(t, r, "POST", "/edr/v1/hosts/FIN-LT-0231/isolate", `{}`); again.body["was_isolated"] != true {
		t.Errorf("isolate again: got %+v, want was_isolated", again)
	}
	if !shown() {
		t.Error("the page does not show the isolated host")
	}
	if back := ask(t, r, "POST", "/edr/v1/hosts/FIN-LT-0231/release", `{}`); back.body["isolated"] != false || back.body["was_isolated"] != true {
		t.Errorf("release: got %+v", back)
	}
	if shown() {
		t.Error("the page still shows the host as isolated")
	}
}

func TestARestartForgetsNothing(t *testing.T) {
	dir, c := t.TempDir(), newClock()
	r := open(t, dir, c)
	url := r.URL()
	key := ask(t, r, "POST", "/tickets/api/issues", `{"title":"Loader","labels":["tocsin-1"]}`, "Idempotency-Key", "k1")
	ask(t, r, "POST", "/edr/v1/hosts/FIN-LT-0231/isolate", `{}`)
	shut(t, r)

	r = open(t, dir, c)
	if r.URL() != url {
		t.Errorf("the address changed from %s to %s: connections would no longer be what was approved", url, r.URL())
	}
	if got := ask(t, r, "GET", "/edr/v1/hosts/FIN-LT-0231", ""); got.body["isolated"] != true {
		t.Errorf("host: got %s", got.text)
	}
	again := ask(t, r, "POST", "/tickets/api/issues", `{"title":"Loader","labels":["tocsin-1"]}`, "Idempotency-Key", "k1")
	if again.body["key"] != key.body["key"] || again.header.Get("Idempotent-Replay") != "true" {
		t.Errorf("the same key after a restart: got %s, want ticket %v again", again.text, key.body["key"])
	}
	if got := ask(t, r, "GET", "/tickets/api/issues?label=tocsin-1", ""); got.body["total"] != 1.0 {
		t.Errorf("tickets: got %s, want one", got.text)
	}
}

func TestAChangeThatCannotBeKeptIsNotMade(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "range")
	r := open(t, dir, newClock())
	if err := os.RemoveAll(r.world.file); err != nil {
		t.Fatal(err)
	}
	away := dir + "-away"
	if err := os.Rename(dir, away); err != nil {
		t.Fatal(err)
	}
	r.secrets = filepath.Join(away, "secrets")
	if got := ask(t, r, "POST", "/edr/v1/hosts/FIN-LT-0231/isolate", `{}`, "Idempotency-Key", "k1"); got.status != 500 {
		t.Errorf("isolate without a disk: got %d, want 500", got.status)
	}
	if got := ask(t, r, "GET", "/edr/v1/hosts/FIN-LT-0231", ""); got.body["isolated"] != false {
		t.Errorf("got %s, want a host that is not isolated", got.text)
	}
	if err := os.Rename(away, dir); err != nil {
		t.Fatal(err)
	}
	r.secrets = filepath.Join(dir, "secrets")
	if got := ask(t, r, "POST", "/edr/v1/hosts/FIN-LT-0231/isolate", `{}`, "Idempotency-Key", "k1"); got.status != 200 || got.body["was_isolated"] != false {
		t.Errorf("isolate when the disk is back: got %+v", got)
	}
}

func TestProductsAnswerAsRealOnesDo(t *testing.T) {
	r := open(t, t.TempDir(), newClock())
	for name, tc := range map[string]struct {
		method, path, body string
		header             []string
		status             int
		want               string
	}{
		"no credential":                  {"GET", "/edr/v1/hosts", "", []string{"Authorization", ""}, 401, "unauthorized"},
		"another product's credential":   {"GET", "/siem/status", "", []string{"Authorization", "Bearer x"}, 401, "unauthorized"},
		"a name bent to this machine":    {"GET", "/", "", []string{"Host", "evil.example"}, 421, "misdirected"},
		"no such call":                   {"GET", "/edr/v1/nothing", "", nil, 404, "not_found"},
		"a form":                         {"POST", "/tickets/api/issues", "title=x", []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, "unsupported_type"},
		"an unknown field":               {"POST", "/tickets/api/issues", `{"titel":"x"}`, nil, 400, "bad_request"},
		"two values":                     {"POST", "/tickets/api/issues", `{"title":"x"} {}`, nil, 400, "bad_request"},
		"a body over the limit":          {"POST", "/tickets/api/issues", `{"title":"` + strings.Repeat("x", maxBody) + `"}`, nil, 413, "too_large"},
		"an unknown host":                {"POST", "/edr/v1/hosts/NOPE/isolate", `{}`, nil, 404, "not_found"},
		"a host that is offline":         {"POST", "/edr/v1/hosts/OPS-LT-0090/isolate", `{}`, nil, 409, "host_offline"},
		"hosts of a user":                {"GET", "/edr/v1/hosts?user=M.Keller", "", nil, 200, "FIN-LT-0231"},
		"processes":                      {"GET", "/edr/v1/hosts/FIN-LT-0231/processes", "", nil, 200, "update-helper.exe"},
		"a file that is malicious":       {"GET", "/edr/v1/files/" + shaMalware, "", nil, 200, `"verdict":"malicious"`},
		"a file nobody knows":            {"GET", "/edr/v1/files/" + strings.Repeat("0", 64), "", nil, 200, `"verdict":"unknown"`},
		"no file":                        {"GET", "/edr/v1/files/xyz", "", nil, 400, "bad_request"},
		"a process that does not run":    {"POST", "/edr/v1/hosts/FIN-LT-0231/kill", `{"pid":1}`, nil, 404, "not_found"},
		"an operation nobody did":        {"GET", "/edr/v1/operations/k9", "", nil, 200, `"found":false`},
		"a ticket without a title":       {"POST", "/tickets/api/issues", `{"title":" "}`, nil, 400, "title"},
		"a priority that does not exist": {"POST", "/tickets/api/issues", `{"title":"x","priority":"now"}`, nil, 400, "priority"},
		"an unknown ticket":              {"GET", "/tickets/api/issues/SEC-1", "", nil, 404, "not_found"},
		"a user by mail":                 {"GET", "/directory/v2/users/a.soto@example.test", "", nil, 200, `"name":"a.soto"`},
		"an unknown user":                {"POST", "/directory/v2/users/nobody/disable", `{}`, nil, 404, "not_found"},
		"an unknown group":               {"POST", "/directory/v2/groups/nope/members/a.soto/add", `{}`, nil, 404, "not_found"},
		"a search for all mail":          {"POST", "/mail/messages/search", `{}`, nil, 400, "bad_request"},
		"mail of a sender":               {"POST", "/mail/messages/search", `{"from":"` + phishSender + `"}`, nil, 200, `"total":4`},
		"all that is in quarantine":      {"POST", "/mail/messages/search", `{"folder":"quarantine"}`, nil, 200, `"total":0`},
		"purge with one unknown":         {"POST", "/mail/messages/purge", `{"ids":["msg-7001","msg-1"]}`, nil, 404, "not_found"},
		"purge of nothing":               {"POST", "/mail/messages/purge", `{"ids":[]}`, nil, 400, "bad_request"},
		"an unknown channel":             {"POST", "/chat/api/post", `{"channel":"x","text":"y"}`, nil, 404, "not_found"},
		"an empty message":               {"POST", "/chat/api/post", `{"channel":"soc","text":" "}`, nil, 400, "bad_request"},
		"a network that is too wide":     {"POST", "/firewall/block", `{"address":"0.0.0.0/0"}`, nil, 422, "too_wide"},
		"the own network":                {"POST", "/firewall/block", `{"address":"10.20.2.41"}`, nil, 409, "own_network"},
		"a name as an address":           {"POST", "/firewall/block", `{"address":"example.test"}`, nil, 400, "bad_request"},
		"a search":                       {"POST", "/siem/search", `{"query":"src_ip:\"203.0.113.77\" AND outcome:success"}`, nil, 200, `"total":1`},
		"a search in time":               {"POST", "/siem/search", `{"query":"*","from":"2026-11-24T08:54:00Z","to":"2026-11-24T08:54:01Z"}`, nil, 200, `"total":1`},
		"a search at no time":            {"POST", "/siem/search", `{"query":"*","from":"yesterday"}`, nil, 400, "bad_query"},
		"a search that is no query":      {"POST", "/siem/search", `{"query":"a OR b"}`, nil, 400, "bad_query"},
		"a search for too much":          {"POST", "/siem/search", `{"query":"*","size":501}`, nil, 400, "size"},
	} {
		t.Run(name, func(t *testing.T) {
			got := ask(t, r, tc.method, tc.path, tc.body, tc.header...)
			if got.status != tc.status || !strings.Contains(got.text, tc.want) {
				t.Errorf("got %d %s, want %d with %q", got.status, got.text, tc.status, tc.want)
			}
		})
	}
	if got := ask(t, r, "GET", "/mail/messages/msg-7001", ""); got.body["folder"] != inbox {
		t.Errorf("a refused purge moved a message: %s", got.text)
	}
}

func TestWhatIsDoneCanBeTakenBack(t *testing.T) {
	for name, tc := range map[string]struct{ do, body, undo, undoBody, look, want, after string }{
		"an account": {
			"/directory/v2/users/m.keller/disable", `{"reason":"x"}`, "/directory/v2/users/m.keller/enable", `{}`,
			"/directory/v2/users/m.keller", `"enabled":false`, `"enabled":true`,
		},
		"a member": {
			"/directory/v2/groups/finance/members/m.keller/remove", `{}`, "/directory/v2/groups/finance/members/m.keller/add", `{}`,
			"/directory/v2/groups/finance", `"members":[]`, `"members":["m.keller"]`,
		},
		"messages": {
			"/mail/messages/purge", `{"ids":["msg-7001","msg-7002"],"reason":"x"}`, "/mail/messages/restore", `{"ids":["msg-7001","msg-7002"]}`,
			"/mail/messages/msg-7002", `"folder":"quarantine"`, `"folder":"inbox"`,
		},
		"an address": {
			"/firewall/block", `{"address":"203.0.113.77","reason":"x"}`, "/firewall/unblock", `{"address":"::ffff:203.0.113.77"}`,
			"/firewall/blocks?address=203.0.113.77", `"blocked":true`, `"blocked":false`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := open(t, t.TempDir(), newClock())
			if got := ask(t, r, "POST", tc.do, tc.body); got.status != 200 {
				t.Fatalf("do: got %d %s", got.status, got.text)
			}
			if got := ask(t, r, "GET", tc.look, ""); !strings.Contains(got.text, tc.want) {
				t.Errorf("after doing: got %s, want %s", got.text, tc.want)
			}
			if got := ask(t, r, "POST", tc.undo, tc.undoBody); got.status != 200 {
				t.Fatalf("undo: got %d %s", got.status, got.text)
			}
			if got := ask(t, r, "GET", tc.look, ""); !strings.Contains(got.text, tc.after) {
				t.Errorf("after undoing: got %s, want %s", got.text, tc.after)
			}
		})
	}
}

func TestAnAccountStaysInItsLastGroup(t *testing.T) {
	r := open(t, t.TempDir(), newClock())
	if got := ask(t, r, "POST", "/directory/v2/groups/it-admins/members/svc_backup/remove", `{}`); got.status != 200 {
		t.Fatalf("another group: got %d %s", got.status, got.text)
	}
	if got := ask(t, r, "POST", "/directory/v2/groups/staff/members/svc_backup/remove", `{}`); got.status != 409 || !strings.Contains(got.text, "last_group") {
		t.Errorf("the last group: got %d %s, want 409 last_group", got.status, got.text)
	}
}

func TestATicketIsCommentedFoundAndClosed(t *testing.T) {
	r := open(t, t.TempDir(), newClock())
	key, _ := ask(t, r, "POST", "/tickets/api/issues", `{"title":"A","priority":"high","labels":["l1"]}`).body["key"].(string)
	ask(t, r, "POST", "/tickets/api/issues/"+key+"/notes", `{"text":"n","ref":"r1"}`)
	if got := ask(t, r, "GET", "/tickets/api/issues?comment=r1", ""); got.body["total"] != 1.0 {
		t.Errorf("by comment: got %s", got.text)
	}
	if got := ask(t, r, "POST", "/tickets/api/issues/"+key+"/close", `{"resolution":"done"}`); got.body["status"] != "closed" {
		t.Errorf("close: got %s", got.text)
	}
	if got := ask(t, r, "POST", "/tickets/api/issues/"+key+"/reopen", `{}`); got.body["status"] != "open" {
		t.Errorf("reopen: got %s", got.text)
	}
}

func TestAKeyStandsForOneRequest(t *testing.T) {
	r := open(t, t.TempDir(), newClock())
	key := []string{"Idempotency-Key", "k1"}
	ask(t, r, "POST", "/edr/v1/hosts/FIN-LT-0231/isolate", `{"reason":"a"}`, key...)
	if got := ask(t, r, "POST", "/edr/v1/hosts/FIN-LT-0231/isolate", `{"reason":"b"}`, key...); got.status != 422 {
		t.Errorf("the key with another body: got %d, want 422", got.status)
	}
	if got := ask(t, r, "POST", "/edr/v1/hosts/FIN-LT-0231/isolate", `{"reason":"a"}`, key...); got.body["was_isolated"] != false {
		t.Errorf("the key again: got %s, want the first answer", got.text)
	}
	if got := ask(t, r, "GET", "/edr/v1/operations/k1", ""); got.body["found"] != true {
		t.Errorf("what became of the key: got %s", got.text)
	}
}

func TestTheChatTakesSoManyMessagesAMinute(t *testing.T) {
	c := newClock()
	r := open(t, t.TempDir(), c)
	for i := range perMinute {
		if got := ask(t, r, "POST", "/chat/api/post", `{"channel":"soc","text":"x"}`); got.status != 200 {
			t.Fatalf("message %d: got %d", i, got.status)
		}
	}
	got := ask(t, r, "POST", "/chat/api/post", `{"channel":"soc","text":"x"}`)
	if got.status != 429 || got.header.Get("Retry-After") != "61" {
		t.Errorf("one too many: got %d, Retry-After %q", got.status, got.header.Get("Retry-After"))
	}
	c.forward(time.Minute)
	if got := ask(t, r, "POST", "/chat/api/post", `{"channel":"soc","text":"x"}`); got.status != 200 {
		t.Errorf("a minute later: got %d", got.status)
	}
}

func TestThePageShowsTextAndRunsNothing(t *testing.T) {
	r := open(t, t.TempDir(), newClock())
	ask(t, r, "POST", "/tickets/api/issues", `{"title":"<script>alert(1)</script>","text":"\" onload=x {{7*7}}"}`)
	got := ask(t, r, "GET", "/", "")
	if strings.Contains(got.text, "<script") || !strings.Contains(got.text, "&lt;script&gt;") {
		t.Error("markup of a ticket reached the page")
	}
	if p := got.header.Get("Content-Security-Policy"); !strings.Contains(p, "default-src 'none'") {
		t.Errorf("policy of the page: got %q", p)
	}
	if !strings.Contains(got.text, "Not part of the product") {
		t.Error("the page does not say what it is")
	}
}

func TestTheRangeStaysOnThisMachine(t *testing.T) {
	for _, addr := range []string{"0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:0", "example.test:0", "nonsense"} {
		if r, err := Start(t.Context(), Options{Addr: addr, Dir: t.TempDir(), Clock: newClock().now, Log: slog.New(slog.DiscardHandler)}); err == nil {
			shut(t, r)
			t.Errorf("%s: the range opened there", addr)
		}
	}
}

func TestAPortThatIsTakenIsNotInsistedOn(t *testing.T) {
	taken := open(t, t.TempDir(), newClock())
	r, err := Start(t.Context(), Options{Addr: strings.TrimPrefix(taken.URL(), "http://"), Dir: t.TempDir(), Clock: newClock().now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer shut(t, r)
	if r.URL() == taken.URL() {
		t.Error("two ranges say they have one address")
	}
}

func TestSecretsAreOnesOwnAndStay(t *testing.T) {
	dir, c := t.TempDir(), newClock()
	r := open(t, dir, c)
	seen := map[string]bool{}
	names, err := fs.Glob(os.DirFS(r.Secrets()), "*")
	if err != nil || len(names) != 10 {
		t.Fatalf("got %d secrets, %v; want 10", len(names), err)
	}
	for _, n := range names {
		raw, err := read(r.Secrets(), n)
		if err != nil || len(raw) < 32 || seen[string(raw)] {
			t.Errorf("%s: %d bytes, %v, used before: %v", n, len(raw), err, seen[string(raw)])
		}
		seen[string(raw)] = true
		if info, err := os.Stat(filepath.Join(r.Secrets(), n)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: got %v %v, want mode 0600", n, info.Mode(), err)
		}
	}
	shut(t, r)
	r = open(t, dir, c)
	for _, n := range names {
		if raw, err := read(r.Secrets(), n); err != nil || !seen[string(raw)] {
			t.Errorf("%s changed with the second start: %v", n, err)
		}
	}
}

func TestTheWorkspaceNamesTheRangeAndIsWrittenOnce(t *testing.T) {
	dir, c := t.TempDir(), newClock()
	r := open(t, dir, c)
	file := filepath.Join(r.Workspace(), "connections", "range-edr.yaml")
	raw, err := read(r.Workspace(), "connections/range-edr.yaml")
	if err != nil || !bytes.Contains(raw, []byte("base_url: "+r.URL()+"/edr\n")) {
		t.Fatalf("got %s, %v", raw, err)
	}
	old := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	if err := os.Chtimes(file, old, old); err != nil {
		t.Fatal(err)
	}
	shut(t, r)
	open(t, dir, c)
	info, err := os.Stat(file)
	if err != nil || !info.ModTime().Equal(old) {
		t.Errorf("an unchanged file was written again: %v %v", info.ModTime(), err)
	}
}
