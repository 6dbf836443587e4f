package ident

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Digest gives the lower-case hex SHA-256 of the canonical form.
func Digest(v any) (string, error) {
	raw, err := Canonical(v)
	if err != nil {
		return "", err
	}
	return Sum(raw), nil
}

// Sum gives the lower-case hex SHA-256 of bytes.
func Sum(raw []byte) string {
	s := sha256.Sum256(raw)
	return hex.EncodeToString(s[:])
}

// Key gives the idempotency key of an occurrence of a step:
// hex(SHA-256(JCS([run, path, occurrence])))[:32]. Occurrences count from 1.
func Key(run, path string, occurrence int) string {
	raw, err := Canonical([]any{run, path, occurrence})
	if err != nil { // ids and paths are ASCII by construction
		raw = []byte(run + "\x00" + path + "\x00" + strconv.Itoa(occurrence))
	}
	return Sum(raw)[:32]
}

// Decode reads one JSON value with exact numbers: integers that fit become
// int64, others float64; integers outside int64, duplicate keys, trailing data
// and broken UTF-8 are refused.
func Decode(raw []byte) (any, error) {
	if !utf8.Valid(raw) {
		return nil, errors.New("the text is not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	v, err := value(d, 0)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("there is more after the JSON value")
	}
	return v, nil
}

const maxDepth = 100

func value(d *json.Decoder, depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("nested deeper than %d", maxDepth)
	}
	t, err := d.Token()
	if err != nil {
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	switch t := t.(type) {
	case json.Delim:
		if t == '[' {
			return list(d, depth)
		}
		return object(d, depth)
	case json.Number:
		return Number(t)
	default:
		return t, nil
	}
}

func list(d *json.Decoder, depth int) (any, error) {
	out := []any{}
	for d.More() {
		v, err := value(d, depth+1)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	if _, err := d.Token(); err != nil {
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	return out, nil
}

func object(d *json.Decoder, depth int) (any, error) {
	out := map[string]any{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, fmt.Errorf("not JSON: %w", err)
		}
		k, ok := t.(string)
		if !ok {
			return nil, errors.New("not JSON: a key is not text")
		}
		if _, twice := out[k]; twice {
			return nil, errors.New("a key stands twice in one object")
		}
		if out[k], err = value(d, depth+1); err != nil {
			return nil, err
		}
	}
	if _, err := d.Token(); err != nil {
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	return out, nil
}

// Number turns a JSON number into int64 where it has no fraction or exponent,
// else float64. An integer outside int64 is refused, never rounded.
func Number(n json.Number) (any, error) {
	s := n.String()
	if !strings.ContainsAny(s, ".eE") {
		i, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return nil, errors.New("an integer does not fit 64 bits; send it as text")
		}
		return i, nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsInf(f, 0) {
		return nil, errors.New("a number is out of range")
	}
	return f, nil
}
