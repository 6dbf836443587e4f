package httpcall

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/fault"
)

const (
	maxHeader   = 256 << 10 // bytes of a reply's header
	dialTimeout = 10 * time.Second
	idleReads   = 64 // idle sockets kept for a connection

	// A read on a socket that the other side is just closing is made again on a
	// new one; a write could not be told from one that arrived. So writes take
	// sockets that were idle for a moment only.
	idleRead  = 90 * time.Second
	idleWrite = 2 * time.Second
)

// pool keeps the sockets of one connection as it is configured now.
type pool struct {
	mark   string // of what the sockets depend on
	egress connector.Egress
	caller *Caller
	reads  *http.Transport
	writes *http.Transport
}

// pool gives the connection's pool; a changed connection gets a new one.
func (c *Caller) pool(conn connector.Connection) (*pool, error) {
	mark := strings.Join(append([]string{conn.BaseURL, conn.AuthType, strconv.FormatInt(conn.CredentialVersion, 10)}, conn.EgressAllow...), "\x00")
	c.mu.Lock()
	defer c.mu.Unlock()
	old := c.pools[conn.Name]
	if old != nil && old.mark == mark {
		return old, nil
	}
	egress, err := connector.ParseEgress(conn.EgressAllow)
	if err != nil {
		return nil, err
	}
	p := &pool{mark: mark, egress: egress, caller: c}
	p.reads, p.writes = p.transport(idleRead), p.transport(idleWrite)
	c.pools[conn.Name] = p
	if old != nil {
		old.close()
	}
	return p, nil
}

func (p *pool) close() {
	p.reads.CloseIdleConnections()
	p.writes.CloseIdleConnections()
}

// transport speaks HTTP/1.1 only, so that a socket carries one request at a time
// and what left on it belongs to that request. It knows no proxy: those of the
// environment would go around the egress rules.
func (p *pool) transport(idle time.Duration) *http.Transport {
	return &http.Transport{
		DialContext:            p.dial,
		DialTLSContext:         p.dialTLS,
		TLSNextProto:           map[string]func(string, *tls.Conn) http.RoundTripper{},
		MaxResponseHeaderBytes: maxHeader,
		MaxIdleConns:           idleReads,
		MaxIdleConnsPerHost:    idleReads,
		IdleConnTimeout:        idle,
		DisableCompression:     true, // see body.go: the bound is on what comes out
	}
}

// dial opens a socket to the first address that answers; the guard sees each
// address as it is dialled, so a name that changes its mind gains nothing.
func (p *pool) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fault.Wrap(err, fault.InvalidInput, "the address has no port")
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, fault.New(fault.InvalidInput, "the address has a port that is no number")
	}
	addrs, err := p.resolve(ctx, host)
	if err != nil {
		return nil, err
	}
	own := p.caller.own()
	for _, a := range addrs { // one forbidden answer spoils them all
		if err := p.egress.Check(host, netip.AddrPortFrom(a, uint16(number)), own); err != nil {
			return nil, err
		}
	}
	d := net.Dialer{Timeout: dialTimeout, ControlContext: p.control(host, own)}
	var last error
	for _, a := range addrs {
		sock, err := d.DialContext(ctx, network, netip.AddrPortFrom(a, uint16(number)).String())
		if err == nil {
			return &socket{Conn: sock}, nil
		}
		if last = err; ctx.Err() != nil {
			break
		}
	}
	return nil, fmt.Errorf("dial %s: %w", host, last)
}

// control is asked by the dialer right before it connects.
func (p *pool) control(host string, own connector.Own) func(context.Context, string, string, syscall.RawConn) error {
	return func(_ context.Context, network, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil || !slices.Contains([]string{"tcp", "tcp4", "tcp6", "udp", "udp4", "udp6"}, network) {
			return fault.New(fault.EgressDenied, "an address that is no IP address and port (for host %s) is not dialled", host)
		}
		return p.egress.Check(host, to, own)
	}
}

func (p *pool) dialTLS(ctx context.Context, network, address string) (net.Conn, error) {
	raw, err := p.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	host, _, _ := net.SplitHostPort(address)
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	secured := tls.Client(raw, &tls.Config{
		ServerName: host, RootCAs: p.caller.opts.Roots, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
	})
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return nil, &handshakeError{err}
	}
	return &socket{Conn: secured}, nil
}

// handshakeError tells a failed TLS handshake from a failed dial.
type handshakeError struct{ cause error }

func (e *handshakeError) Error() string { return "TLS handshake: " + e.cause.Error() }
func (e *handshakeError) Unwrap() error { return e.cause }

// resolve gives the addresses of a host; a literal address is its own.
func (p *pool) resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a.Unmap()}, nil
	}
	ask := p.caller.opts.Resolve
	if ask == nil {
		ask = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	addrs, err := ask(ctx, host)
	if err != nil {
		return nil, &net.DNSError{Err: err.Error(), Name: host, IsTimeout: errors.Is(err, context.DeadlineExceeded)}
	}
	if len(addrs) == 0 {
		return nil, &net.DNSError{Err: "no addresses", Name: host, IsNotFound: true}
	}
	out := make([]netip.Addr, 0, len(addrs))
	for _, a := range addrs {
		if a = a.Unmap(); !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	slices.SortStableFunc(out, func(a, b netip.Addr) int { return a.BitLen() - b.BitLen() }) // v4 first
	return out, nil
}

// own says where this product is, as of now.
func (c *Caller) own() connector.Own {
	var o connector.Own
	if u, err := connector.BaseURL(c.opts.OwnURL); c.opts.OwnURL != "" && err == nil {
		o.Host, o.Port = connector.CanonicalHost(u.Hostname()), portOf(u.Scheme, u.Port())
	}
	if c.opts.Own == nil {
		return o
	}
	o.Listen = c.opts.Own()
	if slices.ContainsFunc(o.Listen, func(l netip.AddrPort) bool { return l.Addr().IsUnspecified() }) {
		o.Local = localAddresses()
	}
	return o
}

func portOf(scheme, port string) uint16 {
	if n, err := strconv.ParseUint(port, 10, 16); err == nil {
		return uint16(n)
	}
	if scheme == "https" {
		return 443
	}
	return 80
}

func localAddresses() []netip.Addr {
	nets, err := net.InterfaceAddrs()
	if err != nil {
		return nil // loopback is still known
	}
	var out []netip.Addr
	for _, n := range nets {
		if p, err := netip.ParsePrefix(n.String()); err == nil {
			out = append(out, p.Addr().WithZone("").Unmap())
		}
	}
	return out
}

// socket counts what is written, so that an error can be told apart: nothing left,
// or something did.
type socket struct {
	net.Conn

	mu     sync.Mutex
	begun  int64 // bytes whose writing has begun
	sealed bool
}

// Write counts before it writes: what may have left has left.
func (s *socket) Write(b []byte) (int, error) {
	s.mu.Lock()
	if s.sealed {
		s.mu.Unlock()
		return 0, net.ErrClosed
	}
	s.begun += int64(len(b))
	s.mu.Unlock()
	return s.Conn.Write(b) //nolint:wrapcheck // a socket hands its errors through as they are
}

func (s *socket) written() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.begun
}

// seal ends all writing and gives the final count.
func (s *socket) seal() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sealed = true
	return s.begun
}
