package httpapi

import (
	"sync"

	"github.com/tocsin-soar/tocsin/server/lookup"
)

// ringSize is how far a stream may fall behind before it is dropped.
const ringSize = 8192

// hub hands changes from the outbox to the event streams. It never waits for
// one: changes lie in a ring, and a stream that was overtaken is dropped.
type hub struct {
	mu      sync.Mutex
	ring    [ringSize]lookup.Change
	count   uint64 // changes heard so far; the newest is ring[(count-1)%ringSize]
	streams map[*subscription]bool
	most    int
	closed  bool
}

// subscription is one stream's place.
type subscription struct {
	session string // hash, "" for a token
	at      uint64
	wake    chan struct{} // something came
	over    chan struct{} // ends the stream
	once    sync.Once
	cut     func() // closes the connection, so that a blocked write ends
}

func (s *subscription) end() {
	s.once.Do(func() {
		close(s.over)
		if s.cut != nil {
			s.cut()
		}
	})
}

func newHub(most int) *hub { return &hub{streams: map[*subscription]bool{}, most: most} }

// hear takes what was committed.
func (h *hub) hear(changes []lookup.Change) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range changes {
		h.ring[h.count%ringSize] = c
		h.count++
	}
	for s := range h.streams {
		if h.count-s.at > ringSize {
			s.end()
			delete(h.streams, s)
			continue
		}
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
}

// join begins a stream at this moment; ok is false where there are too many.
func (h *hub) join(session string, cut func()) (s *subscription, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || len(h.streams) >= h.most {
		return nil, false
	}
	s = &subscription{session: session, at: h.count, wake: make(chan struct{}, 1), over: make(chan struct{}), cut: cut}
	h.streams[s] = true
	return s, true
}

func (h *hub) leave(s *subscription) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.streams, s)
}

// take gives what came since the last time, at most limit.
func (h *hub) take(s *subscription, limit int) []lookup.Change {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.count-s.at > ringSize { // overtaken; hear has ended it
		return nil
	}
	var out []lookup.Change
	for s.at < h.count && len(out) < limit {
		out = append(out, h.ring[s.at%ringSize])
		s.at++
	}
	if s.at < h.count {
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
	return out
}

// drop ends the streams of a session that was logged out.
func (h *hub) drop(session string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.streams {
		if session != "" && s.session == session {
			s.end()
			delete(h.streams, s)
		}
	}
}

// close ends all.
func (h *hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for s := range h.streams {
		s.end()
		delete(h.streams, s)
	}
}
