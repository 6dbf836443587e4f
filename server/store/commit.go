package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"time"

	sqlite3 "modernc.org/sqlite/lib" //nolint:depguard // see handle.go

	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/fault"
)

// The bounds of a batch: it closes at the first that is reached, or at once when
// no act waits. The time bounds how long the first act of a batch waits for those
// behind it. It is longer than a commit, or a loaded machine would pay a commit for
// every handful of acts (docs/performance.md).
const (
	maxBatch      = 256
	maxBatchBytes = 4 << 20
	maxBatchTime  = 20 * time.Millisecond
)

// act is one atomic change, on its way through the committer.
type act struct {
	do   func(t *tx) error
	bare func(h *handle) error // in place of do: outside of any transaction
	gone func() error          // why the caller gave up, nil while it waits
	done chan error
}

// commit carries out do in the next batch and answers when that is durable. do
// runs alone, under its own savepoint; its error undoes only what it did and is
// given back. do must be quick and is not repeated.
func (s *Store) commit(ctx context.Context, do func(t *tx) error) error {
	return s.submit(ctx, &act{do: do, gone: ctx.Err, done: make(chan error, 1)})
}

// chore runs do on the writing connection between two batches.
func (s *Store) chore(ctx context.Context, do func(h *handle) error) error {
	return s.submit(ctx, &act{bare: do, gone: ctx.Err, done: make(chan error, 1)})
}

func (s *Store) submit(ctx context.Context, a *act) error {
	select {
	case <-s.stop:
		return s.Ready()
	default:
	}
	select {
	case s.queue <- a:
	case <-ctx.Done():
		return fault.Wrap(ctx.Err(), fault.Timeout, "the database was busy for too long")
	case <-s.stopped:
		return s.Ready()
	}
	select {
	case err := <-a.done:
		return err
	case <-s.stopped: // answered in the last moment, or never looked at
		select {
		case err := <-a.done:
			return err
		default:
			return s.Ready()
		}
	}
}

// committer is the one goroutine that writes.
type committer struct {
	s    *Store
	h    *handle
	head audit.Row // the last committed entry of the audit log
	last int64     // id of the last committed batch
	held *act      // received, but for the next batch
}

// readHead reads where audit log and batches stand.
func (c *committer) readHead() error {
	c.head = audit.Row{}
	err := errors.Join(
		c.h.query(`SELECT seq, chain FROM audit ORDER BY seq DESC LIMIT 1`, func(r row) error {
			c.head.Seq = r.int(0)
			c.head.Chain, _ = audit.HashOf(r.blob(1)) // its length is held by the schema
			return nil
		}),
		c.h.query(`SELECT id FROM batch`, func(r row) error { c.last = r.int(0); return nil }))
	if err != nil {
		return fmt.Errorf("read the head of the audit log: %w", err)
	}
	return nil
}

// run carries out acts until the store is closed and its queue is empty.
func (c *committer) run(ctx context.Context) {
	defer close(c.s.stopped)
	defer func() { c.h.close() }()
	for {
		a := c.take(ctx)
		switch {
		case a == nil:
			return
		case c.h.tls == nil: // closed while the database could not be reopened
			a.done <- fault.New(fault.Unavailable, "the server is stopping").WithCode("stopping")
		case a.bare != nil:
			a.done <- a.bare(c.h)
		default:
			c.batch(ctx, a)
		}
	}
}

// probing is how often a full disk is tried when nobody comes.
const probing = time.Second

// take waits for the next act; nil is the end. While the disk is full it gives
// an empty act now and then, which finds out whether there is space again.
func (c *committer) take(ctx context.Context) *act {
	if a := c.held; a != nil {
		c.held = nil
		return a
	}
	wait := ctx
	if condition(c.s.state.Load()) == full {
		probe, cancel := context.WithTimeout(ctx, probing)
		defer cancel()
		wait = probe
	}
	select {
	case a := <-c.s.queue:
		return a
	case <-wait.Done():
		if ctx.Err() != nil {
			return nil
		}
		return &act{do: func(*tx) error { return nil }, gone: func() error { return nil }, done: make(chan error, 1)}
	case <-c.s.stop:
		select {
		case a := <-c.s.queue:
			return a
		default:
			return nil
		}
	}
}

