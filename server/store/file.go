package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// prepareFile makes folder and file of a database with modes that keep others
// out, and says whether the database is new. The journal files inherit the mode.
func prepareFile(path string) (fresh bool, err error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return false, fmt.Errorf("make the folder of the database: %w", err)
	}
	info, err := os.Stat(path)
	if err == nil {
		if !info.Mode().IsRegular() {
			return false, fmt.Errorf("open the database: %s is not a file", path)
		}
		if info.Mode().Perm() != 0o600 {
			if err := os.Chmod(path, 0o600); err != nil {
				return false, fmt.Errorf("keep others out of the database: %w", err)
			}
		}
		return info.Size() == 0, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("look for the database: %w", err)
	}
	for _, left := range []string{path + "-wal", path + "-shm"} {
		if _, err := os.Stat(left); err == nil {
			return false, fmt.Errorf("the database %s is missing beside its journal %s: put it back, or move the journal away", path, left)
		}
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600) //nolint:gosec // a path of the operator's own
	if err != nil {
		return false, fmt.Errorf("make the database: %w", err)
	}
	if err := f.Close(); err != nil {
		return false, fmt.Errorf("make the database: %w", err)
	}
	return true, nil
}

// lockFile keeps a second process out. The system drops the lock when the
// process ends, however it ends.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // a path of the operator's own
	if err != nil {
		return nil, fmt.Errorf("open the lock of the database: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = fmt.Errorf("another process has the database open (%s is locked)", path)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock the database: %w", err), f.Close())
	}
	return f, nil
}

// writeFile replaces a small file so that a crash leaves the old or the new one.
func writeFile(path string, raw []byte) error {
	tmp := path + ".new"
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600) //nolint:gosec // a path of the operator's own
	if err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	_, err = f.Write(raw)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(tmp, path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	return nil
}

// syncDir makes renames in a folder durable.
func syncDir(path string) error {
	d, err := os.Open(path) //nolint:gosec // a path of the operator's own
	if err != nil {
		return fmt.Errorf("open a folder: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("sync a folder: %w", err)
	}
	return nil
}

// inode names a file within its device; 0 where there is no such thing.
func inode(info fs.FileInfo) uint64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return st.Ino
	}
	return 0
}
