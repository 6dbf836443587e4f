package integrations_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-soar/tocsin/server/approval"
	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/gate"
	"github.com/tocsin-soar/tocsin/server/httpcall"
	"github.com/tocsin-soar/tocsin/server/ident"
	"github.com/tocsin-soar/tocsin/server/secret"
)

// The contract suite: every integration that speaks HTTP, through the product's own
// caller, against a server that answers as the product's documentation says and
// then as badly as servers can.

const (
	key    = "0123456789abcdef0123456789abcdef"
	canary = "cAnary-hunter2/+&=\"secret"
)

// recorded is one documented exchange of testdata/calls.json.
type recorded struct {
	Name    string         `json:"name"`
	Source  string         `json:"source"` // the page that documents it
	Action  string         `json:"action"`
	Input   map[string]any `json:"input"`
	Request *struct {
		Method  string              `json:"method"`
		Path    string              `json:"path"`
		Query   map[string][]string `json:"query"`
		Headers map[string]string   `json:"headers"`
		JSON    any                 `json:"json"`
		Text    *string             `json:"text"`
	} `json:"request"`
	Reply struct {
		Status  int               `json:"status"`
		Headers map[string]string `json:"headers"`
		Body    any               `json:"body"`
		Text    string            `json:"text"`
	} `json:"reply"`
	Output any `json:"output"`
	Error  *struct {
		Kind       string        `json:"kind"`
		Did        connector.Did `json:"did"`
		Says       string        `json:"says"`
		RetryAfter int           `json:"retry_after"`
		Sent       *bool         `json:"sent"`
	} `json:"error"`
}

// seen is what the server got.
type seen struct {
	mu   sync.Mutex
	n    int
	req  *http.Request
	body []byte
}

func (s *seen) take(r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n, s.req, s.body = s.n+1, r, body
}

func server(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// call makes one attempt as the product does. The credentials are a canary: it is
// an error to find them in anything that comes back or is logged.
func call(t *testing.T, m *connector.Manifest, id string, input map[string]any, url string, timeout time.Duration) connector.Reply {
	t.Helper()
	var log bytes.Buffer
	caller := httpcall.New(httpcall.Options{
		Clock: func() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) },
		Log:   slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	defer caller.Close()
	conn := connector.Connection{Name: "c", Integration: m.ID, BaseURL: url, EgressAllow: []string{"127.0.0.1"}, AuthType: "none"}
	if len(m.Auth) > 0 && m.Auth[len(m.Auth)-1].Type != "none" || m.ID == "http" {
		kind := m.Auth[len(m.Auth)-1]
		conn.AuthType = kind.Type
		conn.Auth = map[string]secret.Value{"username": secret.Of("soc"), "password": secret.Of(canary), "token": secret.Of(canary), "value": secret.Of(canary)}
	}
	c := connector.Call{
		Action: m.Action(id), Connection: conn, Params: input, Key: key, Timeout: timeout,
		Preimage: approval.Preimage{Kind: approval.KindAction, Instance: "test", Run: "run_1", Step: "s", Occurrence: int64(1)},
	}
	digest, err := c.Sent()
	if err != nil {
		t.Fatal(err)
	}
	rep := caller.Call(t.Context(), gate.NewPermit("dec_1", digest), c) //nolint:forbidigo // a test plays server/perform
	out, _ := json.Marshal(rep.Output)
	if all := fmt.Sprintf("%v %+v %s %s", rep.Err, rep, out, log.String()); strings.Contains(all, canary) || strings.Contains(all, "hunter2") {
		t.Errorf("the credentials came back: %s", all)
	}
	return rep
}

func TestEachIntegrationSpeaksAsItsProductDocuments(t *testing.T) {
	for dir, m := range manifests(t) {
		raw, err := fs.ReadFile(os.DirFS("."), dir+"/testdata/calls.json")
		if err != nil {
			if m.Tested == "documented" && len(m.Actions) > 0 {
				t.Errorf("%s: tested by documented examples, but there are none", dir)
			}
			continue
		}
		var cases []recorded
		strict(t, raw, &cases)
		covered := map[string]bool{}
		for _, c := range cases {
			t.Run(dir+"/"+c.Name, func(t *testing.T) { exchange(t, m, c) })
			covered[c.Action] = covered[c.Action] || c.Error == nil
		}
		for _, a := range m.Actions {
			if !covered[a.ID] {
				t.Errorf("%s: no documented exchange of %s that goes well", dir, a.ID)
			}
		}
	}
}

// strict reads a file of testdata: a misspelt key is a test that tests nothing.
func strict(t *testing.T, raw []byte, into any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		t.Fatal(err)
	}
}

