package memory

import (
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

// letter is an event that reaches a run from another one.
type letter struct {
	run  string
	body engine.Body
}

// stand lets a run get in line, or out of it.
func (h *Host) stand(r *Run, rec perform.Record) {
	if l := rec.Line; l != nil {
		line := h.lineOf(r.Start.Playbook, l.Key)
		if l.Then == "drop" && len(line) >= l.Limit {
			h.letters = append(h.letters, letter{r.Start.ID, engine.Dropped{Limit: l.Limit}})
			return
		}
		h.line = append(h.line, &standing{run: r.Start.ID, playbook: r.Start.Playbook, key: l.Key, most: l.Limit})
		line = h.lineOf(r.Start.Playbook, l.Key)
		if l.Then == "cancel_oldest" {
			for _, s := range line[:max(0, len(line)-l.Limit)] {
				if !s.told {
					s.told = true
					h.letters = append(h.letters, letter{s.run, engine.CancelRequested{By: "concurrency", Reason: "a newer run with the same key takes its place"}})
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
			h.letters = append(h.letters, letter{s.run, engine.Placed{}})
		}
	}
}
