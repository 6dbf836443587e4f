package hunt

import (
	"context"
	"log/slog"
	"strconv"
	"time"

	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/ident"
	"github.com/tocsin-soar/tocsin/server/schedule"
)

// Hunts is the use case.
type Hunts struct {
	Store Store
	Clock func() time.Time
	NewID func(p ident.Prefix) string
	Log   *slog.Logger
}

const mostAtOnce = 100

// Sync takes over the schedules of the playbooks in force.
func (h *Hunts) Sync(ctx context.Context, in []Schedule) error {
	now := h.Clock()
	out := make([]Schedule, 0, len(in))
	for _, s := range in {
		spec, err := schedule.Parse(s.Cron, s.Timezone)
		if err != nil { // the checker refuses it before
			continue
		}
		due, ok := spec.Next(now)
		if !ok {
			continue
		}
		s.Due = due
		s.Wake = due.Add(schedule.Jitter(s.ID, due, s.Jitter))
		out = append(out, s)
	}
	return h.Store.SyncSchedules(ctx, out)
}

// Tick starts what is due. It may be called at any time and by several servers: a
// time of a schedule starts one run.
func (h *Hunts) Tick(ctx context.Context) ([]string, error) {
	now := h.Clock()
	due, err := h.Store.DueSchedules(ctx, now, mostAtOnce)
	if err != nil {
		return nil, err
	}
	var runs []string
	for _, s := range due {
		ids, err := h.Store.Fire(ctx, s.ID, func(s Schedule, running int) Firing { return h.fire(s, running, now) })
		if err != nil {
			h.Log.LogAttrs(ctx, slog.LevelError, "a schedule could not start", slog.String("schedule", s.ID), slog.Any("error", err))
			continue
		}
		runs = append(runs, ids...)
	}
	return runs, nil
}

// fire decides what a due schedule starts.
func (h *Hunts) fire(s Schedule, running int, now time.Time) Firing {
	spec, err := schedule.Parse(s.Cron, s.Timezone)
	if err != nil || s.Paused || s.Wake.After(now) {
		return Firing{Schedule: s}
	}
	if running > 0 && s.Overlap == "queue" { // its turn comes when the one before is over
		s.Note = "waits for the run before to end"
		return Firing{Schedule: s}
	}
	times, left, next := schedule.Missed(schedule.Rule(s.Missed), spec, s.Due, now)
	s.Due, s.Left = next, s.Left+left
	s.Wake = next.Add(schedule.Jitter(s.ID, next, s.Jitter))
	s.Note = ""
	if left > 0 {
		s.Note = strconv.Itoa(left) + " missed times were left out"
	}
	f := Firing{Schedule: s}
	if running > 0 && s.Overlap != "allow" {
		f.Schedule.Left += len(times)
		f.Schedule.Note = "left out: the run before was still working"
		return f
	}
	for _, at := range times {
		f.Starts = append(f.Starts, h.tick(s, at, now))
		f.Schedule.LastAt = &at
	}
	if n := len(f.Starts); n > 0 {
		f.Schedule.LastRun = f.Starts[n-1].Start.ID
	}
	return f
}

func (h *Hunts) tick(s Schedule, planned, now time.Time) Tick {
	return Tick{Planned: planned, Start: engine.Start{
		ID: h.NewID(ident.Run), Key: "schedule/" + s.ID + "/" + planned.UTC().Format(time.RFC3339),
		Playbook: s.Playbook, Version: s.Version, At: now,
		Trigger: engine.Trigger{Kind: "schedule", Index: s.Index, Schedule: s.ID, PlannedAt: &planned},
	}}
}

// List gives all schedules with their next times.
func (h *Hunts) List(ctx context.Context) ([]Schedule, error) {
	list, err := h.Store.Schedules(ctx)
	if err != nil {
		return nil, err
	}
	for i := range list {
		list[i] = shown(list[i])
	}
	return list, nil
}

const soon = 5

func shown(s Schedule) Schedule {
	s.Soon = []time.Time{}
	spec, err := schedule.Parse(s.Cron, s.Timezone)
	if err != nil {
		return s
	}
	s.Words = spec.Words()
	if s.Paused {
		return s
	}
	due := s.Due
	s.Next = &due
	for at, ok := due, true; ok && len(s.Soon) < soon; at, ok = spec.Next(at) {
		s.Soon = append(s.Soon, at)
	}
	return s
}

// Pause stops a schedule until it is resumed.
func (h *Hunts) Pause(ctx context.Context, by audit.Actor, slug string) (Schedule, error) {
	s, err := h.Store.ChangeSchedule(ctx, slug, func(s Schedule) (Schedule, []audit.Draft, error) {
		if s.Paused {
			return s, nil, nil
		}
		s.Paused, s.By = true, by.Name
		return s, h.audited(by, "schedule.pause", slug), nil
	})
	return shown(s), err
}

// Resume lets a schedule go on; the times of the pause were not missed, they were
// not wanted.
func (h *Hunts) Resume(ctx context.Context, by audit.Actor, slug string) (Schedule, error) {
	now := h.Clock()
	s, err := h.Store.ChangeSchedule(ctx, slug, func(s Schedule) (Schedule, []audit.Draft, error) {
		if !s.Paused {
			return s, nil, nil
		}
		spec, err := schedule.Parse(s.Cron, s.Timezone)
		if err != nil {
			return s, nil, fault.New(fault.Conflict, "its time is not a schedule any more")
		}
		s.Paused, s.By, s.Note = false, "", ""
		s.Due, _ = spec.Next(now)
		s.Wake = s.Due.Add(schedule.Jitter(s.ID, s.Due, s.Jitter))
		return s, h.audited(by, "schedule.resume", slug), nil
	})
	return shown(s), err
}

// RunNow starts a schedule's playbook once, beside its times.
func (h *Hunts) RunNow(ctx context.Context, by audit.Actor, slug string) (string, error) {
	now := h.Clock()
	ids, err := h.Store.Fire(ctx, slug, func(s Schedule, _ int) Firing {
		t := h.tick(s, now, now)
		t.Start.Trigger.By, t.Start.Key = by.Name, "schedule/"+slug+"/"+t.Start.ID
		s.LastRun, s.LastAt = t.Start.ID, &now
		return Firing{Schedule: s, Starts: []Tick{t}, Audit: h.audited(by, "schedule.run", slug)}
	})
	if err != nil {
		return "", err
	}
	if len(ids) == 0 {
		return "", fault.New(fault.Conflict, "it was started in this very moment already")
	}
	return ids[0], nil
}

func (h *Hunts) audited(by audit.Actor, verb, slug string) []audit.Draft {
	return []audit.Draft{{At: h.Clock(), Actor: by, Verb: verb, Object: audit.Object{Kind: "schedule", ID: slug}, Outcome: audit.Done}}
}
