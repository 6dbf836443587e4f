package embedded

import "sync"

// slots bounds the calls at once through each connection.
type slots struct {
	mu   sync.Mutex
	open map[string]*door
}

type door struct {
	used    int
	waiting []waiter
}

type waiter struct{ run, path string }

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
	d.waiting = append(d.waiting, w)
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
	next, d.waiting = d.waiting[0], d.waiting[1:]
	return next, true
}
