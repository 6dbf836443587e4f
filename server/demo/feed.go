package demo

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"time"
)

const (
	poll     = 200 * time.Millisecond // between looks whether the product is ready
	pace     = 400 * time.Millisecond // between detections of the first burst
	patience = 30 * time.Second       // before a refused detection is sent again
	maxTries = 20
	aDay     = 12 * time.Hour // a wave this old is followed by a new one
)

// delivery is one sending of a detection.
type delivery struct {
	detection
	name string // of the delivery
	due  time.Time
}

// Feed sends the sample detections to the product at this address as signed
// webhooks: the first burst as soon as /readyz says 200, the repeats when they
// are due. What was taken is remembered, so that a second start sends nothing
// twice. It returns when all are sent, or with ctx's error.
func (r *Range) Feed(ctx context.Context, product string) error {
	c := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{Proxy: nil, MaxIdleConns: 2}}
	defer c.CloseIdleConnections()
	for !ready(ctx, c, product) {
		if err := r.pause(ctx, poll); err != nil {
			return err
		}
	}
	plan, err := r.plan()
	if err != nil {
		return err
	}
	for _, d := range plan {
		if err := r.pause(ctx, max(d.due.Sub(r.clock()), pace)); err != nil {
			return err
		}
		if err := r.deliver(ctx, c, product, d); err != nil {
			return err
		}
	}
	return nil
}

// plan lists what is still to be sent, in order. It opens a new wave when there
// was none, or the last one is of another day.
func (r *Range) plan() ([]delivery, error) {
	var plan []delivery
	now := r.clock().UTC()
	err := r.world.change(func(s *state) bool {
		opened := s.Wave == 0 || now.Sub(s.WaveAt) > aDay
		if opened {
			s.Wave, s.WaveAt, s.Fed = s.Wave+1, now, map[string]time.Time{}
			s.Spared = s.Spared[:0]
			for _, h := range s.Hosts {
				if h.Isolated {
					s.Spared = append(s.Spared, h.Name)
				}
			}
		}
		for _, d := range detections(s.Wave, func(name string) bool { return slices.Contains(s.Spared, name) }) {
			for i := range max(d.Times, 1) {
				one := delivery{detection: d, name: fmt.Sprintf("%s.%d", d.ID, i+1), due: s.WaveAt.Add(d.After + time.Duration(i)*d.Every)}
				if _, done := s.Fed[one.name]; !done {
					plan = append(plan, one)
				}
			}
		}
		return opened
	})
	slices.SortStableFunc(plan, func(a, b delivery) int { return a.due.Compare(b.due) })
	return plan, err
}

// deliver sends until the product took it. The body depends on the plan alone, so
// that a delivery which was taken, but not remembered, is the same one again. A refusal that will not change is
// said and left.
func (r *Range) deliver(ctx context.Context, c *http.Client, product string, d delivery) error {
	body, err := json.Marshal(d.body(d.due))
	if err != nil {
		return fmt.Errorf("encode a sample detection: %w", err)
	}
	for range maxTries {
		status, err := r.post(ctx, c, product, d, body)
		switch {
		case err == nil && status == http.StatusAccepted:
			return r.world.change(func(s *state) bool {
				s.Fed[d.name] = r.clock().UTC()
				return true
			})
		case err == nil && status < 500 && status != http.StatusTooManyRequests:
			r.log.WarnContext(ctx, "a sample detection was refused", slog.String("delivery", d.name), slog.Int("status", status))
			return nil
		}
		if err := r.pause(ctx, patience); err != nil {
			return err
		}
	}
	r.log.WarnContext(ctx, "a sample detection could not be delivered", slog.String("delivery", d.name))
	return nil
}

// post signs and sends one delivery (contract.md, Webhooks: style tocsin).
func (r *Range) post(ctx context.Context, c *http.Client, product string, d delivery, body []byte) (int, error) {
	stamp := strconv.FormatInt(r.clock().Unix(), 10)
	mac := hmac.New(sha256.New, []byte(r.hooks[d.Source].Reveal()))
	mac.Write([]byte(stamp + "."))
	mac.Write(body)
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, product+"/hooks/"+d.Source, bytes.NewReader(body))
	if err != nil {
		return 0, fmt.Errorf("address of the product: %w", err)
	}
	q.Header.Set("Content-Type", "application/json")
	q.Header.Set("X-Timestamp", stamp)
	q.Header.Set("X-Signature", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	q.Header.Set("X-Delivery-Id", d.name)
	res, err := c.Do(q)
	if err != nil {
		return 0, fmt.Errorf("send a sample detection: %w", err)
	}
	drain(res)
	return res.StatusCode, nil
}

func ready(ctx context.Context, c *http.Client, product string) bool {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, product+"/readyz", nil)
	if err != nil {
		return false
	}
	res, err := c.Do(q)
	if err != nil {
		return false
	}
	drain(res)
	return res.StatusCode == http.StatusOK
}

// drain reads a short rest, so that the connection can be used again.
func drain(res *http.Response) {
	_, _ = io.CopyN(io.Discard, res.Body, 64<<10)
	_ = res.Body.Close()
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return fmt.Errorf("wait: %w", ctx.Err())
	case <-t.C:
		return nil
	}
}
