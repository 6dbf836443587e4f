package store

import (
	"context"
	"strconv"
	"testing"

	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/gate"
	"github.com/tocsin-soar/tocsin/server/ident"
	"github.com/tocsin-soar/tocsin/server/perform"
)

// parallel is how many callers there are at once.
const parallel = 64

func BenchmarkAccept(b *testing.B) {
	s, _ := fresh(b)
	b.SetParallelism(parallel / 2)
	var n atomicInt
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := s.Accept(context.Background(), aDelivery(n.next()), keepNew); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/float64(rows(b, s, "SELECT id FROM batch")), "acts/batch")
}

// BenchmarkAppend is the act before a write: the policy's answer with its
// reservation, and the dispatch.
func BenchmarkAppend(b *testing.B) {
	s, _ := fresh(b)
	var runs [parallel]string
	for i := range runs {
		runs[i] = aRun(b, s, i)
	}
	judge := func(context.Context, gate.Question) gate.Answer { return gate.Answer{Outcome: gate.Allow} }
	b.SetParallelism(parallel / 2)
	var n atomicInt
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		run, seq := runs[(n.next()-1)%parallel], uint64(0)
		for pb.Next() {
			if err := s.Append(context.Background(), perform.Record{Run: run, Expect: seq, Events: events(seq, 2)}, dispatch(s, run, seq+2, judge)); err != nil {
				b.Error(err)
				return
			}
			seq += 4
		}
	})
	b.ReportMetric(float64(b.N)/float64(rows(b, s, "SELECT id FROM batch")), "acts/batch")
}

func dispatch(s *Store, run string, seq uint64, judge func(context.Context, gate.Question) gate.Answer) *perform.Asking {
	q := gate.Question{Action: gate.Action{ID: "http.send", Impact: "write"}, Run: gate.Run{ID: run}, Facts: s.Facts(run, noon)}
	return &perform.Asking{
		Question: q, Answer: gate.Answer{Outcome: gate.Allow}, Judge: judge, Reserves: true,
		Then: func(perform.Ground) perform.Record {
			id := ident.Derive(ident.Decision, noon, run, strconv.FormatUint(seq, 10))
			return perform.Record{
				Run: run, Events: events(seq, 2), View: view(run, engine.RunRunning),
				Steps: []engine.StepView{{Path: "send", Kind: "action", Action: "http.send", Status: engine.StepRunning, Input: map[string]any{"path": "/x"}}},
				Decisions: []perform.Decided{{
					Decision: gate.Decision{ID: id, Outcome: gate.Allow, Impact: "write", Run: run, InputSHA256: ident.Sum(nil), At: noon},
					Input:    make([]byte, 1000), Reserve: &perform.Claim{Decision: id, Run: run, Impact: "write", At: noon},
				}},
				Audit: []audit.Draft{note("decision"), note("action.dispatch")},
			}
		},
	}
}
