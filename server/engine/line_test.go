package engine_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/expr"
	"github.com/tocsin-soar/tocsin/server/playbook"
)

// A run that began before concurrency was enforced has no place in line and wants
// none: its journal says so.
func TestARunThatBeganWithoutALineGoesOnWithoutOne(t *testing.T) {
	p := engine.Compile(&playbook.Playbook{
		Slug: "x", Timeout: time.Hour, Concurrency: &playbook.Concurrency{Key: expr.Literal("k"), Limit: 1, Then: "queue"},
		Steps: []*playbook.Block{{ID: "w", Kind: playbook.KindWait, OnError: "fail", Wait: &playbook.Wait{For: expr.Literal("1m")}}},
	}, func(string) (*connector.Action, bool) { return nil, false })
	at := time.Date(2026, 1, 5, 10, 0, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		lined bool
		want  engine.WaitKind
	}{"before": {false, engine.WaitTimer}, "now": {true, engine.WaitConcurrency}} {
		t.Run(name, func(t *testing.T) {
			var journal []engine.Recorded
			add := func(kind string, body any) {
				raw, err := json.Marshal(body)
				if err != nil {
					t.Fatal(err)
				}
				journal = append(journal, engine.Recorded{At: at, Kind: kind, Body: raw})
			}
			add("started", engine.Started{Semantics: 1, Lined: tc.lined})
			add("evaluated", engine.Evaluated{What: "inputs", Value: engine.Value{V: map[string]any{}}})
			if tc.lined {
				add("evaluated", engine.Evaluated{What: "key", Value: engine.Value{V: "k"}})
			} else {
				add("evaluated", engine.Evaluated{Path: "w", What: "for", Value: engine.Value{V: "1m"}})
			}
			s, err := engine.Replay(p, engine.Start{ID: "run_1", At: at}, nil, journal)
			if err != nil {
				t.Fatal(err)
			}
			v := s.View()
			if len(v.Waiting) != 1 || v.Waiting[0].Kind != tc.want || v.Status != engine.RunWaiting {
				t.Errorf("it is %s and waits for %+v", v.Status, v.Waiting)
			}
		})
	}
}
