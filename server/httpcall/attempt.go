package httpcall

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"time"

	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/gate"
)

const (
	defaultTimeout = 30 * time.Second
	maxHops        = 3 // same_origin redirects followed
)

// permitted compares what is about to be sent with what the permit names, and
// only then goes on.
func (c *Caller) permitted(ctx context.Context, permit gate.Permit, call connector.Call, scrub *scrubber) connector.Reply {
	digest, err := call.Sent()
	if err != nil {
		return nothing(fault.Wrap(err, fault.InvalidInput, "the parameters of %s have no digest", call.Action.Ref()))
	}
	if err := permit.Check(digest); err != nil {
		return nothing(err)
	}
	if call.Connection.Disabled {
		return nothing(fault.New(fault.Unavailable, "the connection %s is disabled", call.Connection.Name))
	}
	if places := call.Action.CheckInput(call.Params); len(places) > 0 {
		return nothing(fault.New(fault.InvalidInput, "the parameters do not fit %s", call.Action.Ref()).WithPlaces(places...))
	}
	timeout := call.Timeout
	if timeout <= 0 {
		timeout = defaultTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if call.Action.Request == nil {
		return c.inCode(ctx, call, scrub)
	}
	return c.send(ctx, call, scrub)
}

func nothing(err error) connector.Reply {
	return connector.Reply{Did: connector.DidNothing, Err: err}
}

// send makes the HTTP request and says what came of it.
func (c *Caller) send(ctx context.Context, call connector.Call, scrub *scrubber) connector.Reply {
	target, rendered, err := c.prepare(call)
	if err != nil {
		return nothing(clean(err, scrub))
	}
	p, err := c.pool(call.Connection)
	if err != nil {
		return nothing(err)
	}
	for hop := 0; ; hop++ {
		a := attempt{call: call, scrub: scrub, now: c.opts.Clock}
		a.run(ctx, p, c.request(ctx, call, target, rendered))
		next, followed := a.redirect(target, rendered.Method, hop)
		if !followed {
			return a.reply()
		}
		target = next
	}
}

// attempt is one request and what is known of it so far.
type attempt struct {
	call   connector.Call
	scrub  *scrubber
	now    func() time.Time
	sock   *socket
	before int64 // bytes written on the socket before this request

	status int
	header http.Header
	body   []byte
	err    error // of sending or reading; nil: the whole reply is here
	sent   bool  // the first byte may have left
	large  bool  // the body went over its bound
}

// run sends the request and reads the reply within their bounds.
func (a *attempt) run(ctx context.Context, p *pool, req *http.Request) {
	req = req.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) {
			if s, ok := info.Conn.(*socket); ok {
				a.sock, a.before = s, s.written()
			}
		},
	}))
	via := p.writes
	if a.call.Action.Impact == connector.Read {
		via = p.reads
	}
	res, err := via.RoundTrip(req) //nolint:bodyclose // read closes it
	if err != nil {
		a.sent = a.sock != nil && a.sock.seal() > a.before
		a.err = cause(ctx, err)
		return
	}
	a.sent, a.status, a.header = true, res.StatusCode, res.Header
	a.body, a.large, a.err = read(res)
	if a.err != nil {
		a.err = cause(ctx, a.err)
	}
}

// cause prefers the reason why the time was up over what it looked like below.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err() //nolint:wrapcheck // classified by its identity
	}
	return err
}

// prepare renders the request and finds where it goes.
func (c *Caller) prepare(call connector.Call) (*url.URL, connector.Rendered, error) {
	r, err := call.Action.Render(call.Params, call.Key, call.Connection)
	if err != nil {
		return nil, r, err
	}
	base, err := connector.BaseURL(call.Connection.BaseURL)
	if err != nil {
		return nil, r, err
	}
	target, err := connector.Join(base, r.Path)
	if err != nil {
		return nil, r, err
	}
	if err := call.Action.CheckHeaders(r, call.Connection); err != nil {
		return nil, r, err
	}
	target.RawQuery = r.Query.Encode()
	return target, r, nil
}

// request builds the HTTP request. The connection's authentication goes in last,
// so that nothing rendered can take its place.
func (c *Caller) request(ctx context.Context, call connector.Call, target *url.URL, r connector.Rendered) *http.Request {
	u := *target
	req := (&http.Request{
		Method: r.Method, URL: &u, Host: u.Host, Header: http.Header{},
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}).WithContext(ctx)
	if r.Type != "" || r.Method != http.MethodGet && r.Method != http.MethodDelete {
		req.ContentLength = int64(len(r.Body))
		req.Body = io.NopCloser(bytes.NewReader(r.Body))
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(r.Body)), nil }
		if len(r.Body) == 0 {
			req.Body = http.NoBody
		}
	}
	req.Header.Set("Accept", "application/json, text/plain;q=0.9, */*;q=0.8")
	req.Header.Set("Accept-Encoding", "gzip")
	req.Header.Set("User-Agent", strings.TrimSuffix("Tocsin/"+c.opts.Version, "/"))
	if r.Type != "" {
		req.Header.Set("Content-Type", r.Type)
	}
	for name, v := range r.Headers {
		req.Header.Set(name, v)
	}
	if name := call.Action.Idempotency; name != "" && call.Key != "" {
		// In lower case on purpose: the transport sends a request with the canonical
		// Idempotency-Key again by itself, behind the journal's back.
		req.Header[strings.ToLower(name)] = []string{call.Key}
	}
	authenticate(req, call)
	return req
}

// authenticate puts in the connection's credentials.
func authenticate(req *http.Request, call connector.Call) {
	conn := call.Connection
	switch conn.AuthType {
	case "basic":
		req.SetBasicAuth(conn.Auth["username"].Reveal(), conn.Auth["password"].Reveal())
	case "bearer":
		req.Header.Set("Authorization", "Bearer "+conn.Auth["token"].Reveal())
	case "header":
		name, prefix := call.Action.AuthPlace(conn)
		req.Header.Set(name, prefix+conn.Auth["value"].Reveal())
	case "query":
		name, prefix := call.Action.AuthPlace(conn)
		q := req.URL.Query()
		q.Set(name, prefix+conn.Auth["value"].Reveal())
		req.URL.RawQuery = q.Encode()
	}
}

// redirect says where a same_origin redirect of a read leads.
func (a *attempt) redirect(from *url.URL, method string, hop int) (*url.URL, bool) {
	if a.err != nil || a.status < 300 || a.status > 399 || !a.call.Action.Redirects || a.call.Action.Impact != connector.Read {
		return nil, false
	}
	if method != http.MethodGet || hop >= maxHops || a.status == http.StatusNotModified || a.status == http.StatusMultipleChoices {
		return nil, false
	}
	to, err := from.Parse(a.header.Get("Location"))
	if err != nil || a.header.Get("Location") == "" || to.User != nil || to.Scheme != from.Scheme || !sameHost(to, from) {
		return nil, false
	}
	to.Fragment, to.RawFragment = "", ""
	return to, true
}

func sameHost(a, b *url.URL) bool {
	return connector.CanonicalHost(a.Hostname()) == connector.CanonicalHost(b.Hostname()) &&
		portOf(a.Scheme, a.Port()) == portOf(b.Scheme, b.Port())
}
