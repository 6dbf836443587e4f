package store

import (
	"slices"
	"sync"

	"github.com/tocsin-soar/tocsin/server/lookup"
)

// news tells listeners what was committed, in order, on a goroutine of its own,
// so that a slow listener never holds up a commit.
type news struct {
	mu     sync.Mutex
	wait   *sync.Cond
	queue  []lookup.Change
	ended  bool
	next   int
	listen map[int]func([]lookup.Change)
	over   chan struct{}
}

func newNews() *news {
	n := &news{listen: map[int]func([]lookup.Change){}, over: make(chan struct{})}
	n.wait = sync.NewCond(&n.mu)
	return n
}

// Subscribe calls hear with every change that is committed from now on, in
// order, never from two goroutines at once; the slice is hear's only during the
// call. Cancel ends it. hear must not wait for long: changes pile up in memory.
func (s *Store) Subscribe(hear func([]lookup.Change)) (cancel func()) {
	n := s.news
	n.mu.Lock()
	defer n.mu.Unlock()
	id := n.next
	n.next++
	n.listen[id] = hear
	return func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		delete(n.listen, id)
	}
}

func (n *news) add(changes []lookup.Change) {
	if len(changes) == 0 {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.queue = append(n.queue, changes...)
	n.wait.Signal()
}

func (n *news) close() {
	n.mu.Lock()
	n.ended = true
	n.wait.Signal()
	n.mu.Unlock()
	<-n.over
}

// run delivers until the end, and then what is left.
func (n *news) run() {
	defer close(n.over)
	for {
		n.mu.Lock()
		for len(n.queue) == 0 && !n.ended {
			n.wait.Wait()
		}
		batch := n.queue
		n.queue = nil
		ids := make([]int, 0, len(n.listen))
		for id := range n.listen {
			ids = append(ids, id)
		}
		slices.Sort(ids)
		hear := make([]func([]lookup.Change), len(ids))
		for i, id := range ids {
			hear[i] = n.listen[id]
		}
		n.mu.Unlock()
		if len(batch) == 0 {
			return
		}
		for _, h := range hear {
			h(batch)
		}
	}
}
