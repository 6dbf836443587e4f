// Package hunt starts what is due, exactly once.
package hunt

import (
	"context"
	"time"

	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/engine"
)

// Store is all that hunts need of a database. Each method is one atomic act.
type Store interface {
	// SyncSchedules makes the stored schedules those in force: new ones get their
	// next due time, changed ones a new one, those that are gone are forgotten
	// with their times. What a person paused stays paused.
	SyncSchedules(ctx context.Context, s []Schedule) error
	// DueSchedules lists the schedules that are not paused and due.
	DueSchedules(ctx context.Context, now time.Time, limit int) ([]Schedule, error)
	// Fire looks at a schedule and how many of its runs are not over, calls decide,
	// and writes: each tick (slug, planned) once and for all (one that is known
	// starts nothing), the runs, the schedule.
	Fire(ctx context.Context, slug string, decide func(s Schedule, running int) Firing) ([]string, error)
	// Schedules lists all, by slug.
	Schedules(ctx context.Context) ([]Schedule, error)
	// ChangeSchedule looks at a schedule and writes what change gives; fault
	// NotFound.
	ChangeSchedule(ctx context.Context, slug string, change func(s Schedule) (Schedule, []audit.Draft, error)) (Schedule, error)
}

// Schedule is a schedule in force with what became of it.
type Schedule struct {
	ID       string        `json:"id"` // slug
	Playbook string        `json:"playbook"`
	Version  string        `json:"-"` // sha256 hex that is published
	Index    int           `json:"-"` // of the trigger
	Cron     string        `json:"cron"`
	Timezone string        `json:"timezone"`
	Missed   string        `json:"missed"`
	Overlap  string        `json:"overlap"`
	Jitter   time.Duration `json:"-"`

	Words string      `json:"words"`
	Next  *time.Time  `json:"next"`
	Soon  []time.Time `json:"soon"` // the next five

	Due     time.Time  `json:"-"` // the stored due time, before jitter
	Wake    time.Time  `json:"-"` // Due with its jitter: what DueSchedules compares
	Paused  bool       `json:"paused"`
	By      string     `json:"paused_by"`
	LastRun string     `json:"last_run"`
	LastAt  *time.Time `json:"last_at"`
	Left    int        `json:"left_out"` // times left out, by missed or overlap, in all
	Note    string     `json:"note"`     // in words, what happened the last time
}

// Firing is what a look at a due schedule came to.
type Firing struct {
	Schedule Schedule
	Starts   []Tick
	Audit    []audit.Draft
}

// Tick is one time of a schedule with its run.
type Tick struct {
	Planned time.Time
	Start   engine.Start
}
