package httpcall

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"html"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/tocsin-soar/tocsin/server/connector"
)

const (
	mask = "••••••"
	// minSecret: shorter ones occur by chance in every text.
	minSecret = 4
)

// scrubber takes the secrets of one connection out of texts, also where they were
// written in another encoding. It is the second net: the first is that no text is
// made of them.
type scrubber struct {
	of    map[string]string // the credentials that it was made for, by field
	forms []string
}

// scrubber gives the one for a connection's credentials as they are now.
func (c *Caller) scrubber(conn connector.Connection) *scrubber {
	of := make(map[string]string, len(conn.Auth))
	for field, v := range conn.Auth {
		of[field] = v.Reveal()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.scrubs[conn.Name]; s != nil && maps.Equal(s.of, of) {
		return s
	}
	s := newScrubber(of)
	c.scrubs[conn.Name] = s
	return s
}

// secretFields are the fields of a connection's auth that are secret; a user's or
// a header's name is not.
func secretFields(field string) bool { return field != "username" && field != "name" }

func newScrubber(of map[string]string) *scrubber {
	s := &scrubber{of: of}
	for field, text := range of {
		if secretFields(field) && len(text) >= minSecret {
			s.forms = append(s.forms, forms(text)...)
		}
	}
	if p := of["password"]; len(p) >= minSecret {
		s.forms = append(s.forms, base64.StdEncoding.EncodeToString([]byte(of["username"]+":"+p)))
	}
	// the longest first, so that no half of one stays
	slices.SortFunc(s.forms, func(a, b string) int { return len(b) - len(a) })
	s.forms = slices.Compact(s.forms)
	return s
}

// forms gives a secret in the encodings in which servers throw it back.
func forms(text string) []string {
	quoted, _ := json.Marshal(text)
	raw := []byte(text)
	out := []string{
		text, strings.Trim(string(quoted), `"`), html.EscapeString(text),
		url.QueryEscape(text), url.PathEscape(text), lowerEscapes(url.QueryEscape(text)), lowerEscapes(url.PathEscape(text)),
		everyEscape(text), lowerEscapes(everyEscape(text)),
		hex.EncodeToString(raw), strings.ToUpper(hex.EncodeToString(raw)),
	}
	for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for shift := range 3 {
			out = append(out, shifted(enc, raw, shift))
		}
	}
	slices.Sort(out)
	return slices.DeleteFunc(slices.Compact(out), func(f string) bool { return len(f) < minSecret })
}

// shifted gives the base64 digits that a secret leaves in a longer text, of which
// shift bytes (modulo 3) stand before it: those that no neighbour changes.
func shifted(enc *base64.Encoding, raw []byte, shift int) string {
	digits := enc.EncodeToString(append(make([]byte, shift), raw...))
	first := []int{0, 2, 3}[shift]
	last := (shift + len(raw)) * 8 / 6
	if first >= last {
		return ""
	}
	return digits[first:last]
}

func lowerEscapes(s string) string {
	b := []byte(s)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i+1:i+3], strings.ToLower(string(b[i+1:i+3])))
		}
	}
	return string(b)
}

func everyEscape(s string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		b.WriteByte('%')
		b.WriteByte(digits[s[i]>>4])
		b.WriteByte(digits[s[i]&15])
	}
	return b.String()
}

// text gives s without the secrets.
func (s *scrubber) text(t string) string {
	for _, f := range s.forms {
		if strings.Contains(t, f) {
			t = strings.ReplaceAll(t, f, mask)
		}
	}
	return t
}

// value gives a JSON value without the secrets, keys included. What has to change
// is copied.
func (s *scrubber) value(v any) any {
	if len(s.forms) == 0 {
		return v
	}
	switch v := v.(type) {
	case string:
		return s.text(v)
	case []any:
		for i, e := range v {
			v[i] = s.value(e)
		}
	case map[string]any:
		for k, e := range v {
			v[k] = s.value(e)
			if clean := s.text(k); clean != k {
				v[clean] = v[k]
				delete(v, k)
			}
		}
	}
	return v
}

// err gives an error for the log: only its text, without the secrets. Errors of
// net/http quote whole addresses, in which a key may stand.
func (s *scrubber) err(e error) error {
	if e == nil {
		return nil
	}
	return errors.New(s.text(tidy(e.Error())))
}
