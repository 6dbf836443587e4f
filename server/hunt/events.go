package hunt

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/ident"
	"github.com/tocsin-soar/tocsin/server/trigger"
)

// Event is something that happened in the platform.
type Event struct {
	ID      int64
	Subject string
	At      time.Time
	Depth   int64 // of the alert or event that led to it
	Data    map[string]any
}

// Value is the event as conditions and playbooks see it.
func (e Event) Value() map[string]any {
	return map[string]any{"subject": e.Subject, "at": e.At.UTC().Format(time.RFC3339Nano), "data": e.Data}
}

// EventStore is all that handing on needs of a database.
type EventStore interface {
	// Events lists what is to be handed on, oldest first.
	Events(ctx context.Context, limit int) ([]Event, error)
	// HandOn is one atomic act: it tells the runs that wait for the event, starts
	// others by their keys, and forgets it.
	HandOn(ctx context.Context, e Event, starts []engine.Start) error
	// Once starts runs by their keys; one that is known is left out.
	Once(ctx context.Context, starts []engine.Start) error
}

// Moment is a trigger by the clock, once.
type Moment struct {
	Playbook, Version string
	Index             int
	At                time.Time
	Since             time.Time // when it came into force: what lies before was not meant
}

// Events hands on what happens, and starts what is due once.
type Events struct {
	Store    EventStore
	Triggers func() []trigger.EventCandidate
	Moments  func() []Moment
	Clock    func() time.Time
	Log      *slog.Logger
}

// late is how long after its moment a trigger still starts its run: a server that was
// down makes up for it.
const late = 24 * time.Hour

// Tick hands on what has happened since the last one.
func (h *Events) Tick(ctx context.Context) error {
	if err := h.moments(ctx); err != nil {
		return err
	}
	for {
		list, err := h.Store.Events(ctx, mostAtOnce)
		if err != nil {
			return fmt.Errorf("look what has happened: %w", err)
		}
		for _, e := range list {
			if err := h.Store.HandOn(ctx, e, h.starts(e)); err != nil {
				return fmt.Errorf("hand on event %d: %w", e.ID, err)
			}
		}
		if len(list) < mostAtOnce {
			return nil
		}
	}
}

// starts are the runs that an event wakes. One that a run of the same playbook has led
// to wakes none of it, and a chain of events ends.
func (h *Events) starts(e Event) []engine.Start {
	var out []engine.Start
	own, _ := e.Data["playbook"].(string)
	for _, hit := range trigger.MatchEvent(trigger.Event{Subject: e.Subject, Depth: e.Depth, Value: e.Value()}, h.Triggers()) {
		if hit.Playbook == own {
			continue
		}
		key := "event/" + strconv.FormatInt(e.ID, 10) + "/" + hit.Playbook + "/" + strconv.Itoa(hit.Index)
		st := engine.Start{
			ID: ident.Derive(ident.Run, e.At, key), Key: key, Playbook: hit.Playbook, Version: hit.Version, At: h.Clock(),
			Trigger: engine.Trigger{Kind: "event", Index: hit.Index, Event: e.Value(), Depth: e.Depth + 1},
		}
		if hit.Err != nil {
			st.Error = &engine.Error{Kind: string(fault.Expression), Message: hit.Err.Message}
		}
		out = append(out, st)
	}
	return out
}

func (h *Events) moments(ctx context.Context) error {
	now := h.Clock()
	var out []engine.Start
	for _, m := range h.Moments() {
		if m.At.After(now) || m.At.Before(m.Since) || now.Sub(m.At) > late {
			continue
		}
		at := m.At
		key := "at/" + m.Playbook + "/" + strconv.Itoa(m.Index) + "/" + at.UTC().Format(time.RFC3339)
		out = append(out, engine.Start{
			ID: ident.Derive(ident.Run, at, key), Key: key, Playbook: m.Playbook, Version: m.Version, At: now,
			Trigger: engine.Trigger{Kind: "at", Index: m.Index, PlannedAt: &at},
		})
	}
	if len(out) == 0 {
		return nil
	}
	if err := h.Store.Once(ctx, out); err != nil {
		return fmt.Errorf("start what is due once: %w", err)
	}
	return nil
}
