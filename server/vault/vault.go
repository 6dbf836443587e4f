// Package vault seals and opens secrets.
package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/tocsin-soar/tocsin/server/fault"
)

// Place says where a sealed text lies. A text opens only where it was sealed:
// moved to another row, column or version it is refused.
type Place struct {
	Table   string
	Row     string
	Column  string
	Version int64
}

// aad is unambiguous: every part stands behind its length.
func (p Place) aad() []byte {
	out := []byte("tocsin/vault/1")
	for _, s := range []string{p.Table, p.Row, p.Column} {
		out = binary.BigEndian.AppendUint64(out, uint64(len(s)))
		out = append(out, s...)
	}
	return binary.BigEndian.AppendUint64(out, uint64(p.Version)) //nolint:gosec // any 64 bits will do, they only have to differ
}

const (
	keySize  = 32
	format   = 1 // first byte of what Seal gives
	nonce    = 12
	tag      = 16
	wrapped  = nonce + keySize + tag
	maxPlain = 1 << 20
)

// Vault seals with a fresh key for each text (AES-256-GCM), itself sealed under
// the key of the installation. It may be used by many goroutines.
type Vault struct {
	kek    cipher.AEAD
	tokens []byte // key of the words that Word makes
}

// New makes a vault on a key of 32 bytes.
func New(key []byte) (*Vault, error) {
	if len(key) != keySize {
		return nil, fault.New(fault.Internal, "the key that seals secrets must have %d bytes", keySize)
	}
	kek, err := aead(key)
	if err != nil {
		return nil, err
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("tocsin words"))
	return &Vault{kek: kek, tokens: mac.Sum(nil)}, nil
}

// Word makes a secret of a text: always the same for this installation, and to be
// guessed by nobody without its key.
func (v *Vault) Word(text string) string {
	mac := hmac.New(sha256.New, v.tokens)
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil))
}

func aead(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("make a cipher: %w", err)
	}
	g, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("make a cipher: %w", err)
	}
	return g, nil
}

// Seal encrypts a text for its place: format, nonce and sealed data key, nonce
// and sealed text.
func (v *Vault) Seal(at Place, plain []byte) ([]byte, error) {
	if len(plain) > maxPlain {
		return nil, fault.New(fault.TooLarge, "a secret may not exceed %d bytes", maxPlain)
	}
	dek := make([]byte, keySize)
	fill(dek)
	defer clear(dek)
	inner, err := aead(dek)
	if err != nil {
		return nil, err
	}
	aad := at.aad()
	out := make([]byte, 0, 1+wrapped+nonce+len(plain)+tag)
	out = append(out, format)
	out = seal(v.kek, out, dek, aad)
	return seal(inner, out, plain, aad), nil
}

// fill reads random bytes; crypto/rand never fails, it ends the program instead.
func fill(b []byte) { _, _ = rand.Read(b) }

func seal(with cipher.AEAD, out, plain, aad []byte) []byte {
	n := make([]byte, nonce)
	fill(n)
	out = append(out, n...)
	return with.Seal(out, n, plain, aad)
}

// ErrSealed is what Open gives for a text that was changed, moved, or sealed
// under another key. Which of the three it was cannot be told, and is not.
var ErrSealed = errors.New("the sealed secret does not open here")

// Open decrypts what Seal gave for the same place. Anything else is ErrSealed in
// a fault of kind internal.
func (v *Vault) Open(at Place, sealed []byte) ([]byte, error) {
	refused := fault.Wrap(ErrSealed, fault.Internal, "a stored secret does not open: it was changed or moved, or the key is another one").WithCode("secret_unreadable")
	if len(sealed) < 1+wrapped+nonce+tag || sealed[0] != format {
		return nil, refused
	}
	aad := at.aad()
	key, rest := sealed[1:1+wrapped], sealed[1+wrapped:]
	dek, err := v.kek.Open(nil, key[:nonce], key[nonce:], aad)
	if err != nil {
		return nil, refused
	}
	defer clear(dek)
	inner, err := aead(dek)
	if err != nil {
		return nil, refused
	}
	plain, err := inner.Open(nil, rest[:nonce], rest[nonce:], aad)
	if err != nil {
		return nil, refused
	}
	return plain, nil
}

// Rewrap seals the data key of a text under another vault's key; the text itself
// stays as it is.
func (v *Vault) Rewrap(to *Vault, at Place, sealed []byte) ([]byte, error) {
	if _, err := v.Open(at, sealed); err != nil {
		return nil, err
	}
	aad := at.aad()
	key := sealed[1 : 1+wrapped]
	dek, err := v.kek.Open(nil, key[:nonce], key[nonce:], aad)
	if err != nil {
		return nil, fault.Wrap(ErrSealed, fault.Internal, "a stored secret does not open")
	}
	defer clear(dek)
	out := make([]byte, 0, len(sealed))
	out = append(out, format)
	out = seal(to.kek, out, dek, aad)
	return append(out, sealed[1+wrapped:]...), nil
}
