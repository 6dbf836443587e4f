package embedded

import (
	"context"
	"slices"
	"time"

	"github.com/tocsin-soar/tocsin/server/approval"
	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/perform"
)

// carry writes a record and carries out the commands that came with it. A record
// and the question that follows it are one act, so that a step costs one commit.
func (s *shard) carry(l *live, rec perform.Record, cmds []engine.Command) error {
	unwritten := true // the record is still to be appended
	for len(cmds) > 0 {
		c := cmds[0]
		cmds = cmds[1:]
		if !l.State.Wanting(c) {
			continue
		}
		if q, asks := c.(engine.Ask); asks {
			more, wrote, err := s.ask(l, q, rec, unwritten)
			if err != nil {
				return err
			}
			if wrote {
				unwritten = false
				rec = l.Blank()
			}
			cmds = append(cmds, more...)
			continue
		}
		if unwritten {
			if err := s.write(l, rec); err != nil {
				return err
			}
			unwritten = false
		}
		more, err := s.reach(l, c)
		if err != nil {
			return err
		}
		cmds = append(cmds, more...)
	}
	if unwritten {
		return s.write(l, rec)
	}
	return nil
}

// write appends a record, unless there is nothing in it.
func (s *shard) write(l *live, rec perform.Record) error {
	if len(rec.Events) == 0 && len(rec.Decisions) == 0 && len(rec.Signals) == 0 && len(rec.DropTimers) == 0 {
		return nil
	}
	l.Seal(&rec)
	return s.append(rec, nil)
}

func (s *shard) append(rec perform.Record, ask *perform.Asking) error {
	var also perform.Record
	if ask != nil {
		then := ask.Then
		ask.Then = func(g perform.Ground) perform.Record {
			also = then(g)
			return also
		}
	}
	if err := s.h.Journal.Append(s.h.ctx, rec, ask); err != nil {
		return err
	}
	for _, t := range slices.Concat(rec.SetTimers, also.SetTimers) {
		s.h.timers.set(t.Due)
	}
	if s.h.Wrote != nil {
		s.h.Wrote(rec)
		s.h.Wrote(also)
	}
	return nil
}

// ask puts a step's question in one act with the record before it. Wrote says
// whether that record is on disk now.
func (s *shard) ask(l *live, c engine.Ask, rec perform.Record, unwritten bool) (more []engine.Command, wrote bool, err error) {
	w, ok := l.State.Wanted(c.Path)
	if !ok {
		return nil, false, nil
	}
	if !s.h.air.begin() { // the host stops: the next start asks
		return nil, false, nil
	}
	var t *ticket
	sent := false
	defer func() {
		if !sent {
			s.h.air.end()
			if t != nil {
				s.h.leave(t, false)
			}
		}
	}()
	at := s.h.Clock()
	t, conn, hold := s.enter(l, w, false)
	if t == nil {
		return s.stand(l, c.Path, conn, hold, rec, unwritten)
	}
	req, err := s.request(w)
	if err != nil {
		return nil, false, err
	}
	pr, err := s.h.Performer.Prepare(s.h.ctx, &l.Live, w, at, s.h.Journal.Facts(l.Start.ID, at), req)
	if err != nil {
		return s.refused(l, w, rec, unwritten, err)
	}
	if !unwritten {
		rec = l.Blank()
	}
	att, more, err := s.decide(l, pr, rec, at)
	if err != nil {
		return nil, false, err
	}
	if att == nil {
		return more, true, nil
	}
	sent = true
	s.send(l, *att, t)
	return more, true, nil
}

// decide writes a record with the answer to a question. Only what takes a place under
// the limits or has votes is decided inside the act, where everybody waits for it.
func (s *shard) decide(l *live, pr *perform.Prepared, rec perform.Record, at time.Time) (att *perform.Attempt, more []engine.Command, err error) {
	if pr.Outright() {
		if att, more, err = s.h.Performer.Settle(&l.Live, pr, at, &rec); err != nil {
			return nil, nil, err
		}
		return att, more, s.append(rec, nil)
	}
	var folded error
	asking := s.h.Performer.Asking(&l.Live, pr, at, func(a *perform.Attempt, cs []engine.Command, err error) {
		att, more, folded = a, cs, err
	})
	if err := s.append(rec, asking); err != nil {
		return nil, nil, err
	}
	return att, more, folded
}

// request reads the step's request with the votes that stand; nil where it has none.
func (s *shard) request(w engine.Wanted) (*approval.Request, error) {
	if w.Approval == "" {
		return nil, nil //nolint:nilnil // most steps have no request
	}
	r, err := s.h.Requests.Approval(s.h.ctx, w.Approval)
	return &r, err
}

// refused records that a question could not be asked at all.
func (s *shard) refused(l *live, w engine.Wanted, rec perform.Record, unwritten bool, why error) ([]engine.Command, bool, error) {
	if !unwritten {
		rec = l.Blank()
	}
	more, err := l.Take(s.h.Clock(), engine.Decided{
		Path: w.Path, Outcome: "deny", Connection: w.Connection, Error: perform.Refusal(w, why),
	}, &rec)
	if err != nil {
		return nil, false, err
	}
	l.Seal(&rec)
	return more, true, s.append(rec, nil)
}

