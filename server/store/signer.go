package store

import (
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/tocsin-soar/tocsin/server/secret"
)

// signer holds the key that checkpoints of the audit log are signed with.
type signer struct {
	seed secret.Value
	pub  ed25519.PublicKey
}

func (k signer) public() ed25519.PublicKey { return k.pub }

func (k signer) private() ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed([]byte(k.seed.Reveal()))
}

// signerPath is where the key lies, beside its database.
func signerPath(db string) string { return filepath.Join(filepath.Dir(db), "audit.key") }

// openSigner reads the key beside the database, and makes it only together with
// a new one: a key made later would look like a forged history.
func openSigner(path string, fresh bool, random io.Reader) (signer, error) {
	raw, err := os.ReadFile(path) //nolint:gosec // a path of the operator's own
	if errors.Is(err, fs.ErrNotExist) && fresh {
		seed := make([]byte, ed25519.SeedSize)
		if _, err := io.ReadFull(random, seed); err != nil {
			return signer{}, fmt.Errorf("make the key of the audit log: %w", err)
		}
		if err := writeFile(path, []byte(hex.EncodeToString(seed)+"\n")); err != nil {
			return signer{}, err
		}
		return signerOf(seed), nil
	}
	if errors.Is(err, fs.ErrNotExist) {
		return signer{}, fmt.Errorf("the key of the audit log %s is missing beside its database; put it back (a backup does not hold it), or use tocsin restore", path)
	}
	if err != nil {
		return signer{}, fmt.Errorf("read the key of the audit log: %w", err)
	}
	seed, err := hex.DecodeString(strings.TrimSpace(string(raw)))
	if err != nil || len(seed) != ed25519.SeedSize {
		return signer{}, fmt.Errorf("the key of the audit log %s is not %d hex digits", path, 2*ed25519.SeedSize)
	}
	return signerOf(seed), nil
}

func signerOf(seed []byte) signer {
	pub, _ := ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
	return signer{secret.Of(string(seed)), pub}
}
