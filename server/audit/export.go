package audit

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
)

// line is one line of an export: an entry with its hashes, or a checkpoint. The
// entry's bytes are a JSON text, so that every reader keeps them exactly.
type line struct {
	Seq        int64       `json:"seq,omitempty"`
	Entry      string      `json:"entry,omitempty"`
	Leaf       *Hash       `json:"leaf,omitempty"`
	Chain      *Hash       `json:"chain,omitempty"`
	Checkpoint *Checkpoint `json:"checkpoint,omitempty"`
}

// Export writes rows and then checkpoints as JSON Lines, which Import reads back.
func Export(w io.Writer, rows iter.Seq2[Row, error], checkpoints []Checkpoint) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for r, err := range rows {
		if err != nil {
			return fmt.Errorf("read the audit log: %w", err)
		}
		if err := enc.Encode(line{Seq: r.Seq, Entry: string(r.Entry), Leaf: &r.Leaf, Chain: &r.Chain}); err != nil {
			return fmt.Errorf("write the audit log: %w", err)
		}
	}
	for _, c := range checkpoints {
		if err := enc.Encode(line{Checkpoint: &c}); err != nil {
			return fmt.Errorf("write a checkpoint: %w", err)
		}
	}
	return nil
}

// maxImport bounds the entries of one file in memory.
const maxImport = 10_000_000

// Import reads an export. It is as strict as it can be without judging the log:
// that is Verify's work.
func Import(r io.Reader) (rows []Row, checkpoints []Checkpoint, err error) {
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	for {
		var l line
		if err := d.Decode(&l); errors.Is(err, io.EOF) {
			return rows, checkpoints, nil
		} else if err != nil {
			return nil, nil, fmt.Errorf("read line %d of an audit export: %w", len(rows)+len(checkpoints)+1, err)
		}
		switch {
		case l.Checkpoint != nil:
			checkpoints = append(checkpoints, *l.Checkpoint)
		case l.Leaf == nil || l.Chain == nil:
			return nil, nil, fmt.Errorf("line %d of an audit export has no hashes", len(rows)+len(checkpoints)+1)
		case len(rows) == maxImport:
			return nil, nil, fmt.Errorf("an audit export of more than %d entries", maxImport)
		default:
			rows = append(rows, Row{Seq: l.Seq, Entry: []byte(l.Entry), Leaf: *l.Leaf, Chain: *l.Chain})
		}
	}
}

// Rows gives a slice as Verify and Export want it.
func Rows(rows []Row) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		for _, r := range rows {
			if !yield(r, nil) {
				return
			}
		}
	}
}
