package audit

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// VerbBegin is the verb of the first entry: its object is the instance, its
// digest the public key (see KeyText).
const VerbBegin = "audit.begin"

// VerbKey is the verb of an entry that names a new public key, after a restore
// to where the old one is not.
const VerbKey = "audit.key"

// Checkpoint is the state of the log at one size. Shipped away, it proves
// against the owner of the server that nothing before it was changed.
type Checkpoint struct {
	Instance  string    `json:"instance"`
	Size      int64     `json:"size"`
	Root      Hash      `json:"root"`
	Chain     Hash      `json:"chain"` // of the entry with seq = size
	At        time.Time `json:"at"`
	Key       string    `json:"key"`       // the public key, see KeyText
	Signature []byte    `json:"signature"` // ed25519 over Text
}

// Text gives the bytes that are signed.
func (c Checkpoint) Text() []byte {
	b := []byte(`{"at":`)
	b = appendText(b, Stamp(c.At))
	b = append(b, `,"chain":`...)
	b = appendText(b, c.Chain.String())
	b = append(b, `,"instance":`...)
	b = appendText(b, c.Instance)
	b = append(b, `,"root":`...)
	b = appendText(b, c.Root.String())
	b = append(b, `,"size":`...)
	b = strconv.AppendInt(b, c.Size, 10)
	return append(b, `,"v":1}`...)
}

// Sign fills Key and Signature.
func (c Checkpoint) Sign(key ed25519.PrivateKey) Checkpoint {
	pub, _ := key.Public().(ed25519.PublicKey)
	c.Key = KeyText(pub)
	c.Signature = ed25519.Sign(key, c.Text())
	return c
}

// Signed says whether the signature is that of key.
func (c Checkpoint) Signed(key ed25519.PublicKey) bool {
	return len(key) == ed25519.PublicKeySize && ed25519.Verify(key, c.Text(), c.Signature)
}

const keyPrefix = "ed25519:"

// KeyText writes a public key: "ed25519:" and base64.
func KeyText(key ed25519.PublicKey) string {
	return keyPrefix + base64.StdEncoding.EncodeToString(key)
}

// ParseKey reads what KeyText wrote.
func ParseKey(s string) (ed25519.PublicKey, error) {
	rest, ok := strings.CutPrefix(s, keyPrefix)
	if !ok {
		return nil, fmt.Errorf("a public key begins with %s", keyPrefix)
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(rest)
	if err != nil {
		return nil, fmt.Errorf("read a public key: %w", err)
	}
	if len(raw) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("a public key has %d bytes, not %d", ed25519.PublicKeySize, len(raw))
	}
	return raw, nil
}
