// Package store owns gorm with SQLite: tables, rows, transactions; row structs
// are private, mapped to nouns.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"gorm.io/gorm"

	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/ident"
)

// Options say where the database lies and what the store takes from outside.
type Options struct {
	// Path is the database file; beside it lie -wal, -shm, .lock, instance.lock
	// and audit.key.
	Path string
	// Clock gives the time; nothing of the store's own is dated otherwise.
	Clock func() time.Time
	Log   *slog.Logger
	// Random is where the instance's name and the audit key come from.
	Random io.Reader
	// Instance names the instance (TOCSIN_INSTANCE) where the machine's identity
	// says nothing, as in a container; "" elsewhere.
	Instance string
	// Committed is told of every transaction: how many acts were in it, how long its
	// COMMIT took, and what that said; may be nil.
	Committed func(acts int, took time.Duration, err error)

	faults faults // only of tests
}

// Store is the database. Every write goes through one committer; reads have
// connections of their own.
type Store struct {
	opt   Options
	lock  *os.File
	pool  *sql.DB
	read  *gorm.DB
	fresh bool // the database was made by this Open

	queue   chan *act
	stop    chan struct{} // closed: take no new act
	stopped chan struct{} // closed: no act is carried out any more
	once    sync.Once
	state   atomic.Int32 // a condition
	cancel  context.CancelFunc

	instance string
	halted   atomic.Bool
	key      signer
	news     *news
	count    *counters
	loader   loader
	wants    sync.Map // subject → true: somebody may want to hear of it

	tending sync.Mutex // one Tend at a time
	tree    audit.Tree // of the audit log, as far as it was read
}

// condition of the committer.
type condition int32

const (
	working    condition = iota
	recovering           // a COMMIT failed; whether it is there is not known yet
	full                 // the last batch found the disk full
	corrupt              // the database is damaged: nothing is written any more
)

// Open opens the database and makes it where there is none. It refuses one that
// another process has open, that is damaged, or that a newer version has moved
// on. The caller closes it.
func Open(ctx context.Context, o Options) (*Store, error) {
	if o.Path == "" || o.Clock == nil || o.Log == nil || o.Random == nil {
		return nil, errors.New("open the store: path, clock, log and randomness must be given")
	}
	fresh, err := prepareFile(o.Path)
	if err != nil {
		return nil, err
	}
	lock, err := lockFile(o.Path + ".lock")
	if err != nil {
		return nil, err
	}
	s := &Store{
		opt: o, lock: lock, fresh: fresh,
		queue: make(chan *act, maxBatch), stop: make(chan struct{}), stopped: make(chan struct{}),
		news: newNews(), count: newCounters(),
	}
	s.loader.open = s.openReader
	if err := s.open(ctx); err != nil {
		if s.pool != nil {
			err = errors.Join(err, s.pool.Close())
		}
		return nil, errors.Join(err, lock.Close())
	}
	return s, nil
}

func (s *Store) open(ctx context.Context) error {
	if err := migrate(ctx, s.opt.Path, s.fresh); err != nil {
		return err
	}
	var err error
	if s.pool, s.read, err = openPool(ctx, s.opt.Path); err != nil {
		return err
	}
	h, err := s.openWriter()
	if err != nil {
		return err
	}
	c := &committer{s: s, h: h}
	if err := s.begin(ctx, c); err != nil {
		c.h.close()
		return err
	}
	if err := s.listened(ctx); err != nil {
		c.h.close()
		return err
	}
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s.cancel = cancel
	go s.news.run()
	go c.run(life)
	if err := s.watchInstance(ctx); err != nil {
		s.shutDown(ctx)
		return err
	}
	return nil
}

