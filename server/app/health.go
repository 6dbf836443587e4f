package app

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/gate"
	"github.com/tocsin-soar/tocsin/server/notification"
	"github.com/tocsin-soar/tocsin/server/perform"
)

// watched tells the state of connections what calls through them come to.
type watched struct{ a *App }

// Call makes one attempt.
func (w watched) Call(ctx context.Context, permit gate.Permit, call connector.Call) connector.Reply {
	r := w.a.caller.Call(ctx, permit, call)
	w.a.health.note(ctx, w.a.lines.Heard(context.WithoutCancel(ctx), call.Connection.Name, r))
	return r
}

// checks asks each connection's health action, which is a read and passes the policy
// like any other.
type checks struct {
	a    *App
	ask  *perform.Performer // its calls are deliberate looks, not heard as others are
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

func newChecks(a *App) *checks {
	ask := *a.perform
	ask.Caller = a.caller
	return &checks{a: a, ask: &ask, last: map[string]pulse{}}
}

// note logs that the state of a connection could not be kept.
func (h *checks) note(ctx context.Context, err error) {
	if err != nil {
		h.a.log.LogAttrs(ctx, slog.LevelWarn, "the state of a connection was not kept", slog.Any("error", err))
	}
}

func (h *checks) of(name string) (pulse, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p, ok := h.last[name]
	return p, ok
}

// forget drops what is known of a connection that is another one now.
func (h *checks) forget(ctx context.Context, name string) {
	h.mu.Lock()
	delete(h.last, name)
	h.mu.Unlock()
	h.note(ctx, h.a.lines.Forget(ctx, name))
}

// check looks at every connection that can be asked.
func (h *checks) check(ctx context.Context) error {
	for _, c := range h.a.lib.Current().Connections() {
		if m, ok := h.a.lib.Current().Manifest(c.Integration); ok && m.Health != "" && !c.Disabled && c.Err == nil {
			h.probe(ctx, c.Name)
		}
	}
	return nil
}

// probe asks one connection now.
func (h *checks) probe(ctx context.Context, name string) pulse {
	p, reply := h.look(ctx, name)
	p.at = h.a.clock()
	if p.action != "" {
		h.note(ctx, h.a.lines.Looked(context.WithoutCancel(ctx), name, reply, p.ok, p.message))
	}
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
func (h *checks) tell(ctx context.Context, name string, before, now pulse) {
	var err error
	switch {
	case now.failed == tellAfter:
		h.publish(ctx, "connection.broken", map[string]any{"name": name, "error": now.message})
		_, err = h.a.store.Tell(ctx, notification.Broken(name, now.message, now.at))
	case now.ok && before.failed > 0, now.ok && before.at.IsZero():
		if before.failed >= tellAfter {
			h.publish(ctx, "connection.restored", map[string]any{"name": name})
		}
		err = h.a.store.Settle(ctx, name, notification.ConnectionBroken)
	}
	if err != nil && ctx.Err() == nil {
		h.a.log.LogAttrs(ctx, slog.LevelWarn, "nobody was told how a connection is", slog.String("connection", name), slog.Any("error", err))
	}
}

// publish keeps an event for the playbooks that wait for it.
func (h *checks) publish(ctx context.Context, subject string, data map[string]any) {
	name, _ := data["name"].(string)
	data["integration"] = ""
	if conn, err := h.a.lib.Connection(name, ""); err == nil {
		data["integration"] = conn.Integration
	}
	if err := h.a.store.Publish(ctx, subject, data); err != nil && ctx.Err() == nil {
		h.a.log.LogAttrs(ctx, slog.LevelWarn, "an event could not be kept", slog.String("subject", subject), slog.Any("error", err))
	}
}

func (h *checks) look(ctx context.Context, name string) (pulse, connector.Reply) {
	conn, err := h.a.lib.Connection(name, "")
	if err != nil {
		return pulse{message: err.Error()}, connector.Reply{}
	}
	m, ok := h.a.lib.Current().Manifest(conn.Integration)
	if !ok || m.Health == "" {
		return pulse{ok: true, message: "this integration has no health check; the connection is complete"}, connector.Reply{}
	}
	act := m.Action(m.Health)
	p := pulse{action: act.Ref()}
	at := h.a.clock()
	reply, err := h.ask.Probe(ctx, act, name, at, h.a.store.Facts("", at))
	switch {
	case err != nil:
		p.message = err.Error()
	case reply.Err != nil:
		p.message = reply.Err.Error()
	default:
		p.ok, p.message = true, "it answered as it should"
	}
	return p, reply
}
