package app

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/tocsin-soar/tocsin/server/cron"
	"github.com/tocsin-soar/tocsin/server/hunt"
	"github.com/tocsin-soar/tocsin/server/lookup"
	"github.com/tocsin-soar/tocsin/server/store"
)

// The paces of the background.
const (
	leasePace  = time.Second
	huntPace   = time.Second
	eventPace  = time.Second
	tendPace   = time.Minute
	sweepPace  = 10 * time.Minute
	healthPace = 30 * time.Second

	// compactAfter is how long the journal of a run that ended lies open.
	compactAfter = 30 * 24 * time.Hour
)

// Start answers requests and begins to work. It returns at once; Wait says when the
// server ended by itself.
func (a *App) Start(ctx context.Context) error {
	a.cancels = append(a.cancels, a.store.Subscribe(a.heard))
	if err := a.host.Start(ctx); err != nil {
		return err
	}
	if err := a.syncSchedules(ctx); err != nil {
		return err
	}
	a.beat(ctx)
	if err := a.openSocket(ctx); err != nil {
		return err
	}
	a.watchFiles(ctx)
	go func() { a.served <- a.api.Serve(a.listener) }()
	if a.rang != nil {
		feed, stop := context.WithCancel(ctx)
		a.cancels = append(a.cancels, stop)
		go func() {
			if err := a.rang.Feed(feed, a.local()); err != nil && feed.Err() == nil {
				a.log.LogAttrs(ctx, slog.LevelWarn, "the sample detections were not sent", slog.Any("error", err))
			}
		}()
	}
	return nil
}

// local is where this machine reaches the server, whatever its public address.
func (a *App) local() string { return "http://" + a.listener.Addr().String() }

// heard is told of every change that was committed: runs wake, the halt lifts.
func (a *App) heard(changes []lookup.Change) {
	for _, c := range changes {
		switch {
		case c.Queued:
			a.host.Queue(c.ID, c.Priority)
		case c.Wake:
			a.host.Wake(c.ID)
		case c.Kind == "halt" && !a.store.Halted():
			a.host.Resume()
		}
	}
}

// beat starts what happens by the clock.
func (a *App) beat(ctx context.Context) {
	a.heart = cron.New(a.log)
	every := func(d time.Duration, what string, do func(context.Context) error) {
		a.heart.Every(d, func() {
			if err := do(ctx); err != nil && ctx.Err() == nil {
				a.log.LogAttrs(ctx, slog.LevelWarn, "a background task failed", slog.String("task", what), slog.Any("error", err))
			}
		})
	}
	every(leasePace, "leases", a.expire)
	every(leasePace, "warnings", a.warn)
	every(leasePace, "approvals", a.inbox.Call)
	every(huntPace, "hunts", func(ctx context.Context) error { _, err := a.hunts.Tick(ctx); return err })
	every(eventPace, "events", a.events.Tick)
	every(tendPace, "database", func(ctx context.Context) error {
		_, err := a.store.Tend(ctx, store.Keep{Decisions: 90 * 24 * time.Hour, PlainReads: 7 * 24 * time.Hour, Notifications: 30 * 24 * time.Hour})
		return err
	})
	every(sweepPace, "sessions", a.desk.Sweep)
	every(sweepPace, "archive", func(ctx context.Context) error {
		_, err := a.store.Compact(ctx, a.clock().Add(-compactAfter), 1000)
		return err
	})
	every(healthPace, "health", a.health.check)
	a.heart.Start()
}

// expire ends the holds whose time is over.
func (a *App) expire(ctx context.Context) error {
	ids, _, err := a.store.DueEffects(ctx, a.clock(), 100)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if _, err := a.control.Expire(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// warn tells the owners of leases that end soon.
func (a *App) warn(ctx context.Context) error {
	ids, err := a.store.DueWarnings(ctx, a.clock(), 100)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if _, err := a.control.Warn(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// moments are the triggers by the clock, once, of the playbooks in force.
func (a *App) moments() []hunt.Moment {
	var out []hunt.Moment
	for _, m := range a.lib.Current().Moments() {
		out = append(out, hunt.Moment(m))
	}
	return out
}

// syncSchedules takes over the schedules of the playbooks in force.
func (a *App) syncSchedules(ctx context.Context) error {
	var list []hunt.Schedule
	for _, p := range a.lib.Current().Plans() {
		list = append(list, hunt.Schedule{
			ID: p.ID, Playbook: p.Playbook, Version: p.Version, Index: p.Index, Cron: p.Schedule.Cron,
			Timezone: p.Schedule.Timezone, Missed: p.Schedule.Missed, Overlap: p.Schedule.Overlap, Jitter: p.Schedule.Jitter,
		})
	}
	for _, e := range a.lib.Current().Events() {
		a.store.Want([]string{e.Subject})
	}
	return a.hunts.Sync(ctx, list)
}

// Wait returns when the server ended by itself.
func (a *App) Wait() <-chan error { return a.served }

// Stop takes no new work, lets dispatched attempts report, and closes everything.
func (a *App) Stop(ctx context.Context) error {
	err := a.api.Shutdown(ctx)
	a.host.Stop(a.cfg.StopWithin) //nolint:contextcheck // the host lives by the context of Start
	a.close(ctx)
	if err != nil && !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func (a *App) close(ctx context.Context) {
	for _, stop := range a.cancels {
		stop()
	}
	if a.watch != nil {
		a.watch.close()
	}
	if a.socket != nil {
		a.socket.close()
	}
	if a.heart != nil {
		a.heart.Stop()
	}
	if a.caller != nil {
		a.caller.Close()
	}
	if a.rang != nil {
		if err := a.rang.Stop(ctx); err != nil {
			a.log.LogAttrs(ctx, slog.LevelWarn, "the demo range did not stop", slog.Any("error", err))
		}
	}
	if a.store != nil {
		if err := a.store.Close(ctx); err != nil {
			a.log.LogAttrs(ctx, slog.LevelError, "the database did not close", slog.Any("error", err))
		}
	}
	if a.listener != nil {
		_ = a.listener.Close() // closed by the server before, where it served
	}
}