func exchange(t *testing.T, m *connector.Manifest, c recorded) {
	t.Helper()
	if m.Action(c.Action) == nil || !strings.HasPrefix(c.Source, "https://") {
		t.Fatalf("no action %q, or no source %q", c.Action, c.Source)
	}
	got := &seen{}
	s := server(t, func(w http.ResponseWriter, r *http.Request) {
		got.take(r)
		for k, v := range c.Reply.Headers {
			w.Header().Set(k, v)
		}
		w.WriteHeader(c.Reply.Status)
		if c.Reply.Body != nil {
			_ = json.NewEncoder(w).Encode(c.Reply.Body)
		}
		_, _ = io.WriteString(w, c.Reply.Text)
	})
	rep := call(t, m, c.Action, plain(t, c.Input), s.URL, 5*time.Second)
	switch {
	case c.Error != nil:
		refused(t, c, rep, got)
	case rep.Err != nil || rep.Did != connector.DidDone:
		t.Errorf("got %s, %v (%+v)", rep.Did, rep.Err, rep)
	default:
		want := fill(c.Output, rep.Output, s.URL)
		if d := cmp.Diff(jsonOf(t, want), jsonOf(t, rep.Output)); d != "" {
			t.Errorf("output: %s", d)
		}
	}
	if c.Request != nil {
		request(t, c, got)
	}
}

func refused(t *testing.T, c recorded, rep connector.Reply, got *seen) {
	t.Helper()
	if string(fault.KindOf(rep.Err)) != c.Error.Kind || rep.Did != c.Error.Did || !strings.Contains(fmt.Sprint(rep.Err), c.Error.Says) {
		t.Errorf("got %s, %s: %v; want %+v", rep.Did, fault.KindOf(rep.Err), rep.Err, c.Error)
	}
	if e, ok := rep.Err.(*fault.Error); ok && c.Error.RetryAfter != 0 && e.RetryAfter != time.Duration(c.Error.RetryAfter)*time.Second { //nolint:errorlint // the caller's own
		t.Errorf("retry after %s; want %d s", e.RetryAfter, c.Error.RetryAfter)
	}
	if c.Error.Sent != nil && !*c.Error.Sent && got.n != 0 {
		t.Error("it was sent")
	}
}

// request compares what arrived with what the documentation asks for.
func request(t *testing.T, c recorded, got *seen) {
	t.Helper()
	if got.n != 1 {
		t.Fatalf("%d requests arrived", got.n)
	}
	w := c.Request
	if got.req.Method != w.Method || got.req.URL.EscapedPath() != w.Path {
		t.Errorf("got %s %s; want %s %s", got.req.Method, got.req.URL.EscapedPath(), w.Method, w.Path)
	}
	q := got.req.URL.Query()
	q.Del("api_key") // the connection's own
	if d := cmp.Diff(w.Query, map[string][]string(q)); w.Query != nil && d != "" {
		t.Errorf("query: %s", d)
	}
	for k, v := range w.Headers {
		if got.req.Header.Get(k) != v {
			t.Errorf("header %s: got %q; want %q", k, got.req.Header.Get(k), v)
		}
	}
	if w.Text != nil && string(got.body) != *w.Text {
		t.Errorf("body: got %q; want %q", got.body, *w.Text)
	}
	if w.JSON != nil {
		body, err := ident.Decode(got.body)
		if err != nil {
			t.Fatalf("body %q: %v", got.body, err)
		}
		if d := cmp.Diff(jsonOf(t, w.JSON), jsonOf(t, body)); d != "" {
			t.Errorf("body: %s", d)
		}
	}
}

// fill puts in what a recording cannot know: the server's address, and headers
// that are * in it.
func fill(want, got any, url string) any {
	switch w := want.(type) {
	case string:
		return strings.ReplaceAll(w, "BASE", url)
	case []any:
		out := make([]any, len(w))
		for i, e := range w {
			var g any
			if list, ok := got.([]any); ok && i < len(list) {
				g = list[i]
			}
			out[i] = fill(e, g, url)
		}
		return out
	case map[string]any:
		out := map[string]any{}
		have, _ := got.(map[string]any)
		for k, e := range w {
			if v, there := have[k]; e == "*" && there {
				out[k] = v
				continue
			}
			out[k] = fill(e, have[k], url)
		}
		return out
	}
	return want
}

func plain(t *testing.T, v map[string]any) map[string]any {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	out, err := ident.Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	m, _ := out.(map[string]any)
	if m == nil {
		m = map[string]any{}
	}
	return m
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	var back any
	if err := json.Unmarshal(raw, &back); err != nil {
		t.Fatal(err)
	}
	raw, _ = json.MarshalIndent(back, "", " ")
	return string(raw)
}

