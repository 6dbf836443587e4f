package hunt_test

import (
	"context"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/hunt"
	"github.com/tocsin-soar/tocsin/server/ident"
)

// table is a store in memory.
type table struct {
	mu      sync.Mutex
	rows    map[string]hunt.Schedule
	ticks   map[string]bool
	runs    []string
	running int
}

func (t *table) SyncSchedules(_ context.Context, list []hunt.Schedule) error {
	for _, s := range list {
		if _, known := t.rows[s.ID]; !known {
			t.rows[s.ID] = s
		}
	}
	return nil
}

func (t *table) DueSchedules(_ context.Context, now time.Time, _ int) ([]hunt.Schedule, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []hunt.Schedule
	for _, s := range t.rows {
		if !s.Paused && !s.Wake.After(now) {
			out = append(out, s)
		}
	}
	return out, nil
}

func (t *table) Fire(_ context.Context, slug string, decide func(hunt.Schedule, int) hunt.Firing) ([]string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s, ok := t.rows[slug]
	if !ok {
		return nil, fault.New(fault.NotFound, "no such schedule")
	}
	f := decide(s, t.running)
	var ids []string
	for _, tick := range f.Starts {
		key := slug + tick.Planned.Format(time.RFC3339Nano)
		if !t.ticks[key] {
			t.ticks[key] = true
			ids = append(ids, tick.Start.ID)
		}
	}
	t.rows[slug] = f.Schedule
	t.runs = append(t.runs, ids...)
	return ids, nil
}

func (t *table) Schedules(context.Context) ([]hunt.Schedule, error) {
	var out []hunt.Schedule
	for _, s := range t.rows {
		out = append(out, s)
	}
	return out, nil
}

func (t *table) ChangeSchedule(_ context.Context, slug string, change func(hunt.Schedule) (hunt.Schedule, []audit.Draft, error)) (hunt.Schedule, error) {
	s, _, err := change(t.rows[slug])
	if err == nil {
		t.rows[slug] = s
	}
	return s, err
}

type clock struct{ now time.Time }

func (c *clock) time() time.Time { return c.now }

func setUp(t *testing.T, s hunt.Schedule) (*hunt.Hunts, *table, *clock) {
	t.Helper()
	tb := &table{rows: map[string]hunt.Schedule{}, ticks: map[string]bool{}}
	c := &clock{time.Date(2026, 1, 5, 10, 30, 0, 0, time.UTC)}
	var mu sync.Mutex
	n := 0
	h := &hunt.Hunts{Store: tb, Clock: c.time, Log: slog.New(slog.DiscardHandler), NewID: func(p ident.Prefix) string {
		mu.Lock()
		defer mu.Unlock()
		n++
		return string(p) + strconv.Itoa(n)
	}}
	s.ID, s.Playbook = "hunt", "hunt"
	if err := h.Sync(t.Context(), []hunt.Schedule{s}); err != nil {
		t.Fatal(err)
	}
	return h, tb, c
}

func TestATimeStartsOneRunHoweverManyServersLook(t *testing.T) {
	h, tb, c := setUp(t, hunt.Schedule{Cron: "0 * * * *", Overlap: "allow"})
	c.now = time.Date(2026, 1, 5, 11, 0, 0, 0, time.UTC)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() { _, _ = h.Tick(context.Background()) })
	}
	wg.Wait()
	if len(tb.runs) != 1 {
		t.Errorf("got %d runs, want 1", len(tb.runs))
	}
}

func TestOverlapFollowsTheRule(t *testing.T) {
	for rule, want := range map[string]int{"skip": 0, "": 0, "allow": 1, "queue": 0} {
		t.Run("overlap "+rule, func(t *testing.T) {
			h, tb, c := setUp(t, hunt.Schedule{Cron: "0 * * * *", Overlap: rule})
			c.now, tb.running = time.Date(2026, 1, 5, 11, 0, 0, 0, time.UTC), 1
			_, _ = h.Tick(t.Context())
			if len(tb.runs) != want {
				t.Errorf("while one runs: got %d, want %d", len(tb.runs), want)
			}
			tb.running = 0
			_, _ = h.Tick(t.Context())
			later := want
			if rule == "queue" {
				later = 1
			}
			if len(tb.runs) != later {
				t.Errorf("when it is over: got %d, want %d", len(tb.runs), later)
			}
		})
	}
}

func TestMissedTimesAreSeen(t *testing.T) {
	h, tb, c := setUp(t, hunt.Schedule{Cron: "0 * * * *", Missed: "once"})
	c.now = time.Date(2026, 1, 5, 15, 20, 0, 0, time.UTC)
	_, _ = h.Tick(t.Context())
	if s := tb.rows["hunt"]; len(tb.runs) != 1 || s.Left != 4 || s.Note == "" || s.Due.Hour() != 16 {
		t.Errorf("got %d runs, %d left out, %q, due %s", len(tb.runs), s.Left, s.Note, s.Due)
	}
}

func TestAPauseIsNotMissed(t *testing.T) {
	h, tb, c := setUp(t, hunt.Schedule{Cron: "0 * * * *", Missed: "all"})
	if _, err := h.Pause(t.Context(), audit.Actor{Name: "ann"}, "hunt"); err != nil {
		t.Fatal(err)
	}
	c.now = c.now.Add(5 * time.Hour)
	_, _ = h.Tick(t.Context())
	if _, err := h.Resume(t.Context(), audit.Actor{Name: "ann"}, "hunt"); err != nil {
		t.Fatal(err)
	}
	_, _ = h.Tick(t.Context())
	if len(tb.runs) != 0 {
		t.Errorf("got %d runs, want none", len(tb.runs))
	}
	list, _ := h.List(t.Context())
	if len(list) != 1 || len(list[0].Soon) != 5 || !slices.IsSortedFunc(list[0].Soon, time.Time.Compare) {
		t.Errorf("got %+v", list)
	}
}

func TestAPersonMayStartItNow(t *testing.T) {
	h, tb, _ := setUp(t, hunt.Schedule{Cron: "0 * * * *"})
	id, err := h.RunNow(t.Context(), audit.Actor{Name: "ann"}, "hunt")
	if err != nil || len(tb.runs) != 1 || tb.rows["hunt"].LastRun != id {
		t.Errorf("got %q, %v, %v", id, err, tb.runs)
	}
	if _, err := h.RunNow(t.Context(), audit.Actor{}, "none"); fault.KindOf(err) != fault.NotFound {
		t.Errorf("got %v", err)
	}
}
