package embedded

import "sync"

// air counts the attempts between their question and the record of their outcome. A
// host that stops lets none begin and waits until the last has landed.
type air struct {
	mu     sync.Mutex
	n      int
	closed bool
	empty  chan struct{} // closed when the air is closed and nothing is in it
}

func newAir() *air { return &air{empty: make(chan struct{})} }

// begin says whether another attempt may begin; each that did must end.
func (a *air) begin() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return false
	}
	a.n++
	return true
}

func (a *air) end() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.n--
	if a.closed && a.n == 0 {
		close(a.empty)
	}
}

// close lets nothing begin any more; the channel closes when all has ended.
func (a *air) close() <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.closed {
		a.closed = true
		if a.n == 0 {
			close(a.empty)
		}
	}
	return a.empty
}