func TestEachActionSurvivesWhateverAServerDoes(t *testing.T) {
	all, elsewhere := manifests(t), &seen{}
	other := server(t, func(_ http.ResponseWriter, r *http.Request) { elsewhere.take(r) })
	status := func(n int, headers ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			for i := 0; i+1 < len(headers); i += 2 {
				w.Header().Set(headers[i], headers[i+1])
			}
			w.WriteHeader(n)
			_, _ = io.WriteString(w, `{"error":"`+strings.ReplaceAll(canary, `"`, `\"`)+`"}`)
		}
	}
	body := func(kind, text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			_, _ = io.WriteString(w, text)
		}
	}
	const nothing, unknown, done = connector.DidNothing, connector.DidUnknown, connector.DidDone
	for name, tc := range map[string]struct {
		handler http.HandlerFunc
		did     connector.Did // of anything but a read
		kind    fault.Kind
	}{
		"401":       {status(401), nothing, fault.Unauthorized},
		"403":       {status(403), nothing, fault.Forbidden},
		"404":       {status(404), nothing, fault.NotFound},
		"409":       {status(409), nothing, fault.Conflict},
		"429":       {status(429, "Retry-After", "7"), nothing, fault.RateLimited},
		"500":       {status(500), unknown, fault.Unavailable},
		"503 later": {status(503, "Retry-After", "7"), nothing, fault.Unavailable},
		"503":       {status(503), unknown, fault.Unavailable},
		"another host": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
		}, nothing, fault.RedirectRefused},
		"a hang":      {func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body); <-r.Context().Done() }, unknown, fault.Timeout},
		"a cut":       {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, unknown, fault.Unavailable},
		"broken JSON": {body("application/json", `{"data": [`), done, fault.InDoubt},
		"50 MB": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			junk(w, 50<<20)
		}, done, fault.InDoubt},
		"a page for people":  {body("text/html", "<html>Log in</html>"), done, fault.InDoubt},
		"null":               {body("application/json", "null"), done, fault.InDoubt},
		"a list":             {body("application/json", "[]"), done, fault.InDoubt},
		"an empty object":    {body("application/json", "{}"), done, fault.InDoubt},
		"numbers everywhere": {body("application/json", `{"ok":1,"data":1,"hits":1,"id":1,"key":1,"channel":1}`), done, fault.InDoubt},
	} {
		for dir, m := range all {
			if m.Native {
				continue
			}
			for _, a := range m.Actions {
				if (name == "50 MB" || name == "a hang") && a != first(m, connector.Read) && a != first(m, connector.Write) {
					continue // the action has no say in it
				}
				t.Run(name+"/"+dir+"."+a.ID, func(t *testing.T) {
					s := server(t, tc.handler)
					timeout := 5 * time.Second
					if name == "a hang" {
						timeout = 500 * time.Millisecond
					}
					rep := call(t, m, a.ID, a.ExampleInput, s.URL, timeout)
					judge(t, name, a, rep, tc.did, tc.kind)
				})
			}
		}
	}
	if elsewhere.n != 0 {
		t.Errorf("another host got %d requests", elsewhere.n)
	}
}

// first gives the first action with an impact.
func first(m *connector.Manifest, i connector.Impact) *connector.Action {
	for _, a := range m.Actions {
		if a.Impact == i {
			return a
		}
	}
	return nil
}

// junk writes a large JSON text.
func junk(w io.Writer, n int) {
	chunk := []byte(`"` + strings.Repeat("x", 1<<20) + `",`)
	_, _ = io.WriteString(w, "[")
	for range n >> 20 {
		if _, err := w.Write(chunk); err != nil {
			return
		}
	}
	_, _ = io.WriteString(w, "0]")
}

// judge compares with the table of contract.md. A reply of 200 may fit an action
// whose output may be anything; then it is done, and nothing else.
func judge(t *testing.T, name string, a *connector.Action, rep connector.Reply, did connector.Did, kind fault.Kind) {
	t.Helper()
	if did == connector.DidDone && rep.Err == nil {
		if places := a.CheckOutput(rep.Output); len(places) > 0 || name == "broken JSON" || name == "50 MB" {
			t.Errorf("taken as done: %+v", rep)
		}
		return
	}
	got := fault.KindOf(rep.Err)
	if a.Impact == connector.Read {
		if did == connector.DidDone && (got == fault.BadReply || got == fault.TooLarge) || did != connector.DidDone && got == kind {
			return
		}
	} else if rep.Did == did && got == kind {
		return
	}
	t.Errorf("got %s, %s (%v); want %s, %s", rep.Did, got, rep.Err, did, kind)
}

func TestEachIntegrationSaysHowItWasTested(t *testing.T) {
	for dir := range manifests(t) {
		readme, err := fs.ReadFile(os.DirFS("."), dir+"/README.md")
		if err != nil {
			t.Errorf("%s: %v", dir, err)
			continue
		}
		if !strings.Contains(strings.ToLower(string(readme)), "tested") {
			t.Errorf("%s: its README does not say how it was tested", dir)
		}
	}
}

func TestNoManifestIsForgotten(t *testing.T) {
	dirs, err := fs.Glob(os.DirFS("."), "*/manifest.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if got := manifests(t); len(got) != len(dirs) {
		t.Errorf("%d manifests are carried; there are %d", len(got), len(dirs))
	}
}
