package embedded

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tocsin-soar/tocsin/server/breaker"
	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/engine"
)

var noon = time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)

// wires are lines that a test breaks and mends.
type wires map[string]breaker.Line

func (w wires) Line(name string) breaker.Line { return w[name] }

func cut(until time.Time) breaker.Line {
	return breaker.Line{Failures: breaker.Trip, Away: breaker.Trip, Open: true, Error: "refused", Since: noon, Until: until}
}

func step(n int) place { return place{fmt.Sprintf("run_%d", n), "a"} }

func who(list []handed) []string {
	var out []string
	for _, h := range list {
		out = append(out, h.run)
	}
	return out
}

var jira = connector.Connection{Name: "jira", Concurrency: 2}

func TestPlacesAreHandedOverInTheOrderOfArrival(t *testing.T) {
	d := newDoors(nil, 0)
	var in []*ticket
	for i := range 5 {
		tk, h, _ := d.enter(jira, step(i), 0, passes{}, false, noon)
		if tk != nil {
			in = append(in, tk)
		} else if h.why != engine.BlockBusy {
			t.Errorf("step %d waits because of %q", i, h.why)
		}
	}
	if len(in) != 2 || d.waiting("jira") != 3 {
		t.Fatalf("%d are in, %d wait", len(in), d.waiting("jira"))
	}
	out, _ := d.leave(in[0], true, noon)
	if got := who(out); !slices.Equal(got, []string{"run_2"}) {
		t.Errorf("the place went to %v", got)
	}
	if tk, _, _ := d.enter(jira, step(9), 0, passes{}, false, noon); tk != nil {
		t.Error("one that came later took the place")
	}
	out, _ = d.leave(in[1], true, noon)
	if got := who(out); !slices.Equal(got, []string{"run_3"}) {
		t.Errorf("the place went to %v", got)
	}
}

func TestWhoAsksTwiceStandsInLineOnce(t *testing.T) {
	d := newDoors(wires{"jira": cut(noon.Add(time.Minute))}, 0)
	for range 3 {
		if tk, h, next := d.enter(jira, step(1), 0, passes{}, false, noon); tk != nil || h.why != engine.BlockBroken || h.text != "refused" || !next.Equal(noon.Add(time.Minute)) {
			t.Fatalf("%v %+v %s", tk, h, next)
		}
	}
	if n := d.waiting("jira"); n != 1 {
		t.Errorf("%d in line", n)
	}
}

func TestABrokenConnectionIsTriedByOneAndThenTakesAsManyAsItMay(t *testing.T) {
	w := wires{"jira": cut(noon.Add(30 * time.Second))}
	d := newDoors(w, 0)
	for i := range 6 {
		d.enter(jira, step(i), 0, passes{}, false, noon)
	}
	if out, _, next := d.look(noon.Add(29 * time.Second)); len(out) != 0 || !next.Equal(noon.Add(30*time.Second)) {
		t.Errorf("too early: %v, next %s", who(out), next)
	}
	out, _, _ := d.look(noon.Add(30 * time.Second))
	if got := who(out); !slices.Equal(got, []string{"run_0"}) || !d.trying("jira") {
		t.Fatalf("tried by %v", got)
	}
	if more, _, _ := d.look(noon.Add(31 * time.Second)); len(more) != 0 {
		t.Fatalf("tried by %v too", who(more))
	}
	w["jira"] = cut(noon.Add(61 * time.Second)) // it failed
	more, next := d.leave(out[0].ticket, true, noon.Add(31*time.Second))
	if len(more) != 0 || !next.Equal(noon.Add(61*time.Second)) || d.trying("jira") {
		t.Fatalf("after a try that failed: %v, next %s", who(more), next)
	}
	out, _, _ = d.look(noon.Add(61 * time.Second))
	if got := who(out); !slices.Equal(got, []string{"run_1"}) {
		t.Fatalf("tried by %v", got)
	}
	delete(w, "jira") // it went well
	more, _ = d.leave(out[0].ticket, true, noon.Add(62*time.Second))
	if got := who(more); !slices.Equal(got, []string{"run_2", "run_3"}) {
		t.Errorf("not all at once, but %v", got)
	}
}

