package store

import (
	"context"
	"encoding/json"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-soar/tocsin/server/alert"
	"github.com/tocsin-soar/tocsin/server/approval"
	"github.com/tocsin-soar/tocsin/server/gate"
	"github.com/tocsin-soar/tocsin/server/ident"
	"github.com/tocsin-soar/tocsin/server/perform"
)

// aQuestion asks for one contain action.
func aQuestion(run string, facts gate.Facts) gate.Question {
	return gate.Question{Action: gate.Action{ID: "edr.isolate_host", Impact: "contain"}, Run: gate.Run{ID: run}, Facts: facts}
}

// limit is a policy that allows while fewer than n contain actions were made in
// ten minutes.
func limit(n int64) func(context.Context, gate.Question) gate.Answer {
	return func(_ context.Context, q gate.Question) gate.Answer {
		if n > 0 && q.Facts.Made.M10.ByImpact["contain"] >= n {
			return gate.DenyAll("limit", "too many", "r1")
		}
		return gate.Answer{Outcome: gate.Allow, Revision: "r1"}
	}
}

// question asks within an act and counts the allows.
func question(t *testing.T, s *Store, run string, n int, judge func(context.Context, gate.Question) gate.Answer) gate.Outcome {
	t.Helper()
	q := aQuestion(run, s.Facts(run, noon))
	var out gate.Outcome
	err := s.Append(t.Context(), perform.Record{Run: run}, &perform.Asking{
		Question: q, Answer: judge(t.Context(), q), Judge: judge, Reserves: true,
		Then: func(g perform.Ground) perform.Record {
			out = g.Answer.Outcome
			input, err := ident.Lossless(g.Question)
			if err != nil {
				t.Error(err)
			}
			d := perform.Decided{Decision: gate.Decision{
				ID: ident.Derive(ident.Decision, noon, run, strconv.Itoa(n)), Outcome: out, Run: run, Impact: "contain", InputSHA256: ident.Sum(input), At: noon,
			}, Input: input}
			if out == gate.Allow {
				d.Reserve = &perform.Claim{Decision: d.ID, Run: run, Step: "a", Occurrence: 1, Action: "edr.isolate_host", Impact: "contain", TargetKinds: []string{"host"}, Playbook: "isolate", At: noon}
			}
			return perform.Record{Run: run, Decisions: []perform.Decided{d}}
		},
	})
	if err != nil {
		t.Error(err)
	}
	return out
}

func TestTwoHundredQuestionsUnderALimitOfTenGiveTenAllows(t *testing.T) {
	for name, tc := range map[string]struct{ limit, want int64 }{
		"a limit of ten": {10, 10},
		"no limit":       {0, 200},
	} {
		t.Run(name, func(t *testing.T) {
			o, _ := options(t, t.TempDir())
			s := open1(t, o)
			var allowed atomic.Int64
			var wg sync.WaitGroup
			for n := range 200 {
				run := aRun(t, s, n%20)
				wg.Go(func() {
					if question(t, s, run, n, limit(tc.limit)) == gate.Allow {
						allowed.Add(1)
					}
				})
			}
			wg.Wait()
			if allowed.Load() != tc.want {
				t.Errorf("%d allows, want %d", allowed.Load(), tc.want)
			}
			before := s.Facts("", noon)
			if got := before.Made.H24.ByTargetKind["host"]; got != tc.want {
				t.Errorf("%d hosts are counted", got)
			}
			if err := s.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(before, open1(t, o).Facts("", noon)); diff != "" {
				t.Errorf("after a restart: %s", diff)
			}
		})
	}
}

func TestAnAttemptThatDidNothingFreesItsPlace(t *testing.T) {
	s, _ := fresh(t)
	run := aRun(t, s, 1)
	judge := limit(1)
	if got := question(t, s, run, 1, judge); got != gate.Allow {
		t.Fatal(got)
	}
	if got := question(t, s, run, 2, judge); got != gate.Deny {
		t.Fatal(got)
	}
	free := perform.Claim{Decision: ident.Derive(ident.Decision, noon, run, "1"), Run: run, Step: "a", Occurrence: 1, Action: "edr.isolate_host"}
	if err := s.Append(t.Context(), perform.Record{Run: run, Free: []perform.Claim{free, free}}, nil); err != nil {
		t.Fatal(err)
	}
	if f := s.Facts(run, noon); f.Made.Run.Total != 0 || f.Made.M10.ByImpact["contain"] != 0 {
		t.Errorf("still counted: %+v", f.Made)
	}
	if got := question(t, s, run, 3, judge); got != gate.Allow {
		t.Errorf("the place was not freed: %s", got)
	}
}