// send carries a dispatched attempt out beside everything else.
func (s *shard) send(l *live, a perform.Attempt, t *ticket) {
	s.takeOff(l.Start.ID, a.Path)
	a.Wanted.Connection = a.Call.Connection.Name
	a.Wanted.Decision, a.Wanted.Digest = a.Permit.Decision(), l.State.Digest(a.Path)
	run := l.Start.ID
	s.h.background(s.h.ctx, func(ctx context.Context) {
		m := message{kind: result, path: a.Path, wanted: a.Wanted, body: engine.Unknown{
			Path: a.Path, Attempt: a.Number,
			Error: engine.Error{Kind: string(fault.Internal), Message: "the integration failed in this program", Step: a.Path, Attempt: a.Number},
		}}
		defer func() { // also when the integration panics
			s.h.leave(t, true)
			s.h.send(run, m)
		}()
		m.body = perform.Await(s.h.Performer.Do(ctx, a), a.Wanted, s.h.doors.broken(t.door))
	})
}

// result records what an attempt came to.
func (s *shard) result(l *live, m message) error {
	if m.row != nil {
		rec := l.Blank()
		rec.Decisions = append(rec.Decisions, *m.row)
		if err := s.append(rec, nil); err != nil {
			return err
		}
	}
	if err := s.finish(l, m.wanted, m.body, nil); err != nil {
		return err
	}
	s.landed(l.Start.ID, m.path)
	return nil
}

// finish folds an outcome, with what follows from it outside the journal.
func (s *shard) finish(l *live, w engine.Wanted, body engine.Body, signals []int64) error {
	var cmds []engine.Command
	var folded error
	rec, asking := s.h.Performer.Finish(&l.Live, w, body, s.h.Clock(), signals, func(cs []engine.Command, err error) {
		cmds, folded = cs, err
	})
	if asking == nil {
		if folded != nil {
			return folded
		}
		return s.carry(l, rec, cmds)
	}
	if err := s.append(rec, asking); err != nil {
		return err
	}
	if folded != nil {
		return folded
	}
	return s.carry(l, l.Blank(), cmds)
}

// reach carries out a command other than a question.
func (s *shard) reach(l *live, c engine.Command) ([]engine.Command, error) {
	at := s.h.Clock()
	switch c := c.(type) {
	case engine.Request:
		rec, more, err := s.h.Performer.Ask(&l.Live, c.Path, at)
		if err != nil {
			return nil, err
		}
		return more, s.append(rec, nil)
	case engine.Verify:
		s.verify(l, c)
		return nil, nil
	case engine.Await:
		return nil, s.await(l, c.Path)
	case engine.EndHold:
		var more []engine.Command
		var folded error
		rec, asking := s.h.Performer.EndHold(&l.Live, c, at, func(cs []engine.Command, err error) { more, folded = cs, err })
		if err := s.append(rec, asking); err != nil {
			return nil, err
		}
		return more, folded
	}
	return nil, nil // Finish: the record said so already
}

func (s *shard) verify(l *live, c engine.Verify) {
	w, ok := l.State.Wanted(c.Path)
	if !ok {
		return
	}
	if !s.h.air.begin() {
		return
	}
	w.Attempt = l.State.Attempts(c.Path)
	at := s.h.Clock()
	ask, row := s.h.Performer.Check(s.h.ctx, &l.Live, w, at, s.h.Journal.Facts(l.Start.ID, at))
	s.takeOff(l.Start.ID, c.Path)
	run := l.Start.ID
	s.h.background(s.h.ctx, func(ctx context.Context) {
		m := message{kind: result, path: c.Path, wanted: w, row: row, body: engine.Verified{Path: c.Path, Attempt: w.Attempt, Found: "unsure"}}
		defer func() { s.h.send(run, m) }()
		m.body = ask(ctx)
	})
}

// reask asks the policy again about a waiting request.
func (s *shard) reask(l *live, path string) error {
	w, ok := l.State.Wanted(path)
	if _, pending := l.State.Asked(path); !ok || !pending {
		return nil
	}
	req, err := s.request(w)
	if err != nil {
		return err
	}
	at := s.h.Clock()
	pr, err := s.h.Performer.Prepare(s.h.ctx, &l.Live, w, at, s.h.Journal.Facts(l.Start.ID, at), req)
	if err != nil {
		return nil //nolint:nilerr // the connection is broken just now; the next attempt asks again
	}
	var cmds []engine.Command
	var folded error
	asking := s.h.Performer.Reask(&l.Live, pr, at, func(cs []engine.Command, err error) { cmds, folded = cs, err })
	if err := s.append(l.Blank(), asking); err != nil {
		return err
	}
	if folded != nil {
		return folded
	}
	return s.carry(l, l.Blank(), cmds)
}
