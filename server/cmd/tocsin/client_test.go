package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// asked is one request that a false server got.
type asked struct {
	line, auth string
	header     http.Header
	body       string
}

// server answers "METHOD path" with a text, and keeps what it was asked.
type server struct {
	url  string
	mu   sync.Mutex
	list []asked
}

type reply struct {
	status int
	body   string
}

const problemJSON = "application/problem+json"

func serveReplies(t *testing.T, replies map[string]reply) *server {
	t.Helper()
	s := &server{}
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		line := r.Method + " " + r.URL.RequestURI()
		s.mu.Lock()
		s.list = append(s.list, asked{line, r.Header.Get("Authorization"), r.Header, string(body)})
		s.mu.Unlock()
		a, ok := replies[line]
		if !ok {
			a = reply{404, `{"type":"x","title":"Not Found","status":404,"detail":"there is nothing here","code":"not_found","errors":[]}`}
		}
		kind := "application/json"
		if a.status >= 400 {
			kind = problemJSON
		}
		if a.status >= 300 && a.status < 400 {
			w.Header().Set("Location", a.body)
		}
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(a.status)
		_, _ = io.WriteString(w, a.body)
	}))
	t.Cleanup(h.Close)
	s.url = h.URL
	return s
}

func (s *server) env() []string { return []string{"TOCSIN_URL=" + s.url, "TOCSIN_TOKEN=toc_secret"} }

func (s *server) asked(t *testing.T, n int) asked {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.list) <= n {
		t.Fatalf("it was asked %d times, want more than %d", len(s.list), n)
	}
	return s.list[n]
}

func TestWhatIsMissingToReachAServerIsSaid(t *testing.T) {
	for name, tc := range map[string]struct {
		env  []string
		want string
	}{
		"no address":                 {nil, "TOCSIN_URL is not set"},
		"no token":                   {[]string{"TOCSIN_URL=http://127.0.0.1:1"}, "TOCSIN_TOKEN is not set"},
		"an address that is none":    {[]string{"TOCSIN_URL=tocsin", "TOCSIN_TOKEN=x"}, "no address of a server"},
		"a password in the address":  {[]string{"TOCSIN_URL=https://a:b@tocsin.test", "TOCSIN_TOKEN=x"}, "no address of a server"},
		"plain http through the net": {[]string{"TOCSIN_URL=http://tocsin.test", "TOCSIN_TOKEN=x"}, "use https"},
		"nobody there":               {[]string{"TOCSIN_URL=http://127.0.0.1:1", "TOCSIN_TOKEN=toc_secret"}, "cannot be reached"},
	} {
		t.Run(name, func(t *testing.T) {
			s := tocsin(t, tc.env, "runs", "list").want(t, failed)
			if !strings.Contains(s.err, tc.want) || strings.Contains(s.err, "toc_secret") || s.out != "" {
				t.Errorf("got %q and %q", s.out, s.err)
			}
		})
	}
}

func TestARefusalIsShownWithItsPlaces(t *testing.T) {
	problem := `{"type":"/x","title":"Bad Request","status":400,"detail":"the inputs do not fit\u001b[2J","code":"bad_request","errors":[{"at":"/inputs/host","message":"is missing"}]}`
	srv := serveReplies(t, map[string]reply{"POST /api/v1/playbooks/a/runs": {400, problem}})
	s := tocsin(t, srv.env(), "playbook", "run", "a").want(t, failed)
	for _, want := range []string{"the inputs do not fit", "bad_request", "/inputs/host: is missing"} {
		if !strings.Contains(s.err, want) {
			t.Errorf("it does not say %q: %s", want, s.err)
		}
	}
	if strings.Contains(s.err, "\x1b") || s.out != "" {
		t.Errorf("got %q and %q", s.out, s.err)
	}
	j := tocsin(t, srv.env(), "playbook", "run", "a", "--json").want(t, failed)
	var got, want any
	if json.Unmarshal([]byte(j.out), &got) != nil || json.Unmarshal([]byte(problem), &want) != nil || !cmp.Equal(got, want) {
		t.Errorf("--json: got %s", j.out)
	}
	if a := srv.asked(t, 0); a.auth != "Bearer toc_secret" || a.body != `{"inputs":{}}` {
		t.Errorf("asked with %q and %s", a.auth, a.body)
	}
}

