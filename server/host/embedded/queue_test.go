package embedded

import (
	"slices"
	"testing"

	"github.com/tocsin-soar/tocsin/server/connector"
)

func TestWhatWasBegunComesBeforeWhatIsNew(t *testing.T) {
	q := newQueue()
	q.enqueue("run_2", 2)
	q.enqueue("run_1", 2)
	q.enqueue("run_9", 5)
	q.put(message{kind: result, run: "run_5"})
	q.put(message{kind: fire, run: "run_4"})
	var got []string
	for range 5 {
		m, _ := q.take(true)
		got = append(got, m.run)
	}
	if want := []string{"run_5", "run_4", "run_9", "run_1", "run_2"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestWhileOthersAreHeldARunBeginsOnlyAfterANudge(t *testing.T) {
	q := newQueue()
	q.enqueue("run_1", 1)
	q.enqueue("run_2", 1)
	for _, want := range []string{"run_1", "run_2"} {
		if m, _ := q.take(false); m.kind != impatient {
			t.Fatalf("%v comes without a nudge", m)
		}
		q.nudge()
		if m, _ := q.take(false); m.kind != wake || m.run != want {
			t.Fatalf("%v after a nudge, want %s", m, want)
		}
	}
	q.put(message{kind: ask, run: "run_3"})
	if m, _ := q.take(false); m.run != "run_3" {
		t.Errorf("%v: what is at work needs no nudge", m)
	}
	q.close()
	if _, ok := q.take(false); ok {
		t.Error("a closed queue gives something")
	}
}

func TestPlacesGoToTheMostSevereThenTheOldestRun(t *testing.T) {
	d := newDoors(nil, 0)
	one := connector.Connection{Name: "c", Concurrency: 1}
	held, _, _ := d.enter(one, place{run: "run_0"}, 1, passes{}, false, noon)
	for _, w := range []struct {
		place
		priority int
		passes   passes
	}{
		{place{"run_3", "a"}, 2, passes{}},
		{place{"run_2", "z"}, 2, passes{}},
		{place{"run_2", "a"}, 2, passes{}},
		{place{"run_4", ""}, 5, passes{}},
		{place{"run_1", ""}, 1, passes{}},
		{place{"run_9", ""}, 1, passes{true, true}},
	} {
		if tk, _, _ := d.enter(one, w.place, w.priority, w.passes, false, noon); tk != nil {
			t.Fatal("two places where there is one")
		}
	}
	var got []string
	for range 6 {
		out, _ := d.leave(held, true, noon)
		if len(out) != 1 {
			t.Fatalf("the place goes to %v", who(out))
		}
		held = out[0].ticket
		got = append(got, out[0].run+out[0].path)
	}
	if want := []string{"run_9", "run_4", "run_2z", "run_2a", "run_3a", "run_1"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if out, _ := d.leave(held, true, noon); len(out) != 0 {
		t.Errorf("%v waits", who(out))
	}
}
