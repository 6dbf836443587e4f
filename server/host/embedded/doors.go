package embedded

import (
	"container/heap"
	"math"
	"sync"
	"time"

	"github.com/tocsin-soar/tocsin/server/breaker"
	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/engine"
)

// Lines knows which connections are broken.
type Lines interface {
	// Line tells what is known of one.
	Line(connection string) breaker.Line
}

// doors let calls through to the connections: so many at once, so many a second, and
// none where a connection is broken or disabled. Whoever must wait stands in line and
// is handed a place when its turn comes, so that a place is never taken from under
// somebody. A line is a few words for each step, whatever the number of runs.
type doors struct {
	mu     sync.Mutex
	open   map[string]*door
	lines  Lines // nil: none is ever broken
	most   int   // places of all connections together; 0 for no bound
	used   int   // likewise
	queued int   // in all lines
	full   bool
}

// door is one connection's.
type door struct {
	name     string
	limit    int
	rate     connector.Rate
	disabled bool

	used   int
	trying bool // a call is under way that tries whether the connection is back
	tokens float64
	filled time.Time
	line   line
	came   int64 // all that ever stood in line
	untold int   // of those in line
	in     map[place]*waiter
}

// place names a step of a run.
type place struct{ run, path string }

// waiter is a step in line. Whom less holds back comes first, then the highest
// priority, then the oldest run, so that runs end instead of all being half done.
type waiter struct {
	place
	passes   passes
	priority int
	number   int64 // in the order in which they came
	since    time.Time
	told     bool // the run's journal says that it waits
}

// before says whether one comes before another.
func (w *waiter) before(o *waiter) bool {
	switch {
	case w.passes.rank() != o.passes.rank():
		return w.passes.rank() > o.passes.rank()
	case w.priority != o.priority:
		return w.priority > o.priority
	case w.run != o.run:
		return w.run < o.run
	}
	return w.number < o.number
}

// line is a heap.
type line []*waiter

func (l line) Len() int           { return len(l) }
func (l line) Less(i, j int) bool { return l[i].before(l[j]) }
func (l line) Swap(i, j int)      { l[i], l[j] = l[j], l[i] }

// Push is for the heap.
func (l *line) Push(x any) { *l = append(*l, x.(*waiter)) } //nolint:forcetypeassert // only queue pushes

// Pop is for the heap.
func (l *line) Pop() any {
	last := (*l)[len(*l)-1]
	(*l)[len(*l)-1] = nil
	*l = (*l)[:len(*l)-1]
	return last
}

// passes says what does not hold a step back: who passes broken passes disabled too.
type passes struct{ broken, disabled bool }

// ticket is a place at a connection. It is given back once.
type ticket struct {
	door  *door
	tries bool // it is the call that tries whether the connection is back
}

// handed is a ticket for somebody who stood in line.
type handed struct {
	place
	ticket *ticket
}

// hold says why somebody waits.
type hold struct {
	why  engine.BlockWhy
	text string
}

const (
	defaultPlaces = 8
	// A step may wait for so long before its run says so: shorter waits are not worth a
	// line in the journal. A wait for a place ends as fast as the other side works.
	quiet     = time.Second
	quietBusy = 5 * time.Second
	// tick bounds how often the lines are looked at by the clock.
	tick = 25 * time.Millisecond
)

func newDoors(lines Lines, most int) *doors {
	return &doors{open: map[string]*door{}, lines: lines, most: most}
}

