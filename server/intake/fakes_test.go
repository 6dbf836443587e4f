package intake_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/tocsin-soar/tocsin/server/alert"
	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/expr"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/ident"
	"github.com/tocsin-soar/tocsin/server/intake"
	"github.com/tocsin-soar/tocsin/server/trigger"
)

// memory is the simplest store that keeps intake's contract.
type memory struct {
	mu        sync.Mutex
	delivered map[string]stored
	alerts    map[string]alert.Alert // by source and key
	starts    []engine.Start
	audit     []audit.Draft
	fail      error
	twice     bool // asks fold again, as a store does that repeats an act
}

type stored struct {
	sum    string
	answer intake.Answer
}

func (m *memory) Accept(_ context.Context, d intake.Delivery, fold func(*alert.Alert, intake.Item) intake.Folded) (intake.Answer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return intake.Answer{}, m.fail
	}
	name := d.Source + "\x00" + d.Identity
	if known, ok := m.delivered[name]; ok && d.Identity != "" {
		if known.sum != d.SHA256 {
			return intake.Answer{}, fault.New(fault.Conflict, "another body").WithCode("delivery_conflict")
		}
		return known.answer, nil
	}
	a := intake.Answer{Alerts: []intake.Taken{}, Runs: []string{}}
	for _, it := range d.Items {
		m.take(it, fold, &a)
	}
	m.audit = append(m.audit, d.Audit...)
	m.delivered[name] = stored{d.SHA256, a}
	return a, nil
}

func (m *memory) take(it intake.Item, fold func(*alert.Alert, intake.Item) intake.Folded, a *intake.Answer) {
	key := it.Alert.Source + "\x00" + it.Alert.Dedup
	var old *alert.Alert
	if known, ok := m.alerts[key]; ok {
		old = &known
	}
	f := fold(old, it)
	if m.twice {
		f = fold(old, it)
	}
	if !f.Store {
		if old != nil && !it.Ignore {
			a.Alerts = append(a.Alerts, intake.Taken{ID: old.ID})
		}
		return
	}
	m.alerts[key] = f.Alert
	a.Alerts = append(a.Alerts, intake.Taken{ID: f.Alert.ID, New: f.New})
	m.starts = append(m.starts, f.Starts...)
	for _, s := range f.Starts {
		a.Runs = append(a.Runs, s.ID)
	}
	m.audit = append(m.audit, f.Audit...)
}

// catalog is a fixed library.
type catalog struct {
	sources  map[string]intake.Source
	triggers []trigger.Candidate
}

func (c catalog) Source(name string) (intake.Source, bool) { s, ok := c.sources[name]; return s, ok }
func (c catalog) Triggers() []trigger.Candidate            { return c.triggers }

// bench is an intake on a workbench.
type bench struct {
	*intake.Intake
	store  *memory
	now    time.Time
	counts map[string]int
}

var noon = time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)

func newBench(t *testing.T, c catalog) *bench {
	t.Helper()
	b := &bench{store: &memory{delivered: map[string]stored{}, alerts: map[string]alert.Alert{}}, now: noon, counts: map[string]int{}}
	n := 0
	var mu sync.Mutex
	b.Intake = intake.New(intake.Options{
		Store: b.store, Catalog: c, Now: func() time.Time { return b.now },
		NewID: func(p ident.Prefix) string {
			mu.Lock()
			defer mu.Unlock()
			n++
			return fmt.Sprintf("%s%032x", p, n)
		},
		Count: func(source, outcome string) {
			mu.Lock()
			defer mu.Unlock()
			b.counts[source+" "+outcome]++
		},
	})
	return b
}

func cond(t *testing.T, src string) *expr.Expr {
	t.Helper()
	e, issues := expr.Cond(src, expr.NewScope().With("alert", expr.AlertType()))
	if e == nil {
		t.Fatalf("%s: %+v", src, issues)
	}
	return e
}
