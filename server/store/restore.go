package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/tocsin-soar/tocsin/server/approval"
	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/engine"
)

// Restored is what a restore made.
type Restored struct {
	Instance string // the new name
	Was      string // the name of the database that was backed up
	Doubtful int64  // runs whose attempts without result are in doubt
	Void     int64  // approvals that no longer hold
}

// Restore puts a backup in place as a database of its own: with a new name, so
// that nothing that was approved for the old one holds; with every attempt
// without a result in doubt, for the original may have gone on; and quarantined
// until a person lifts the halt. It needs the server stopped and no database at
// o.Path. The key that seals secrets must be put beside it by hand.
func Restore(ctx context.Context, src string, o Options) (Restored, error) {
	for _, p := range []string{o.Path, o.Path + "-wal", o.Path + "-shm"} {
		if _, err := os.Lstat(p); !errors.Is(err, fs.ErrNotExist) {
			return Restored{}, fmt.Errorf("restore: %s is there already; move it away first", p)
		}
	}
	if err := checkManifest(src); err != nil {
		return Restored{}, err
	}
	if _, err := prepareFile(o.Path + ".new"); err != nil {
		return Restored{}, err
	}
	lock, err := lockFile(o.Path + ".lock")
	if err != nil {
		return Restored{}, err
	}
	r, err := restoreInto(ctx, src, o)
	if err != nil {
		err = errors.Join(fmt.Errorf("restore: %w", err), os.RemoveAll(o.Path+".new"), os.RemoveAll(o.Path+".new-wal"), os.RemoveAll(o.Path+".new-shm"))
	}
	return r, errors.Join(err, lock.Close())
}

// checkManifest compares a backup with its manifest; a backup without one is
// refused.
func checkManifest(src string) error {
	raw, err := os.ReadFile(manifestPath(src))
	if err != nil {
		return fmt.Errorf("restore: read the manifest of the backup: %w", err)
	}
	var b Backup
	if err := json.Unmarshal(raw, &b); err != nil || b.Format != 1 {
		return errors.New("restore: the manifest of the backup is not one that this version reads")
	}
	sum, size, err := sumFile(src)
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	if sum != b.SHA256 || size != b.Bytes {
		return errors.New("restore: the backup is not the file that its manifest describes")
	}
	return nil
}

func restoreInto(ctx context.Context, src string, o Options) (Restored, error) {
	tmp := o.Path + ".new"
	if err := copyFile(src, tmp); err != nil {
		return Restored{}, err
	}
	if err := migrate(ctx, tmp, false); err != nil {
		return Restored{}, err
	}
	h, err := openHandle(tmp)
	if err != nil {
		return Restored{}, err
	}
	r, err := rename(ctx, h, o)
	if err == nil {
		err = h.script("PRAGMA wal_checkpoint(TRUNCATE)")
	}
	h.close()
	if err != nil {
		return r, err
	}
	if _, _, err := sumFile(tmp); err != nil {
		return r, err
	}
	if err := os.Rename(tmp, o.Path); err != nil {
		return r, fmt.Errorf("put the database in place: %w", err)
	}
	return r, errors.Join(os.RemoveAll(tmp+"-wal"), os.RemoveAll(tmp+"-shm"))
}

func copyFile(src, dest string) error {
	in, err := os.Open(src) //nolint:gosec // a path of the operator's own
	if err != nil {
		return fmt.Errorf("open the backup: %w", err)
	}
	out, err := os.OpenFile(dest, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600) //nolint:gosec // a path of the operator's own
	if err != nil {
		return errors.Join(fmt.Errorf("copy the backup: %w", err), in.Close())
	}
	_, err = io.Copy(out, in)
	if err = errors.Join(err, out.Sync(), out.Close(), in.Close()); err != nil {
		return fmt.Errorf("copy the backup: %w", err)
	}
	return nil
}