func TestAJudgeThatTakesTooLongInsideTheActDenies(t *testing.T) {
	s, _ := fresh(t)
	run := aRun(t, s, 1)
	if question(t, s, run, 1, limit(0)) != gate.Allow {
		t.Fatal("not allowed")
	}
	q := aQuestion(run, gate.Facts{}) // from before the first
	var got gate.Answer
	err := s.Append(t.Context(), perform.Record{Run: run}, &perform.Asking{
		Question: q, Answer: gate.Answer{Outcome: gate.Allow}, Reserves: true,
		Judge: func(ctx context.Context, _ gate.Question) gate.Answer {
			<-ctx.Done()
			return gate.Answer{Outcome: gate.Allow}
		},
		Then: func(g perform.Ground) perform.Record { got = g.Answer; return perform.Record{Run: run} },
	})
	if err != nil || got.Outcome != gate.Deny {
		t.Errorf("got %+v (%v)", got, err)
	}
}

func TestTheAnswerOfBeforeStandsWhileNoCounterGrew(t *testing.T) {
	s, _ := fresh(t)
	run := aRun(t, s, 1)
	question(t, s, run, 1, limit(0))
	for name, tc := range map[string]struct {
		facts    gate.Facts
		reserves bool
		asked    bool
	}{
		"equal":                       {s.Facts(run, noon), true, false},
		"fewer than the question saw": {func() gate.Facts { f := s.Facts(run, noon); f.Made.M10.Total += 5; return f }(), true, false},
		"more":                        {gate.Facts{}, true, true},
		"more, but it takes no place": {gate.Facts{}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			asked := false
			err := s.Append(t.Context(), perform.Record{Run: run}, &perform.Asking{
				Question: aQuestion(run, tc.facts), Answer: gate.Answer{Outcome: gate.Allow}, Reserves: tc.reserves,
				Judge: func(context.Context, gate.Question) gate.Answer {
					asked = true
					return gate.Answer{Outcome: gate.Allow}
				},
				Then: func(perform.Ground) perform.Record { return perform.Record{Run: run} },
			})
			if err != nil || asked != tc.asked {
				t.Errorf("asked again: %v (%v)", asked, err)
			}
		})
	}
}

func TestADecisionGivesItsExactInput(t *testing.T) {
	s, _ := fresh(t)
	run := aRun(t, s, 1)
	a := anAlert(1)
	q := aQuestion(run, gate.Facts{})
	q.Action.Params = map[string]any{"alert": nil, "text": `"alert":null`, "deep": []any{map[string]any{"alert": nil}}}
	q.Alert = alert.Value(a, false)
	exact, err := ident.Lossless(q)
	if err != nil {
		t.Fatal(err)
	}
	q.Alert = nil
	part, err := ident.Lossless(q)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	d := perform.Decided{Decision: gate.Decision{
		ID: ident.Derive(ident.Decision, noon, "x"), Outcome: gate.Allow, Impact: "read", Run: run, At: noon, InputSHA256: ident.Sum(exact), Reasons: []approval.Reason{},
	}, Input: part, AlertSHA256: ident.Sum(raw)}
	if err := s.Append(t.Context(), perform.Record{Run: run, Decisions: []perform.Decided{d}}, nil); err != nil {
		t.Fatal(err)
	}
	got, err := s.DecisionByID(t.Context(), d.ID)
	if err != nil {
		t.Fatal(err)
	}
	if string(got.Input) != string(exact) {
		t.Errorf("got  %s\nwant %s", got.Input, exact)
	}
	if diff := cmp.Diff(d.Decision, got.Decision); diff != "" {
		t.Error(diff)
	}
}

func FuzzAnAlertIsPutBackWhereItWas(f *testing.F) {
	f.Add("alert", "x", `"alert":null`)
	f.Add("a", `\"`, `{"alert":null}`)
	f.Fuzz(func(t *testing.T, key, text, more string) {
		v := map[string]any{"alert": nil, "zz": map[string]any{key: text, "alert": nil, "more": more}, "aa": []any{more, map[string]any{"alert": nil}}}
		raw, err := ident.Lossless(v)
		if err != nil {
			t.Skip()
		}
		at := topLevelNull(raw, "alert")
		if at < 0 {
			t.Fatalf("not found in %s", raw)
		}
		v["alert"] = "here"
		want, err := ident.Lossless(v)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(raw[:at]) + `"here"` + string(raw[at+4:]); got != string(want) {
			t.Fatalf("got  %s\nwant %s", got, want)
		}
	})
}
