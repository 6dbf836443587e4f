package embedded

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/tocsin-soar/tocsin/server/alert"
	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/ident"
	"github.com/tocsin-soar/tocsin/server/perform"
)

// shard decides the runs that fall to it, one event after the other, so that no run
// is ever decided twice at once.
type shard struct {
	h      *Host
	lives  map[string]*live
	flying map[string]map[string]bool // run → paths whose attempt or check is under way in this process
	queue  *queue
	held   int // steps of its runs that wait for a place at a connection
}

// live is a run that is at work. One that only waits is not kept in memory.
type live struct {
	perform.Live
	fresh bool             // just loaded: what was in flight must be found out
	mail  []perform.Signal // as loaded with it
	lost  bool             // of a restored copy: the original may have gone on
	held  map[string]bool  // paths of steps that wait for a place at a connection

	ticket *ticket // the place at a connection that its turn was given
	handed string  // to this step
}

const (
	firstRetry = 100 * time.Millisecond
	lastRetry  = 5 * time.Second
	poison     = 3 // panics after which a run is left alone

	// mostHeld steps of a shard's runs may wait for a place at a connection before
	// new runs begin only one at a time, each after patience.
	mostHeld = 4
	patience = 250 * time.Millisecond
)

func (s *shard) run() {
	for {
		m, ok := s.queue.take(s.held < mostHeld)
		if !ok {
			return
		}
		if m.kind == impatient {
			s.h.loops.Go(func() {
				s.h.Sleep(s.h.ctx, patience)
				s.queue.nudge()
			})
			continue
		}
		if m.kind == resume && m.run == "" {
			s.resume()
			continue
		}
		s.guarded(m)
	}
}

// guarded handles a message; a panic in it costs this turn and nothing else.
func (s *shard) guarded(m message) {
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		s.drop(m.run)
		if s.h.Panicked != nil {
			s.h.Panicked()
		}
		s.h.Log.LogAttrs(s.h.ctx, slog.LevelError, "a run's turn panicked",
			slog.String("run", m.run), slog.String("stack", string(debug.Stack())))
		if m.tries++; m.tries < poison {
			s.h.later(m, lastRetry)
		} else if m.ticket != nil {
			s.h.leave(m.ticket, false)
		}
	}()
	if err := s.handle(&m); err != nil && s.h.ctx.Err() == nil {
		s.drop(m.run) // the state may be ahead of the journal
		s.h.Log.LogAttrs(s.h.ctx, slog.LevelWarn, "a run's turn was not recorded; it is tried again",
			slog.String("run", m.run), slog.Any("error", err))
		m.tries++
		s.h.later(m, min(firstRetry<<min(m.tries, 6), lastRetry))
	}
}

func (s *shard) handle(m *message) error {
	l, err := s.load(m.run)
	if err != nil {
		return err
	}
	if l == nil { // over, and nothing to do
		s.forgotten(*m)
		return nil
	}
	if err := s.catchUp(l, m.kind == wake || m.kind == fire); err != nil {
		return err
	}
	switch m.kind {
	case wake:
	case resume:
		if len(l.State.Halted()) > 0 {
			err = s.take(l, engine.Resumed{}, nil)
		}
	case fire:
		err = s.fire(l, m.timer)
	case result:
		err = s.result(l, *m)
	case ask:
		err = s.turn(l, m)
	case tell:
		err = s.told(l, m.body)
	case reask:
		err = s.reask(l, m.path)
	case impatient: // of no run
	}
	if err != nil {
		return err
	}
	s.release(l)
	return nil
}

// forgotten ends what a message asked of a run that is over.
func (s *shard) forgotten(m message) {
	switch m.kind {
	case fire:
		s.h.timers.done(m.run, m.timer)
	case ask:
		if m.ticket != nil {
			s.h.leave(m.ticket, false)
		}
	case result:
		s.landed(m.run, m.path)
	case wake, resume, reask, tell, impatient:
	}
}

// hold notes that a step waits for a place at a connection.
func (s *shard) hold(l *live, path string) {
	if !l.held[path] {
		l.held[path] = true
		s.held++
	}
}

