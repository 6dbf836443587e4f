package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// sender posts signed alerts.
type sender struct {
	http *http.Client
	url  string
	next atomic.Int64
	name string
}

func newSender(name, url string, clients int) *sender {
	return &sender{name: name, url: url, http: &http.Client{
		Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConns: clients, MaxIdleConnsPerHost: clients, DisableCompression: true},
	}}
}

// post sends one alert and gives its id when it was taken.
func (s *sender) post(ctx context.Context, category string) (string, error) {
	id := fmt.Sprintf("%s-%s-%d", s.name, category, s.next.Add(1))
	body := []byte(`{"source_id":"` + id + `","title":"A process did something","category":"` + category +
		`","severity":"high","hosts":[{"name":"ws-1","ip":"10.0.0.1"}],"users":[{"name":"anna"}],"processes":[{"name":"x.exe","command_line":"x.exe /q"}]}`)
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	mac := hmac.New(sha256.New, []byte(hookSecret))
	mac.Write([]byte(stamp + "."))
	mac.Write(body)
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/hooks/bench", bytes.NewReader(body))
	if err != nil {
		return "", fmt.Errorf("make an alert: %w", err)
	}
	q.Header.Set("Content-Type", "application/json")
	q.Header.Set("X-Timestamp", stamp)
	q.Header.Set("X-Signature", hex.EncodeToString(mac.Sum(nil)))
	res, err := s.http.Do(q)
	if err != nil {
		return "", fmt.Errorf("send an alert: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	said, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusAccepted {
		return "", fmt.Errorf("an alert got %d: %.200s %w", res.StatusCode, said, err)
	}
	return id, nil
}

// flood sends with all clients until more says stop, and gives how many were taken.
func (s *sender) flood(ctx context.Context, clients int, category string, more func(sent int64) bool) (int64, error) {
	var sent, taken atomic.Int64
	var first atomic.Pointer[error]
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			for ctx.Err() == nil && more(sent.Add(1)) {
				if _, err := s.post(ctx, category); err != nil {
					first.CompareAndSwap(nil, &err)
					return
				}
				taken.Add(1)
			}
		})
	}
	all.Wait()
	if err := first.Load(); err != nil {
		return taken.Load(), *err
	}
	return taken.Load(), nil
}

// measureOne takes all numbers of one program.
func measureOne(ctx context.Context, o options, s *stub, p program) (numbers, error) {
	dir, err := os.MkdirTemp("", "tocsin-bench-")
	if err != nil {
		return numbers{}, fmt.Errorf("make a folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	r, err := p.start(ctx, dir)
	if err != nil {
		return numbers{}, err
	}
	defer func() { _ = r.stop() }()
	n := numbers{StartMS: ms(r.loaded)}
	time.Sleep(3 * time.Second)
	if n.IdleMB, err = r.memory(); err != nil {
		return n, err
	}
	snd := newSender(p.name, r.url, o.clients)
	defer snd.http.CloseIdleConnections()
	for _, part := range []func(context.Context, options, *stub, *running, *sender, *numbers) error{latency, ingest, runs} {
		if err := part(ctx, o, s, r, snd, &n); err != nil {
			return n, fmt.Errorf("%w\n%s", err, tail(r.log.Bytes()))
		}
	}
	n.PeakMB, err = r.memory()
	slog.InfoContext(ctx, "measured", slog.String("program", p.name), slog.Float64("alerts_per_second", n.AlertsPerSecond),
		slog.Float64("runs_per_second", n.RunsPerSecond), slog.Float64("p50_ms", n.P50MS))
	return n, err
}

func tail(log []byte) []byte { return log[max(0, len(log)-2000):] }

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// latency sends ten alerts a second and looks how long each took to its last call.
func latency(ctx context.Context, o options, s *stub, _ *running, snd *sender, n *numbers) error {
	if _, err := snd.flood(ctx, 4, "bench", func(sent int64) bool { return sent <= 100 }); err != nil { // warm up
		return err
	}
	if err := s.await(ctx, 100, time.Minute); err != nil {
		return err
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	count := int(o.latency / (100 * time.Millisecond))
	begun, ids := make([]time.Time, count), make([]string, count)
	var all sync.WaitGroup
	var failed atomic.Pointer[error]
	for i := range count {
		<-tick.C
		all.Go(func() {
			begun[i] = time.Now()
			id, err := snd.post(ctx, "bench")
			if err != nil {
				failed.CompareAndSwap(nil, &err)
			}
			ids[i] = id
		})
	}
	all.Wait()
	if err := failed.Load(); err != nil {
		return *err
	}
	if err := s.await(ctx, count, time.Minute); err != nil {
		return err
	}
	took := make([]time.Duration, 0, count)
	for i, id := range ids {
		at, ok := s.at(id)
		if !ok {
			return fmt.Errorf("alert %s has no last call", id)
		}
		took = append(took, at.Sub(begun[i]))
	}
	slices.Sort(took)
	n.P50MS, n.P99MS = ms(took[len(took)/2]), ms(took[len(took)*99/100])
	return nil
}

// ingest sends alerts that start nothing, as fast as they are taken.
func ingest(ctx context.Context, o options, _ *stub, r *running, snd *sender, n *numbers) error {
	before, err := r.cpu()
	if err != nil {
		return err
	}
	begin := time.Now()
	taken, err := snd.flood(ctx, o.clients, "quiet", func(int64) bool { return time.Since(begin) < o.ingest })
	if err != nil {
		return err
	}
	n.AlertsPerSecond = float64(taken) / time.Since(begin).Seconds()
	after, err := r.cpu()
	n.CPUPerAlertMS = ms(after-before) / float64(max(taken, 1))
	return err
}

// runs sends alerts that each start a run of five steps, and waits for the last
// call of the last.
func runs(ctx context.Context, o options, s *stub, r *running, snd *sender, n *numbers) error {
	before, err := r.cpu()
	if err != nil {
		return err
	}
	begin := time.Now()
	if _, err := snd.flood(ctx, o.clients, "bench", func(sent int64) bool { return sent <= int64(o.runs) }); err != nil {
		return err
	}
	if err := s.await(ctx, o.runs, 5*time.Minute); err != nil {
		return err
	}
	n.RunsPerSecond = float64(o.runs) / time.Since(begin).Seconds()
	after, err := r.cpu()
	n.CPUPerRunMS = ms(after-before) / float64(o.runs)
	return err
}
