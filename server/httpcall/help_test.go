package httpcall_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tocsin-soar/tocsin/server/approval"
	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/gate"
	"github.com/tocsin-soar/tocsin/server/httpcall"
	"github.com/tocsin-soar/tocsin/server/secret"
)

const canary = "cAnary/hunter2+&=\"ü"

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// manifest has one action of each sort; both write what they get.
const manifest = `
id: probe
name: Probe
category: generic
connection:
  auth:
    - { type: none }
    - { type: basic, username: u, password: p }
    - { type: bearer, token: t }
    - { type: header, name: X-Api-Key, value: v }
    - { type: query, name: apikey, value: v }
actions:
  look:
    title: Look
    impact: read
    input: { type: object, properties: { id: { type: string, default: one } } }
    request: { method: GET, path: "/things/${{ input.id }}" }
    output: { schema: { type: object, required: [name], properties: { name: { type: string } } } }
    example: { output: { name: x } }
  follow:
    title: Follow
    impact: read
    input: { type: object }
    redirects: same_origin
    request: { method: GET, path: /hop }
    output: { schema: { type: object, required: [name], properties: { name: { type: string } } } }
    example: { output: { name: x } }
  change:
    title: Change
    impact: write
    input: { type: object, properties: { id: { type: string, default: one } } }
    request: { method: POST, path: "/things/${{ input.id }}", json: { id: "${{ input.id }}" } }
    idempotency: { header: Idempotency-Key }
    output: { schema: { type: object, required: [name], properties: { name: { type: string } } } }
    example: { output: { name: x } }
  drop:
    title: Drop
    impact: write
    input: { type: object }
    request: { method: DELETE, path: /things }
    idempotency: { header: Idempotency-Key }
    output: { schema: {} }
    example: { output: null }
  ruled:
    title: Ruled
    impact: write
    input: { type: object }
    request: { method: POST, path: /ruled }
    errors:
      - { when: "body.?ok.orValue(true) == false && body.error == 'no_channel'", kind: not_found, message: "${{ 'no such channel: ' + body.error }}", did: nothing }
      - { when: "body.?ok.orValue(true) == false", kind: invalid_input, message: "${{ body.error }}" }
      - { when: "status == 409", kind: conflict, did: done }
    output: { schema: { type: object, required: [name] }, map: { name: "${{ body.?name.orValue('was there') }}" } }
    example: { output: { name: x } }
`

func action(t *testing.T, id string) *connector.Action {
	t.Helper()
	m, problems := connector.Parse("manifest.yaml", []byte(manifest))
	if m == nil {
		t.Fatalf("the test's manifest is broken: %+v", problems)
	}
	a := m.Action(id)
	if a == nil {
		t.Fatalf("no action %s", id)
	}
	return a
}

type fixture struct {
	caller *httpcall.Caller
	log    *bytes.Buffer
	conn   connector.Connection
}

func setup(t *testing.T, url string, change ...func(*httpcall.Options)) fixture {
	t.Helper()
	log := &bytes.Buffer{}
	o := httpcall.Options{
		Clock: testClock,
		Log:   slog.New(slog.NewJSONHandler(&locked{w: log}, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, c := range change {
		c(&o)
	}
	c := httpcall.New(o)
	t.Cleanup(c.Close)
	return fixture{c, log, connector.Connection{
		Name: "probe", Integration: "probe", BaseURL: url, AuthType: "none", EgressAllow: []string{"127.0.0.1", "::1"},
	}}
}

func testClock() time.Time { return noon }

type locked struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *locked) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}

func (f fixture) build(a *connector.Action, params map[string]any) connector.Call {
	return connector.Call{
		Action: a, Connection: f.conn, Params: params, Key: "0123456789abcdef0123456789abcdef", Timeout: 60 * time.Second, // a bound for a busy machine; tests of time set their own
		Preimage: approval.Preimage{Kind: approval.KindAction, Instance: "test", Run: "run_1", Step: "step", Occurrence: int64(1)},
	}
}

// permit plays server/perform: it permits exactly this call.
func permit(t *testing.T, call connector.Call) gate.Permit {
	t.Helper()
	digest, err := call.Sent()
	if err != nil {
		t.Fatal(err)
	}
	return gate.NewPermit("dec_1", digest) //nolint:forbidigo // a test plays server/perform
}

func (f fixture) call(t *testing.T, a *connector.Action, params map[string]any) connector.Reply {
	t.Helper()
	return f.do(t, f.build(a, params))
}

func (f fixture) do(t *testing.T, call connector.Call) connector.Reply {
	t.Helper()
	rep := f.caller.Call(t.Context(), permit(t, call), call)
	if (rep.Err == nil) != (rep.Did == connector.DidDone && rep.Output != nil || rep.Err == nil) {
		t.Fatalf("a reply without an error that is not done: %+v", rep)
	}
	return rep
}

func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// raw serves whole connections by hand: what a well-behaved server cannot send.
func raw(t *testing.T, each func(c net.Conn, req *http.Request)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	t.Cleanup(func() { _ = l.Close(); all.Wait() })
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer func() { _ = c.Close() }()
				from := bufio.NewReader(c)
				for {
					req, err := http.ReadRequest(from)
					if err != nil {
						return
					}
					_, _ = io.Copy(io.Discard, req.Body)
					each(c, req)
				}
			})
		}
	})
	return "http://" + l.Addr().String()
}

func answer(c net.Conn, format string, args ...any) {
	_, _ = io.WriteString(c, strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", "\r\n"))
}

func jsonReply(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

func secretAuth(kind string) map[string]secret.Value {
	v := secret.Of(canary)
	return map[string]map[string]secret.Value{
		"basic":  {"username": secret.Of("soc"), "password": v},
		"bearer": {"token": v},
		"header": {"value": v},
		"query":  {"value": v},
		"none":   nil,
	}[kind]
}

func want(t *testing.T, rep connector.Reply, did connector.Did, kind fault.Kind) {
	t.Helper()
	if rep.Did != did || fault.KindOf(rep.Err) != kind {
		t.Errorf("got %s, %s (%v); want %s, %s", rep.Did, fault.KindOf(rep.Err), rep.Err, did, kind)
	}
}
