package embedded

import (
	"container/heap"
	"sync"

	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/perform"
)

type messageKind int

const (
	wake      messageKind = iota // the run is queued, or signals wait
	fire                         // a timer is due
	result                       // an attempt has reported
	ask                          // a connection has a place for the step
	tell                         // the step has waited for one for so long that its run says so
	resume                       // the kill switch is off
	reask                        // the policy changed
	impatient                    // runs wait to begin while others are held
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
	ticket *ticket          // the place that is handed over
	tries  int
}

// queue is unbounded, so that a loop may send to itself. Messages for runs that are
// at work come before runs that have not begun: what was begun shall end, and a flood
// of new runs must not fill the memory with runs that wait for each other.
type queue struct {
	mu     sync.Mutex
	more   *sync.Cond
	list   []message
	fresh  fresh // runs that have not begun
	timing bool  // somebody will nudge
	nudged bool  // one may begin although others are held
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

func (q *queue) enqueue(run string, priority int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.closed {
		heap.Push(&q.fresh, begin{run, priority})
		q.more.Signal()
	}
}

// nudge lets one run begin.
func (q *queue) nudge() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.timing, q.nudged = false, true
	q.more.Signal()
}

// take waits for the next message; ok is false when the queue is closed. Unless
// admit, a run only begins after a nudge: take asks for one with a message of kind
// impatient.
func (q *queue) take(admit bool) (m message, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		switch {
		case q.closed:
			return message{}, false
		case len(q.list) > 0:
			m, q.list = q.list[0], q.list[1:]
			return m, true
		case len(q.fresh) > 0 && (admit || q.nudged):
			q.nudged = false
			b, _ := heap.Pop(&q.fresh).(begin) // it holds nothing else
			return message{kind: wake, run: b.run}, true
		case len(q.fresh) > 0 && !q.timing:
			q.timing = true
			return message{kind: impatient}, true
		}
		q.more.Wait()
	}
}

func (q *queue) length() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.list) + len(q.fresh)
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.more.Broadcast()
}

// begin is a run that has not begun.
type begin struct {
	run      string
	priority int
}

// fresh is a heap of runs: the highest priority first, then the oldest, which is
// what the order of their ids says.
type fresh []begin

func (f fresh) Len() int { return len(f) }
func (f fresh) Less(i, j int) bool {
	if f[i].priority != f[j].priority {
		return f[i].priority > f[j].priority
	}
	return f[i].run < f[j].run
}
func (f fresh) Swap(i, j int) { f[i], f[j] = f[j], f[i] }
func (f *fresh) Push(x any)   { *f = append(*f, x.(begin)) } //nolint:forcetypeassert // only enqueue pushes
func (f *fresh) Pop() any {
	last := (*f)[len(*f)-1]
	*f = (*f)[:len(*f)-1]
	return last
}
