package httpcall_test

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/httpcall"
	"github.com/tocsin-soar/tocsin/server/native"
)

func TestASecretIsInNoErrorLogOrOutput(t *testing.T) {
	for _, kind := range []string{"basic", "bearer", "header", "query"} {
		for name, handler := range map[string]http.HandlerFunc{
			"thrown back as it came": func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("X-Echo", url.QueryEscape(canary))
				b, _ := json.Marshal(map[string]any{"name": fmt.Sprint(r.Header, r.URL), "more": encodings(canary)})
				jsonReply(w, 200, string(b))
			},
			"in a key": func(w http.ResponseWriter, _ *http.Request) {
				b, _ := json.Marshal(map[string]any{"name": "x", canary: 1})
				jsonReply(w, 200, string(b))
			},
			"in an error": func(w http.ResponseWriter, _ *http.Request) {
				b, _ := json.Marshal(map[string]any{"ok": false, "error": canary})
				jsonReply(w, 400, string(b))
			},
			"in a redirect": func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "/x?k="+url.QueryEscape(canary), http.StatusFound)
			},
			"in broken JSON": func(w http.ResponseWriter, _ *http.Request) { jsonReply(w, 200, `{"name": "`+canary) },
			"before a reset": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
			"in a misfit": func(w http.ResponseWriter, _ *http.Request) {
				b, _ := json.Marshal(map[string]any{"name": []any{canary}})
				jsonReply(w, 200, string(b))
			},
			"in a bad header": func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", canary)
				w.WriteHeader(http.StatusServiceUnavailable)
			},
		} {
			t.Run(kind+" "+name, func(t *testing.T) {
				s := serve(t, handler)
				for _, id := range []string{"look", "change", "ruled", "follow"} {
					f := setup(t, s.URL)
					f.conn.AuthType, f.conn.Auth = kind, secretAuth(kind)
					rep := f.call(t, action(t, id), nil)
					out, _ := json.Marshal(rep.Output)
					seen := fmt.Sprintf("%v %+v %#v %s %s", rep, rep.Err, rep.Err, out, f.log)
					var chain []string
					for err := rep.Err; err != nil; err = errors.Unwrap(err) {
						chain = append(chain, err.Error())
					}
					seen += strings.Join(chain, "\n")
					for _, form := range encodings(canary) {
						if strings.Contains(seen, form) {
							t.Fatalf("%s: %q is in %s", id, form, seen)
						}
					}
				}
			})
		}
	}
}

// encodings are forms of a secret, written independently of the product.
func encodings(s string) []string {
	quoted, _ := json.Marshal(s)
	return []string{
		s, string(quoted[1 : len(quoted)-1]), url.QueryEscape(s), url.PathEscape(s), hex.EncodeToString([]byte(s)),
		base64.StdEncoding.EncodeToString([]byte(s)), base64.RawURLEncoding.EncodeToString([]byte(s)),
		base64.StdEncoding.EncodeToString([]byte("soc:" + s)),
	}
}

func TestS041TheConnectionsCredentialsCannotBeReplaced(t *testing.T) {
	m := `
id: probe
name: Probe
category: generic
actions:
  send:
    title: Send
    impact: write
    input: { type: object, properties: { headers: { type: object, default: {} }, query: { type: object, default: {} } } }
    request: { method: POST, path: /x, headers: "${{ input.headers }}", query: "${{ input.query }}" }
    idempotency: { header: Idempotency-Key }
    output: { schema: {} }
    example: { output: null }
`
	parsed, problems := connector.Parse("m.yaml", []byte(m))
	if parsed == nil {
		t.Fatal(problems)
	}
	var got atomic.Value
	s := serve(t, func(_ http.ResponseWriter, r *http.Request) { got.Store(r.Header.Clone()) })
	f := setup(t, s.URL)
	f.conn.AuthType, f.conn.Auth = "header", secretAuth("header")
	for _, name := range []string{
		"Host", "host", "Authorization", "AUTHORIZATION", "Cookie", "Proxy-Authorization", "Proxy-Connection", "Transfer-Encoding",
		"Content-Length", "Connection", "Upgrade", "TE", "Trailer", "Expect", "X-Api-Key", "x-api-key", "X_Api_Key", "Idempotency-Key",
		"idempotency_key", "X-HTTP-Method-Override", "X-Forwarded-Host", "bad name", "bad:name", "bad\r\nname", "", "Accept-Encoding",
	} {
		t.Run("header "+name, func(t *testing.T) {
			rep := f.call(t, parsed.Action("send"), map[string]any{"headers": map[string]any{name: "x"}})
			want(t, rep, connector.DidNothing, fault.InvalidInput)
		})
	}
	for _, v := range []string{"a\r\nX-Evil: 1", "a\nb", "a\x00b", "a\rb", "a\x7fb"} {
		t.Run(fmt.Sprintf("value %q", v), func(t *testing.T) {
			rep := f.call(t, parsed.Action("send"), map[string]any{"headers": map[string]any{"X-Fine": v}})
			want(t, rep, connector.DidNothing, fault.InvalidInput)
		})
	}
	want(t, f.call(t, parsed.Action("send"), map[string]any{"headers": map[string]any{"X-Fine": "fine"}}), connector.DidDone, "")
	if h := got.Load().(http.Header); h.Get("X-Fine") != "fine" || h.Get("X-Api-Key") != canary {
		t.Errorf("got %v", h)
	}
	f.conn.AuthType, f.conn.Auth = "query", secretAuth("query")
	for _, name := range []string{"api_key", "API_KEY"} {
		rep := f.call(t, parsed.Action("send"), map[string]any{"query": map[string]any{name: "x"}})
		want(t, rep, connector.DidNothing, fault.InvalidInput)
	}
}

