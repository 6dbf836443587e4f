package audit

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Entry is a draft with its place, as it is stored and shown (contract.md,
// audit). Before and After are nil where they do not apply.
type Entry struct {
	V        int       `json:"v"`
	Seq      int64     `json:"seq"`
	At       time.Time `json:"at"`
	Actor    Actor     `json:"actor"`
	Verb     string    `json:"verb"`
	Object   Object    `json:"object"`
	Run      string    `json:"run"`
	Step     string    `json:"step"`
	Decision string    `json:"decision"`
	Digest   string    `json:"digest"`
	Before   *string   `json:"before"`
	After    *string   `json:"after"`
	Reason   string    `json:"reason"`
	Outcome  Outcome   `json:"outcome"`
}

// Encode gives the bytes that are stored and hashed: the canonical JSON
// (RFC 8785) of the entry with sequence seq. It is written by hand because it
// runs for every act of the store; a test holds it to ident.Canonical. Times
// are cut to microseconds, text that is not UTF-8 gets U+FFFD in its place.
func (d Draft) Encode(seq int64) []byte {
	b := make([]byte, 0, 512)
	b = append(b, `{"actor":`...)
	b = appendActor(b, d.Actor)
	b = append(b, `,"after":`...)
	b = appendDigest(b, d.After)
	b = append(b, `,"at":`...)
	b = appendText(b, Stamp(d.At))
	b = append(b, `,"before":`...)
	b = appendDigest(b, d.Before)
	b = append(b, `,"decision":`...)
	b = appendText(b, d.Decision)
	b = append(b, `,"digest":`...)
	b = appendText(b, d.Digest)
	b = append(b, `,"object":`...)
	b = appendObject(b, d.Object)
	b = append(b, `,"outcome":`...)
	b = appendText(b, string(d.Outcome))
	b = append(b, `,"reason":`...)
	b = appendText(b, d.Reason)
	b = append(b, `,"run":`...)
	b = appendText(b, d.Run)
	b = append(b, `,"seq":`...)
	b = strconv.AppendInt(b, seq, 10)
	b = append(b, `,"step":`...)
	b = appendText(b, d.Step)
	b = append(b, `,"v":1,"verb":`...)
	b = appendText(b, d.Verb)
	return append(b, '}')
}

// Stamp gives a moment as entries write it: RFC 3339 in UTC with microseconds.
func Stamp(at time.Time) string {
	return at.UTC().Format("2006-01-02T15:04:05.000000Z")
}

// Decode reads stored bytes back. Bytes that are not exactly what Encode makes
// are an error, so that no two texts stand for one entry.
func Decode(raw []byte) (Entry, error) {
	var e Entry
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&e); err != nil {
		return Entry{}, fmt.Errorf("read an audit entry: %w", err)
	}
	if e.V != 1 {
		return Entry{}, fmt.Errorf("audit entry of version %d; only 1 is known", e.V)
	}
	if !bytes.Equal(e.draft().Encode(e.Seq), raw) {
		return Entry{}, errors.New("audit entry is not in its canonical form")
	}
	return e, nil
}

func (e Entry) draft() Draft {
	return Draft{
		At: e.At, Actor: e.Actor, Verb: e.Verb, Object: e.Object, Run: e.Run, Step: e.Step,
		Decision: e.Decision, Digest: e.Digest, Before: text(e.Before), After: text(e.After),
		Reason: e.Reason, Outcome: e.Outcome,
	}
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func appendActor(b []byte, a Actor) []byte {
	b = append(b, `{"auth":`...)
	b = appendText(b, a.Auth)
	b = append(b, `,"id":`...)
	b = appendText(b, a.ID)
	b = append(b, `,"ip":`...)
	b = appendText(b, a.IP)
	b = append(b, `,"kind":`...)
	b = appendText(b, a.Kind)
	b = append(b, `,"name":`...)
	b = appendText(b, a.Name)
	return append(b, '}')
}

func appendObject(b []byte, o Object) []byte {
	b = append(b, `{"id":`...)
	b = appendText(b, o.ID)
	b = append(b, `,"kind":`...)
	b = appendText(b, o.Kind)
	return append(b, '}')
}

func appendDigest(b []byte, s string) []byte {
	if s == "" {
		return append(b, "null"...)
	}
	return appendText(b, s)
}

// appendText writes a JSON text as RFC 8785 wants it: only quote, backslash
// and control bytes are escaped.
func appendText(b []byte, s string) []byte {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	b = append(b, '"')
	from := 0
	for i := range len(s) {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[from:i]...)
		b = appendEscaped(b, c)
		from = i + 1
	}
	b = append(b, s[from:]...)
	return append(b, '"')
}

func appendEscaped(b []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\b':
		return append(b, '\\', 'b')
	case '\t':
		return append(b, '\\', 't')
	case '\n':
		return append(b, '\\', 'n')
	case '\f':
		return append(b, '\\', 'f')
	case '\r':
		return append(b, '\\', 'r')
	}
	b = append(b, `\u`...)
	return hex.AppendEncode(b, []byte{0, c})
}
