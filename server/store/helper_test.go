package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tocsin-soar/tocsin/server/alert"
	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/ident"
	"github.com/tocsin-soar/tocsin/server/intake"
	"github.com/tocsin-soar/tocsin/server/perform"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// counting is a source of "randomness" that repeats in every run of a test.
type counting struct{ n atomic.Uint64 }

func (c *counting) Read(p []byte) (int, error) {
	h := sha256.Sum256([]byte(strconv.FormatUint(c.n.Add(1), 10)))
	return copy(p, h[:]), nil
}

// clock is set by hand.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.now }

func (c *clock) Add(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.now = c.now.Add(d) }

func options(tb testing.TB, dir string) (Options, *clock) {
	tb.Helper()
	c := &clock{now: noon}
	return Options{
		Path: filepath.Join(dir, "tocsin.db"), Clock: c.Now, Random: &counting{},
		Log: slog.New(slog.DiscardHandler),
	}, c
}

func open1(tb testing.TB, o Options) *Store {
	tb.Helper()
	s, err := Open(tb.Context(), o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = s.Close(context.Background()) })
	return s
}

func fresh(tb testing.TB) (*Store, *clock) {
	tb.Helper()
	o, c := options(tb, tb.TempDir())
	return open1(tb, o), c
}

func anAlert(n int) alert.Alert {
	return alert.Alert{
		ID: ident.Derive(ident.Alert, noon, strconv.Itoa(n)), Source: "edr", SourceID: strconv.Itoa(n), Title: fmt.Sprintf("Malware %d", n),
		Status: alert.New, Severity: alert.High, FirstSeen: noon, LastSeen: noon, Count: 1, Mapped: true,
		Hosts: []alert.Host{{Name: fmt.Sprintf("FIN-LT-%04d", n), IP: "10.0.0.1"}}, Users: []alert.User{}, IPs: []string{}, Domains: []string{},
		URLs: []string{}, Mails: []alert.Mail{}, Files: []alert.File{}, Processes: []alert.Process{}, Attack: []string{}, Labels: []string{},
		Fields: map[string]any{"n": int64(n), "score": 3.0, "big": int64(1) << 60}, Dedup: fmt.Sprintf("dedup-%d", n),
	}
}

// aDelivery is one POST with one new alert that starts one run.
func aDelivery(n int) intake.Delivery {
	raw := fmt.Appendf(nil, `{"n":%d}`, n)
	sum := sha256.Sum256(raw)
	return intake.Delivery{
		ID: ident.Derive(ident.Delivery, noon, strconv.Itoa(n)), Source: "edr", Identity: "id-" + strconv.Itoa(n),
		SHA256: hex.EncodeToString(sum[:]), Raw: raw, At: noon, Items: []intake.Item{{Alert: anAlert(n), Window: 24 * time.Hour}},
	}
}

// startOf is the run that an alert starts.
func startOf(a alert.Alert) engine.Start {
	raw, err := json.Marshal(a)
	if err != nil {
		panic(err)
	}
	return engine.Start{
		ID: ident.Derive(ident.Run, noon, a.ID), Key: "start/" + a.ID, Playbook: "isolate", Version: hexOf(sumOf([]byte("playbook"))),
		Trigger: engine.Trigger{Kind: "alert", Source: a.Source}, Alert: a.ID, AlertRaw: raw,
		Inputs: map[string]any{"whole": 3.0, "count": int64(3)}, Priority: a.Severity.Rank(), At: noon,
	}
}

// keepNew stores every alert as new, with its run.
func keepNew(old *alert.Alert, it intake.Item) intake.Folded {
	if old != nil {
		a := *old
		a.Count++
		return intake.Folded{Alert: a, Store: true}
	}
	return intake.Folded{
		Alert: it.Alert, New: true, Store: true, Starts: []engine.Start{startOf(it.Alert)},
		Audit: []audit.Draft{{At: noon, Actor: audit.Actor{Kind: "system", Name: "edr"}, Verb: "alert.receive", Object: audit.Object{Kind: "alert", ID: it.Alert.ID}, Outcome: audit.Done}},
	}
}

func accept(tb testing.TB, s *Store, n int) intake.Answer {
	tb.Helper()
	a, err := s.Accept(tb.Context(), aDelivery(n), keepNew)
	if err != nil {
		tb.Fatal(err)
	}
	return a
}

// aRun queues a run and gives its id.
func aRun(tb testing.TB, s *Store, n int) string {
	tb.Helper()
	return accept(tb, s, n).Runs[0]
}

// events are n events behind seq.
func events(seq uint64, n int) []perform.Event {
	out := make([]perform.Event, n)
	for i := range out {
		out[i] = perform.Event{Seq: seq + uint64(i) + 1, At: noon, Kind: "evaluated", Body: fmt.Appendf(nil, `{"n":%d}`, i)}
	}
	return out
}

func rows(tb testing.TB, s *Store, query string) int64 {
	tb.Helper()
	var n int64
	if err := s.pool.QueryRowContext(tb.Context(), query).Scan(&n); err != nil {
		tb.Fatal(err)
	}
	return n
}

func verified(tb testing.TB, s *Store) audit.Report {
	tb.Helper()
	r, err := s.VerifyAudit(tb.Context(), nil)
	if err != nil {
		tb.Fatal(err)
	}
	if r.First != nil {
		tb.Fatalf("the audit log is %s at %d: %s", r.First.Damage, r.First.Seq, r.First.Why)
	}
	return r
}

type atomicInt struct{ n atomic.Int64 }

func (a *atomicInt) next() int { return int(a.n.Add(1)) }

func appendEvents(tb testing.TB, s *Store, run string, seq uint64, n int) {
	tb.Helper()
	if err := s.Append(tb.Context(), perform.Record{Run: run, Expect: seq, Events: events(seq, n)}, nil); err != nil {
		tb.Fatal(err)
	}
}
