package embedded

import (
	"context"
	"hash/fnv"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tocsin-soar/tocsin/server/approval"
	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/gate"
	"github.com/tocsin-soar/tocsin/server/perform"
)

// Programs finds the program of a run: of the playbook version it pinned, or of
// its single action. Pins are the actions it began with (action → action_sha256),
// nil for one that has not begun. Playbook is what the policy is told of it.
type Programs interface {
	Program(ctx context.Context, st engine.Start, pins map[string]string) (*engine.Program, gate.Playbook, error)
}

// Requests reads approvals.
type Requests interface {
	Approval(ctx context.Context, id string) (approval.Request, error)
}

// Options of a host. Clock and Sleep are the process's own, or a test's.
type Options struct {
	Journal   Journal
	Performer *perform.Performer
	Programs  Programs
	Requests  Requests
	Clock     func() time.Time
	// Sleep waits for d, or less when the context ends.
	Sleep func(ctx context.Context, d time.Duration)
	Log   *slog.Logger
	// Seed gives the secret from which the tokens of a run's callbacks are made.
	Seed   func(run string) string
	Shards int // how many runs are decided at once; 64 when 0
	// Workers bounds the attempts at once over all connections; 0 for no bound.
	Workers int
	// Lines knows which connections are broken; nil: none ever is.
	Lines Lines
	// Wrote is told of every record after it was written, for the metrics; may be nil.
	Wrote func(rec perform.Record)
	// Panicked is told of every panic that was caught, for the metrics; may be nil.
	Panicked func()
}

// Host runs what the journal holds.
type Host struct {
	Options
	shards []*shard
	doors  *doors
	timers *timers

	air    *air
	loops  sync.WaitGroup  // everything that runs beside; begun only from within it
	ctx    context.Context //nolint:containedctx // the life of the host, from Start to Stop
	cancel context.CancelFunc
	closed atomic.Bool
}

// New makes a host that does nothing yet.
func New(o Options) *Host {
	if o.Shards == 0 {
		o.Shards = 64
	}
	h := &Host{Options: o, doors: newDoors(o.Lines, o.Workers), air: newAir()}
	for range o.Shards {
		h.shards = append(h.shards, &shard{h: h, lives: map[string]*live{}, flying: map[string]map[string]bool{}, queue: newQueue()})
	}
	h.timers = newTimers(h)
	return h
}

// Start begins to work: what was under way when the process stopped goes on first.
func (h *Host) Start(ctx context.Context) error {
	h.ctx, h.cancel = context.WithCancel(ctx)
	for _, s := range h.shards {
		h.loops.Go(s.run)
	}
	after := ""
	for {
		runs, err := h.Journal.Unfinished(ctx, after, 500)
		if err != nil {
			return err
		}
		for _, r := range runs {
			if r.Begun {
				h.Wake(r.Run)
			} else {
				h.Queue(r.Run, r.Priority)
			}
			after = r.Run
		}
		if len(runs) < 500 {
			break
		}
	}
	h.loops.Go(h.timers.run)
	return nil
}

// Queue says that a run is there to be begun. Runs that are at work come first, then
// the highest priority, then the oldest.
func (h *Host) Queue(run string, priority int) {
	h.shardOf(run).queue.enqueue(run, priority)
}

// Wake says that a run has something new: a signal waits for it.
func (h *Host) Wake(run string) { h.send(run, message{kind: wake}) }

// Resume lets the steps go on that the kill switch held back.
func (h *Host) Resume() {
	for _, s := range h.shards {
		s.queue.put(message{kind: resume})
	}
}

// Reopen looks at every connection anew: one may work again, be enabled, or have other
// bounds. Steps that wait go on as far as these let them.
func (h *Host) Reopen() {
	h.doors.refresh(func(name string) (connector.Connection, error) {
		return h.Performer.Estate.Connection(name, "")
	}, h.Clock())
	h.timers.set(h.Clock())
}

// Waiting counts the steps that stand in line at a connection.
func (h *Host) Waiting(connection string) int { return h.doors.waiting(connection) }

// Trying says whether a call is under way that tries whether a connection is back.
func (h *Host) Trying(connection string) bool { return h.doors.trying(connection) }

// Lengths tells how many steps stand in line at connections, and how many messages
// and runs that have not begun wait to be worked on.
func (h *Host) Lengths() (steps, messages int) {
	for _, s := range h.shards {
		messages += s.queue.length()
	}
	return h.doors.inLine(), messages
}

// Reask asks the policy again about a step that waits for people.
func (h *Host) Reask(run, step string) { h.send(run, message{kind: reask, path: step}) }

// Stop takes no new work, waits for dispatched attempts for at most the grace time
// and ends. What has not reported by then is found again at the next start.
func (h *Host) Stop(grace time.Duration) {
	if h.closed.Swap(true) || h.cancel == nil {
		return
	}
	ctx, end := context.WithCancel(context.WithoutCancel(h.ctx))
	landed := h.air.close()
	go func() {
		select {
		case <-landed:
			end()
		case <-ctx.Done():
		}
	}()
	h.Sleep(ctx, grace)
	end()
	h.cancel()
	for _, s := range h.shards {
		s.queue.close()
	}
	h.timers.poke()
	h.loops.Wait()
}

func (h *Host) shardOf(run string) *shard {
	f := fnv.New32a()
	_, _ = f.Write([]byte(run)) // a hash never fails
	return h.shards[int(f.Sum32())%len(h.shards)]
}

func (h *Host) send(run string, m message) {
	m.run = run
	h.shardOf(run).queue.put(m)
}

// later sends a message again after a while: the database refused.
func (h *Host) later(m message, d time.Duration) {
	h.loops.Go(func() {
		h.Sleep(h.ctx, d)
		if h.ctx.Err() == nil {
			h.shardOf(m.run).queue.put(m)
		}
	})
}
