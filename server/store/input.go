package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"github.com/tocsin-soar/tocsin/server/alert"
	"github.com/tocsin-soar/tocsin/server/ident"
)

func sumOf(raw []byte) []byte {
	s := sha256.Sum256(raw)
	return s[:]
}

// joinInput puts the exact input of a decision together: the canonical question
// with alert null, and the alert's JSON as its run keeps it, in the policy's form.
func joinInput(input, alertRaw []byte) ([]byte, error) {
	if alertRaw == nil {
		return input, nil
	}
	var a alert.Alert
	if err := json.Unmarshal(alertRaw, &a); err != nil {
		return nil, fmt.Errorf("read the alert of a decision: %w", err)
	}
	text, err := ident.Lossless(alert.Value(a, false)) // as the question held it
	if err != nil {
		return nil, fmt.Errorf("write the alert of a decision: %w", err)
	}
	at := topLevelNull(input, "alert")
	if at < 0 {
		return input, nil
	}
	return bytes.Join([][]byte{input[:at], text, input[at+len("null"):]}, nil), nil
}

// topLevelNull finds the null of a key in the outermost object of canonical
// JSON, -1 where there is none. Keys of objects inside do not count.
func topLevelNull(raw []byte, key string) int {
	want := []byte(`"` + key + `":null`)
	depth := 0
	for i := 0; i < len(raw); i++ {
		switch raw[i] {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case '"':
			if depth == 1 && bytes.HasPrefix(raw[i:], want) {
				return i + len(want) - len("null")
			}
			i = endOfText(raw, i)
		}
	}
	return -1
}

// endOfText gives the place of the quote that ends the text begun at i.
func endOfText(raw []byte, i int) int {
	for i++; i < len(raw) && raw[i] != '"'; i++ {
		if raw[i] == '\\' {
			i++
		}
	}
	return i
}
