package health_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/tocsin-soar/tocsin/server/breaker"
	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/health"
)

var noon = time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)

// shelf is a store in memory.
type shelf struct {
	mu    sync.Mutex
	lines map[string]breaker.Line
	saves int
	full  bool
}

func (s *shelf) Lines(context.Context) (map[string]breaker.Line, error) { return s.lines, nil }

func (s *shelf) SaveLine(_ context.Context, name string, l breaker.Line) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.full {
		return errors.New("the disk is full")
	}
	s.saves++
	if l == (breaker.Line{}) {
		delete(s.lines, name)
	} else {
		s.lines[name] = l
	}
	return nil
}

type bench struct {
	*health.Health
	t      *testing.T
	s      *shelf
	now    time.Time
	opened int
}

func start(t *testing.T, s *shelf) *bench {
	t.Helper()
	b := &bench{t: t, s: s, now: noon}
	b.Health = health.New(s, func() time.Time { return b.now }, func() { b.opened++ })
	if err := b.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	return b
}

var (
	away = connector.Reply{Did: connector.DidNothing, Err: fault.New(fault.Unavailable, "nothing was sent: the connection was refused")}
	fine = connector.Reply{Did: connector.DidDone}
)

func (b *bench) heard(replies ...connector.Reply) {
	b.t.Helper()
	for _, r := range replies {
		if err := b.Heard(b.t.Context(), "edr", r); err != nil {
			b.t.Fatal(err)
		}
	}
}

func TestWhatIsKnownSurvivesARestart(t *testing.T) {
	s := &shelf{lines: map[string]breaker.Line{}}
	b := start(t, s)
	b.heard(away, away, away, away, away, away)
	before := b.Line("edr")
	if !before.Open || before.Error != "the connection was refused" {
		t.Fatalf("got %+v", before)
	}
	after := start(t, s).Line("edr")
	if after.Status() != breaker.Failing || !after.Open || after.Error != before.Error || !after.Until.Equal(before.Until) || !after.Since.Equal(before.Since) {
		t.Errorf("got %+v, want %+v", after, before)
	}
}

func TestOnlyWhatIsShownIsWrittenDown(t *testing.T) {
	b := start(t, &shelf{lines: map[string]breaker.Line{}})
	b.heard(fine, fine, fine)
	if b.s.saves != 0 {
		t.Errorf("calls that went well cost %d writes", b.s.saves)
	}
	b.heard(away, away, away, away, away)
	if b.s.saves != 1 {
		t.Errorf("five failures alike cost %d writes", b.s.saves)
	}
	b.heard(away, fine)
	if b.s.saves != 3 || len(b.s.lines) != 0 {
		t.Errorf("%d writes, %v", b.s.saves, b.s.lines)
	}
}

func TestWhoWaitsIsToldOnceWhenAConnectionIsBack(t *testing.T) {
	b := start(t, &shelf{lines: map[string]breaker.Line{}})
	b.heard(away, away, away, away, fine)
	if b.opened != 0 {
		t.Error("told of one that was never left alone")
	}
	b.heard(away, away, away, away, away, away, away, fine, fine)
	if b.opened != 1 {
		t.Errorf("told %d times", b.opened)
	}
}

func TestADiskThatIsFullChangesNothingOfWhatIsKnown(t *testing.T) {
	b := start(t, &shelf{lines: map[string]breaker.Line{}, full: true})
	if err := b.Heard(t.Context(), "edr", away); err == nil {
		t.Error("that it was not kept is not said")
	}
	if b.Line("edr").Status() != breaker.Degraded {
		t.Error("it is not known")
	}
	b.s.full = false
	b.heard(away)
	if len(b.s.lines) != 1 {
		t.Error("it is not kept later")
	}
}

func TestManyCallsAtOnceLeaveTheStoreAsItIsKnown(t *testing.T) {
	b := start(t, &shelf{lines: map[string]breaker.Line{}})
	var all sync.WaitGroup
	for i := range 64 {
		all.Go(func() {
			r := away
			if i%3 == 0 {
				r = fine
			}
			if err := b.Heard(context.Background(), "edr", r); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if l := b.Line("edr"); l.Worth(b.s.lines["edr"]) {
		t.Errorf("known %+v, kept %+v", l, b.s.lines["edr"])
	}
}

func TestALookThatFailedIsShownAndAForgottenOneIsNew(t *testing.T) {
	b := start(t, &shelf{lines: map[string]breaker.Line{}})
	r := connector.Reply{Did: connector.DidNothing, Status: 403, Err: fault.New(fault.Forbidden, "no")}
	if err := b.Looked(t.Context(), "edr", r, false, "the check is not allowed"); err != nil {
		t.Fatal(err)
	}
	if l := b.Line("edr"); l.Status() != breaker.Failing || l.Error != "the check is not allowed" {
		t.Errorf("got %+v", l)
	}
	if err := b.Forget(t.Context(), "edr"); err != nil || b.Line("edr") != (breaker.Line{}) || len(b.s.lines) != 0 {
		t.Errorf("got %+v %v %v", b.Line("edr"), b.s.lines, err)
	}
}