// rename makes a copy a database of its own, in one transaction.
func rename(ctx context.Context, h *handle, o Options) (Restored, error) {
	report, err := examine(ctx, h)
	if err != nil {
		return Restored{}, err
	}
	r := Restored{Was: report.Instance}
	now := o.Clock()
	if r.Instance, err = newInstance(o.Random, now); err != nil {
		return r, err
	}
	key, err := openSigner(signerPath(o.Path), true, o.Random)
	if err != nil {
		return r, err
	}
	t := &tx{handle: h, s: &Store{opt: o}, head: audit.Row{Seq: report.Entries, Chain: report.Chain}}
	if err := h.exec("BEGIN IMMEDIATE"); err != nil {
		return r, fmt.Errorf("begin: %w", err)
	}
	if err := t.hold(&r, audit.KeyText(key.public()), now); err != nil {
		return r, errors.Join(err, h.rollback())
	}
	if err := h.commit(); err != nil {
		return r, errors.Join(fmt.Errorf("commit: %w", err), h.rollback())
	}
	return r, nil
}

// hold stops everything that the original had under way.
func (t *tx) hold(r *Restored, key string, now time.Time) error {
	was := ""
	err := t.query(`SELECT id, audit_key FROM instance`, func(c row) error { r.Was, was = c.text(0), c.text(1); return nil })
	if err == nil {
		err = t.exec(`UPDATE instance SET id = ?, audit_key = ?, halted = 1, halt_reason = 'quarantine: restored from a backup', halt_by = 'system',
			halt_since = ?, halt_approval = '', quarantine = 1, restored_at = ?`, r.Instance, key, now, now)
	}
	if err == nil {
		err = t.exec(`UPDATE run SET lost = head WHERE ` + open)
		r.Doubtful = t.handle.changes()
	}
	if err == nil {
		err = t.exec(`DELETE FROM session`)
	}
	if err == nil {
		err = t.exec(`DELETE FROM link`)
	}
	if err != nil {
		return fmt.Errorf("hold what was under way: %w", err)
	}
	if err := t.voidAll(r, now); err != nil {
		return err
	}
	drafts := []audit.Draft{{
		At: now, Actor: audit.Actor{Kind: "system"}, Verb: "backup.restore", Object: audit.Object{Kind: "instance", ID: r.Instance},
		Reason: fmt.Sprintf("restored from a backup of %s; quarantined", r.Was), Outcome: audit.Done,
	}}
	if key != was {
		drafts = append(drafts, audit.Draft{
			At: now, Actor: audit.Actor{Kind: "system"}, Verb: audit.VerbKey, Object: audit.Object{Kind: "instance", ID: r.Instance},
			Digest: key, Reason: "the key of the original is not here", Outcome: audit.Done,
		})
	}
	return t.link(drafts...)
}

// voidAll ends every approval that waits or could still be used: their digests
// name the original.
func (t *tx) voidAll(r *Restored, now time.Time) error {
	type stored struct {
		req     approval.Request
		version int64
	}
	var all []stored
	err := t.query(`SELECT version, body FROM approval WHERE status IN ('pending', 'approved')`, func(c row) error {
		x := stored{version: c.int(0)}
		if err := readJSON(c.text(1), &x.req); err != nil {
			return err
		}
		if x.req.Status == approval.Pending || !x.req.UsedUp {
			all = append(all, x)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the approvals: %w", err)
	}
	for _, x := range all {
		x.req.Status, x.req.Why, x.req.DecidedAt, x.req.HeldUntil = approval.Void, "restored from a backup: the approval was for the original", &now, nil
		if err := t.saveApproval(x.req, x.version+1); err != nil {
			return err
		}
		if err := t.askAnew(x.req); err != nil {
			return err
		}
	}
	r.Void = int64(len(all))
	return nil
}

// askAnew lets the run of a void approval ask again, once it may go on.
func (t *tx) askAnew(req approval.Request) error {
	if req.Run == "" {
		return nil
	}
	kind, raw, err := engine.Encode(engine.ApprovalDecided{
		Path: req.Step, Approval: req.ID, Status: string(approval.Withdrawn), By: []string{}, Comment: req.Why,
	})
	if err != nil {
		return err
	}
	return t.signal(req.Run, kind, raw)
}