// enter takes a place for a step, or puts it in line, says why it waits and when to
// look again. Told says that its run's journal says already that it waits.
func (d *doors) enter(c connector.Connection, p place, priority int, may passes, told bool, now time.Time) (*ticket, hold, time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	o := d.at(c, now)
	h, next := d.refuses(o, may, now)
	w, waits := o.in[p] // it has asked before
	if !waits {
		w = &waiter{place: p, passes: may, priority: priority, since: now, number: o.came}
		if h.why == "" && (len(o.line) == 0 || w.before(o.line[0])) { // nobody stands before it
			return d.take(o, may), h, next
		}
		d.queue(o, w)
	}
	if h.why == "" {
		h.why = engine.BlockBusy // the one before it is about to be handed the place
	}
	if told || h.why == engine.BlockBroken || h.why == engine.BlockDisabled {
		o.tell(w)
	} else {
		next = sooner(next, w.since.Add(h.patience()))
	}
	return nil, h, next
}

// at gives a connection's door with its bounds as they are now.
func (d *doors) at(c connector.Connection, now time.Time) *door {
	o := d.open[c.Name]
	if o == nil {
		o = &door{name: c.Name, in: map[place]*waiter{}, filled: now}
		d.open[c.Name] = o
	}
	o.limit, o.disabled = c.Concurrency, c.Disabled
	if o.limit <= 0 {
		o.limit = defaultPlaces
	}
	if o.rate != c.Rate {
		o.rate, o.tokens, o.filled = c.Rate, burst(c.Rate), now
	}
	return o
}

// burst is how many calls may go out at once after a pause.
func burst(r connector.Rate) float64 {
	if r.Burst > 0 {
		return float64(r.Burst)
	}
	return max(1, math.Ceil(r.PerSecond))
}

// rank is higher for those whom less holds back.
func (p passes) rank() int {
	switch {
	case p.broken:
		return 2
	case p.disabled:
		return 1
	}
	return 0
}

func (d *doors) queue(o *door, w *waiter) {
	heap.Push(&o.line, w)
	o.in[w.place] = w
	o.came++
	o.untold++
	d.queued++
}

func (h hold) patience() time.Duration {
	if h.why == engine.BlockBusy {
		return quietBusy
	}
	return quiet
}

// tell notes that the run's journal says that the step waits, or need not any more.
func (o *door) tell(w *waiter) {
	if !w.told {
		w.told = true
		o.untold--
	}
}

// refuses says why a call may not go out now, and when to look again (zero: when
// something else happens). No reason: it may.
func (d *doors) refuses(o *door, may passes, now time.Time) (hold, time.Time) {
	if o.disabled && !may.disabled {
		return hold{why: engine.BlockDisabled}, time.Time{}
	}
	if l := d.line(o); l.Open && !may.broken {
		if !l.Admits(now) {
			return hold{engine.BlockBroken, l.Error}, l.Until
		}
		if o.trying {
			return hold{engine.BlockBroken, l.Error}, time.Time{}
		}
	}
	if d.most > 0 && d.used >= d.most {
		d.full = true
		return hold{why: engine.BlockBusy}, time.Time{}
	}
	if o.used >= o.limit {
		return hold{why: engine.BlockBusy}, time.Time{}
	}
	if next, ok := o.turn(now); !ok {
		return hold{why: engine.BlockRate}, next
	}
	return hold{}, time.Time{}
}

func (d *doors) line(o *door) breaker.Line {
	if d.lines == nil {
		return breaker.Line{}
	}
	return d.lines.Line(o.name)
}

// broken says in words how a connection is broken that is not called just now; "" for
// one that is.
func (d *doors) broken(o *door) string {
	l := d.line(o)
	if !l.Open {
		return ""
	}
	return l.Error
}

// take takes a place that was not refused.
func (d *doors) take(o *door, may passes) *ticket {
	t := &ticket{door: o}
	if !may.broken && d.line(o).Open {
		t.tries, o.trying = true, true
	}
	if o.rate.PerSecond > 0 {
		o.tokens--
	}
	o.used++
	d.used++
	return t
}