func TestAnAnswerThatIsNoneOfOursIsSaidToBe(t *testing.T) {
	for name, r := range map[string]reply{"a redirect": {302, "http://127.0.0.1:1/elsewhere"}, "a page": {200, "<html>"}, "a gateway": {502, "<html>"}} {
		t.Run(name, func(t *testing.T) {
			srv := serveReplies(t, map[string]reply{"GET /api/v1/runs?limit=50": r})
			if s := tocsin(t, srv.env(), "runs", "list").want(t, failed); s.err == "" || s.out != "" {
				t.Errorf("got %q and %q", s.out, s.err)
			}
			if len(srv.list) != 1 {
				t.Errorf("asked %d times, want 1", len(srv.list))
			}
		})
	}
}

const request = `{"id":"` + approvalExample + `","kind":"action","status":"pending","digest":"sha256:aa","action":"edr.isolate","impact":"contain","connection":"edr",
	"title":"Isolate \u001b[2Jws-1\u202e","params":{"host":"ws-1\u0007"},"targets":[{"kind":"host","value":"ws-1","tags":[],"owner":""}],"required":[],"reasons":[],"votes":[]}`

func TestWhatIsApprovedIsWhatWasShown(t *testing.T) {
	one := "GET /api/v1/approvals/" + approvalExample
	decision := "POST /api/v1/approvals/" + approvalExample + "/decision"
	after := strings.Replace(request, `"pending"`, `"approved"`, 1)
	t.Run("the digest that is sent is that of the request that was shown", func(t *testing.T) {
		srv := serveReplies(t, map[string]reply{one: {200, request}, decision: {200, after}})
		s := tocsin(t, srv.env(), "approvals", "approve", approvalExample, "--comment", "seen").want(t, done)
		if !strings.Contains(s.out, "edr.isolate") || !strings.Contains(s.out, "sha256:aa") || strings.ContainsAny(s.out, "\x1b\a\u202e") {
			t.Errorf("got %q", s.out)
		}
		if got, want := srv.asked(t, 1).body, `{"comment":"seen","decision":"approve","digest":"sha256:aa"}`; got != want {
			t.Errorf("sent %s, want %s", got, want)
		}
	})
	t.Run("another one than was read is not decided on", func(t *testing.T) {
		srv := serveReplies(t, map[string]reply{one: {200, request}, decision: {200, after}})
		s := tocsin(t, srv.env(), "approvals", "approve", approvalExample, "--digest", "sha256:bb").want(t, failed)
		if len(srv.list) != 1 || !strings.Contains(s.err, "its digest is another") {
			t.Errorf("asked %d times: %s", len(srv.list), s.err)
		}
	})
	t.Run("a question is not approved but answered", func(t *testing.T) {
		question := strings.Replace(request, `"kind":"action"`, `"kind":"question"`, 1)
		srv := serveReplies(t, map[string]reply{one: {200, question}, "POST /api/v1/approvals/" + approvalExample + "/answer": {200, question}})
		tocsin(t, srv.env(), "approvals", "approve", approvalExample).want(t, failed)
		tocsin(t, srv.env(), "approvals", "answer", approvalExample, "--answer", `{"n":12345678901234567890}`).want(t, done)
		if got, want := srv.asked(t, 2).body, `{"answer":{"n":12345678901234567890},"digest":"sha256:aa"}`; got != want {
			t.Errorf("sent %s, want %s", got, want)
		}
	})
}

func TestInputsGetTheTypesThatThePlaybookDeclares(t *testing.T) {
	book := `{"name":"a","inputs":[{"name":"host","schema":{"type":"string"}},{"name":"n","schema":{"type":"integer"}},{"name":"maybe","schema":{"type":["string","null"]}},{"name":"list","schema":{"type":"array"}}]}`
	run := `{"id":"` + runExample + `","status":"succeeded","steps":[],"waiting":[],"created_at":"2026-01-05T10:00:00Z"}`
	srv := serveReplies(t, map[string]reply{"GET /api/v1/playbooks/a": {200, book}, "POST /api/v1/playbooks/a/runs": {202, run}})
	tocsin(t, srv.env(), "playbook", "run", "a", "--input", "host=12", "--input", "n=12", "--input", "maybe=null", "--input", `list=["x=y"]`, "--input", "other=z", "--alert", alertExample).want(t, done)
	want := `{"alert":"` + alertExample + `","inputs":{"host":"12","list":["x=y"],"maybe":"null","n":12,"other":"z"}}`
	if got := srv.asked(t, 1).body; got != want {
		t.Errorf("sent %s, want %s", got, want)
	}
	tocsin(t, srv.env(), "playbook", "run", "a", "--input", "n=twelve").want(t, misused)
}

