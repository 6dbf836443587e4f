package httpcall_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/gate"
	"github.com/tocsin-soar/tocsin/server/httpcall"
)

// TestWhatAnHTTPReplyMeans is the table of contract.md, for a read and a write.
func TestWhatAnHTTPReplyMeans(t *testing.T) {
	const nothing, unknown, done = connector.DidNothing, connector.DidUnknown, connector.DidDone
	fits := `{"name":"x"}`
	for name, tc := range map[string]struct {
		status     int
		header     map[string]string
		body       string
		did        connector.Did // of a write
		kind       fault.Kind    // of a write
		read       fault.Kind    // of a read
		retryAfter time.Duration
	}{
		"200 that fits":                {200, nil, fits, done, "", "", 0},
		"201 that fits":                {201, nil, fits, done, "", "", 0},
		"200 that misfits":             {200, nil, `{"name":1}`, done, fault.InDoubt, fault.BadReply, 0},
		"200 that lacks a field":       {200, nil, `{}`, done, fault.InDoubt, fault.BadReply, 0},
		"200 with broken JSON":         {200, nil, `{"name":`, done, fault.InDoubt, fault.BadReply, 0},
		"200 with a key twice":         {200, nil, `{"name":"x","name":"y"}`, done, fault.InDoubt, fault.BadReply, 0},
		"200 with a huge integer":      {200, nil, `{"name":"x","n":92233720368547758080}`, done, fault.InDoubt, fault.BadReply, 0},
		"200 that is no UTF-8":         {200, nil, "{\"name\":\"\xff\"}", done, fault.InDoubt, fault.BadReply, 0},
		"200 and empty":                {200, nil, ``, done, fault.InDoubt, fault.BadReply, 0},
		"200 as text":                  {200, map[string]string{"Content-Type": "text/plain"}, fits, done, fault.InDoubt, fault.BadReply, 0},
		"300":                          {300, nil, "", nothing, fault.RedirectRefused, fault.RedirectRefused, 0},
		"301":                          {301, map[string]string{"Location": "http://127.0.0.1/x"}, "", nothing, fault.RedirectRefused, fault.RedirectRefused, 0},
		"302":                          {302, map[string]string{"Location": "/x"}, "", nothing, fault.RedirectRefused, fault.RedirectRefused, 0},
		"303":                          {303, map[string]string{"Location": "/x"}, "", nothing, fault.RedirectRefused, fault.RedirectRefused, 0},
		"304":                          {304, nil, "", nothing, fault.RedirectRefused, fault.RedirectRefused, 0},
		"307":                          {307, map[string]string{"Location": "/x"}, "", nothing, fault.RedirectRefused, fault.RedirectRefused, 0},
		"308":                          {308, map[string]string{"Location": "/x"}, "", nothing, fault.RedirectRefused, fault.RedirectRefused, 0},
		"400":                          {400, nil, `{}`, nothing, fault.InvalidInput, fault.InvalidInput, 0},
		"401":                          {401, nil, ``, nothing, fault.Unauthorized, fault.Unauthorized, 0},
		"403":                          {403, nil, ``, nothing, fault.Forbidden, fault.Forbidden, 0},
		"404":                          {404, nil, ``, nothing, fault.NotFound, fault.NotFound, 0},
		"405":                          {405, nil, ``, nothing, fault.InvalidInput, fault.InvalidInput, 0},
		"408":                          {408, nil, ``, unknown, fault.Timeout, fault.Timeout, 0},
		"409":                          {409, nil, ``, nothing, fault.Conflict, fault.Conflict, 0},
		"410":                          {410, nil, ``, nothing, fault.NotFound, fault.NotFound, 0},
		"413":                          {413, nil, ``, nothing, fault.TooLarge, fault.TooLarge, 0},
		"422":                          {422, nil, ``, nothing, fault.InvalidInput, fault.InvalidInput, 0},
		"429":                          {429, nil, ``, nothing, fault.RateLimited, fault.RateLimited, 0},
		"429 with seconds":             {429, map[string]string{"Retry-After": "7"}, ``, nothing, fault.RateLimited, fault.RateLimited, 7 * time.Second},
		"429 with a date":              {429, map[string]string{"Retry-After": noon.Add(90 * time.Second).Format(http.TimeFormat)}, ``, nothing, fault.RateLimited, fault.RateLimited, 90 * time.Second},
		"429 with a date gone by":      {429, map[string]string{"Retry-After": noon.Add(-time.Hour).Format(http.TimeFormat)}, ``, nothing, fault.RateLimited, fault.RateLimited, 0},
		"429 with nonsense":            {429, map[string]string{"Retry-After": "soon"}, ``, nothing, fault.RateLimited, fault.RateLimited, 0},
		"429 with a minus":             {429, map[string]string{"Retry-After": "-5"}, ``, nothing, fault.RateLimited, fault.RateLimited, 0},
		"429 with an age":              {429, map[string]string{"Retry-After": "99999999999999"}, ``, nothing, fault.RateLimited, fault.RateLimited, 24 * time.Hour},
		"500":                          {500, nil, ``, unknown, fault.Unavailable, fault.Unavailable, 0},
		"501":                          {501, nil, ``, unknown, fault.Unavailable, fault.Unavailable, 0},
		"502":                          {502, nil, ``, unknown, fault.Unavailable, fault.Unavailable, 0},
		"503":                          {503, nil, ``, unknown, fault.Unavailable, fault.Unavailable, 0},
		"503 with Retry-After":         {503, map[string]string{"Retry-After": "3"}, ``, nothing, fault.Unavailable, fault.Unavailable, 3 * time.Second},
		"504":                          {504, nil, ``, unknown, fault.Unavailable, fault.Unavailable, 0},
		"599":                          {599, nil, ``, unknown, fault.Unavailable, fault.Unavailable, 0},
		"an encoding nobody asked for": {200, map[string]string{"Content-Encoding": "br"}, fits, done, fault.InDoubt, fault.BadReply, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				for k, v := range tc.header {
					w.Header().Set(k, v)
				}
				w.WriteHeader(tc.status)
				_, _ = io.WriteString(w, tc.body)
			})
			f := setup(t, s.URL)
			rep := f.call(t, action(t, "change"), nil)
			want(t, rep, tc.did, tc.kind)
			if rep.Status != tc.status {
				t.Errorf("status: got %d; want %d", rep.Status, tc.status)
			}
			if e, ok := rep.Err.(*fault.Error); ok && e.RetryAfter != tc.retryAfter { //nolint:errorlint // the caller's own
				t.Errorf("retry after: got %s; want %s", e.RetryAfter, tc.retryAfter)
			}
			if got := fault.KindOf(f.call(t, action(t, "look"), nil).Err); got != tc.read {
				t.Errorf("a read: got %q; want %q", got, tc.read)
			}
		})
	}
}

