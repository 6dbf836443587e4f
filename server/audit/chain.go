package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// Hash is a SHA-256.
type Hash [sha256.Size]byte

// String gives lower-case hex.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText gives lower-case hex.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (h *Hash) UnmarshalText(raw []byte) error {
	if hex.DecodedLen(len(raw)) != len(h) {
		return fmt.Errorf("a hash has %d hex digits, not %d", 2*len(h), len(raw))
	}
	if _, err := hex.Decode(h[:], raw); err != nil {
		return fmt.Errorf("read a hash: %w", err)
	}
	return nil
}

// HashOf reads a stored hash; anything but 32 bytes gives false.
func HashOf(raw []byte) (Hash, bool) {
	if len(raw) != sha256.Size {
		return Hash{}, false
	}
	return Hash(raw), true
}

// Row is an entry as it is stored: the exact bytes, its leaf of the Merkle tree
// and the chain up to and with it.
type Row struct {
	Seq   int64
	Entry []byte
	Leaf  Hash
	Chain Hash
}

// Link gives draft its place after the row prev; the zero Row is the beginning.
func Link(prev Row, d Draft) Row {
	seq := prev.Seq + 1
	raw := d.Encode(seq)
	leaf := Leaf(raw)
	return Row{Seq: seq, Entry: raw, Leaf: leaf, Chain: Chain(prev.Chain, leaf)}
}

// Leaf gives SHA-256(0x00 ‖ entry), the leaf hash of RFC 9162.
func Leaf(entry []byte) Hash {
	h := sha256.New()
	h.Write([]byte{0})
	h.Write(entry)
	return Hash(h.Sum(nil))
}

// Chain gives SHA-256(prev ‖ leaf).
func Chain(prev, leaf Hash) Hash {
	var b [2 * sha256.Size]byte
	copy(b[:], prev[:])
	copy(b[sha256.Size:], leaf[:])
	return sha256.Sum256(b[:])
}