func TestACallThatWasNotSentLeavesTheTryToTheNext(t *testing.T) {
	d := newDoors(wires{"jira": cut(noon)}, 0)
	first, _, _ := d.enter(jira, step(0), 0, passes{}, false, noon)
	if first == nil {
		t.Fatal("nobody tries")
	}
	d.enter(jira, step(1), 0, passes{}, false, noon)
	out, _ := d.leave(first, false, noon)
	if got := who(out); !slices.Equal(got, []string{"run_1"}) {
		t.Errorf("tried by %v", got)
	}
}

func TestWhatMustNotWaitPassesABrokenAndADisabledConnection(t *testing.T) {
	off := connector.Connection{Name: "jira", Concurrency: 2, Disabled: true}
	for name, tc := range map[string]struct {
		conn connector.Connection
		line breaker.Line
		may  passes
		why  engine.BlockWhy
	}{
		"a step, broken":    {jira, cut(noon.Add(time.Minute)), passes{}, engine.BlockBroken},
		"an undo, broken":   {jira, cut(noon.Add(time.Minute)), passes{true, true}, ""},
		"a step, disabled":  {off, breaker.Line{}, passes{}, engine.BlockDisabled},
		"a release, off":    {off, breaker.Line{}, passes{false, true}, ""},
		"a release, broken": {jira, cut(noon.Add(time.Minute)), passes{false, true}, engine.BlockBroken},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDoors(wires{"jira": tc.line}, 0)
			d.enter(tc.conn, step(0), 0, passes{}, false, noon) // one may stand there already
			tk, h, _ := d.enter(tc.conn, step(1), 0, tc.may, false, noon)
			if h.why != tc.why || (tk != nil) != (tc.why == "") {
				t.Errorf("got %v %+v", tk, h)
			}
		})
	}
}

func TestADisabledConnectionGoesOnWhenItIsEnabled(t *testing.T) {
	d := newDoors(nil, 0)
	d.enter(connector.Connection{Name: "jira", Concurrency: 2, Disabled: true}, step(0), 0, passes{}, false, noon)
	if out, _, next := d.look(noon.Add(time.Hour)); len(out) != 0 || !next.IsZero() {
		t.Fatalf("%v, next %s", who(out), next)
	}
	d.refresh(func(string) (connector.Connection, error) { return jira, nil }, noon)
	out, _, _ := d.look(noon.Add(time.Hour))
	if got := who(out); !slices.Equal(got, []string{"run_0"}) {
		t.Errorf("got %v", got)
	}
}

func TestARateIsABucketThatAllShare(t *testing.T) {
	c := connector.Connection{Name: "jira", Concurrency: 100, Rate: connector.Rate{PerSecond: 2, Burst: 3}}
	d := newDoors(nil, 0)
	var in []*ticket
	for i := range 6 {
		if tk, _, _ := d.enter(c, step(i), 0, passes{}, false, noon); tk != nil {
			in = append(in, tk)
		}
	}
	if len(in) != 3 {
		t.Fatalf("%d of a burst of 3", len(in))
	}
	if out, _, next := d.look(noon.Add(400 * time.Millisecond)); len(out) != 0 || !next.Equal(noon.Add(500*time.Millisecond)) {
		t.Errorf("too early: %v, next %s", who(out), next)
	}
	if out, _, _ := d.look(noon.Add(500 * time.Millisecond)); len(out) != 1 {
		t.Errorf("after half a second: %v", who(out))
	}
	if _, next := d.leave(in[0], true, noon.Add(500*time.Millisecond)); !next.Equal(noon.Add(time.Second)) {
		t.Errorf("next %s", next)
	}
	out, _ := d.leave(in[1], false, noon.Add(500*time.Millisecond)) // it was never sent
	if len(out) != 1 {
		t.Errorf("its turn went to %v", who(out))
	}
}

