package audit

import (
	"crypto/sha256"
	"fmt"
)

// Tree is the Merkle tree of RFC 9162 while it grows: it keeps one hash for each
// complete subtree, so that appending costs O(1) on average and a root O(log n).
type Tree struct {
	size  int64
	peaks []Hash // of the complete subtrees, largest first
}

// Size is the number of leaves.
func (t *Tree) Size() int64 { return t.size }

// Append adds a leaf.
func (t *Tree) Append(leaf Hash) {
	t.peaks = append(t.peaks, leaf)
	for full := t.size; full&1 == 1; full >>= 1 {
		n := len(t.peaks)
		t.peaks[n-2] = node(t.peaks[n-2], t.peaks[n-1])
		t.peaks = t.peaks[:n-1]
	}
	t.size++
}

// Root gives the root hash of all leaves so far; of none it is SHA-256("").
func (t *Tree) Root() Hash {
	if t.size == 0 {
		return sha256.Sum256(nil)
	}
	root := t.peaks[len(t.peaks)-1]
	for i := len(t.peaks) - 2; i >= 0; i-- {
		root = node(t.peaks[i], root)
	}
	return root
}

// Root gives the root hash of leaves.
func Root(leaves []Hash) Hash {
	var t Tree
	for _, l := range leaves {
		t.Append(l)
	}
	return t.Root()
}

// Inclusion gives the audit path of leaf index (from 0) in the tree of leaves.
func Inclusion(leaves []Hash, index int) ([]Hash, error) {
	if index < 0 || index >= len(leaves) {
		return nil, fmt.Errorf("there is no leaf %d in a tree of %d", index, len(leaves))
	}
	var path []Hash
	for len(leaves) > 1 {
		k := split(len(leaves))
		if index < k {
			path = append(path, Root(leaves[k:]))
			leaves = leaves[:k]
		} else {
			path = append(path, Root(leaves[:k]))
			leaves, index = leaves[k:], index-k
		}
	}
	// from the leaf upwards
	for i, j := 0, len(path)-1; i < j; i, j = i+1, j-1 {
		path[i], path[j] = path[j], path[i]
	}
	return path, nil
}

// Included says whether path proves that leaf stands at index in the tree with
// size leaves and that root (RFC 9162, 2.1.3.2).
func Included(leaf Hash, index, size int64, path []Hash, root Hash) bool {
	if index < 0 || index >= size {
		return false
	}
	fn, sn, r := index, size-1, leaf
	for _, p := range path {
		if sn == 0 {
			return false
		}
		if fn&1 == 1 || fn == sn {
			r = node(p, r)
			for fn&1 == 0 && fn != 0 {
				fn, sn = fn>>1, sn>>1
			}
		} else {
			r = node(r, p)
		}
		fn, sn = fn>>1, sn>>1
	}
	return sn == 0 && r == root
}

// node gives SHA-256(0x01 ‖ left ‖ right).
func node(left, right Hash) Hash {
	var b [1 + 2*sha256.Size]byte
	b[0] = 1
	copy(b[1:], left[:])
	copy(b[1+sha256.Size:], right[:])
	return sha256.Sum256(b[:])
}

// split gives the largest power of two below n (n > 1).
func split(n int) int {
	k := 1
	for k<<1 < n {
		k <<= 1
	}
	return k
}
