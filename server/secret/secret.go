// Package secret holds a value that will not print itself, and a reference to
// one.
package secret

import (
	"log/slog"
	"strings"
)

const mask = "••••••"

// Value is a secret in memory. Its text leaves only through Reveal; fmt, slog
// and JSON print a mask. The zero value is the empty secret.
type Value struct{ reveal func() string }

// Of wraps a secret text.
func Of(text string) Value { return Value{func() string { return text }} }

// Reveal gives the text; call it where it is sent and nowhere else.
func (v Value) Reveal() string {
	if v.reveal == nil {
		return ""
	}
	return v.reveal()
}

// Empty says whether there is nothing to reveal.
func (v Value) Empty() bool { return v.Reveal() == "" }

func (v Value) String() string { return mask }

// GoString masks %#v.
func (v Value) GoString() string { return mask }

// LogValue masks slog.
func (v Value) LogValue() slog.Value { return slog.StringValue(mask) }

// MarshalText masks JSON and YAML.
func (v Value) MarshalText() ([]byte, error) { return []byte(mask), nil }

// Ref names where a secret lies: env://NAME, file://NAME, vault://…, sealed://…
type Ref struct{ Scheme, Name string }

// ParseRef reads a reference; ok is false for a literal.
func ParseRef(text string) (r Ref, ok bool) {
	scheme, name, found := strings.Cut(text, "://")
	if !found {
		return Ref{}, false
	}
	switch scheme {
	case "env", "file", "vault", "sealed":
		return Ref{scheme, name}, true
	}
	return Ref{}, false
}