func TestOnlyALongWaitIsTold(t *testing.T) {
	c := connector.Connection{Name: "jira", Concurrency: 1}
	d := newDoors(nil, 0)
	d.enter(c, step(0), 0, passes{}, false, noon)
	_, _, next := d.enter(c, step(1), 0, passes{}, false, noon)
	if !next.Equal(noon.Add(quietBusy)) {
		t.Errorf("looked at again at %s", next)
	}
	if _, tell, _ := d.look(noon.Add(quietBusy - 1)); len(tell) != 0 {
		t.Errorf("told early: %v", tell)
	}
	_, tell, _ := d.look(noon.Add(quietBusy))
	if len(tell) != 1 || tell[0].run != "run_1" || tell[0].connection != "jira" || tell[0].hold.why != engine.BlockBusy {
		t.Errorf("told %+v", tell)
	}
	if _, again, _ := d.look(noon.Add(2 * quietBusy)); len(again) != 0 {
		t.Errorf("told twice: %v", again)
	}
}

func TestAPlaceAmongAllGoesToWhoeverWaitsAnywhere(t *testing.T) {
	d := newDoors(nil, 1)
	first, _, _ := d.enter(jira, step(0), 0, passes{}, false, noon)
	if tk, _, _ := d.enter(connector.Connection{Name: "edr", Concurrency: 1}, step(1), 0, passes{}, false, noon); tk != nil {
		t.Fatal("more than one at once")
	}
	out, _ := d.leave(first, true, noon)
	if got := who(out); !slices.Equal(got, []string{"run_1"}) {
		t.Errorf("the place went to %v", got)
	}
}

// Whatever comes in whatever order: never more than may be, and nobody is forgotten.
func TestNobodyIsForgottenAtADoor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := wires{}
		most := rapid.IntRange(0, 3).Draw(t, "most")
		d := newDoors(w, most)
		conns := []connector.Connection{
			{Name: "a", Concurrency: 1}, {Name: "b", Concurrency: 3, Rate: connector.Rate{PerSecond: 5, Burst: 1}}, {Name: "c", Concurrency: 2},
		}
		now, n := noon, 0
		waits, inside := map[string]bool{}, map[string]*ticket{}
		take := func(list []handed) {
			for _, h := range list {
				if !waits[h.run] {
					t.Fatalf("%s was handed a place and did not wait", h.run)
				}
				delete(waits, h.run)
				inside[h.run] = h.ticket
			}
		}
		leave := func() {
			for run, tk := range inside {
				delete(inside, run)
				out, _ := d.leave(tk, rapid.Bool().Draw(t, "sent"), now)
				take(out)
				return
			}
		}
		for range rapid.IntRange(1, 60).Draw(t, "moves") {
			switch rapid.IntRange(0, 5).Draw(t, "move") {
			case 0, 1:
				n++
				p := step(n)
				tk, _, _ := d.enter(rapid.SampledFrom(conns).Draw(t, "conn"), p, 0, rapid.SampledFrom([]passes{{}, {}, {}, {false, true}, {true, true}}).Draw(t, "passes"), false, now)
				if tk != nil {
					inside[p.run] = tk
				} else {
					waits[p.run] = true
				}
			case 2:
				leave()
			case 3:
				name := rapid.SampledFrom(conns).Draw(t, "conn").Name
				if _, broken := w[name]; broken {
					delete(w, name)
				} else {
					w[name] = cut(now.Add(time.Minute))
				}
			default:
				now = now.Add(time.Duration(rapid.IntRange(0, 90_000).Draw(t, "ms")) * time.Millisecond)
				out, _, _ := d.look(now)
				take(out)
			}
			if most > 0 && len(inside) > most {
				t.Fatalf("%d at once, %d may be", len(inside), most)
			}
			for _, c := range conns {
				if used := d.open[c.Name]; used != nil && used.used > c.Concurrency {
					t.Fatalf("%d at %s", used.used, c.Name)
				}
			}
			if len(waits) != d.inLine() {
				t.Fatalf("%d wait, %d stand in line", len(waits), d.inLine())
			}
		}
		clear(w)
		for range 10_000 {
			if len(waits)+len(inside) == 0 {
				return
			}
			leave()
			now = now.Add(time.Second)
			out, _, _ := d.look(now)
			take(out)
		}
		t.Fatalf("%d wait for ever", len(waits))
	})
}
