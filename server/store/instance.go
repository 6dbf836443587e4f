package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/control"
)

// footprint is what instance.lock says: which database lay here, how far it had
// come, and on which machine (governance.md, Backup).
type footprint struct {
	Instance string `json:"instance"`
	Seq      int64  `json:"seq"` // of the audit log
	Inode    uint64 `json:"inode"`
	Machine  string `json:"machine"`
}

func (s *Store) lockPath() string { return filepath.Join(filepath.Dir(s.opt.Path), "instance.lock") }

// footprintNow describes the database as it lies here.
func (s *Store) footprintNow(seq int64) (footprint, error) {
	info, err := os.Stat(s.opt.Path)
	if err != nil {
		return footprint{}, fmt.Errorf("look at the database: %w", err)
	}
	return footprint{s.instance, seq, inode(info), s.machine()}, nil
}

// machine names where the database lies: as the settings say, else by the
// machine's own identity. Not the device, which a reboot may change.
func (s *Store) machine() string {
	if s.opt.Instance != "" {
		return "named:" + s.opt.Instance
	}
	raw, err := os.ReadFile("/etc/machine-id")
	if err != nil {
		return "" // there is none; the inode says what it can
	}
	return strings.TrimSpace(string(raw))
}

// watchInstance quarantines a database that is not where it was left: restored
// from a copy, cloned, or rolled back.
func (s *Store) watchInstance(ctx context.Context) error {
	var seq int64
	if err := s.each(ctx, `SELECT coalesce(max(seq), 0) FROM audit`, nil, func(scan func(...any) error) error { return scan(&seq) }); err != nil {
		return err
	}
	now, err := s.footprintNow(seq)
	if err != nil {
		return err
	}
	why, err := s.moved(now)
	if err != nil {
		return err
	}
	if why != "" {
		s.opt.Log.LogAttrs(ctx, slog.LevelWarn, "the database is quarantined: nothing is done until the kill switch is lifted", slog.String("why", why))
		if err := s.quarantine(ctx, why); err != nil {
			return err
		}
	}
	return s.writeInstance(ctx)
}

// moved says in words why a database is not the one that was left here, "" when
// it is.
func (s *Store) moved(now footprint) (string, error) {
	raw, err := os.ReadFile(s.lockPath())
	if errors.Is(err, fs.ErrNotExist) {
		if now.Seq <= 1 { // new, or stopped right after it was made
			return "", nil
		}
		return "instance.lock is missing beside a database that was in use", nil
	}
	if err != nil {
		return "", fmt.Errorf("read instance.lock: %w", err)
	}
	var then footprint
	if err := json.Unmarshal(raw, &then); err != nil {
		return "instance.lock cannot be read", nil //nolint:nilerr // what cannot be read proves nothing
	}
	switch {
	case then.Instance != now.Instance:
		return "instance.lock is that of another database", nil
	case then.Inode != now.Inode:
		return "the database file is not the one that was left here", nil
	case then.Machine != now.Machine:
		return "the database was left on another machine", nil
	case then.Seq > now.Seq:
		return fmt.Sprintf("the database was rolled back: the audit log had %d entries and has %d", then.Seq, now.Seq), nil
	}
	return "", nil
}

// quarantine halts everything until a person lifts it.
func (s *Store) quarantine(ctx context.Context, why string) error {
	now := s.opt.Clock()
	return s.commit(ctx, func(t *tx) error {
		h, err := t.readHalt()
		if err != nil || h.Quarantine {
			return err
		}
		h = control.Halt{On: true, Reason: "quarantine: " + why, By: "system", Since: &now, Quarantine: true}
		if err := t.saveHalt(h); err != nil {
			return err
		}
		return t.link(audit.Draft{
			At: now, Actor: audit.Actor{Kind: "system"}, Verb: "halt.on", Object: audit.Object{Kind: "halt", ID: "halt"},
			Reason: h.Reason, Outcome: audit.Done,
		})
	})
}

// writeInstance writes instance.lock as of now.
func (s *Store) writeInstance(ctx context.Context) error {
	var seq int64
	if err := s.each(ctx, `SELECT coalesce(max(seq), 0) FROM audit`, nil, func(scan func(...any) error) error { return scan(&seq) }); err != nil {
		return err
	}
	f, err := s.footprintNow(seq)
	if err != nil {
		return err
	}
	raw, err := json.Marshal(f)
	if err != nil {
		return fmt.Errorf("encode instance.lock: %w", err)
	}
	return writeFile(s.lockPath(), append(raw, '\n'))
}

// Keep says for how long what is kept for a while is kept; zero keeps for ever.
type Keep struct {
	Decisions  time.Duration // other than plainly allowed reads
	PlainReads time.Duration
	// Notifications are kept this long; those that still ask for something, for ever.
	Notifications time.Duration
}

// sweepRows bounds how many rows of a kind one sweep removes, so that it never
// holds up a commit for long; the next one goes on.
const sweepRows = 2000

// maxWAL is the size of the write-ahead log above which it is cut as soon as no
// reader needs it.
const maxWAL = 64 << 20

// Tend does what is due each minute: it signs a checkpoint of the audit log,
// writes instance.lock, forgets what is no longer kept and bounds the
// write-ahead log. The checkpoint is given back to be shipped away.
func (s *Store) Tend(ctx context.Context, keep Keep) (audit.Checkpoint, error) {
	s.tending.Lock()
	defer s.tending.Unlock()
	c, err := s.checkpoint(ctx)
	return c, errors.Join(err, s.writeInstance(ctx), s.sweep(ctx, keep), s.boundWAL(ctx))
}

