package embedded

import (
	"sync"

	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/perform"
)

type messageKind int

const (
	wake   messageKind = iota // the run is queued, or signals wait
	fire                      // a timer is due
	result                    // an attempt has reported
	ask                       // a connection has a place for the step
	resume                    // the kill switch is off
	reask                     // the policy changed
)

// message is what a shard's loop works on.
type message struct {
	kind   messageKind
	run    string
	path   string
	timer  perform.TimerKey
	body   engine.Body
	wanted engine.Wanted
	row    *perform.Decided // of a check that was asked of the policy
	conn   string           // whose place is offered
	tries  int
}

// queue is unbounded, so that a loop may send to itself.
type queue struct {
	mu     sync.Mutex
	more   *sync.Cond
	list   []message
	closed bool
}

func newQueue() *queue {
	q := &queue{}
	q.more = sync.NewCond(&q.mu)
	return q
}

func (q *queue) put(m message) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.closed {
		q.list = append(q.list, m)
		q.more.Signal()
	}
}

// take waits for the next message; ok is false when the queue is closed.
func (q *queue) take() (m message, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.list) == 0 && !q.closed {
		q.more.Wait()
	}
	if q.closed {
		return message{}, false
	}
	m, q.list = q.list[0], q.list[1:]
	return m, true
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.more.Broadcast()
}
