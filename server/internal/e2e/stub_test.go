package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// stub is the outside world: it counts what arrives, applies a key once where it
// honours keys, and answers as its path says. It survives the product.
type stub struct {
	*httptest.Server
	mu       sync.Mutex
	arrived  []arrival
	applied  map[string]int    // by key
	settled  map[string]bool   // keys whose effect was confirmed to the product
	late     []string          // keys that arrived after they were confirmed
	state    map[string]string // of lab hosts: isolated or free
	honours  bool              // Idempotency-Key
	slow     time.Duration     // before each answer
	inFlight int
}

type arrival struct {
	method, path, key, body, query string
	header                         http.Header
}

func newStub(t *testing.T) *stub {
	t.Helper()
	s := &stub{applied: map[string]int{}, settled: map[string]bool{}, state: map[string]string{}, honours: true}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *stub) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, _ := io.ReadAll(q.Body)
	key := q.Header.Get("Idempotency-Key")
	s.mu.Lock()
	s.arrived = append(s.arrived, arrival{q.Method, q.URL.Path, key, string(body), q.URL.RawQuery, q.Header.Clone()})
	s.inFlight++
	wait := s.slow
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.inFlight--
		s.mu.Unlock()
	}()
	if wait > 0 {
		time.Sleep(wait)
	}
	part := strings.Split(strings.Trim(q.URL.Path, "/"), "/")
	switch part[0] {
	case "apply":
		s.apply(w, q, key, body)
	case "applied":
		s.ask(w, part[1])
	case "reply":
		s.reply(w, q, part[1])
	case "lab":
		s.lab(w, q, part[1:], body)
	default:
		say(w, http.StatusOK, map[string]any{"path": q.URL.Path, "query": q.URL.RawQuery})
	}
}

func say(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// apply makes an effect: once per key where keys are honoured. The key may come
// in the body, for an integration that has no header for it.
func (s *stub) apply(w http.ResponseWriter, _ *http.Request, key string, body []byte) {
	var in struct {
		Key string `json:"key"`
	}
	if json.Unmarshal(body, &in) == nil && in.Key != "" {
		key = in.Key
	}
	s.mu.Lock()
	if s.settled[key] {
		s.late = append(s.late, key)
	}
	if s.applied[key] == 0 || !s.honours {
		s.applied[key]++
	}
	n := s.applied[key]
	s.mu.Unlock()
	say(w, http.StatusOK, map[string]any{"key": key, "applied": n})
	if f, ok := w.(http.Flusher); ok {
		f.Flush()
	}
}

// ask answers whether a key was applied; a yes confirms it.
func (s *stub) ask(w http.ResponseWriter, key string) {
	s.mu.Lock()
	n := s.applied[key]
	if n > 0 {
		s.settled[key] = true
	}
	s.mu.Unlock()
	say(w, http.StatusOK, map[string]any{"found": n > 0, "output": map[string]any{"key": key, "applied": n}})
}

// reply answers with a status, or in one of the other ways a server can.
func (s *stub) reply(w http.ResponseWriter, q *http.Request, how string) {
	var status int
	switch how {
	case "cut":
		if h, ok := w.(http.Hijacker); ok {
			if conn, _, err := h.Hijack(); err == nil {
				_ = conn.Close()
			}
		}
		return
	case "slow":
		select {
		case <-q.Context().Done():
		case <-time.After(5 * time.Second):
		}
		return
	case "unfit":
		say(w, http.StatusOK, map[string]any{"applied": "a text where a number belongs"})
		return
	case "busy":
		w.Header().Set("Retry-After", "1")
		say(w, http.StatusServiceUnavailable, map[string]any{})
		return
	case "elsewhere":
		w.Header().Set("Location", s.URL+"/redirected")
		say(w, http.StatusFound, map[string]any{})
		return
	case "large":
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"x":"`)
		for range 20 {
			if _, err := io.WriteString(w, strings.Repeat("x", 1<<20)); err != nil {
				return
			}
		}
		_, _ = io.WriteString(w, `"}`)
		return
	}
	if _, err := fmt.Sscan(how, &status); err != nil {
		status = http.StatusNotFound
	}
	if status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "1")
	}
	say(w, status, map[string]any{"status": status})
}

// lab is a small EDR: hosts that are isolated and freed.
func (s *stub) lab(w http.ResponseWriter, q *http.Request, part []string, _ []byte) {
	if len(part) < 2 {
		say(w, http.StatusOK, map[string]any{"status": "ok"})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	host, was := part[1], s.state[part[1]] == "isolated"
	if q.Method == http.MethodPost && len(part) > 2 {
		switch part[2] {
		case "isolate":
			s.state[host] = "isolated"
		case "free":
			s.state[host] = "free"
		}
	}
	say(w, http.StatusOK, map[string]any{"host": host, "isolated": s.state[host] == "isolated", "was_isolated": was})
}

func (s *stub) isolated(host string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state[host] == "isolated"
}

// arrivals gives what came for a path's beginning.
func (s *stub) arrivals(prefix string) []arrival {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []arrival
	for _, a := range s.arrived {
		if strings.HasPrefix(a.path, prefix) {
			out = append(out, a)
		}
	}
	return out
}
