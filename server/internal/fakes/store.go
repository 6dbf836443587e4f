package fakes

import (
	"context"
	"crypto/rand"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/tocsin-soar/tocsin/server/store"
)

// OpenStore opens a real database in a folder of the test's own and closes it
// with the test.
func OpenStore(tb testing.TB, clock func() time.Time) *store.Store {
	tb.Helper()
	s, err := store.Open(tb.Context(), store.Options{
		Path: filepath.Join(tb.TempDir(), "tocsin.db"), Clock: clock, Log: slog.New(slog.DiscardHandler), Random: rand.Reader,
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			tb.Error(err)
		}
	})
	return s
}
