package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/ident"
)

// once runs a POST; where it carries an Idempotency-Key, a second one with the
// same key and body gets the first one's answer and does nothing.
func (c *call) once() error {
	key, digest, err := c.onceKey()
	if err != nil {
		return err
	}
	if key == "" {
		v, err := c.route.run(c)
		if err != nil {
			return err
		}
		return c.answer(v)
	}
	code, body, err := c.s.d.Replays.Begin(c.ctx, key, digest)
	if err != nil {
		return err
	}
	if code != 0 {
		c.c.Set("Idempotency-Replayed", "true")
		return c.raw(code, body)
	}
	done := false
	defer func() {
		if !done { // refused or a panic: the key is free again
			_ = c.s.d.Replays.End(c.ctx, key, 0, nil)
		}
	}()
	v, err := c.route.run(c)
	if err != nil {
		return err
	}
	if err := c.answer(v); err != nil {
		return err
	}
	done = true
	// Where the answer cannot be kept, the act is done all the same.
	_ = c.s.d.Replays.End(c.ctx, key, c.c.Response().StatusCode(), c.c.Response().Body())
	return nil
}

// onceKey names the request: the same key of another person or for another
// address is another request. Key is "" where none was sent.
func (c *call) onceKey() (key, digest string, err error) {
	text := c.c.Get("Idempotency-Key")
	if text == "" {
		return "", "", nil
	}
	if len(text) > 200 {
		return "", "", fault.New(fault.InvalidInput, "an Idempotency-Key has at most 200 characters").WithCode("bad_request")
	}
	raw, err := json.Marshal([]string{c.who.ID, c.route.Method, c.c.Path(), text})
	if err != nil {
		return "", "", fmt.Errorf("name a request: %w", err)
	}
	return ident.Sum(raw), ident.Sum(c.body()), nil
}

// replays keeps answers in memory: bounded in number and size, for a day.
type replays struct {
	clock func() time.Time
	mu    sync.Mutex
	kept  map[string]replay
	bytes int
	ended int       // how many of them are finished
	swept time.Time // when the old ones were last looked for
}

type replay struct {
	digest string
	at     time.Time
	status int // 0: under way
	body   []byte
}

const (
	replayLife  = 24 * time.Hour
	maxReplays  = 10_000
	replayBytes = 32 << 20
)

func newReplays(clock func() time.Time) *replays {
	return &replays{clock: clock, kept: map[string]replay{}}
}

func (r *replays) Begin(_ context.Context, key, digest string) (int, []byte, error) {
	now := r.clock()
	r.mu.Lock()
	defer r.mu.Unlock()
	old, ok := r.kept[key]
	if ok && now.Sub(old.at) >= replayLife {
		r.drop(key)
		ok = false
	}
	switch {
	case !ok:
		if !r.room(now) {
			return 0, nil, fault.New(fault.RateLimited, "too many requests with an Idempotency-Key are under way").After(time.Second)
		}
		r.kept[key] = replay{digest: digest, at: now}
		return 0, nil, nil
	case old.digest != digest:
		return 0, nil, fault.New(fault.Conflict, "this Idempotency-Key was used for another body").WithCode("idempotency_conflict")
	case old.status == 0:
		return 0, nil, fault.New(fault.Conflict, "the first request with this Idempotency-Key is still under way").WithCode("in_progress").After(time.Second)
	}
	return old.status, old.body, nil
}

func (r *replays) End(_ context.Context, key string, status int, body []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	old, ok := r.kept[key]
	if !ok || old.status != 0 {
		return nil
	}
	if status == 0 || status >= http.StatusBadRequest {
		r.drop(key)
		return nil
	}
	old.status, old.body = status, append([]byte(nil), body...)
	r.kept[key] = old
	r.bytes += len(old.body)
	r.ended++
	return nil
}

func (r *replays) drop(key string) {
	old := r.kept[key]
	r.bytes -= len(old.body)
	if old.status != 0 {
		r.ended--
	}
	delete(r.kept, key)
}

// room keeps the bounds: what is over goes, then what is finished, down to nine
// tenths. It is false where only requests under way are left.
func (r *replays) room(now time.Time) bool {
	if len(r.kept) < maxReplays && r.bytes < replayBytes {
		return true
	}
	if now.Sub(r.swept) >= time.Minute {
		r.swept = now
		for k, v := range r.kept {
			if now.Sub(v.at) >= replayLife {
				r.drop(k)
			}
		}
	}
	for k, v := range r.kept {
		if r.ended == 0 || len(r.kept) < maxReplays*9/10 && r.bytes < replayBytes*9/10 {
			break
		}
		if v.status != 0 {
			r.drop(k)
		}
	}
	return len(r.kept) < maxReplays
}

var _ Replays = (*replays)(nil)
