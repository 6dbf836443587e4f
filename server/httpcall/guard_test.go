package httpcall_test

import (
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/httpcall"
	"github.com/tocsin-soar/tocsin/server/native"
)

// listener counts who connects.
func listener(t *testing.T, address string) (netip.AddrPort, *atomic.Int64) {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Skipf("cannot listen on %s here: %v", address, err)
	}
	var n atomic.Int64
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			n.Add(1)
			_ = c.Close()
		}
	}()
	return netip.MustParseAddrPort(l.Addr().String()), &n
}

func TestS007NoCallReachesThisMachineUnlessItIsNamed(t *testing.T) {
	at, dialled := listener(t, "127.0.0.1:0")
	port := at.Port()
	for _, host := range []string{
		"127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "017700000001", "127.0.0.1.",
		"0.0.0.0", "0", "[::]", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:127.0.0.1]", "[::127.0.0.1]",
		"localhost", "LOCALHOST", "localhost.", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "127.0.0.2", "[::1%25lo]", "user@127.0.0.1",
		"user:pass@127.0.0.1", "127.0.0.1\\@example.org", "１２７.0.0.1", "127。0。0。1", "127%2e0%2e0%2e1", "%31%32%37.0.0.1",
	} {
		t.Run(host, func(t *testing.T) {
			f := setup(t, fmt.Sprintf("http://%s:%d", host, port))
			f.conn.EgressAllow = nil
			rep := f.call(t, action(t, "look"), nil)
			kind := fault.KindOf(rep.Err)
			if rep.Did != connector.DidNothing || kind != fault.EgressDenied && kind != fault.InvalidInput && kind != fault.Unavailable {
				t.Errorf("got %s, %s (%v)", rep.Did, kind, rep.Err)
			}
			if kind == fault.EgressDenied && !strings.Contains(rep.Err.Error(), "1") && !strings.Contains(rep.Err.Error(), "0") {
				t.Errorf("%v does not name the resolved address", rep.Err)
			}
		})
	}
	if n := dialled.Load(); n != 0 {
		t.Fatalf("the listener saw %d connections", n)
	}
	f := setup(t, fmt.Sprintf("http://127.0.0.1:%d", port)) // the control: allowed where it is named
	f.call(t, action(t, "look"), nil)
	if dialled.Load() == 0 {
		t.Error("an address on the allow list was not dialled")
	}
}

// resolver answers from a list, one set of addresses after the other.
func resolver(sets ...[]string) func(context.Context, string) ([]netip.Addr, error) {
	var n atomic.Int64
	return func(context.Context, string) ([]netip.Addr, error) {
		at := min(int(n.Add(1))-1, len(sets)-1)
		var out []netip.Addr
		for _, s := range sets[at] {
			out = append(out, netip.MustParseAddr(s))
		}
		return out, nil
	}
}

func TestAnswersOfDNSReachNoForbiddenAddress(t *testing.T) {
	at, dialled := listener(t, "127.0.0.1:0")
	for name, sets := range map[string][][]string{
		"loopback":                         {{"127.0.0.1"}},
		"loopback behind a public one":     {{"93.184.215.14", "127.0.0.1"}},
		"loopback before a public one":     {{"127.0.0.1", "93.184.215.14"}},
		"loopback in v6":                   {{"::1"}},
		"loopback as v4 in v6":             {{"::ffff:127.0.0.1"}},
		"metadata":                         {{"169.254.169.254"}},
		"metadata of AWS in v6":            {{"fd00:ec2::254"}},
		"metadata through NAT64":           {{"64:ff9b::a9fe:a9fe"}},
		"metadata through 6to4":            {{"2002:a9fe:a9fe::"}},
		"a private net":                    {{"10.1.2.3"}},
		"unspecified":                      {{"0.0.0.0"}},
		"multicast":                        {{"224.0.0.1"}},
		"nothing":                          {{}},
		"link-local with a zone":           {{"fe80::1%lo"}},
		"first nothing, then the loopback": {{}, {"127.0.0.1"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := setup(t, fmt.Sprintf("http://rebind.example:%d", at.Port()), func(o *httpcall.Options) { o.Resolve = resolver(sets...) })
			f.conn.EgressAllow = nil
			for range 2 {
				rep := f.call(t, action(t, "look"), nil)
				if kind := fault.KindOf(rep.Err); rep.Did != connector.DidNothing || kind != fault.EgressDenied && kind != fault.Unavailable {
					t.Errorf("got %s, %s (%v)", rep.Did, kind, rep.Err)
				}
			}
		})
	}
	if n := dialled.Load(); n != 0 {
		t.Errorf("the listener saw %d connections", n)
	}
}