func (s *shard) unhold(l *live, path string) {
	if l.held[path] {
		delete(l.held, path)
		s.held--
	}
}

// drop forgets a run; its journal is the truth.
func (s *shard) drop(run string) {
	if l := s.lives[run]; l != nil {
		s.held -= len(l.held)
		delete(s.lives, run)
	}
}

func (s *shard) takeOff(run, path string) {
	if s.flying[run] == nil {
		s.flying[run] = map[string]bool{}
	}
	s.flying[run][path] = true
}

func (s *shard) landed(run, path string) {
	if s.flying[run][path] {
		s.h.air.end()
	}
	delete(s.flying[run], path)
	if len(s.flying[run]) == 0 {
		delete(s.flying, run)
	}
}

// release drops a run from memory that only waits.
func (s *shard) release(l *live) {
	halted := len(l.State.Halted()) > 0
	final := l.State.Status().Final()
	if len(s.flying[l.Start.ID]) == 0 && len(l.held) == 0 && (final || l.State.Status() == engine.RunWaiting && !halted) {
		s.drop(l.Start.ID)
	}
}

// load gives the run, from memory or by folding its journal; nil when it is over.
func (s *shard) load(run string) (*live, error) {
	if l, ok := s.lives[run]; ok {
		return l, nil
	}
	st, err := s.h.Journal.Load(s.h.ctx, run)
	if err != nil {
		return nil, err
	}
	l, err := s.fold(st)
	if err != nil {
		return nil, fmt.Errorf("run %s: %w", run, err)
	}
	if l.State.Status().Final() {
		return nil, nil //nolint:nilnil // a run that is over is no error and nothing to work on
	}
	l.fresh, l.mail = true, st.Signals
	s.lives[run] = l
	return l, nil
}

func (s *shard) fold(st Stored) (*live, error) {
	pins, err := pinned(st.Events)
	if err != nil {
		return nil, err
	}
	prog, pb, err := s.h.Programs.Program(s.h.ctx, st.Start, pins)
	if err != nil {
		return nil, err
	}
	if s.h.Seed != nil {
		st.Start.Seed = s.h.Seed(st.Start.ID)
	}
	l := &live{Live: perform.Live{Start: st.Start, Program: prog, Playbook: pb}, held: map[string]bool{}}
	var vars map[string]any
	if st.Start.AlertRaw != nil {
		var a alert.Alert
		if err := json.Unmarshal(st.Start.AlertRaw, &a); err != nil {
			return nil, fmt.Errorf("read its alert: %w", err)
		}
		vars = alert.Value(a, true)
		l.Alert = alert.Value(a, false)
		l.AlertSHA256 = ident.Sum(st.Start.AlertRaw)
	}
	journal := make([]engine.Recorded, len(st.Events))
	for i, e := range st.Events {
		journal[i] = engine.Recorded{At: e.At, Kind: e.Kind, Body: e.Body}
	}
	l.State, err = engine.Replay(prog, st.Start, vars, journal)
	l.lost = st.Lost > 0 && l.State.Seq() <= st.Lost
	return l, err
}

// pinned reads which actions the run began with; nil for one that has not begun.
func pinned(events []perform.Event) (map[string]string, error) {
	if len(events) == 0 {
		return nil, nil
	}
	b, err := engine.Decode(events[0].Kind, events[0].Body)
	if err != nil {
		return nil, fmt.Errorf("read its beginning: %w", err)
	}
	st, ok := b.(engine.Started)
	if !ok {
		return nil, errors.New("its journal does not begin with started")
	}
	return st.Manifests, nil
}

// catchUp begins a new run, finds out what was in flight, and takes the signals
// that wait, before anything else.
func (s *shard) catchUp(l *live, look bool) error {
	mail := l.mail
	if l.fresh {
		l.fresh, l.mail = false, nil
		if err := s.recover(l); err != nil {
			return err
		}
	} else if look {
		st, err := s.h.Journal.Load(s.h.ctx, l.Start.ID)
		if err != nil {
			return err
		}
		mail = st.Signals
	}
	for _, sig := range mail {
		if err := s.signal(l, sig); err != nil {
			return err
		}
	}
	return nil
}

