package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// socket is DIR/tocsin.sock: the way in for whoever holds the machine. Its actor is
// operator; the file's mode (0600) is its authentication.
type socket struct {
	srv  *http.Server
	path string
}

func (a *App) openSocket(ctx context.Context) error {
	path := filepath.Join(a.cfg.Data, "tocsin.sock")
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("clear an old socket: %w", err)
	}
	var lc net.ListenConfig
	old := umask(0o177)
	l, err := lc.Listen(ctx, "unix", path)
	umask(old)
	if err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	desk := &Operator{a: a}
	s := &socket{srv: &http.Server{Handler: desk.handler(), ReadHeaderTimeout: 10 * time.Second}, path: path}
	a.socket = s
	go func() {
		if err := s.srv.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
			a.log.LogAttrs(ctx, slog.LevelError, "the operator's socket ended", slog.Any("error", err))
		}
	}()
	return nil
}

func (s *socket) close() {
	_ = s.srv.Close() // whoever asks just now asks again
	_ = os.Remove(s.path)
}