// batch is a transaction and those who wait for it.
type batch struct {
	t     *tx
	id    int64
	began time.Time
	acts  []*act // carried out, not answered yet
	count int
}

func (c *committer) batch(ctx context.Context, first *act) {
	if condition(c.s.state.Load()) == corrupt {
		first.done <- c.s.Ready()
		return
	}
	b := &batch{id: c.last + 1, began: c.s.opt.Clock()}
	c.h.bound = 0
	if err := c.h.exec("BEGIN IMMEDIATE"); err != nil {
		c.fail(ctx, b, fmt.Errorf("begin: %w", err), first)
		return
	}
	b.t = &tx{handle: c.h, s: c.s, head: c.head}
	for a := first; a != nil; a = c.next(b) {
		if err := c.carryOut(b, a); err != nil {
			c.fail(ctx, b, err, a)
			return
		}
	}
	if len(b.acts) == 0 {
		if err := c.h.rollback(); err != nil {
			c.fail(ctx, b, fmt.Errorf("roll back: %w", err))
		}
		return
	}
	if err := c.h.exec(`UPDATE batch SET id = ?`, b.id); err != nil {
		c.fail(ctx, b, fmt.Errorf("number a batch: %w", err))
		return
	}
	began := c.s.opt.Clock()
	err := c.h.commit()
	if c.s.opt.Committed != nil {
		c.s.opt.Committed(len(b.acts), c.s.opt.Clock().Sub(began), err)
	}
	if err != nil {
		c.unsure(ctx, b, err)
		return
	}
	c.done(b)
}

// next gives the next act of a batch, nil when it closes.
func (c *committer) next(b *batch) *act {
	if b.count >= maxBatch || c.h.bound >= maxBatchBytes {
		return nil
	}
	for range 2 { // whoever was just answered may be about to come again
		select {
		case a := <-c.s.queue:
			if a.bare == nil && c.s.opt.Clock().Sub(b.began) < maxBatchTime {
				return a
			}
			c.held = a
			return nil
		default:
			runtime.Gosched()
		}
	}
	return nil
}

// carryOut runs one act under its savepoint. Its own error is answered at once;
// an error it gives back concerns the whole batch.
func (c *committer) carryOut(b *batch, a *act) error {
	if why := a.gone(); why != nil {
		a.done <- fault.Wrap(why, fault.Timeout, "the database was busy for too long")
		return nil
	}
	b.count++
	mark := b.t.mark()
	if err := c.h.exec("SAVEPOINT act"); err != nil {
		return fmt.Errorf("begin an act: %w", err)
	}
	err := safely(b.t, a.do)
	if !c.h.inTransaction() {
		return errors.Join(errors.New("the transaction was rolled back"), err)
	}
	if err == nil {
		if err = c.h.exec("RELEASE act"); err != nil {
			return fmt.Errorf("end an act: %w", err)
		}
		b.acts = append(b.acts, a)
		return nil
	}
	if undo := errors.Join(c.h.exec("ROLLBACK TO act"), c.h.exec("RELEASE act")); undo != nil {
		return errors.Join(undo, err)
	}
	b.t.reset(mark)
	if broken(err) {
		return err
	}
	a.done <- told(err)
	return nil
}

// safely runs an act; a panic in it is its error and nobody else's.
func safely(t *tx, do func(t *tx) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fault.Wrap(fmt.Errorf("panic: %v\n%s", p, debug.Stack()), fault.Internal, "an internal error")
		}
	}()
	return do(t)
}

// done answers a batch that is durable.
func (c *committer) done(b *batch) {
	c.head, c.last = b.t.head, b.id
	c.s.state.Store(int32(working))
	for _, f := range b.t.after {
		f()
	}
	c.s.count.apply(b.t.claims)
	for _, a := range b.acts {
		a.done <- nil
	}
	c.s.news.add(b.t.changes)
}

