package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/tocsin-soar/tocsin/server/ident"
)

// Value is any JSON value that keeps the difference between 3 and 3.0 through
// the journal, so that a replay computes with the numbers of the first time.
type Value struct{ V any }

// Object is a JSON object with that care.
type Object map[string]any

// MarshalJSON writes the value; a double without fraction keeps ".0".
func (v Value) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	if err := write(&b, v.V); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// UnmarshalJSON reads exact numbers and refuses duplicate keys.
func (v *Value) UnmarshalJSON(raw []byte) (err error) {
	v.V, err = ident.Decode(raw)
	return err
}

// MarshalJSON writes the object; nil is {}.
func (o Object) MarshalJSON() ([]byte, error) {
	if o == nil {
		return []byte("{}"), nil
	}
	return Value{map[string]any(o)}.MarshalJSON()
}

// UnmarshalJSON reads exact numbers and refuses duplicate keys.
func (o *Object) UnmarshalJSON(raw []byte) error {
	v, err := ident.Decode(raw)
	if err != nil {
		return err
	}
	m, ok := v.(map[string]any)
	if !ok {
		return errors.New("an object was expected")
	}
	*o = m
	return nil
}

func write(b *bytes.Buffer, v any) error {
	switch v := v.(type) {
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return errors.New("a number that JSON cannot hold")
		}
		s := strconv.FormatFloat(v, 'g', -1, 64)
		if !strings.ContainsAny(s, ".e") {
			s += ".0"
		}
		b.WriteString(s)
		return nil
	case []any:
		return writeList(b, v)
	case map[string]any:
		return writeObject(b, v)
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode a value of the journal: %w", err)
	}
	b.Write(raw)
	return nil
}

func writeList(b *bytes.Buffer, list []any) error {
	b.WriteByte('[')
	for i, e := range list {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := write(b, e); err != nil {
			return err
		}
	}
	b.WriteByte(']')
	return nil
}

func writeObject(b *bytes.Buffer, m map[string]any) error {
	b.WriteByte('{')
	for i, k := range sortedKeys(m) {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := write(b, k); err != nil {
			return err
		}
		b.WriteByte(':')
		if err := write(b, m[k]); err != nil {
			return err
		}
	}
	b.WriteByte('}')
	return nil
}

// Encode gives an event's word and bytes for the journal.
func Encode(b Body) (kind string, raw []byte, err error) {
	raw, err = json.Marshal(b)
	if err != nil {
		return "", nil, fmt.Errorf("encode event %s: %w", b.Kind(), err)
	}
	return b.Kind(), raw, nil
}

// Decode reads an event back. A word or field that this binary does not know is
// an error: it must not guess at a history.
func Decode(kind string, raw []byte) (Body, error) {
	read, ok := readers[kind]
	if !ok {
		return nil, fmt.Errorf("the journal has an event %q that this version does not know", kind)
	}
	return read(raw)
}

//nolint:gochecknoglobals // the closed set of events, by their words
var readers = map[string]func([]byte) (Body, error){
	Started{}.Kind():         reader[Started],
	Heard{}.Kind():           reader[Heard],
	Returned{}.Kind():        reader[Returned],
	Placed{}.Kind():          reader[Placed],
	Dropped{}.Kind():         reader[Dropped],
	Evaluated{}.Kind():       reader[Evaluated],
	Decided{}.Kind():         reader[Decided],
	Halted{}.Kind():          reader[Halted],
	Blocked{}.Kind():         reader[Blocked],
	Resumed{}.Kind():         reader[Resumed],
	Dispatched{}.Kind():      reader[Dispatched],
	Succeeded{}.Kind():       reader[Succeeded],
	Failed{}.Kind():          reader[Failed],
	Unknown{}.Kind():         reader[Unknown],
	Verified{}.Kind():        reader[Verified],
	TimerFired{}.Kind():      reader[TimerFired],
	Requested{}.Kind():       reader[Requested],
	Escalated{}.Kind():       reader[Escalated],
	ApprovalDecided{}.Kind(): reader[ApprovalDecided],
	Resolved{}.Kind():        reader[Resolved],
	CancelRequested{}.Kind(): reader[CancelRequested],
	HoldEnded{}.Kind():       reader[HoldEnded],
}

func reader[T Body](raw []byte) (Body, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	var b T
	if err := d.Decode(&b); err != nil {
		return nil, fmt.Errorf("read event %s: %w", b.Kind(), err)
	}
	return b, nil
}
