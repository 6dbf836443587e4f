package embedded

import (
	"time"

	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/perform"
)

// enter takes a place for a step's attempt, unless one was handed to it; nil: it
// stands in line now, and hold says why.
func (s *shard) enter(l *live, w engine.Wanted, told bool) (*ticket, string, hold) {
	if t := l.ticket; t != nil && l.handed == w.Path {
		l.ticket = nil
		return t, t.door.name, hold{}
	}
	c, err := s.h.Performer.Estate.Connection(w.Connection, w.Action.Integration)
	if err != nil { // asking says what is wrong with it
		c = connector.Connection{}
	}
	may := passes{broken: perform.TriesBroken(w), disabled: perform.UsesDisabled(w)}
	t, h, next := s.h.doors.enter(c, place{l.Start.ID, w.Path}, l.Start.Priority, may, told, s.h.Clock())
	if t == nil && !next.IsZero() {
		s.h.timers.set(next)
	}
	return t, c.Name, h
}

// leave gives a place back; whoever is next in line is handed it.
func (h *Host) leave(t *ticket, sent bool) {
	out, next := h.doors.leave(t, sent, h.Clock())
	h.hand(out)
	if !next.IsZero() {
		h.timers.set(next)
	}
}

func (h *Host) hand(out []handed) {
	for _, o := range out {
		h.send(o.run, message{kind: ask, path: o.path, ticket: o.ticket})
	}
}

// lookAtDoors does what is due at the connections by the clock.
func (h *Host) lookAtDoors() time.Time {
	out, late, next := h.doors.look(h.Clock())
	h.hand(out)
	for _, w := range late {
		h.send(w.run, message{kind: tell, path: w.path, body: engine.Blocked{
			Path: w.path, Connection: w.connection, Why: w.hold.why, Text: w.hold.text,
		}})
	}
	return next
}

// turn is a step's turn at its connection. The place that it was handed is used or
// given back.
func (s *shard) turn(l *live, m *message) error {
	s.unhold(l, m.path)
	l.ticket, l.handed = m.ticket, m.path
	m.ticket = nil // when this turn is tried again, it asks for a place anew
	defer func() {
		if t := l.ticket; t != nil { // the step does not want it any more
			l.ticket = nil
			s.h.leave(t, false)
		}
	}()
	rec := l.Blank()
	cmds := []engine.Command{engine.Ask{Path: m.path}}
	if l.State.Blocked(m.path) {
		if l.ticket == nil {
			return s.await(l, m.path)
		}
		var err error
		if cmds, err = l.Take(s.h.Clock(), engine.Resumed{Path: m.path}, &rec); err != nil {
			return err
		}
	}
	return s.carry(l, rec, cmds)
}

// await puts a step in line whose journal says that it waits for its connection.
func (s *shard) await(l *live, path string) error {
	w, ok := l.State.Wanted(path)
	if !ok {
		return nil
	}
	t, _, _ := s.enter(l, w, true)
	if t != nil { // it is free already
		s.h.hand([]handed{{place{l.Start.ID, path}, t}})
	}
	return nil
}

// stand lets a step stand in line. That the connection is broken or disabled is
// written at once; a wait for a place or a turn is most often over in a moment.
func (s *shard) stand(l *live, path, conn string, h hold, rec perform.Record, unwritten bool) ([]engine.Command, bool, error) {
	if h.why == engine.BlockBusy || h.why == engine.BlockRate {
		s.hold(l, path)
		return nil, false, nil
	}
	if !unwritten {
		rec = l.Blank()
	}
	more, err := l.Take(s.h.Clock(), engine.Blocked{Path: path, Connection: conn, Why: h.why, Text: h.text}, &rec)
	if err != nil {
		return nil, false, err
	}
	l.Seal(&rec)
	return more, true, s.append(rec, nil)
}

// told writes that a step has waited for long. Where that may go on, the run need not
// stay in memory.
func (s *shard) told(l *live, b engine.Body) error {
	w, ok := b.(engine.Blocked)
	if !ok || !l.State.Asks(w.Path) {
		return nil
	}
	if w.Why == engine.BlockBroken || w.Why == engine.BlockDisabled {
		s.unhold(l, w.Path)
	}
	return s.take(l, w, nil)
}