func TestNothingWasSentWhenThereIsNoConnection(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := "http://" + l.Addr().String()
	_ = l.Close()
	plain := serve(t, func(http.ResponseWriter, *http.Request) {})
	for name, url := range map[string]string{
		"a closed port":            closed,
		"TLS with a plain server":  strings.Replace(plain.URL, "http:", "https:", 1),
		"a name that is not known": "http://no-such-host.invalid",
	} {
		t.Run(name, func(t *testing.T) {
			f := setup(t, url, func(o *httpcall.Options) {
				o.Resolve = func(_ context.Context, host string) ([]netip.Addr, error) {
					return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
				}
			})
			want(t, f.call(t, action(t, "change"), nil), connector.DidNothing, fault.Unavailable)
		})
	}
}

func TestACutAfterTheFirstByteLeavesAWriteUnknown(t *testing.T) {
	for name, each := range map[string]func(net.Conn, *http.Request){
		"before any answer":  func(c net.Conn, _ *http.Request) { _ = c.Close() },
		"by a reset":         func(c net.Conn, _ *http.Request) { _ = c.(*net.TCPConn).SetLinger(0); _ = c.Close() },
		"in the status line": func(c net.Conn, _ *http.Request) { answer(c, "HTTP/1.1 2"); _ = c.Close() },
		"in the header":      func(c net.Conn, _ *http.Request) { answer(c, "HTTP/1.1 200 OK\nContent-Type: appl"); _ = c.Close() },
		"in the body": func(c net.Conn, _ *http.Request) {
			answer(c, "HTTP/1.1 200 OK\nContent-Type: application/json\nContent-Length: 100\n\n{\"na")
			_ = c.Close()
		},
		"in a chunk": func(c net.Conn, _ *http.Request) {
			answer(c, "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\nff\n{\"na")
			_ = c.Close()
		},
		"with another speech": func(c net.Conn, _ *http.Request) { answer(c, "SSH-2.0-OpenSSH\n"); _ = c.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			f := setup(t, raw(t, each))
			want(t, f.call(t, action(t, "change"), nil), connector.DidUnknown, fault.Unavailable)
		})
	}
}

