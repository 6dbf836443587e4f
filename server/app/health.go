package app

import (
	"context"
	"sync"
	"time"
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
	defer h.mu.Unlock()
	h.last[name] = p
	return p
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
