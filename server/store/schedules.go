package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/hunt"
)

// scheduleText is the column body of a schedule: what has no column of its own.
type scheduleText struct {
	Playbook string        `json:"playbook"`
	Version  string        `json:"version"`
	Index    int           `json:"index"`
	Cron     string        `json:"cron"`
	Timezone string        `json:"timezone"`
	Missed   string        `json:"missed"`
	Overlap  string        `json:"overlap"`
	Jitter   time.Duration `json:"jitter"`
	By       string        `json:"by"`
	LastRun  string        `json:"last_run"`
	LastAt   *time.Time    `json:"last_at"`
	Left     int           `json:"left"`
	Note     string        `json:"note"`
}

func scheduleOf(slug string, due, wake int64, paused bool, body string) (hunt.Schedule, error) {
	var x scheduleText
	if err := readJSON(body, &x); err != nil {
		return hunt.Schedule{}, err
	}
	return hunt.Schedule{
		ID: slug, Playbook: x.Playbook, Version: x.Version, Index: x.Index, Cron: x.Cron, Timezone: x.Timezone, Missed: x.Missed,
		Overlap: x.Overlap, Jitter: x.Jitter, Due: micro(due), Wake: micro(wake), Paused: paused, By: x.By, LastRun: x.LastRun,
		LastAt: x.LastAt, Left: x.Left, Note: x.Note,
	}, nil
}

const scheduleColumns = `SELECT slug, due, wake, paused, body FROM schedule`

// SyncSchedules makes the stored schedules those in force (hunt.Store).
func (s *Store) SyncSchedules(ctx context.Context, list []hunt.Schedule) error {
	return s.commit(ctx, func(t *tx) error {
		old := map[string]hunt.Schedule{}
		err := t.query(scheduleColumns, func(r row) error {
			x, err := scheduleOf(r.text(0), r.int(1), r.int(2), r.bool(3), r.text(4))
			old[x.ID] = x
			return err
		})
		if err != nil {
			return fmt.Errorf("read the schedules: %w", err)
		}
		for _, next := range list {
			was, known := old[next.ID]
			delete(old, next.ID)
			if known {
				next.Paused, next.By, next.LastRun, next.LastAt, next.Left, next.Note = was.Paused, was.By, was.LastRun, was.LastAt, was.Left, was.Note
				if was.Cron == next.Cron && was.Timezone == next.Timezone && was.Jitter == next.Jitter {
					next.Due, next.Wake = was.Due, was.Wake
				}
			}
			if err := t.saveSchedule(next); err != nil {
				return err
			}
		}
		return t.forgetSchedules(old)
	})
}

func (t *tx) forgetSchedules(gone map[string]hunt.Schedule) error {
	for slug := range gone {
		if err := t.exec(`DELETE FROM schedule WHERE slug = ?`, slug); err != nil {
			return fmt.Errorf("forget a schedule: %w", err)
		}
		if err := t.exec(`DELETE FROM schedule_tick WHERE slug = ?`, slug); err != nil {
			return fmt.Errorf("forget the times of a schedule: %w", err)
		}
	}
	return nil
}

func (t *tx) saveSchedule(x hunt.Schedule) error {
	raw, err := json.Marshal(scheduleText{
		x.Playbook, x.Version, x.Index, x.Cron, x.Timezone, x.Missed, x.Overlap, x.Jitter, x.By, x.LastRun, x.LastAt, x.Left, x.Note,
	})
	if err != nil {
		return fmt.Errorf("encode a schedule: %w", err)
	}
	err = t.exec(`INSERT INTO schedule (slug, due, wake, paused, body) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (slug) DO UPDATE SET due = excluded.due, wake = excluded.wake, paused = excluded.paused, body = excluded.body`,
		x.ID, x.Due, x.Wake, x.Paused, string(raw))
	if err != nil {
		return fmt.Errorf("write a schedule: %w", err)
	}
	return t.changed("schedule", x.ID, x.Due.UnixMicro())
}

