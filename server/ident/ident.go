// Package ident gives names of things: typed, prefixed, derived when they must
// repeat.
package ident

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"regexp"
	"strings"
	"time"
)

// Prefix says what an id names (contract.md, Shapes).
type Prefix string

// The prefixes.
const (
	Alert    Prefix = "alr_"
	Run      Prefix = "run_"
	Approval Prefix = "apr_"
	Effect   Prefix = "eff_"
	Decision Prefix = "dec_"
	Case     Prefix = "cas_"
	User     Prefix = "usr_"
	Token    Prefix = "tok_"
	Delivery Prefix = "del_"
	Notice   Prefix = "ntf_" // a notification
)

// New makes an id from a moment and 10 random bytes: the prefix and the 32 hex
// digits of a UUIDv7 (RFC 9562, 5.7).
func New(p Prefix, at time.Time, random [10]byte) string {
	var u [16]byte
	binary.BigEndian.PutUint64(u[:8], uint64(at.UnixMilli())<<16)
	copy(u[6:], random[:])
	u[6] = u[6]&0x0f | 0x70
	u[8] = u[8]&0x3f | 0x80
	return string(p) + hex.EncodeToString(u[:])
}

// Derive makes the same id from the same moment and parts, always: for things
// that a replay must name as the first time.
func Derive(p Prefix, at time.Time, parts ...string) string {
	h := sha256.New()
	for _, s := range parts {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(s)))
		h.Write(n[:])
		h.Write([]byte(s))
	}
	var r [10]byte
	copy(r[:], h.Sum(nil))
	return New(p, at, r)
}

// Valid says whether s is an id with the prefix.
func Valid(p Prefix, s string) bool {
	rest, ok := strings.CutPrefix(s, string(p))
	if !ok || len(rest) != 32 {
		return false
	}
	for i := range len(rest) {
		if c := rest[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

var slug = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)

// Slug says whether s may name a playbook, integration, connection, source or
// schedule.
func Slug(s string) bool { return slug.MatchString(s) }

var name = regexp.MustCompile(`^[a-z][a-z0-9_]{0,47}$`)

// Name says whether s may name a step, branch, input, output or var.
func Name(s string) bool { return name.MatchString(s) }
