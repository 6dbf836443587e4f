package vault

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/tocsin-soar/tocsin/server/fault"
)

// KeyOptions say where the key of the installation is (contract.md, Settings).
type KeyOptions struct {
	// Key is TOCSIN_KEY: 32 bytes in hex or base64, or "".
	Key string
	// File is TOCSIN_KEY_FILE, or "" for key in the data folder.
	File string
	// Data is the data folder.
	Data string
	// NewDatabase says that there is no database yet: only then a key is made.
	NewDatabase bool
}

const keyFile = "key"

// LoadKey gives the key that seals secrets. It is made only together with a new
// database and only at its default place: beside an existing one a missing key is
// an error, because a new key would make everything sealed before unreadable.
// Nothing is ever overwritten. The path is where the key lies, "" for TOCSIN_KEY.
func LoadKey(o KeyOptions) (key []byte, path string, err error) {
	if o.Key != "" {
		key, err := parseKey(o.Key)
		if err != nil {
			return nil, "", fault.Wrap(err, fault.InvalidInput, "TOCSIN_KEY must be %d bytes in hex or base64", keySize).WithCode("bad_key")
		}
		return key, "", nil
	}
	path = o.File
	if path == "" {
		path = filepath.Join(o.Data, keyFile)
	}
	raw, err := readKey(path)
	switch {
	case err == nil:
		return raw, path, nil
	case !errors.Is(err, fs.ErrNotExist):
		return nil, path, err
	case o.File != "":
		return nil, path, fault.Wrap(err, fault.NotFound, "the key file that TOCSIN_KEY_FILE names does not exist").WithCode("key_missing")
	case !o.NewDatabase:
		return nil, path, fault.Wrap(err, fault.NotFound,
			"the key that seals the secrets of this database is missing: put it back, or name it by TOCSIN_KEY or TOCSIN_KEY_FILE").WithCode("key_missing")
	}
	raw, err = makeKey(path)
	return raw, path, err
}

func parseKey(text string) ([]byte, error) {
	text = strings.TrimSpace(text)
	if raw, err := hex.DecodeString(text); err == nil && len(raw) == keySize {
		return raw, nil
	}
	for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		if raw, err := enc.DecodeString(text); err == nil && len(raw) == keySize {
			return raw, nil
		}
	}
	return nil, errors.New("it is neither")
}

// readKey reads a key file that only its owner may read: hex, base64, or the raw
// 32 bytes.
func readKey(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("look at the key file: %w", err)
	}
	switch {
	case !info.Mode().IsRegular():
		return nil, fault.New(fault.InvalidInput, "the key file is not a regular file").WithCode("bad_key")
	case info.Mode().Perm()&0o077 != 0:
		return nil, fault.New(fault.InvalidInput, "the key file may be read by others than its owner: set its mode to 0600").WithCode("bad_key")
	case info.Size() > 1024:
		return nil, fault.New(fault.InvalidInput, "the key file is too large to be a key").WithCode("bad_key")
	}
	raw, err := os.ReadFile(path) //nolint:gosec // the operator names it
	if err != nil {
		return nil, fmt.Errorf("read the key file: %w", err)
	}
	if len(raw) == keySize {
		return raw, nil
	}
	key, err := parseKey(string(raw))
	if err != nil {
		return nil, fault.Wrap(err, fault.InvalidInput, "the key file must hold %d bytes in hex or base64", keySize).WithCode("bad_key")
	}
	return key, nil
}

// makeKey writes a fresh key, durably, before anything can be sealed with it.
func makeKey(path string) ([]byte, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of the key: %w", err)
	}
	key := make([]byte, keySize)
	fill(key)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the operator names it
	if err != nil {
		return nil, fmt.Errorf("make the key file: %w", err)
	}
	_, err = f.WriteString(hex.EncodeToString(key) + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, fmt.Errorf("write the key file: %w", err)
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("open the folder of the key: %w", err)
	}
	if err = errors.Join(dir.Sync(), dir.Close()); err != nil {
		return nil, fmt.Errorf("write the folder of the key: %w", err)
	}
	return key, nil
}