func TestATimeoutAfterTheFirstByteLeavesAWriteUnknown(t *testing.T) {
	hold := func(c net.Conn) { _, _ = c.Read(make([]byte, 1)) } // until the caller hangs up
	for name, each := range map[string]func(net.Conn, *http.Request){
		"no answer":      func(c net.Conn, _ *http.Request) { hold(c) },
		"half an answer": func(c net.Conn, _ *http.Request) { answer(c, "HTTP/1.1 200 OK\nContent-Length: 100\n\n{"); hold(c) },
	} {
		t.Run(name, func(t *testing.T) {
			f := setup(t, raw(t, each))
			call := f.build(action(t, "change"), nil)
			call.Timeout = time.Second
			want(t, f.do(t, call), connector.DidUnknown, fault.Timeout)
		})
	}
}

func TestACancelledCallSaysWhetherItWasSent(t *testing.T) {
	arrived := make(chan struct{})
	s := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then does the server notice a hang-up
		close(arrived)
		<-r.Context().Done()
	})
	f := setup(t, s.URL)
	call := f.build(action(t, "change"), nil)

	gone, cancel := context.WithCancel(t.Context())
	cancel()
	want(t, f.caller.Call(gone, permit(t, call), call), connector.DidNothing, fault.Cancelled)

	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-arrived; cancel() }()
	want(t, f.caller.Call(ctx, permit(t, call), call), connector.DidUnknown, fault.Cancelled)
}

// TestNoRequestIsSentTwiceInOneAttempt: Go's transport repeats requests that carry
// the canonical Idempotency-Key, or have no body, when a reused socket breaks.
func TestNoRequestIsSentTwiceInOneAttempt(t *testing.T) {
	for _, id := range []string{"change", "drop"} {
		t.Run(id, func(t *testing.T) {
			var arrived atomic.Int64
			url := raw(t, func(c net.Conn, _ *http.Request) {
				if arrived.Add(1) == 1 {
					answer(c, "HTTP/1.1 200 OK\nContent-Type: application/json\nContent-Length: 12\n\n{\"name\":\"x\"}")
					return
				}
				_ = c.Close() // on a socket that was used before
			})
			f := setup(t, url)
			want(t, f.call(t, action(t, id), nil), connector.DidDone, "")
			want(t, f.call(t, action(t, id), nil), connector.DidUnknown, fault.Unavailable)
			if n := arrived.Load(); n != 2 {
				t.Errorf("%d requests arrived for two attempts", n)
			}
		})
	}
}

func TestTheKeyGoesAlongWhereTheActionSaysSo(t *testing.T) {
	var got, length []string
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.Header.Get("Idempotency-Key"))
		length = append(length, r.Header.Get("Content-Length"))
		jsonReply(w, 200, `{"name":"x"}`)
	})
	f := setup(t, s.URL)
	for _, id := range []string{"change", "drop", "look"} {
		want(t, f.call(t, action(t, id), nil), connector.DidDone, "")
	}
	if key := "0123456789abcdef0123456789abcdef"; got[0] != key || got[1] != key || got[2] != "" {
		t.Errorf("keys: got %q", got)
	}
}

