package embedded

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/tocsin-soar/tocsin/server/perform"
)

// timers wakes runs whose timers are due. The database holds the timers; here is
// only the moment to look again.
type timers struct {
	h      *Host
	mu     sync.Mutex
	next   time.Time // zero: look when poked
	firing map[timerID]bool
	wake   context.CancelFunc // ends the sleep
}

type timerID struct {
	run string
	perform.TimerKey
}

const (
	mostDue   = 500
	longSleep = time.Minute // the sweep that proves that nothing is stuck
)

func newTimers(h *Host) *timers { return &timers{h: h, firing: map[timerID]bool{}} }

// set says that a timer was written.
func (t *timers) set(due time.Time) {
	t.mu.Lock()
	sooner := t.next.IsZero() || due.Before(t.next)
	if sooner {
		t.next = due
	}
	t.mu.Unlock()
	if sooner {
		t.poke()
	}
}

func (t *timers) poke() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.wake != nil {
		t.wake()
	}
}

// done says that a timer was handled.
func (t *timers) done(run string, k perform.TimerKey) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.firing, timerID{run, k})
}

func (t *timers) run() {
	for t.h.ctx.Err() == nil {
		now := t.h.Clock()
		due, next, err := t.h.Journal.Due(t.h.ctx, now, mostDue)
		if err != nil && t.h.ctx.Err() == nil {
			t.h.Log.LogAttrs(t.h.ctx, slog.LevelError, "timers cannot be read", slog.Any("error", err))
			t.h.Sleep(t.h.ctx, time.Second)
			continue
		}
		t.fire(due)
		if len(due) == mostDue {
			next = now.Add(10 * time.Millisecond)
		}
		t.sleep(sooner(next, t.h.lookAtDoors()))
	}
}

func (t *timers) fire(due []DueTimer) {
	for _, d := range due {
		id := timerID{d.Run, d.TimerKey}
		t.mu.Lock()
		again := t.firing[id]
		t.firing[id] = true
		t.mu.Unlock()
		if !again {
			t.h.send(d.Run, message{kind: fire, timer: d.TimerKey})
		}
	}
}

func (t *timers) sleep(next time.Time) {
	ctx, cancel := context.WithCancel(t.h.ctx)
	defer cancel()
	t.mu.Lock()
	if !t.next.IsZero() && (next.IsZero() || t.next.Before(next)) {
		next = t.next // set while we looked
	}
	t.next, t.wake = next, cancel
	t.mu.Unlock()
	d := longSleep
	if !next.IsZero() {
		d = min(d, next.Sub(t.h.Clock()))
	}
	if d > 0 {
		t.h.Sleep(ctx, d)
	}
	t.mu.Lock()
	t.wake, t.next = nil, time.Time{}
	t.mu.Unlock()
}