func TestS013TheProductsOwnListenerIsNotReachedUnlessItsPortIsNamed(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { jsonReply(w, 200, `{"name":"x"}`) })
	at := netip.MustParseAddrPort(s.Listener.Addr().String())
	own := func(o *httpcall.Options) { o.Own = func() []netip.AddrPort { return []netip.AddrPort{at} } }
	all := func(o *httpcall.Options) {
		o.Own = func() []netip.AddrPort {
			return []netip.AddrPort{netip.AddrPortFrom(netip.IPv6Unspecified(), at.Port())}
		}
	}
	public := func(o *httpcall.Options) {
		o.OwnURL = fmt.Sprintf("https://Soar.Example.:%d/app", at.Port())
		o.Resolve = resolver([]string{"127.0.0.1"})
	}
	for name, tc := range map[string]struct {
		host   string
		allow  []string
		change func(*httpcall.Options)
		kind   fault.Kind
	}{
		"its address":                   {"127.0.0.1", []string{"127.0.0.1"}, own, fault.EgressDenied},
		"a net around it":               {"127.0.0.1", []string{"127.0.0.0/8"}, own, fault.EgressDenied},
		"its address by name":           {"localhost", []string{"localhost"}, own, fault.EgressDenied},
		"a listener on every interface": {"127.0.0.1", []string{"127.0.0.1"}, all, fault.EgressDenied},
		"its public name":               {"soar.example", []string{"soar.example", "127.0.0.1"}, public, fault.EgressDenied},
		"named with its port":           {"127.0.0.1", []string{fmt.Sprintf("127.0.0.1:%d", at.Port())}, own, ""},
		"its public name with its port": {"soar.example", []string{fmt.Sprintf("soar.example:%d", at.Port()), "127.0.0.1"}, public, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := setup(t, fmt.Sprintf("http://%s:%d", tc.host, at.Port()), tc.change)
			f.conn.EgressAllow = tc.allow
			if kind := fault.KindOf(f.call(t, action(t, "look"), nil).Err); kind != tc.kind {
				t.Errorf("got %q; want %q", kind, tc.kind)
			}
		})
	}
}

func TestS014ProxiesOfTheEnvironmentAreIgnored(t *testing.T) {
	proxy, dialled := listener(t, "127.0.0.1:0")
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"} {
		t.Setenv(name, "http://"+proxy.String())
	}
	t.Setenv("NO_PROXY", "")
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { jsonReply(w, 200, `{"name":"x"}`) })
	want(t, setup(t, s.URL).call(t, action(t, "look"), nil), connector.DidDone, "")
	f := setup(t, "http://10.0.0.1")
	f.conn.EgressAllow = nil
	want(t, f.call(t, action(t, "look"), nil), connector.DidNothing, fault.EgressDenied)
	if n := dialled.Load(); n != 0 {
		t.Errorf("the proxy saw %d connections", n)
	}
}