// recover goes on where the process stopped.
func (s *shard) recover(l *live) error {
	if l.State.Seq() == 0 {
		return s.begin(l)
	}
	for _, c := range l.State.InFlight() {
		call, sent := c.(engine.Call)
		if !sent {
			if err := s.carry(l, l.Blank(), []engine.Command{c}); err != nil {
				return err
			}
			continue
		}
		w, ok := l.State.Wanted(call.Path)
		if !ok || s.flying[l.Start.ID][call.Path] {
			continue
		}
		if err := s.finish(l, w, s.lost(l, w), nil); err != nil {
			return err
		}
	}
	if len(l.State.Halted()) > 0 {
		return s.take(l, engine.Resumed{}, nil)
	}
	return nil
}

// lost is what is known of an attempt that was dispatched before the process
// stopped. In a restored copy the original may have gone on: neither its key nor a
// question to the other system says whose doing it was, so a person decides.
func (s *shard) lost(l *live, w engine.Wanted) engine.Body {
	b := s.h.Performer.Lost(w)
	if u, ok := b.(engine.Unknown); ok && l.lost && w.Action.Impact.SideEffect() {
		u.Resend, u.Verify = false, false
		u.Error.Message = "the database was restored while this attempt was under way"
		return u
	}
	return b
}

func (s *shard) begin(l *live) error {
	if e := l.Start.Error; e != nil { // nothing is silent: it failed before it began
		return s.stillborn(l, *e, s.h.Clock())
	}
	return s.take(l, l.Begin(), nil)
}

// stillborn records a run whose trigger could not be evaluated.
func (s *shard) stillborn(l *live, e engine.Error, at time.Time) error {
	rec := l.Blank()
	for _, b := range []engine.Body{l.Begin(), engine.Evaluated{What: "inputs", Error: &e}} {
		if _, err := l.Once(at, b, &rec); err != nil {
			return err
		}
	}
	l.Seal(&rec)
	return s.append(rec, nil)
}

// signal takes what reached the run from outside.
func (s *shard) signal(l *live, sig perform.Signal) error {
	b, err := engine.Decode(sig.Kind, sig.Body)
	if err != nil {
		return fmt.Errorf("signal %d: %w", sig.ID, err)
	}
	if r, ok := b.(engine.Resolved); ok {
		w, ok := l.State.Wanted(r.Path)
		if ok {
			return s.finish(l, w, s.h.Performer.Resolve(w, r), []int64{sig.ID})
		}
	}
	return s.take(l, b, []int64{sig.ID})
}

// take folds an event that is not an attempt's outcome.
func (s *shard) take(l *live, b engine.Body, signals []int64) error {
	rec := l.Blank()
	rec.Signals = signals
	cmds, err := l.Take(s.h.Clock(), b, &rec)
	if err != nil {
		return err
	}
	return s.carry(l, rec, cmds)
}

func (s *shard) fire(l *live, k perform.TimerKey) error {
	rec := l.Blank()
	rec.DropTimers = append(rec.DropTimers, k)
	cmds, err := l.Take(s.h.Clock(), engine.TimerFired{Path: k.Path, Timer: k.Kind}, &rec)
	if err != nil {
		return err
	}
	if err := s.carry(l, rec, cmds); err != nil {
		return err
	}
	s.h.timers.done(l.Start.ID, k)
	return nil
}

func (s *shard) resume() {
	for run, l := range s.lives {
		if len(l.State.Halted()) > 0 {
			s.queue.put(message{kind: resume, run: run})
		}
	}
}

func (h *Host) background(ctx context.Context, do func(context.Context)) {
	h.loops.Go(func() {
		defer func() {
			if r := recover(); r != nil {
				h.Log.LogAttrs(ctx, slog.LevelError, "an attempt panicked", slog.String("stack", string(debug.Stack())))
				if h.Panicked != nil {
					h.Panicked()
				}
			}
		}()
		do(ctx)
	})
}