// begin reads what lives in memory, and writes the first rows of a new database.
func (s *Store) begin(ctx context.Context, c *committer) error {
	var found bool
	var key string
	err := c.h.query(`SELECT id, halted, audit_key FROM instance`, func(r row) error {
		found, s.instance, key = true, r.text(0), r.text(2)
		s.halted.Store(r.bool(1))
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the instance: %w", err)
	}
	if s.key, err = openSigner(signerPath(s.opt.Path), !found, s.opt.Random); err != nil {
		return err
	}
	if found && key != audit.KeyText(s.key.public()) {
		return fmt.Errorf("%s is not the key of this database's audit log; a copy is put in place by tocsin restore", signerPath(s.opt.Path))
	}
	if !found {
		if err := s.found(c); err != nil {
			return err
		}
	}
	if err := c.readHead(); err != nil {
		return err
	}
	return s.count.load(ctx, c.h, s.opt.Clock())
}

// found gives a new database its name and the audit log its first entry.
func (s *Store) found(c *committer) error {
	now := s.opt.Clock()
	var err error
	if s.instance, err = newInstance(s.opt.Random, now); err != nil {
		return err
	}
	if err := c.h.exec("BEGIN IMMEDIATE"); err != nil {
		return fmt.Errorf("begin the first transaction: %w", err)
	}
	t := &tx{handle: c.h, s: s}
	err = t.exec(`INSERT INTO instance (one, id, audit_key, created_at, halted, halt_reason, halt_by, halt_since, halt_approval, quarantine, restored_at)
		VALUES (1, ?, ?, ?, 0, '', '', NULL, '', 0, NULL)`, s.instance, audit.KeyText(s.key.public()), now)
	if err == nil {
		err = t.link(audit.Draft{
			At: now, Actor: audit.Actor{Kind: "system"}, Verb: audit.VerbBegin,
			Object: audit.Object{Kind: "instance", ID: s.instance}, Digest: audit.KeyText(s.key.public()), Outcome: audit.Done,
		})
	}
	if err == nil {
		err = c.h.commit()
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write the first rows: %w", err), c.h.rollback())
	}
	return nil
}

func newInstance(chance io.Reader, now time.Time) (string, error) {
	var random [10]byte
	if _, err := io.ReadFull(chance, random[:]); err != nil {
		return "", fmt.Errorf("name the instance: %w", err)
	}
	return ident.New("ins_", now, random), nil
}

// Instance is the name of this database; a restore gives another one.
func (s *Store) Instance() string { return s.instance }

// Fresh says whether this Open made the database: then, and only then, may the
// key that seals secrets be made.
func (s *Store) Fresh() bool { return s.fresh }

// PublicKey gives the key that checkpoints of the audit log are signed with, as
// audit.KeyText writes it.
func (s *Store) PublicKey() string { return audit.KeyText(s.key.public()) }

// Ready is nil when what is given to the store will be kept; else it says in
// words why not.
func (s *Store) Ready() error {
	select {
	case <-s.stop:
		return fault.New(fault.Unavailable, "the server is stopping").WithCode("stopping")
	default:
	}
	switch condition(s.state.Load()) {
	case working:
		return nil
	case recovering:
		return fault.New(fault.Unavailable, "the database is being reopened").WithCode("database_recovering")
	case full:
		return errFull()
	case corrupt:
		return fault.New(fault.Unavailable, "the database is damaged; nothing is written to it").WithCode("database_corrupt")
	}
	return nil
}

func errFull() *fault.Error {
	return fault.New(fault.Unavailable, "the disk is full").WithCode("disk_full").After(5 * time.Second)
}

// Halted says whether the kill switch is on, from memory.
func (s *Store) Halted() bool { return s.halted.Load() }

// Close carries out what was given to the store, writes instance.lock and closes
// the database. A second Close does nothing.
func (s *Store) Close(ctx context.Context) error {
	var err error
	s.once.Do(func() {
		err = s.writeInstance(ctx)
		s.shutDown(ctx)
		s.loader.close()
		err = errors.Join(err, s.pool.Close(), s.lock.Close())
	})
	return err
}

// shutDown ends the committer after what is queued.
func (s *Store) shutDown(ctx context.Context) {
	close(s.stop)
	select {
	case <-s.stopped:
	case <-ctx.Done():
		s.cancel()
		<-s.stopped
	}
	s.cancel()
	s.news.close()
}
