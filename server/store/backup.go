package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/tocsin-soar/tocsin/server/audit"
)

// Backup is what stands in the manifest beside a backup.
type Backup struct {
	Format    int        `json:"format"` // 1
	Version   string     `json:"version"`
	Instance  string     `json:"instance"`
	At        time.Time  `json:"at"`
	SHA256    string     `json:"sha256"` // of the file
	Bytes     int64      `json:"bytes"`
	AuditSeq  int64      `json:"audit_seq"`
	AuditHead audit.Hash `json:"audit_head"` // chain of the entry audit_seq
	AuditRoot audit.Hash `json:"audit_root"`
	AuditKey  string     `json:"audit_key"`
	// Keys says in words where the keys lie, which no backup holds.
	Keys string `json:"keys"`
}

// manifestPath is where the manifest of a backup lies.
func manifestPath(file string) string { return file + ".json" }

// Backup writes a consistent copy of the database to a file that is not there
// yet, while everything goes on, checks it, and writes its manifest beside it.
// version is that of the program, key where the key that seals secrets lies.
func (s *Store) Backup(ctx context.Context, dest, version, key string) (Backup, error) {
	if _, err := os.Lstat(dest); !errors.Is(err, fs.ErrNotExist) {
		return Backup{}, fmt.Errorf("back up: %s is there already", filepath.Base(dest))
	}
	tmp := dest + ".new"
	if err := os.RemoveAll(tmp); err != nil {
		return Backup{}, fmt.Errorf("back up: %w", err)
	}
	b := Backup{
		Format: 1, Version: version, Instance: s.instance, At: s.opt.Clock().UTC(), AuditKey: s.PublicKey(),
		Keys: fmt.Sprintf("The backup holds no key. Keep %s (without it the sealed secrets are lost) and %s (it signs the audit log).", key, signerPath(s.opt.Path)),
	}
	err := s.copyInto(tmp)
	if err == nil {
		err = b.examine(ctx, tmp)
	}
	if err == nil {
		err = b.finish(tmp, dest)
	}
	if err != nil {
		return Backup{}, errors.Join(fmt.Errorf("back up: %w", err), os.RemoveAll(tmp))
	}
	return b, nil
}

// copyInto copies the database as it is at one moment; a plain copy of the file
// would lack what is still in the write-ahead log.
func (s *Store) copyInto(tmp string) error {
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // a path of the operator's own
	if err != nil {
		return fmt.Errorf("make the copy: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("make the copy: %w", err)
	}
	h, err := openHandle(s.opt.Path)
	if err != nil {
		return err
	}
	defer h.close()
	if err := h.exec(`VACUUM INTO ?`, tmp); err != nil {
		return fmt.Errorf("copy the database: %w", err)
	}
	return nil
}

// examine checks a copy whole, and takes over what the manifest says of it.
func (b *Backup) examine(ctx context.Context, path string) error {
	h, err := openHandle(path)
	if err != nil {
		return err
	}
	defer h.close()
	report, err := examine(ctx, h)
	if err != nil {
		return err
	}
	if report.Instance == "" || report.Entries == 0 {
		return errors.New("the copy has no audit log")
	}
	b.AuditSeq, b.AuditHead, b.AuditRoot = report.Entries, report.Chain, report.Root
	return nil
}

// examine checks every page and the chain of the audit log.
func examine(_ context.Context, h *handle) (audit.Report, error) {
	var found string
	err := h.query(`PRAGMA integrity_check(1)`, func(r row) error { found = r.text(0); return nil })
	if err != nil {
		return audit.Report{}, fmt.Errorf("check the copy: %w", err)
	}
	if found != "ok" {
		return audit.Report{}, fmt.Errorf("the copy is damaged: %s", found)
	}
	checks, err := checkpointsOf(h)
	if err != nil {
		return audit.Report{}, err
	}
	report, err := audit.Verify(rowsOf(h), nil, checks)
	if err != nil {
		return report, err
	}
	if f := report.First; f != nil {
		return report, fmt.Errorf("the audit log of the copy is %s at entry %d: %s", f.Damage, f.Seq, f.Why)
	}
	return report, nil
}

func checkpointsOf(h *handle) ([]audit.Checkpoint, error) {
	var out []audit.Checkpoint
	err := h.query(`SELECT size, instance, root, chain, at, key, signature FROM checkpoint ORDER BY size`, func(r row) error {
		c := audit.Checkpoint{Size: r.int(0), Instance: r.text(1), At: r.time(4), Key: r.text(5), Signature: r.blob(6)}
		c.Root, _ = audit.HashOf(r.blob(2))
		c.Chain, _ = audit.HashOf(r.blob(3))
		out = append(out, c)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the checkpoints: %w", err)
	}
	return out, nil
}

// rowsOf gives the audit log of a connection.
func rowsOf(h *handle) func(yield func(audit.Row, error) bool) {
	return func(yield func(audit.Row, error) bool) {
		enough := errors.New("enough")
		err := h.query(`SELECT seq, entry, leaf, chain FROM audit ORDER BY seq`, func(r row) error {
			a := audit.Row{Seq: r.int(0), Entry: r.blob(1)}
			a.Leaf, _ = audit.HashOf(r.blob(2))
			a.Chain, _ = audit.HashOf(r.blob(3))
			if !yield(a, nil) {
				return enough
			}
			return nil
		})
		if err != nil && !errors.Is(err, enough) {
			yield(audit.Row{}, err)
		}
	}
}

// finish makes the copy durable under its name, with its manifest.
func (b *Backup) finish(tmp, dest string) error {
	sum, size, err := sumFile(tmp)
	if err != nil {
		return err
	}
	b.SHA256, b.Bytes = sum, size
	raw, err := json.MarshalIndent(b, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the manifest: %w", err)
	}
	if err := writeFile(manifestPath(dest), append(raw, '\n')); err != nil {
		return err
	}
	if err := os.Rename(tmp, dest); err != nil {
		return fmt.Errorf("name the copy: %w", err)
	}
	return syncDir(filepath.Dir(dest))
}

// sumFile syncs a file and gives its hash and size.
func sumFile(path string) (sum string, size int64, err error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0) //nolint:gosec // a path of the operator's own
	if err != nil {
		return "", 0, fmt.Errorf("read the copy: %w", err)
	}
	h := sha256.New()
	size, err = io.Copy(h, f)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return "", 0, fmt.Errorf("read the copy: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil)), size, nil
}
