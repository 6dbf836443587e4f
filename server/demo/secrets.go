package demo

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/tocsin-soar/tocsin/server/secret"
)

// credentials are the secrets of this installation: made once, kept in files of
// mode 0600 that the workspace's file:// references name.
type credentials struct {
	products map[string]secret.Value
	hooks    map[string]secret.Value
}

func openSecrets(dir string) (credentials, error) {
	c := credentials{products: map[string]secret.Value{}, hooks: map[string]secret.Value{}}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return c, fmt.Errorf("make the range's secrets: %w", err)
	}
	for _, p := range []string{"siem", "edr", "tickets", "directory", "mail", "chat", "firewall"} {
		s, err := openSecret(filepath.Join(dir, "range-"+p))
		if err != nil {
			return c, err
		}
		c.products[p] = s
	}
	for _, src := range []string{"range-edr", "range-siem", "range-mail"} {
		s, err := openSecret(filepath.Join(dir, src+"-hook"))
		if err != nil {
			return c, err
		}
		c.hooks[src] = s
	}
	return c, nil
}

// openSecret reads a secret, or makes it. A file that is empty was left by a
// crash before anybody used it: it is made anew.
func openSecret(file string) (secret.Value, error) {
	raw, err := os.ReadFile(file) //nolint:gosec // a file of the range's own folder
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return secret.Value{}, fmt.Errorf("read a secret of the range: %w", err)
	}
	if text := strings.TrimSpace(string(raw)); text != "" {
		return secret.Of(text), nil
	}
	text := rand.Text() + rand.Text()
	if err := writeFile(file, []byte(text)); err != nil { // CreateTemp gives mode 0600
		return secret.Value{}, err
	}
	return secret.Of(text), nil
}