func TestS010NoRedirectIsFollowedAndNoCredentialGoesElsewhere(t *testing.T) {
	var elsewhere atomic.Int64
	other := serve(t, func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) })
	var hops atomic.Int64
	var to atomic.Value
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		hops.Add(1)
		if to.Load() == "/end" && r.URL.Path == "/end" {
			jsonReply(w, 200, `{"name":"x"}`)
			return
		}
		w.Header().Set("Location", strings.ReplaceAll(to.Load().(string), "SELF", r.Host))
		w.WriteHeader(http.StatusFound)
	})
	for name, tc := range map[string]struct {
		location string
		followed int64 // requests that an action with redirects: same_origin makes
		ok       bool
	}{
		"another port":            {other.URL + "/x", 1, false},
		"metadata":                {"http://169.254.169.254/latest", 1, false},
		"a file":                  {"file:///etc/passwd", 1, false},
		"another scheme":          {"https://SELF/x", 1, false},
		"without scheme":          {"//169.254.169.254/x", 1, false},
		"with a user":             {"http://user@SELF/x", 1, false},
		"with backslashes":        {`\\169.254.169.254\x`, 4, false},
		"nothing":                 {"", 1, false},
		"what is no address":      {"http://%zz", 1, false},
		"a script":                {"javascript:alert(1)", 1, false},
		"itself, for ever":        {"/hop", 4, false},
		"the same origin":         {"/end", 2, true},
		"the same origin, spelt":  {"http://SELF/hop", 4, false},
		"a name like the origin":  {"http://SELF.evil.example/", 1, false},
		"the origin as user-info": {"http://SELF@evil.example/", 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			to.Store(tc.location)
			for _, auth := range []string{"bearer", "header", "basic"} {
				f := setup(t, s.URL)
				f.conn.AuthType, f.conn.Auth = auth, secretAuth(auth, canary)
				hops.Store(0)
				want(t, f.call(t, action(t, "look"), nil), connector.DidNothing, fault.RedirectRefused)
				if hops.Load() != 1 {
					t.Errorf("%d requests were made where redirects are not followed", hops.Load())
				}
				hops.Store(0)
				rep := f.call(t, action(t, "follow"), nil)
				if tc.ok != (rep.Err == nil) || !tc.ok && fault.KindOf(rep.Err) != fault.RedirectRefused {
					t.Errorf("same_origin: got %v", rep.Err)
				}
				if hops.Load() != tc.followed {
					t.Errorf("same_origin: %d requests; want %d", hops.Load(), tc.followed)
				}
			}
		})
	}
	if n := elsewhere.Load(); n != 0 {
		t.Errorf("another origin saw %d requests", n)
	}
}

// TestFact11CustomCredentialHeadersStayAtHome: Go's own client carries X-Api-Key to
// another host across a redirect; ours sends nothing there at all.
func TestFact11CustomCredentialHeadersStayAtHome(t *testing.T) {
	var leaked atomic.Value
	other := serve(t, func(_ http.ResponseWriter, r *http.Request) { leaked.Store(r.Header.Get("X-Api-Key")) })
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
	})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Api-Key", canary)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if leaked.Load() != canary {
		t.Log("Go's client no longer carries the header across: the fact has changed")
	}
	leaked.Store("")
	f := setup(t, s.URL)
	f.conn.AuthType, f.conn.Auth = "header", secretAuth("header", canary)
	for _, id := range []string{"look", "follow", "change"} {
		want(t, f.call(t, action(t, id), nil), connector.DidNothing, fault.RedirectRefused)
	}
	if got := leaked.Load(); got != "" {
		t.Errorf("the other host got %q", got)
	}
}

