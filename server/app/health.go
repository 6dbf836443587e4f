package app

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/tocsin-soar/tocsin/server/notification"
)

// health knows how the connections are. It asks each one's health action, which is
// a read and passes the policy like any other.
type health struct {
	a    *App
	mu   sync.Mutex
	last map[string]pulse
}

// pulse is what the last look at a connection found.
type pulse struct {
	ok      bool
	message string
	action  string
	failed  int // looks in a row that failed
	at      time.Time
}

func newHealth(a *App) *health { return &health{a: a, last: map[string]pulse{}} }

func (h *health) of(name string) (pulse, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p, ok := h.last[name]
	return p, ok
}

func (h *health) forget(name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.last, name)
}

// check looks at every connection that can be asked.
func (h *health) check(ctx context.Context) error {
	for _, c := range h.a.lib.Current().Connections() {
		if m, ok := h.a.lib.Current().Manifest(c.Integration); ok && m.Health != "" && !c.Disabled && c.Err == nil {
			h.probe(ctx, c.Name)
		}
	}
	return nil
}

// probe asks one connection now.
func (h *health) probe(ctx context.Context, name string) pulse {
	p := h.look(ctx, name)
	p.at = h.a.clock()
	h.mu.Lock()
	before := h.last[name]
	if !p.ok {
		p.failed = before.failed + 1
	}
	h.last[name] = p
	h.mu.Unlock()
	h.tell(ctx, name, before, p)
	return p
}

// tellAfter is how many looks in a row must fail before people are told: one alone
// is often a blink.
const tellAfter = 2

// tell tells people that a connection has begun to fail, and settles that when it
// answers again.
func (h *health) tell(ctx context.Context, name string, before, now pulse) {
	var err error
	switch {
	case now.failed == tellAfter:
		_, err = h.a.store.Tell(ctx, notification.Broken(name, now.message, now.at))
	case now.ok && before.failed > 0, now.ok && before.at.IsZero():
		err = h.a.store.Settle(ctx, name, notification.ConnectionBroken)
	}
	if err != nil && ctx.Err() == nil {
		h.a.log.LogAttrs(ctx, slog.LevelWarn, "nobody was told how a connection is", slog.String("connection", name), slog.Any("error", err))
	}
}

func (h *health) look(ctx context.Context, name string) pulse {
	conn, err := h.a.lib.Connection(name, "")
	if err != nil {
		return pulse{message: err.Error()}
	}
	m, ok := h.a.lib.Current().Manifest(conn.Integration)
	if !ok || m.Health == "" {
		return pulse{ok: true, message: "this integration has no health check; the connection is complete"}
	}
	act := m.Action(m.Health)
	p := pulse{action: act.Ref()}
	at := h.a.clock()
	reply, err := h.a.perform.Probe(ctx, act, name, at, h.a.store.Facts("", at))
	switch {
	case err != nil:
		p.message = err.Error()
	case reply.Err != nil:
		p.message = reply.Err.Error()
	default:
		p.ok, p.message = true, "it answered as it should"
	}
	return p
}
