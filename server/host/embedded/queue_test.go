package embedded

import (
	"slices"
	"testing"
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
	s := newSlots()
	if !s.take("c", 1, waiter{run: "run_0"}) {
		t.Fatal("no place")
	}
	for _, w := range []waiter{
		{run: "run_3", path: "a", priority: 2},
		{run: "run_2", path: "z", priority: 2},
		{run: "run_2", path: "a", priority: 2},
		{run: "run_4", priority: 5},
		{run: "run_1", priority: 1},
	} {
		if s.take("c", 1, w) {
			t.Fatal("two places where there is one")
		}
	}
	var got []string
	for range 5 {
		w, ok := s.free("c")
		if !ok {
			t.Fatal("nobody waits")
		}
		got = append(got, w.run+w.path)
	}
	if want := []string{"run_4", "run_2z", "run_2a", "run_3a", "run_1"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if w, ok := s.skip("c"); ok {
		t.Errorf("%v waits", w)
	}
}