func TestS016AReplyIsCutAtItsBounds(t *testing.T) {
	zeros := make([]byte, 1<<20)
	endless := func(w io.Writer) {
		for {
			if _, err := w.Write(zeros); err != nil {
				return
			}
		}
	}
	for name, tc := range map[string]struct {
		each  func(net.Conn)
		read  fault.Kind
		write connector.Did
	}{
		"ten gigabytes": {func(c net.Conn) {
			answer(c, "HTTP/1.1 200 OK\nContent-Type: application/json\nContent-Length: 10737418240\n\n")
			endless(c)
		}, fault.TooLarge, connector.DidDone},
		"a chunk that never ends": {func(c net.Conn) {
			answer(c, "HTTP/1.1 200 OK\nContent-Type: application/json\nTransfer-Encoding: chunked\n\nffffffffff\n")
			endless(c)
		}, fault.TooLarge, connector.DidDone},
		"a body without end": {func(c net.Conn) {
			answer(c, "HTTP/1.1 200 OK\nContent-Type: application/json\n\n")
			endless(c)
		}, fault.TooLarge, connector.DidDone},
		"a gzip bomb": {func(c net.Conn) {
			answer(c, "HTTP/1.1 200 OK\nContent-Type: application/json\nContent-Encoding: gzip\nConnection: close\n\n")
			z := gzip.NewWriter(c)
			endless(z)
		}, fault.TooLarge, connector.DidDone},
		"a million headers": {func(c net.Conn) {
			answer(c, "HTTP/1.1 200 OK\n")
			for i := range 1_000_000 {
				if _, err := fmt.Fprintf(c, "X-%d: y\r\n", i); err != nil {
					return
				}
			}
		}, fault.Unavailable, connector.DidUnknown},
		"one header without end": {func(c net.Conn) {
			answer(c, "HTTP/1.1 200 OK\nX-Long: ")
			endless(c)
		}, fault.Unavailable, connector.DidUnknown},
		"headers without end": {func(c net.Conn) {
			for {
				if _, err := io.WriteString(c, "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"); err != nil {
					return
				}
			}
		}, fault.Unavailable, connector.DidUnknown},
		"two million values": {func(c net.Conn) {
			body := "[" + strings.Repeat("0,", 2_000_000) + "0]"
			answer(c, "HTTP/1.1 200 OK\nContent-Type: application/json\nContent-Length: %d\n\n%s", len(body), body)
		}, fault.TooLarge, connector.DidDone},
		"nesting without end": {func(c net.Conn) {
			body := strings.Repeat("[", 500_000)
			answer(c, "HTTP/1.1 200 OK\nContent-Type: application/json\nContent-Length: %d\n\n%s", len(body), body)
		}, fault.BadReply, connector.DidDone},
		"a length that promises too much": {func(c net.Conn) {
			answer(c, "HTTP/1.1 200 OK\nContent-Type: application/json\nContent-Length: 500\n\n{\"name\":\"x\"}")
			_ = c.Close()
		}, fault.Unavailable, connector.DidUnknown},
		"a length that promises too little": {func(c net.Conn) {
			answer(c, "HTTP/1.1 200 OK\nContent-Type: application/json\nContent-Length: 5\n\n{\"name\":\"x\"}")
		}, fault.BadReply, connector.DidDone},
		"a broken gzip": {func(c net.Conn) {
			answer(c, "HTTP/1.1 200 OK\nContent-Type: application/json\nContent-Encoding: gzip\nContent-Length: 12\n\n{\"name\":\"x\"}")
		}, fault.BadReply, connector.DidDone},
	} {
		t.Run(name, func(t *testing.T) {
			f := setup(t, raw(t, func(c net.Conn, _ *http.Request) { tc.each(c) }))
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			rep := f.call(t, action(t, "look"), nil)
			runtime.ReadMemStats(&after)
			if fault.KindOf(rep.Err) != tc.read {
				t.Errorf("a read: got %s (%v); want %s", fault.KindOf(rep.Err), rep.Err, tc.read)
			}
			if grown := int64(after.HeapSys) - int64(before.HeapSys); grown > 64<<20 {
				t.Errorf("memory grew by %d MB", grown>>20)
			}
			if rep := f.call(t, action(t, "change"), nil); rep.Did != tc.write {
				t.Errorf("a write: got %s (%v); want %s", rep.Did, rep.Err, tc.write)
			}
		})
	}
}

