package store

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/perform"
)

// maxArchive bounds a journal that is unpacked.
const maxArchive = 1 << 30

// archived is one event in a compressed journal.
type archived struct {
	Seq  uint64 `json:"s"`
	At   int64  `json:"t"` // Unix microseconds
	Kind string `json:"k"`
	Body []byte `json:"b"`
}

// Compact moves the journals of runs that ended before a moment into compressed
// rows, at most limit of them, oldest first, and says how many it moved. A run
// with an effect that is open is left alone. What the page shows stays.
func (s *Store) Compact(ctx context.Context, before time.Time, limit int) (int, error) {
	ids, err := s.strings(ctx, `SELECT id FROM run WHERE ended_at IS NOT NULL AND ended_at < ? AND head > 0
		AND NOT EXISTS (SELECT 1 FROM archive WHERE archive.run = run.id)
		AND NOT EXISTS (SELECT 1 FROM effect_run er JOIN effect e ON e.id = er.effect WHERE er.run = run.id AND e.status <> 'undone')
		ORDER BY ended_at LIMIT ?`, before.UnixMicro(), limit)
	if err != nil {
		return 0, err
	}
	for i, id := range ids {
		if err := s.compact(ctx, id); err != nil {
			return i, err
		}
	}
	return len(ids), nil
}

func (s *Store) compact(ctx context.Context, run string) error {
	st, err := s.Load(ctx, run) // and its chain holds
	if err != nil {
		return err
	}
	packed, err := pack(st.Events)
	if err != nil {
		return err
	}
	return s.commit(ctx, func(t *tx) error {
		err := t.exec(`INSERT INTO archive (run, at, head, chain, bytes) SELECT id, ?, head, chain, ? FROM run WHERE id = ? AND head = ?`,
			s.opt.Clock(), packed, run, len(st.Events))
		if err != nil {
			return fmt.Errorf("archive a journal: %w", err)
		}
		if t.handle.changes() == 0 {
			return fault.New(fault.Conflict, "the journal of the run has gone on")
		}
		if err := t.exec(`DELETE FROM journal WHERE run = ?`, run); err != nil {
			return fmt.Errorf("clear a journal: %w", err)
		}
		return nil
	})
}

func pack(events []perform.Event) ([]byte, error) {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	enc := json.NewEncoder(z)
	for _, e := range events {
		if err := enc.Encode(archived{e.Seq, e.At.UnixMicro(), e.Kind, e.Body}); err != nil {
			return nil, fmt.Errorf("pack a journal: %w", err)
		}
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("pack a journal: %w", err)
	}
	return out.Bytes(), nil
}

func unpack(raw []byte) ([]perform.Event, error) {
	z, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("unpack a journal: %w", err)
	}
	d := json.NewDecoder(io.LimitReader(z, maxArchive))
	var out []perform.Event
	for {
		var a archived
		if err := d.Decode(&a); errors.Is(err, io.EOF) {
			return out, nil
		} else if err != nil {
			return nil, fmt.Errorf("unpack a journal: %w", err)
		}
		out = append(out, perform.Event{Seq: a.Seq, At: micro(a.At), Kind: a.Kind, Body: a.Body})
	}
}
