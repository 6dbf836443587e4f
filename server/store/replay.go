package store

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/tocsin-soar/tocsin/server/fault"
)

// The bounds of kept answers: for how long, and how long a request may be under
// way before its key is free again (the process that had it is gone).
const (
	keepReply  = 24 * time.Hour
	underWay   = 10 * time.Minute
	maxReply   = 1 << 20
	replySweep = 500
)

// Replays keeps the answers of requests that carried an Idempotency-Key.
type Replays struct{ s *Store }

// Replays gives the answers that are kept.
func (s *Store) Replays() Replays { return Replays{s} }

// Begin claims a key (hex SHA-256) for a request with that digest: status 0. A
// finished request gives its answer. A key that was claimed with another digest
// is fault Conflict with code idempotency_conflict; one still under way, with
// code in_progress.
func (r Replays) Begin(ctx context.Context, key, digest string) (status int, body []byte, err error) {
	k, d, err := replyKey(key, digest)
	if err != nil {
		return 0, nil, err
	}
	now := r.s.opt.Clock()
	err = r.s.commit(ctx, func(t *tx) error {
		status, body = 0, nil
		var before []byte
		var at time.Time
		found, err := t.one(`SELECT digest, status, body, at FROM reply WHERE key = ?`, func(c row) error {
			before, status, body, at = c.blob(0), int(c.int(1)), c.blob(2), c.time(3)
			return nil
		}, k)
		if err != nil {
			return fmt.Errorf("look for an answer: %w", err)
		}
		over := found && (now.Sub(at) >= keepReply || status == 0 && now.Sub(at) >= underWay)
		switch {
		case !found || over:
			status, body = 0, nil
		case !bytes.Equal(before, d):
			return fault.New(fault.Conflict, "the Idempotency-Key was used for another request").WithCode("idempotency_conflict")
		case status == 0:
			return fault.New(fault.Conflict, "the same request is under way").WithCode("in_progress")
		default:
			return nil
		}
		err = t.exec(`DELETE FROM reply WHERE key IN (SELECT key FROM reply WHERE at < ? LIMIT ?)`, now.Add(-keepReply), replySweep)
		if err == nil {
			err = t.exec(`INSERT INTO reply (key, digest, status, body, at) VALUES (?, ?, 0, zeroblob(0), ?)
				ON CONFLICT (key) DO UPDATE SET digest = excluded.digest, status = 0, body = excluded.body, at = excluded.at`, k, d, now)
		}
		if err != nil {
			return fmt.Errorf("claim a key: %w", err)
		}
		return nil
	})
	return status, body, err
}

// End keeps the answer of a request; status 0, or an answer too large to keep,
// frees the key.
func (r Replays) End(ctx context.Context, key string, status int, body []byte) error {
	k, _, err := replyKey(key, key)
	if err != nil {
		return err
	}
	return r.s.commit(ctx, func(t *tx) error {
		if status == 0 || len(body) > maxReply {
			err = t.exec(`DELETE FROM reply WHERE key = ?`, k)
		} else {
			err = t.exec(`UPDATE reply SET status = ?, body = ? WHERE key = ?`, status, append([]byte{}, body...), k)
		}
		if err != nil {
			return fmt.Errorf("keep an answer: %w", err)
		}
		return nil
	})
}

func replyKey(key, digest string) (k, d []byte, err error) {
	k, err = digestOf(key)
	if err == nil {
		d, err = digestOf(digest)
	}
	if err != nil || k == nil || d == nil {
		return nil, nil, fault.New(fault.Internal, "a key that is no SHA-256")
	}
	return k, d, nil
}
