package demo

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

//go:embed all:workspace
var shipped embed.FS

// placeholder stands in the shipped connections where the range's address goes.
const placeholder = "http://range.invalid"

// writeWorkspace writes the folder that the product loads. A file that is as it
// should be is not touched, so that nobody loads it again.
func writeWorkspace(dir, url string) error {
	err := fs.WalkDir(shipped, "workspace", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel("workspace", filepath.FromSlash(name))
		if err != nil {
			return fmt.Errorf("name a file: %w", err)
		}
		to := filepath.Join(dir, rel)
		if d.IsDir() {
			return os.MkdirAll(to, 0o700)
		}
		want, err := shipped.ReadFile(path.Clean(name))
		if err != nil {
			return fmt.Errorf("read a shipped file: %w", err)
		}
		want = bytes.ReplaceAll(want, []byte(placeholder), []byte(url))
		got, err := os.ReadFile(to) //nolint:gosec // a file of the range's own folder
		if err == nil && bytes.Equal(got, want) {
			return nil
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("read the old file: %w", err)
		}
		return writeFile(to, want)
	})
	if err != nil {
		return fmt.Errorf("write the range's workspace: %w", err)
	}
	return nil
}
