package embedded

import (
	"container/heap"
	"sync"
)

// slots bounds the calls at once through each connection.
type slots struct {
	mu   sync.Mutex
	open map[string]*door
}

type door struct {
	used    int
	waiting waiters
	count   int64 // of all that ever waited
}

// waiter is a step that waits for a place. Those of the highest priority come first,
// then those of the oldest run, so that runs end instead of all being half done.
type waiter struct {
	run, path string
	priority  int
	number    int64 // in the order in which they came
}

// waiters is a heap.
type waiters []waiter

func (w waiters) Len() int { return len(w) }
func (w waiters) Less(i, j int) bool {
	switch {
	case w[i].priority != w[j].priority:
		return w[i].priority > w[j].priority
	case w[i].run != w[j].run:
		return w[i].run < w[j].run
	default:
		return w[i].number < w[j].number
	}
}
func (w waiters) Swap(i, j int) { w[i], w[j] = w[j], w[i] }
func (w *waiters) Push(x any)   { *w = append(*w, x.(waiter)) } //nolint:forcetypeassert // only take pushes
func (w *waiters) Pop() any {
	last := (*w)[len(*w)-1]
	*w = (*w)[:len(*w)-1]
	return last
}

func newSlots() *slots { return &slots{open: map[string]*door{}} }

// take gives a place, or notes who waits for one.
func (s *slots) take(conn string, limit int, w waiter) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.open[conn]
	if d == nil {
		d = &door{}
		s.open[conn] = d
	}
	if d.used < max(1, limit) {
		d.used++
		return true
	}
	d.count++
	w.number = d.count
	heap.Push(&d.waiting, w)
	return false
}

// free gives a place back, and names who gets it next. That one asks for it again.
func (s *slots) free(conn string) (next waiter, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.open[conn]
	if d == nil {
		return waiter{}, false
	}
	d.used--
	return d.pop()
}

// skip names the next in line, where the one before it did not want its place.
func (s *slots) skip(conn string) (next waiter, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.open[conn]
	if d == nil {
		return waiter{}, false
	}
	return d.pop()
}

func (d *door) pop() (next waiter, ok bool) {
	if len(d.waiting) == 0 {
		return waiter{}, false
	}
	next, ok = heap.Pop(&d.waiting).(waiter)
	return next, ok
}
