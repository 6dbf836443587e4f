// Package httpcall is outbound HTTP: an action from a manifest, with egress
// rules, limits, retries, masking.
package httpcall

import (
	"context"
	"crypto/x509"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/gate"
	"github.com/tocsin-soar/tocsin/server/native"
)

// Options are what a Caller is made with. The zero value of each is safe.
type Options struct {
	// Clock reads the time, for Retry-After dates; required.
	Clock func() time.Time
	// Log takes one fact a call at debug; nil logs nothing.
	Log *slog.Logger
	// Resolve finds the addresses of a host name; nil asks the system.
	Resolve func(ctx context.Context, host string) ([]netip.Addr, error)
	// Own gives the addresses this product listens on: nobody is sent there.
	Own func() []netip.AddrPort
	// OwnURL is the product's public base URL, or "": nobody is sent there.
	OwnURL string
	// Roots are the certificate authorities to trust; nil is the system's.
	Roots *x509.CertPool
	// Native are the integrations that act through Go code.
	Native []native.Integration
	// Meter counts calls; nil counts none.
	Meter Meter
	// Version stands in the User-Agent.
	Version string
}

// Meter counts calls for the metrics.
type Meter interface {
	// Called says what a call came to; kind is "" where it went well.
	Called(integration, action string, did connector.Did, kind fault.Kind, took time.Duration)
}

// Caller is the one way out. It may be used by many goroutines.
type Caller struct {
	opts   Options
	native map[string]native.Integration

	mu     sync.Mutex
	pools  map[string]*pool     // by name of the connection
	scrubs map[string]*scrubber // likewise
}

// New makes a Caller.
func New(o Options) *Caller {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	c := &Caller{opts: o, native: map[string]native.Integration{}, pools: map[string]*pool{}, scrubs: map[string]*scrubber{}}
	for _, n := range o.Native {
		c.native[n.Describe().ID] = n
	}
	return c
}

// Close lets go of idle connections.
func (c *Caller) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, p := range c.pools {
		p.close()
		delete(c.pools, name)
	}
}

// Call makes one attempt: it refuses the zero permit and one for anything but
// what it is about to send, goes out under the connection's egress rules, and
// says what the attempt did. call.Timeout bounds it whole, 30 s where it is 0.
func (c *Caller) Call(ctx context.Context, permit gate.Permit, call connector.Call) connector.Reply {
	began := c.opts.Clock()
	scrub := c.scrubber(call.Connection)
	reply := c.permitted(ctx, permit, call, scrub)
	took := c.opts.Clock().Sub(began)
	kind := fault.KindOf(reply.Err)
	if c.opts.Meter != nil {
		c.opts.Meter.Called(call.Action.Integration, call.Action.ID, reply.Did, kind, took)
	}
	c.opts.Log.LogAttrs(ctx, slog.LevelDebug, "action called",
		slog.String("action", call.Action.Ref()), slog.String("connection", call.Connection.Name),
		slog.String("run", textOf(call.Preimage.Run)), slog.String("step", textOf(call.Preimage.Step)),
		slog.String("decision", permit.Decision()), slog.Int("status", reply.Status),
		slog.String("did", string(reply.Did)), slog.String("kind", string(kind)), slog.Duration("took", took))
	return reply
}

func textOf(v any) string {
	s, _ := v.(string)
	return s
}