// dialer is a native integration that tries what no connection allows.
type dialer struct {
	target string
	answer native.Result
	err    error
	panics bool
}

func (d *dialer) Describe() native.Description {
	return native.Description{ID: "wire", Actions: []string{"send"}}
}

func (d *dialer) Do(ctx context.Context, c native.Call) (native.Result, error) {
	if d.panics {
		panic("broken: " + c.Connection.Auth["token"].Reveal())
	}
	if d.target != "" {
		_, err := c.Dial(ctx, "tcp", d.target)
		return native.Result{Did: connector.DidNothing}, err
	}
	return d.answer, d.err
}

func TestANativeIntegrationStandsUnderTheSameRules(t *testing.T) {
	m, problems := connector.Parse("m.yaml", []byte(`
id: wire
name: Wire
category: generic
native: true
actions:
  send:
    title: Send
    impact: write
    input: { type: object }
    output: { schema: { type: object, required: [n], properties: { n: { type: integer } } } }
    example: { output: { n: 1 } }
`))
	if m == nil {
		t.Fatal(problems)
	}
	at, dialled := listener(t)
	for name, tc := range map[string]struct {
		d    dialer
		did  connector.Did
		kind fault.Kind
	}{
		"done":                       {dialer{answer: native.Result{Did: connector.DidDone, Output: map[string]any{"n": int64(1)}}}, connector.DidDone, ""},
		"done, but it misfits":       {dialer{answer: native.Result{Did: connector.DidDone, Output: map[string]any{}}}, connector.DidDone, fault.InDoubt},
		"no word":                    {dialer{}, connector.DidUnknown, fault.Internal},
		"an error that did nothing":  {dialer{answer: native.Result{Did: connector.DidNothing}, err: fault.New(fault.Conflict, "no")}, connector.DidNothing, fault.Conflict},
		"an error without a word":    {dialer{err: errors.New("no")}, connector.DidUnknown, fault.Unavailable},
		"a panic":                    {dialer{panics: true}, connector.DidUnknown, fault.Internal},
		"a dial to what is not open": {dialer{target: at.String()}, connector.DidNothing, fault.EgressDenied},
	} {
		t.Run(name, func(t *testing.T) {
			f := setup(t, "", func(o *httpcall.Options) { o.Native = []native.Integration{&tc.d} })
			f.conn = connector.Connection{Name: "wire", Integration: "wire", AuthType: "bearer", Auth: secretAuth("bearer")}
			rep := f.call(t, m.Action("send"), nil)
			want(t, rep, tc.did, tc.kind)
			for err := rep.Err; err != nil; err = errors.Unwrap(err) {
				if strings.Contains(err.Error(), canary) {
					t.Errorf("the secret is in %v", err)
				}
			}
		})
	}
	if n := dialled.Load(); n != 0 {
		t.Errorf("the listener saw %d connections", n)
	}
	f := setup(t, "")
	want(t, f.call(t, m.Action("send"), nil), connector.DidNothing, fault.Internal)
}
