// Package health is how the connections are, from what calls through them meet.
package health

import (
	"context"
	"sync"
	"time"

	"github.com/tocsin-soar/tocsin/server/breaker"
	"github.com/tocsin-soar/tocsin/server/connector"
)

// Store keeps what is known of connections over a restart.
type Store interface {
	// Lines gives all that is kept, by connection.
	Lines(ctx context.Context) (map[string]breaker.Line, error)
	// SaveLine keeps what is known of one; the zero line is forgotten.
	SaveLine(ctx context.Context, connection string, l breaker.Line) error
}

// Health knows how the connections are. It may be used by many goroutines.
type Health struct {
	store   Store
	clock   func() time.Time
	changed func() // told when calls may go out that could not before

	mu    sync.Mutex
	lines map[string]breaker.Line
	kept  map[string]breaker.Line // as they lie in the store

	saving sync.Mutex
}

// New makes one that knows nothing yet. Changed is told, outside of any lock, when a
// connection that was not called may be called again.
func New(s Store, clock func() time.Time, changed func()) *Health {
	return &Health{store: s, clock: clock, changed: changed, lines: map[string]breaker.Line{}, kept: map[string]breaker.Line{}}
}

// Load reads what is kept. Call it before anything is sent.
func (h *Health) Load(ctx context.Context) error {
	lines, err := h.store.Lines(ctx)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for name, l := range lines {
		h.lines[name], h.kept[name] = l, l
	}
	return nil
}

// Line tells what is known of a connection.
func (h *Health) Line(connection string) breaker.Line {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.lines[connection]
}

// Heard takes in what a call came to. Its error says that it could not be kept: it is
// known all the same until the process ends, and kept with the next change.
func (h *Health) Heard(ctx context.Context, connection string, r connector.Reply) error {
	return h.change(ctx, connection, func(l breaker.Line) breaker.Line {
		return l.Hear(breaker.Of(r), h.clock())
	})
}

// Looked takes in what a deliberate look came to, a health check or a test call: text
// says in words why it was not ok.
func (h *Health) Looked(ctx context.Context, connection string, r connector.Reply, ok bool, text string) error {
	return h.change(ctx, connection, func(l breaker.Line) breaker.Line {
		return l.Look(breaker.Of(r), ok, text, h.clock())
	})
}

// Forget drops what is known of a connection, because it is another one now.
func (h *Health) Forget(ctx context.Context, connection string) error {
	return h.change(ctx, connection, func(breaker.Line) breaker.Line { return breaker.Line{} })
}

func (h *Health) change(ctx context.Context, connection string, next func(breaker.Line) breaker.Line) error {
	h.mu.Lock()
	old := h.lines[connection]
	l := next(old)
	if l == (breaker.Line{}) {
		delete(h.lines, connection)
	} else {
		h.lines[connection] = l
	}
	worth := l.Worth(h.kept[connection])
	h.mu.Unlock()
	if old.Open && !l.Open {
		h.changed()
	}
	if !worth {
		return nil
	}
	return h.save(ctx, connection)
}

// save keeps a line as it is by now: of two changes at once the later one stays.
func (h *Health) save(ctx context.Context, connection string) error {
	h.saving.Lock()
	defer h.saving.Unlock()
	h.mu.Lock()
	l := h.lines[connection]
	worth := l.Worth(h.kept[connection])
	h.mu.Unlock()
	if !worth {
		return nil
	}
	if err := h.store.SaveLine(ctx, connection, l); err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if l == (breaker.Line{}) {
		delete(h.kept, connection)
	} else {
		h.kept[connection] = l
	}
	return nil
}