func TestS016ASlowReplyIsCutAtTheStepsTimeout(t *testing.T) {
	f := setup(t, raw(t, func(c net.Conn, _ *http.Request) {
		answer(c, "HTTP/1.1 200 OK\nContent-Type: application/json\nContent-Length: 1000\n\n")
		for {
			if _, err := c.Write([]byte("x")); err != nil {
				return
			}
			if _, err := c.Read(make([]byte, 1)); err != nil && !errors.Is(err, net.ErrClosed) {
				return
			}
		}
	}))
	call := f.build(action(t, "look"), nil)
	call.Timeout = 100 * time.Millisecond
	want(t, f.do(t, call), connector.DidUnknown, fault.Timeout)
}

func TestS017NoTLSWithoutAValidCertificate(t *testing.T) {
	ok := func(w http.ResponseWriter, _ *http.Request) { jsonReply(w, 200, `{"name":"x"}`) }
	good := httptest.NewTLSServer(http.HandlerFunc(ok))
	t.Cleanup(good.Close)
	old := httptest.NewUnstartedServer(http.HandlerFunc(ok))
	old.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11} //nolint:gosec // what must be refused
	old.StartTLS()
	t.Cleanup(old.Close)
	roots := x509.NewCertPool()
	roots.AddCert(good.Certificate())
	roots.AddCert(old.Certificate())
	trusted := func(o *httpcall.Options) { o.Roots = roots }
	wrongName := strings.Replace(good.URL, "127.0.0.1", "localhost", 1)

	want(t, setup(t, good.URL, trusted).call(t, action(t, "look"), nil), connector.DidDone, "")
	for name, f := range map[string]fixture{
		"signed by itself": setup(t, good.URL),
		"TLS 1.1":          setup(t, old.URL, trusted),
		"another name":     setup(t, wrongName, trusted, func(o *httpcall.Options) { o.Resolve = resolver([]string{"127.0.0.1"}) }),
	} {
		t.Run(name, func(t *testing.T) {
			rep := f.call(t, action(t, "change"), nil)
			want(t, rep, connector.DidNothing, fault.Unavailable)
			t.Log(rep.Err)
		})
	}
}

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
				http.Redirect(w, r, "/x?k="+url.QueryEscape(canary), 302)
			},
			"in broken JSON": func(w http.ResponseWriter, _ *http.Request) { jsonReply(w, 200, `{"name": "`+canary) },
			"before a reset": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
			"in a misfit": func(w http.ResponseWriter, _ *http.Request) {
				b, _ := json.Marshal(map[string]any{"name": []any{canary}})
				jsonReply(w, 200, string(b))
			},
			"in a bad header": func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", canary)
				w.WriteHeader(503)
			},
		} {
			t.Run(kind+" "+name, func(t *testing.T) {
				s := serve(t, handler)
				for _, id := range []string{"look", "change", "ruled", "follow"} {
					f := setup(t, s.URL)
					f.conn.AuthType, f.conn.Auth = kind, secretAuth(kind, canary)
					rep := f.call(t, action(t, id), nil)
					out, _ := json.Marshal(rep.Output)
					seen := fmt.Sprintf("%v %+v %#v %s %s", rep, rep.Err, rep.Err, out, f.log)
					for err := rep.Err; err != nil; err = errors.Unwrap(err) {
						seen += "\n" + err.Error()
					}
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
	f.conn.AuthType, f.conn.Auth = "header", secretAuth("header", canary)
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
	f.conn.AuthType, f.conn.Auth = "query", secretAuth("query", canary)
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
	at, dialled := listener(t, "127.0.0.1:0")
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
			f.conn = connector.Connection{Name: "wire", Integration: "wire", AuthType: "bearer", Auth: secretAuth("bearer", canary)}
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
