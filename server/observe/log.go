// Package observe is what operators see: logs, metrics.
package observe

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/tocsin-soar/tocsin/server/secret"
)

// Scrubber knows secret values and takes them, in the encodings that libraries
// put them in, out of a text. It is the second net: nothing is meant to log a
// secret. The zero value knows none and is ready.
type Scrubber struct {
	mu    sync.Mutex
	known map[string]bool
	take  atomic.Pointer[strings.Replacer]
}

// minSecret is the length below which a value would blot out ordinary words.
const minSecret = 6

const blot = "••••••"

// Know adds secret values.
func (s *Scrubber) Know(values ...secret.Value) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil {
		s.known = map[string]bool{}
	}
	for _, v := range values {
		if text := v.Reveal(); len(text) >= minSecret {
			s.known[text] = true
		}
	}
	var forms []string
	for text := range s.known {
		forms = append(forms, encodings(text)...)
	}
	// The longest first, so that no part of one is left over.
	slices.SortFunc(forms, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	pairs := make([]string, 0, 2*len(forms))
	for _, f := range slices.Compact(forms) {
		pairs = append(pairs, f, blot)
	}
	s.take.Store(strings.NewReplacer(pairs...))
}

func encodings(text string) []string {
	out := []string{text, url.QueryEscape(text), url.PathEscape(text), hex.EncodeToString([]byte(text))}
	for _, e := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding, base64.RawStdEncoding, base64.RawURLEncoding} {
		out = append(out, e.EncodeToString([]byte(text)))
	}
	for _, f := range slices.Clone(out) { // and each as JSON writes it, once and inside a text that was JSON before
		quoted := inJSON(f)
		out = append(out, quoted, inJSON(quoted))
	}
	return out
}

// inJSON gives the text as it stands between the quotes of JSON.
func inJSON(text string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(text); err != nil {
		return text
	}
	return strings.TrimSuffix(strings.TrimPrefix(strings.TrimSuffix(b.String(), "\n"), `"`), `"`)
}

// Text gives the text without the known values.
func (s *Scrubber) Text(text string) string {
	r := s.take.Load()
	if r == nil {
		return text
	}
	return r.Replace(text)
}

// NewLogger writes one JSON object a line to w. Level is debug, info, warn or
// error.
func NewLogger(w io.Writer, level string, s *Scrubber) *slog.Logger {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		l = slog.LevelInfo
	}
	return slog.New(slog.NewJSONHandler(&line{w: w, s: s}, &slog.HandlerOptions{Level: l, ReplaceAttr: plain}))
}

// plain shortens texts that nobody reads, and shows errors as their text.
func plain(_ []string, a slog.Attr) slog.Attr {
	const most = 4096
	if a.Value.Kind() == slog.KindString && len(a.Value.String()) > most {
		return slog.String(a.Key, fmt.Sprintf("%s… (%d bytes)", strings.ToValidUTF8(a.Value.String()[:most], ""), len(a.Value.String())))
	}
	return a
}

// line scrubs each line on its way out. The JSON handler has escaped ASCII
// control bytes; what else a terminal could obey is escaped here.
type line struct {
	w io.Writer
	s *Scrubber
}

func (l *line) Write(p []byte) (int, error) {
	text := escape(l.s.Text(string(p)))
	if _, err := io.WriteString(l.w, text); err != nil {
		return 0, fmt.Errorf("write the log: %w", err)
	}
	return len(p), nil
}

// obeyed says whether a terminal or a viewer acts on the rune instead of
// showing it: C1 controls, delete, marks of direction, line separators.
func obeyed(r rune) bool {
	switch {
	case r == 0x7f, r >= 0x80 && r <= 0x9f, r == 0x061c, r >= 0x200b && r <= 0x200f,
		r >= 0x2028 && r <= 0x202e, r >= 0x2060 && r <= 0x206f, r == 0xfeff:
		return true
	}
	return false
}

func escape(text string) string {
	if !strings.ContainsFunc(text, obeyed) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if obeyed(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}