// Checkpoint signs the audit log as it stands now.
func (s *Store) Checkpoint(ctx context.Context) (audit.Checkpoint, error) {
	s.tending.Lock()
	defer s.tending.Unlock()
	return s.checkpoint(ctx)
}

// checkpoint signs the audit log as it stands, unless that was done already.
func (s *Store) checkpoint(ctx context.Context) (audit.Checkpoint, error) {
	var chain []byte
	err := s.each(ctx, `SELECT leaf, chain FROM audit WHERE seq > ? ORDER BY seq`, []any{s.tree.Size()}, func(scan func(...any) error) error {
		var leaf []byte
		if err := scan(&leaf, &chain); err != nil {
			return err
		}
		h, ok := audit.HashOf(leaf)
		if !ok {
			return errors.New("a leaf of the audit log is no hash")
		}
		s.tree.Append(h)
		return nil
	})
	if err != nil {
		return audit.Checkpoint{}, err
	}
	last, err := s.Checkpoints(ctx, 1)
	if err != nil {
		return audit.Checkpoint{}, err
	}
	if len(last) == 1 && last[0].Size == s.tree.Size() {
		return last[0], nil
	}
	c := audit.Checkpoint{Instance: s.instance, Size: s.tree.Size(), Root: s.tree.Root(), At: s.opt.Clock()}
	if chain == nil { // nothing new, and no checkpoint yet at this size
		if chain, err = s.chainAt(ctx, c.Size); err != nil {
			return c, err
		}
	}
	c.Chain, _ = audit.HashOf(chain)
	c = c.Sign(s.key.private())
	return c, s.commit(ctx, func(t *tx) error {
		err := t.exec(`INSERT INTO checkpoint (size, instance, root, chain, at, key, signature) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
			c.Size, c.Instance, c.Root[:], c.Chain[:], c.At, c.Key, c.Signature)
		if err != nil {
			return fmt.Errorf("write a checkpoint: %w", err)
		}
		return nil
	})
}

func (s *Store) chainAt(ctx context.Context, seq int64) (chain []byte, err error) {
	err = s.each(ctx, `SELECT chain FROM audit WHERE seq = ?`, []any{seq}, func(scan func(...any) error) error { return scan(&chain) })
	return chain, err
}

// Checkpoints gives the newest signed states of the audit log, newest first; all
// of them with limit 0.
func (s *Store) Checkpoints(ctx context.Context, limit int) ([]audit.Checkpoint, error) {
	if limit <= 0 {
		limit = -1
	}
	out := []audit.Checkpoint{}
	err := s.each(ctx, `SELECT size, instance, root, chain, at, key, signature FROM checkpoint ORDER BY size DESC LIMIT ?`, []any{limit}, func(scan func(...any) error) error {
		var c audit.Checkpoint
		var root, chain []byte
		var at int64
		if err := scan(&c.Size, &c.Instance, &root, &chain, &at, &c.Key, &c.Signature); err != nil {
			return err
		}
		c.At = micro(at)
		c.Root, _ = audit.HashOf(root)
		c.Chain, _ = audit.HashOf(chain)
		out = append(out, c)
		return nil
	})
	return out, err
}

// sweep forgets what is no longer kept.
func (s *Store) sweep(ctx context.Context, keep Keep) error {
	now := s.opt.Clock()
	return s.commit(ctx, func(t *tx) error {
		err := t.exec(`DELETE FROM delivery WHERE (source, identity) IN (SELECT source, identity FROM delivery WHERE at < ? LIMIT ?)`,
			now.Add(-keepDelivery), sweepRows)
		if err == nil && keep.Decisions > 0 {
			err = t.exec(`DELETE FROM decision WHERE id IN (SELECT id FROM decision WHERE plain = 0 AND at < ? LIMIT ?)`, now.Add(-keep.Decisions), sweepRows)
		}
		if err == nil && keep.PlainReads > 0 {
			err = t.exec(`DELETE FROM decision WHERE id IN (SELECT id FROM decision WHERE plain = 1 AND at < ? LIMIT ?)`, now.Add(-keep.PlainReads), sweepRows)
		}
		if err == nil {
			err = t.exec(`DELETE FROM reservation WHERE decision IN (SELECT r.decision FROM reservation r LEFT JOIN run ON run.id = r.run
				WHERE r.at < ? AND (run.id IS NULL OR run.status NOT IN ('queued', 'running', 'waiting')) LIMIT ?)`, now.Add(-25*time.Hour), sweepRows)
		}
		if err == nil && keep.Notifications > 0 {
			err = t.forgetNotifications(now.Add(-keep.Notifications))
		}
		if err == nil {
			err = t.exec(`DELETE FROM outbox WHERE seq < (SELECT max(seq) FROM outbox) - ?`, outboxRows)
		}
		if err != nil {
			return fmt.Errorf("forget what is old: %w", err)
		}
		return nil
	})
}

// outboxRows is how far back the event stream can be resumed.
const outboxRows = 100_000

// boundWAL cuts a write-ahead log that readers have kept from shrinking.
func (s *Store) boundWAL(ctx context.Context) error {
	info, err := os.Stat(s.opt.Path + "-wal")
	if err != nil || info.Size() <= maxWAL {
		return nil //nolint:nilerr // no log, nothing to cut
	}
	return s.cutWAL(ctx)
}

func (s *Store) cutWAL(ctx context.Context) error {
	return s.chore(ctx, func(h *handle) error { // does not wait for readers: everybody would wait with it
		return errors.Join(h.script("PRAGMA busy_timeout=0"), h.query("PRAGMA wal_checkpoint(TRUNCATE)", nil), h.script("PRAGMA busy_timeout=10000"))
	})
}