// turn says whether the connection's rate has room for a call, and else when.
func (o *door) turn(now time.Time) (time.Time, bool) {
	if o.rate.PerSecond <= 0 {
		return time.Time{}, true
	}
	if past := now.Sub(o.filled); past > 0 {
		o.tokens = min(burst(o.rate), o.tokens+past.Seconds()*o.rate.PerSecond)
		o.filled = now
	}
	if o.tokens >= 1 {
		return time.Time{}, true
	}
	return now.Add(time.Duration(min(math.Ceil((1-o.tokens)/o.rate.PerSecond*float64(time.Second)), float64(time.Hour)))), false
}

// leave gives a place back and hands it on. A call that was never sent does not count
// against the rate.
func (d *doors) leave(t *ticket, sent bool, now time.Time) ([]handed, time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	o := t.door
	o.used--
	d.used--
	if !sent && o.rate.PerSecond > 0 {
		o.tokens = min(burst(o.rate), o.tokens+1)
	}
	if t.tries {
		o.trying = false
	}
	if d.queued == 0 {
		return nil, time.Time{}
	}
	if d.full { // others may have waited for this place
		d.full = false
		return d.serveAll(now)
	}
	return d.serve(o, now, nil)
}

// serve hands places to those in line, as many as there are, and says when to look
// again.
func (d *doors) serve(o *door, now time.Time, out []handed) ([]handed, time.Time) {
	for len(o.line) > 0 {
		w := o.line[0]
		if h, next := d.refuses(o, w.passes, now); h.why != "" {
			return out, next
		}
		heap.Pop(&o.line)
		o.tell(w)
		delete(o.in, w.place)
		d.queued--
		out = append(out, handed{w.place, d.take(o, w.passes)})
	}
	return out, time.Time{}
}

func (d *doors) serveAll(now time.Time) (out []handed, next time.Time) {
	for _, o := range d.open {
		if len(o.line) == 0 {
			continue
		}
		var at time.Time
		out, at = d.serve(o, now, out)
		next = sooner(next, at)
	}
	return out, next
}

// refresh takes over the bounds of connections that somebody stands before; find gives
// a connection as it is now. One that cannot be found lets everybody pass, so that each
// says for itself what is wrong.
func (d *doors) refresh(find func(name string) (connector.Connection, error), now time.Time) {
	d.mu.Lock()
	names := make([]string, 0, len(d.open))
	for name, o := range d.open {
		if len(o.line) > 0 {
			names = append(names, name)
		}
	}
	d.mu.Unlock()
	for _, name := range names {
		c, err := find(name)
		if err != nil {
			c = connector.Connection{Name: name}
		}
		d.mu.Lock()
		d.at(c, now)
		d.mu.Unlock()
	}
}

// look hands places out by the clock, and lists those who have waited for so long that
// their runs should say so.
func (d *doors) look(now time.Time) (out []handed, tell []told, next time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.queued == 0 {
		return nil, nil, time.Time{}
	}
	out, next = d.serveAll(now)
	for _, o := range d.open {
		if o.untold == 0 {
			continue
		}
		h, _ := d.refuses(o, o.line[0].passes, now)
		for _, w := range o.line {
			switch due := w.since.Add(h.patience()); {
			case w.told:
			case due.After(now):
				next = sooner(next, due)
			default:
				o.tell(w)
				tell = append(tell, told{w.place, o.name, h})
			}
		}
	}
	if !next.IsZero() && next.Before(now.Add(tick)) {
		next = now.Add(tick)
	}
	return out, tell, next
}

// told is somebody whose run should say that it waits.
type told struct {
	place
	connection string
	hold       hold
}

// waiting counts those in line at a connection.
func (d *doors) waiting(connection string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	if o := d.open[connection]; o != nil {
		return len(o.line)
	}
	return 0
}

// trying says whether a call is under way that tries whether a connection is back.
func (d *doors) trying(connection string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	o := d.open[connection]
	return o != nil && o.trying
}

// inLine counts those in all lines.
func (d *doors) inLine() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.queued
}

// sooner is the earlier of two moments; zero is none.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
