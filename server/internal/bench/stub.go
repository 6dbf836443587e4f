package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// stub answers all calls with one small JSON and notes when the last call of a
// run arrived.
type stub struct {
	url    string
	server *http.Server
	mu     sync.Mutex
	last   map[string]time.Time // by alert
	seen   chan struct{}        // one for each last call
}

func startStub(ctx context.Context) (*stub, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("open the stub: %w", err)
	}
	s := &stub{url: "http://" + l.Addr().String(), last: map[string]time.Time{}, seen: make(chan struct{}, 1<<20)}
	s.server = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		if err := s.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			panic(err) // a measurement without its stub means nothing
		}
	}()
	return s, nil
}

func (s *stub) stop() { _ = s.server.Close() }

func (s *stub) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte(`{"n":2,"name":"stub"}`))
	if alert, ok := strings.CutPrefix(q.URL.Path, "/write/"); ok {
		s.mu.Lock()
		s.last[alert] = time.Now()
		s.mu.Unlock()
		s.seen <- struct{}{}
	}
}

// await waits until so many last calls have arrived since the one before.
func (s *stub) await(ctx context.Context, n int, limit time.Duration) error {
	t := time.NewTimer(limit)
	defer t.Stop()
	for i := range n {
		select {
		case <-s.seen:
		case <-ctx.Done():
			return fmt.Errorf("wait for calls: %w", ctx.Err())
		case <-t.C:
			return fmt.Errorf("only %d of %d runs were finished in %s", i, n, limit)
		}
	}
	return nil
}

func (s *stub) at(alert string) (time.Time, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, ok := s.last[alert]
	return at, ok
}
