package httpcall_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/httpcall"
)

// listener counts who connects.
func listener(t *testing.T) (netip.AddrPort, *atomic.Int64) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
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
	at, dialled := listener(t)
	port := at.Port()
	for _, host := range []string{
		"127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "017700000001", "127.0.0.1.",
		"0.0.0.0", "0", "[::]", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:127.0.0.1]", "[::127.0.0.1]",
		"localhost", "LOCALHOST", "localhost.", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "127.0.0.2", "[::1%25lo]", "user@127.0.0.1",
		"user:pass@127.0.0.1", "127.0.0.1\\@example.org", "１２７.0.0.1", "127。0。0。1", "127%2e0%2e0%2e1", "%31%32%37.0.0.1",
	} {
		t.Run(host, func(t *testing.T) {
			f := setup(t, fmt.Sprintf("http://%s:%d", host, port), func(o *httpcall.Options) { o.Resolve = resolver([]string{"127.0.0.1"}) })
			f.conn.EgressAllow = nil
			rep := f.call(t, action(t, "look"), nil)
			kind := fault.KindOf(rep.Err)
			if rep.Did != connector.DidNothing || kind != fault.EgressDenied && kind != fault.InvalidInput && kind != fault.Unavailable {
				t.Errorf("got %s, %s (%v)", rep.Did, kind, rep.Err)
			}
			if kind == fault.EgressDenied && !strings.Contains(rep.Err.Error(), fmt.Sprintf(":%d (for host", port)) {
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
	at, dialled := listener(t)
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
	proxy, dialled := listener(t)
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
				f.conn.AuthType, f.conn.Auth = auth, secretAuth(auth)
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
	f.conn.AuthType, f.conn.Auth = "header", secretAuth("header")
	for _, id := range []string{"look", "follow", "change"} {
		want(t, f.call(t, action(t, id), nil), connector.DidNothing, fault.RedirectRefused)
	}
	if got := leaked.Load(); got != "" {
		t.Errorf("the other host got %q", got)
	}
}
