package memory

import (
	"fmt"
	"slices"

	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/perform"
)

// standing is a run in line under its playbook's concurrency.
type standing struct {
	run, playbook, key string
	most               int
	held, told         bool
}

// letter is what reaches a run from another one: an event, or its beginning.
type letter struct {
	run   string
	body  engine.Body
	start *engine.Start
	from  string
}

// post notes what a record means for other runs.
func (h *Host) post(r *Run, rec perform.Record) {
	for _, st := range rec.Starts {
		h.letters = append(h.letters, letter{run: st.ID, start: &st, from: r.Start.ID})
	}
	for _, m := range rec.Send {
		if b, err := engine.Decode(m.Kind, m.Body); err == nil { // it was encoded a moment ago
			h.letters = append(h.letters, letter{run: m.Run, body: b})
		}
	}
	for _, path := range rec.Unlisten {
		h.listens = slices.DeleteFunc(h.listens, func(l hearing) bool { return l.run == r.Start.ID && l.Path == path })
	}
	for _, l := range rec.Listens {
		h.listens = append(h.listens, hearing{r.Start.ID, l})
	}
	if rec.Deaf {
		h.listens = slices.DeleteFunc(h.listens, func(l hearing) bool { return l.run == r.Start.ID })
	}
	h.stand(r, rec)
}

// hearing is what a run waits to hear of.
type hearing struct {
	run string
	engine.Listen
}

// Hearing lists the steps of a run that may be told of an event or called back.
func (h *Host) Hearing(run string) []engine.Listen {
	var out []engine.Listen
	for _, l := range h.listens {
		if l.run == run {
			out = append(out, l.Listen)
		}
	}
	return out
}

// Tell hands an event or the body of a callback to a step that waits for it. A
// callback is used up.
func (h *Host) Tell(run, path string, body any) error {
	h.listens = slices.DeleteFunc(h.listens, func(l hearing) bool { return l.run == run && l.Path == path && l.Subject == "" })
	return h.Take(run, engine.Heard{Path: path, Body: engine.Value{V: body}})
}

// call begins a run that another one calls; the letter's event is its first.
func (h *Host) call(m letter) error {
	if h.Find == nil {
		return fmt.Errorf("run %s calls %s, and nobody knows it", m.from, m.start.Playbook)
	}
	prog, pb, err := h.Find(*m.start)
	if err != nil {
		return err
	}
	from := h.runs[m.from]
	r := &Run{Live: perform.Live{Start: *m.start, Program: prog, Playbook: pb, Alert: from.Alert}, Vars: from.Vars}
	r.State = engine.New(*m.start, from.Vars)
	h.runs[m.run] = r
	h.order = append(h.order, m.run)
	h.letters = append([]letter{{run: m.run, body: r.Begin()}}, h.letters...)
	return nil
}

// stand lets a run get in line, or out of it.
func (h *Host) stand(r *Run, rec perform.Record) {
	if l := rec.Line; l != nil {
		line := h.lineOf(r.Start.Playbook, l.Key)
		if l.Then == "drop" && len(line) >= l.Limit {
			h.letters = append(h.letters, letter{run: r.Start.ID, body: engine.Dropped{Limit: l.Limit}})
			return
		}
		h.line = append(h.line, &standing{run: r.Start.ID, playbook: r.Start.Playbook, key: l.Key, most: l.Limit})
		line = h.lineOf(r.Start.Playbook, l.Key)
		if l.Then == "cancel_oldest" {
			for _, s := range line[:max(0, len(line)-l.Limit)] {
				if !s.told {
					s.told = true
					h.letters = append(h.letters, letter{run: s.run, body: engine.CancelRequested{By: "concurrency", Reason: "a newer run with the same key takes its place"}})
				}
			}
		}
		h.moveUp(line)
	}
	if i := slices.IndexFunc(h.line, func(s *standing) bool { return s.run == r.Start.ID }); rec.Leaves && i >= 0 {
		s := h.line[i]
		h.line = slices.Delete(h.line, i, i+1)
		h.moveUp(h.lineOf(s.playbook, s.key))
	}
}

func (h *Host) lineOf(playbook, key string) []*standing {
	var out []*standing
	for _, s := range h.line {
		if s.playbook == playbook && s.key == key {
			out = append(out, s)
		}
	}
	return out
}

func (h *Host) moveUp(line []*standing) {
	held := 0
	for _, s := range line {
		if s.held {
			held++
		}
	}
	for _, s := range line {
		switch {
		case s.held || s.told:
		case held >= s.most:
			return
		default:
			held++
			s.held = true
			h.letters = append(h.letters, letter{run: s.run, body: engine.Placed{}})
		}
	}
}