// fail answers a batch that certainly is not there: it was never committed.
func (c *committer) fail(ctx context.Context, b *batch, err error, more ...*act) {
	answer := c.judge(err)
	c.s.opt.Log.LogAttrs(ctx, slog.LevelError, "a batch was not written", slog.Int("acts", len(b.acts)+len(more)), slog.Any("error", err))
	if undo := c.h.rollback(); undo != nil {
		c.reopen(ctx, undo)
	}
	for _, a := range append(b.acts, more...) {
		a.done <- answer
	}
}

// unsure finds out whether a batch is there whose COMMIT returned an error, and
// answers it. Until that is known nothing else is written.
func (c *committer) unsure(ctx context.Context, b *batch, err error) {
	answer := c.judge(err)
	if condition(c.s.state.Load()) == working {
		c.s.state.Store(int32(recovering))
	}
	c.s.opt.Log.LogAttrs(ctx, slog.LevelError, "a commit returned an error; looking whether it is there", slog.Any("error", err))
	if !c.reopen(ctx, err) {
		for _, a := range b.acts {
			a.done <- fault.Wrap(err, fault.Unavailable, "it is not known whether the database kept this").WithCode("outcome_unknown")
		}
		return
	}
	if c.last == b.id {
		c.done(b)
		return
	}
	for _, a := range b.acts {
		a.done <- answer
	}
}

// reopen opens a new connection and reads where the database stands. It tries
// until that works; who comes meanwhile is refused. False means the store was
// closed first.
func (c *committer) reopen(ctx context.Context, why error) bool {
	pause := 10 * time.Millisecond
	for {
		c.h.close()
		h, err := c.s.openWriter()
		if err == nil {
			c.h = h
			if err = c.readHead(); err == nil {
				break
			}
		}
		c.s.opt.Log.LogAttrs(ctx, slog.LevelError, "the database cannot be reopened", slog.Any("error", err), slog.Any("after", why))
		if !c.refuse(ctx, pause) {
			return false
		}
		pause = min(2*pause, time.Second)
	}
	if condition(c.s.state.Load()) == recovering {
		c.s.state.Store(int32(working))
	}
	return true
}

// refuse answers whoever comes during a pause that nothing is taken now.
func (c *committer) refuse(ctx context.Context, pause time.Duration) bool {
	wait, cancel := context.WithTimeout(ctx, pause)
	defer cancel()
	for {
		select {
		case a := <-c.s.queue:
			a.done <- fault.New(fault.Unavailable, "the database is being reopened").WithCode("database_recovering")
		case <-wait.Done():
			return ctx.Err() == nil
		case <-c.s.stop:
			return false
		}
	}
}

// judge turns an error of a whole batch into its answer, and remembers a state
// that lasts.
func (c *committer) judge(err error) error {
	var code int32
	if e, ok := errors.AsType[*engineError](err); ok {
		code = e.primary()
	}
	switch code {
	case sqlite3.SQLITE_FULL:
		c.s.state.Store(int32(full))
		return fault.Wrap(err, fault.Unavailable, "the disk is full").WithCode("disk_full").After(5 * time.Second)
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		c.s.state.Store(int32(corrupt))
		return fault.Wrap(err, fault.Unavailable, "the database is damaged; nothing is written to it").WithCode("database_corrupt")
	}
	return fault.Wrap(err, fault.Unavailable, "the database does not take anything now").WithCode("database_unavailable").After(time.Second)
}

// broken says whether an act's error is one of the disk or the database, which
// concerns everybody in the batch.
func broken(err error) bool {
	e, ok := errors.AsType[*engineError](err)
	if !ok {
		return false
	}
	switch e.primary() {
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB,
		sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PROTOCOL:
		return true
	}
	return false
}

// told is what the caller of an act gets: faults as they are, everything else as
// an internal error with its cause.
func told(err error) error {
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fault.Wrap(err, fault.Timeout, "the caller gave up")
	}
	return fault.Wrap(err, fault.Internal, "the database refused this")
}

// constraint says whether an error is a violated constraint, as of a name that
// is taken.
func constraint(err error) bool {
	e, ok := errors.AsType[*engineError](err)
	return ok && e.primary() == sqlite3.SQLITE_CONSTRAINT
}