func TestWaitingForARunTellsHowItEnded(t *testing.T) {
	for status, code := range map[string]int{"succeeded": done, "failed": failed, "cancelled": failed, "waiting": failed} {
		t.Run(status, func(t *testing.T) {
			begun := `{"id":"` + runExample + `","status":"queued","steps":[],"created_at":"2026-01-05T10:00:00Z"}`
			srv := serveReplies(t, map[string]reply{
				"POST /api/v1/playbooks/a/runs": {202, begun}, "GET /api/v1/runs/" + runExample: {200, strings.Replace(begun, "queued", status, 1)},
			})
			if s := tocsin(t, srv.env(), "playbook", "run", "a", "--wait", "600ms").want(t, code); !strings.Contains(s.out, status) {
				t.Errorf("got %s", s.out)
			}
		})
	}
}

func TestFiltersBecomeParametersAndListsGoOn(t *testing.T) {
	srv := serveReplies(t, map[string]reply{
		"GET /api/v1/alerts?cursor=c1&limit=2&q=a%26b%3Dc&severity=high": {200, `{"items":[{"id":"` + alertExample + `","title":"\u001b]0;x\u0007\nnew line","severity":"high"}],"next":"c2"}`},
	})
	s := tocsin(t, srv.env(), "alerts", "list", "--severity", "high", "--q", "a&b=c", "--limit", "2", "--cursor", "c1").want(t, done)
	if lines := strings.Count(s.out, "\n"); lines != 3 || strings.ContainsAny(s.out, "\x1b\a") || !strings.Contains(s.out, "--cursor c2") {
		t.Errorf("got %q", s.out)
	}
	if s := tocsin(t, srv.env(), "alerts", "list", "--severity", "high", "--q", "a&b=c", "--limit", "2", "--cursor", "c1", "--json").want(t, done); !json.Valid([]byte(s.out)) {
		t.Errorf("--json: got %s", s.out)
	}
}

func TestASentAlertIsSignedAsTheSourceWantsIt(t *testing.T) {
	body := `{"title":"x"}`
	file := filepath.Join(t.TempDir(), "alert.json")
	if err := os.WriteFile(file, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
	srv := serveReplies(t, map[string]reply{"POST /hooks/edr": {202, `{"alerts":[{"id":"` + alertExample + `","new":true}],"runs":["` + runExample + `"]}`}})
	env := []string{"TOCSIN_URL=" + srv.url, "TOCSIN_TOKEN=toc_secret", "EDR_SECRET=s3cret"}
	s := tocsin(t, env, "alerts", "send", "edr", file, "--secret-env", "EDR_SECRET", "--header", "X-Delivery-Id=7").want(t, done)
	if !strings.Contains(s.out, runExample) {
		t.Errorf("got %s", s.out)
	}
	got := srv.asked(t, 0)
	if got.body != body || got.auth != "" || got.header.Get("X-Delivery-Id") != "7" {
		t.Errorf("sent %+v", got)
	}
	seconds, err := strconv.ParseInt(got.header.Get("X-Timestamp"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	headers := map[string]string{}
	sign(headers, "s3cret", []byte(body), time.Unix(seconds, 0))
	if signature := got.header.Get("X-Signature"); signature != headers["X-Signature"] {
		t.Errorf("the signature is %q, want %q", signature, headers["X-Signature"])
	}
	tocsin(t, env, "alerts", "send", "edr", file, "--secret-env", "OTHER").want(t, failed)
	typed(t, body, env, "alerts", "send", "edr", "-", "--bearer-env", "EDR_SECRET").want(t, done)
	if got := srv.asked(t, 1); got.auth != "Bearer s3cret" || got.body != body {
		t.Errorf("sent %+v", got)
	}
}

func TestTheSignatureIsTheOneOfTheStyleTocsin(t *testing.T) {
	headers := map[string]string{}
	sign(headers, "s3cret", []byte(`{"title":"x"}`), time.Unix(1767607200, 0))
	// echo -n '1767607200.{"title":"x"}' | openssl dgst -sha256 -hmac s3cret
	want := map[string]string{"X-Timestamp": "1767607200", "X-Signature": "sha256=01e27b525f9e035931abac12023817723ecccb0afc2bc6aaf17514361b89762b"}
	if diff := cmp.Diff(want, headers); diff != "" {
		t.Error(diff)
	}
}