func TestAPermitPermitsOneExactCall(t *testing.T) {
	var calls atomic.Int64
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { calls.Add(1); jsonReply(w, 200, `{"name":"x"}`) })
	f := setup(t, s.URL)
	permitted := f.build(action(t, "change"), map[string]any{"id": "one"})
	p := permit(t, permitted)
	for name, change := range map[string]func(c *connector.Call){
		"other parameters":   func(c *connector.Call) { c.Params = map[string]any{"id": "two"} },
		"another connection": func(c *connector.Call) { c.Connection.Name = "other" },
		"another address":    func(c *connector.Call) { c.Connection.BaseURL += "/v2" },
		"new credentials":    func(c *connector.Call) { c.Connection.CredentialVersion++ },
		"another action":     func(c *connector.Call) { c.Action = action(t, "drop") },
		"a changed action": func(c *connector.Call) {
			a := *c.Action
			a.SHA256 = "0"
			c.Action = &a
		},
		"another impact": func(c *connector.Call) {
			a := *c.Action
			a.Impact = connector.Read
			c.Action = &a
		},
		"another run":        func(c *connector.Call) { c.Preimage.Run = "run_2" },
		"another step":       func(c *connector.Call) { c.Preimage.Step = "else" },
		"another occurrence": func(c *connector.Call) { c.Preimage.Occurrence = int64(2) },
	} {
		t.Run(name, func(t *testing.T) {
			call := permitted
			change(&call)
			want(t, f.caller.Call(t.Context(), p, call), connector.DidNothing, fault.Denied)
		})
	}
	want(t, f.caller.Call(t.Context(), gate.Permit{}, permitted), connector.DidNothing, fault.Denied)
	if n := calls.Load(); n != 0 {
		t.Fatalf("%d refused calls were sent", n)
	}
	want(t, f.caller.Call(t.Context(), p, permitted), connector.DidDone, "")
}

func TestParametersThatDoNotFitAreNotSent(t *testing.T) {
	var calls atomic.Int64
	s := serve(t, func(http.ResponseWriter, *http.Request) { calls.Add(1) })
	f := setup(t, s.URL)
	for name, params := range map[string]map[string]any{
		"a wrong type":   {"id": int64(7)},
		"an unknown key": {"id": "x", "idd": "y"},
		"no segment":     {"id": ""},
		"a way up":       {"id": ".."},
	} {
		t.Run(name, func(t *testing.T) {
			want(t, f.call(t, action(t, "change"), params), connector.DidNothing, fault.InvalidInput)
		})
	}
	f.conn.Disabled = true
	want(t, f.call(t, action(t, "change"), nil), connector.DidNothing, fault.Unavailable)
	if n := calls.Load(); n != 0 {
		t.Errorf("%d refused calls were sent", n)
	}
}

func TestTheManifestsRulesSpeakFirst(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		body   string
		did    connector.Did
		kind   fault.Kind
		says   string
	}{
		"a 200 that did nothing":        {200, `{"ok":false,"error":"no_channel"}`, connector.DidNothing, fault.NotFound, "no such channel: no_channel"},
		"a 200 that leaves it open":     {200, `{"ok":false,"error":"odd\nthing"}`, connector.DidUnknown, fault.InvalidInput, "odd thing"},
		"a 400 keeps the table's did":   {400, `{"ok":false,"error":"e"}`, connector.DidNothing, fault.InvalidInput, "e"},
		"a 500 keeps the table's did":   {500, `{"ok":false,"error":"e"}`, connector.DidUnknown, fault.InvalidInput, "e"},
		"a 409 that means done":         {409, `{}`, connector.DidDone, "", ""},
		"no rule holds":                 {404, `{}`, connector.DidNothing, fault.NotFound, "not found"},
		"a rule that cannot be applied": {200, `[]`, connector.DidDone, fault.InDoubt, "was done"},
		"all is well":                   {200, `{"ok":true,"name":"n"}`, connector.DidDone, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, func(w http.ResponseWriter, _ *http.Request) { jsonReply(w, tc.status, tc.body) })
			rep := setup(t, s.URL).call(t, action(t, "ruled"), nil)
			want(t, rep, tc.did, tc.kind)
			if rep.Err != nil && !strings.Contains(rep.Err.Error(), tc.says) {
				t.Errorf("got %q; want it to say %q", rep.Err, tc.says)
			}
		})
	}
}