// DueSchedules lists the schedules that are not paused and due; none while the
// database is quarantined.
func (s *Store) DueSchedules(ctx context.Context, now time.Time, limit int) ([]hunt.Schedule, error) {
	return s.schedules(ctx, scheduleColumns+` WHERE paused = 0 AND wake <= ? AND NOT EXISTS (SELECT 1 FROM instance WHERE quarantine = 1)
		ORDER BY wake, slug LIMIT ?`, now.UnixMicro(), limit)
}

// Schedules lists all, by slug.
func (s *Store) Schedules(ctx context.Context) ([]hunt.Schedule, error) {
	return s.schedules(ctx, scheduleColumns+` ORDER BY slug`)
}

func (s *Store) schedules(ctx context.Context, query string, args ...any) ([]hunt.Schedule, error) {
	out := []hunt.Schedule{}
	err := s.each(ctx, query, args, func(scan func(...any) error) error {
		var slug, body string
		var due, wake int64
		var paused bool
		if err := scan(&slug, &due, &wake, &paused, &body); err != nil {
			return err
		}
		x, err := scheduleOf(slug, due, wake, paused, body)
		out = append(out, x)
		return err
	})
	return out, err
}

func (t *tx) schedule(slug string) (hunt.Schedule, error) {
	var x hunt.Schedule
	found, err := t.one(scheduleColumns+` WHERE slug = ?`, func(r row) (err error) {
		x, err = scheduleOf(r.text(0), r.int(1), r.int(2), r.bool(3), r.text(4))
		return err
	}, slug)
	if err != nil {
		return x, fmt.Errorf("read a schedule: %w", err)
	}
	if !found {
		return x, fault.New(fault.NotFound, "there is no such schedule")
	}
	return x, nil
}

// Fire looks at a schedule and writes what decide gives; a time that was started
// before starts nothing (hunt.Store).
func (s *Store) Fire(ctx context.Context, slug string, decide func(x hunt.Schedule, running int) hunt.Firing) ([]string, error) {
	var ids []string
	err := s.commit(ctx, func(t *tx) error {
		ids = nil
		x, err := t.schedule(slug)
		if err != nil {
			return err
		}
		running := 0
		err = t.query(`SELECT count(*) FROM schedule_tick k JOIN run ON run.id = k.run WHERE k.slug = ? AND run.status IN ('queued', 'running', 'waiting')`,
			func(r row) error { running = int(r.int(0)); return nil }, slug)
		if err != nil {
			return fmt.Errorf("count the runs of a schedule: %w", err)
		}
		f := decide(x, running)
		for _, tick := range f.Starts {
			err := t.exec(`INSERT INTO schedule_tick (slug, planned, run) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`, slug, tick.Planned, tick.Start.ID)
			if err != nil {
				return fmt.Errorf("write a time of a schedule: %w", err)
			}
			if t.handle.changes() == 0 {
				continue
			}
			id, err := t.insertRun(tick.Start)
			if err != nil {
				return err
			}
			ids = append(ids, id)
		}
		if err := t.saveSchedule(f.Schedule); err != nil {
			return err
		}
		return t.link(f.Audit...)
	})
	return ids, err
}

// ChangeSchedule looks at a schedule and writes what change gives; fault NotFound.
func (s *Store) ChangeSchedule(ctx context.Context, slug string, change func(x hunt.Schedule) (hunt.Schedule, []audit.Draft, error)) (hunt.Schedule, error) {
	var out hunt.Schedule
	err := s.commit(ctx, func(t *tx) error {
		x, err := t.schedule(slug)
		if err != nil {
			return err
		}
		next, drafts, err := change(x)
		if err != nil {
			return err
		}
		out = next
		if err := t.saveSchedule(next); err != nil {
			return err
		}
		return t.link(drafts...)
	})
	return out, err
}
