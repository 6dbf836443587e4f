package cron_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/tocsin-soar/tocsin/server/cron"
)

func TestAPanicCostsOneBeat(t *testing.T) {
	h := cron.New(slog.New(slog.DiscardHandler))
	beats := make(chan int, 8)
	n := 0
	h.Every(time.Second, func() {
		n++
		beats <- n
		if n == 1 {
			panic("in a beat")
		}
	})
	h.Start()
	defer h.Stop()
	for want := 1; want <= 2; want++ {
		select {
		case got := <-beats:
			if got != want {
				t.Fatalf("got beat %d, want %d", got, want)
			}
		case <-time.After(10 * time.Second): //nolint:forbidigo // only a hang waits for it
			t.Fatal("no beat")
		}
	}
}
