package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-soar/tocsin/server/alert"
	"github.com/tocsin-soar/tocsin/server/approval"
	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/gate"
	"github.com/tocsin-soar/tocsin/server/ident"
	"github.com/tocsin-soar/tocsin/server/perform"
)

func TestTheJournalIsReadAsItWasWritten(t *testing.T) {
	o, _ := options(t, t.TempDir())
	s := open1(t, o)
	run := aRun(t, s, 1)
	want := events(0, 3)
	want[1].Body = fmt.Appendf(nil, `{"big":%q}`, strings.Repeat("x", maxInline+1))
	if err := s.Append(t.Context(), perform.Record{Run: run, Events: want}, nil); err != nil {
		t.Fatal(err)
	}
	if n := rows(t, s, "SELECT count(*) FROM journal WHERE body = '' AND body_sha256 IS NOT NULL"); n != 1 {
		t.Errorf("%d large bodies by hash", n)
	}
	for range 2 { // also after a restart
		st, err := s.Load(t.Context(), run)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, st.Events); diff != "" {
			t.Error(diff)
		}
		if err := s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		s = open1(t, o)
	}
}

func TestAWriterThatHasNotSeenTheEndIsRefused(t *testing.T) {
	s, _ := fresh(t)
	run := aRun(t, s, 1)
	appendEvents(t, s, run, 0, 2)
	for name, rec := range map[string]perform.Record{
		"behind":           {Run: run, Expect: 1, Events: events(1, 1)},
		"ahead":            {Run: run, Expect: 3, Events: events(3, 1)},
		"with a gap":       {Run: run, Expect: 2, Events: events(3, 1)},
		"with a step back": {Run: run, Expect: 2, Events: events(1, 1)},
		"unknown signal":   {Run: run, Expect: 2, Events: events(2, 1), Signals: []int64{99}},
	} {
		if err := s.Append(t.Context(), rec, nil); fault.CodeOf(err) != "journal_conflict" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := s.Append(t.Context(), perform.Record{Run: "run_none"}, nil); fault.KindOf(err) != fault.NotFound {
		t.Errorf("of no run: %v", err)
	}
	if err := s.Append(t.Context(), perform.Record{Run: run, Expect: 2, Events: []perform.Event{{Seq: 3, At: noon, Body: make([]byte, maxPayload+1)}}}, nil); fault.KindOf(err) != fault.TooLarge {
		t.Errorf("a value above the hard limit: %v", err)
	}
	if n := rows(t, s, "SELECT count(*) FROM journal"); n != 2 {
		t.Errorf("%d events", n)
	}
}

func TestOfManyWritersOneGoesOn(t *testing.T) {
	s, _ := fresh(t)
	run := aRun(t, s, 1)
	var won atomic.Int64
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if s.Append(t.Context(), perform.Record{Run: run, Events: events(0, 1)}, nil) == nil {
				won.Add(1)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Errorf("%d went on", won.Load())
	}
}

// view is a run as its host shows it.
func view(run string, status engine.RunStatus, waits ...engine.WaitKind) *engine.Run {
	v := &engine.Run{
		ID: run, Status: status, Inputs: map[string]any{"whole": 3.0}, Outputs: map[string]any{"n": int64(1)}, StartedAt: &noon, CreatedAt: noon,
	}
	for _, w := range waits {
		v.Waiting = append(v.Waiting, engine.Waiting{Step: "a", Kind: w, Text: "waits"})
	}
	if status.Final() {
		v.EndedAt = &noon
	}
	return v
}

func TestAPageShowsWhatTheJournalSays(t *testing.T) {
	s, _ := fresh(t)
	run := aRun(t, s, 1)
	step := engine.StepView{
		Path: "a/each[1]/b", ID: "b", Kind: "action", Action: "edr.isolate_host", Status: engine.StepWaiting, Attempts: 1, StartedAt: &noon,
		Input: map[string]any{"whole": 3.0, "n": int64(3)}, Output: []any{1.0, int64(2)},
	}
	other := step
	other.Path, other.Output = "a/z", strings.Repeat("x", maxInline)
	rec := perform.Record{Run: run, Events: events(0, 1), View: view(run, engine.RunWaiting, engine.WaitApproval), Steps: []engine.StepView{step, other}}
	if err := s.Append(t.Context(), rec, nil); err != nil {
		t.Fatal(err)
	}
	step.Status = engine.StepSucceeded
	if err := s.Append(t.Context(), perform.Record{Run: run, Expect: 1, Events: events(1, 1), Steps: []engine.StepView{step}}, nil); err != nil {
		t.Fatal(err)
	}
	got, err := s.Run(t.Context(), run)
	if err != nil {
		t.Fatal(err)
	}
	want := *view(run, engine.RunWaiting, engine.WaitApproval)
	id := anAlert(1).ID
	want.Playbook, want.Version, want.Trigger, want.Alert, want.Severity = "isolate", "sha256:"+hexOf(sumOf([]byte("playbook"))), engine.Trigger{Kind: "alert", Source: "edr"}, &id, "high"
	want.Steps = []engine.StepView{step, other}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	j, err := s.Journal(t.Context(), run)
	if err != nil || len(j) != 2 || j[1].Seq != 2 || string(j[1].Body) != `{"n":0}` || len(j[1].Chain) != 64 {
		t.Errorf("journal %+v (%v)", j, err)
	}
}

func TestTheHeadOfAJournalIsAuditedWhenTheRunWaitsOrEnds(t *testing.T) {
	s, _ := fresh(t)
	run := aRun(t, s, 1)
	for i, v := range []*engine.Run{
		view(run, engine.RunRunning), view(run, engine.RunWaiting, engine.WaitTimer), view(run, engine.RunWaiting, engine.WaitTimer),
		view(run, engine.RunRunning), view(run, engine.RunSucceeded),
	} {
		if err := s.Append(t.Context(), perform.Record{Run: run, Expect: uint64(i), Events: events(uint64(i), 1), View: v}, nil); err != nil {
			t.Fatal(err)
		}
	}
	var heads []string
	for r, err := range s.AuditRows(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		e, err := audit.Decode(r.Entry)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(e.Verb, "run.") {
			heads = append(heads, e.Verb+" "+e.Digest)
		}
	}
	j, err := s.Journal(t.Context(), run)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"run.waiting sha256:" + j[1].Chain, "run.succeeded sha256:" + j[4].Chain}
	if diff := cmp.Diff(want, heads); diff != "" {
		t.Error(diff)
	}
}

func TestOnlyRunsThatMayGoOnAreUnfinished(t *testing.T) {
	s, _ := fresh(t)
	status := map[int]*engine.Run{
		1: nil, // queued
		2: view("", engine.RunRunning),
		3: view("", engine.RunWaiting, engine.WaitApproval, engine.WaitTimer),
		4: view("", engine.RunWaiting, engine.WaitApproval, engine.WaitConnection),
		5: view("", engine.RunWaiting, engine.WaitHalt),
		6: view("", engine.RunSucceeded),
		7: view("", engine.RunWaiting, engine.WaitInDoubt), // with a signal
	}
	ids := map[string]int{}
	for n := 1; n <= 7; n++ {
		run := aRun(t, s, n)
		ids[run] = n
		if v := status[n]; v != nil {
			if err := s.Append(t.Context(), perform.Record{Run: run, Events: events(0, 1), View: v}, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	for run, n := range ids {
		if n == 7 {
			if err := s.commit(t.Context(), func(tx *tx) error { return tx.signal(run, "resolved", []byte(`{}`)) }); err != nil {
				t.Fatal(err)
			}
		}
	}
	var got []int
	after := ""
	for {
		page, err := s.Unfinished(t.Context(), after, 2)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, r := range page {
			got = append(got, ids[r])
			after = r
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, []int{1, 2, 4, 5, 7}) {
		t.Errorf("got %v", got)
	}
}

func TestTheMostSevereAndOldestRunsComeFirst(t *testing.T) {
	s, _ := fresh(t)
	var want []string
	for i, sev := range []alert.Severity{alert.Low, alert.Critical, alert.High, alert.Critical} {
		st := startOf(anAlert(i))
		st.ID, st.Priority = ident.New(ident.Run, noon.Add(time.Duration(i)*time.Second), [10]byte{}), sev.Rank()
		if _, err := s.Start(t.Context(), []engine.Start{st}, nil); err != nil {
			t.Fatal(err)
		}
		want = append(want, st.ID)
	}
	want = []string{want[1], want[3], want[2], want[0]}
	got, err := s.Unfinished(t.Context(), "", 10)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	rest, err := s.Unfinished(t.Context(), want[1], 10)
	if err != nil || !slices.Equal(rest, want[2:]) {
		t.Errorf("after the second: %v (%v)", rest, err)
	}
}

func TestTimersAreDueInTheirOrderAndGoWithTheRun(t *testing.T) {
	s, _ := fresh(t)
	run := aRun(t, s, 1)
	at := func(m int) time.Time { return noon.Add(time.Duration(m) * time.Minute) }
	key := func(p string) perform.TimerKey { return perform.TimerKey{Path: p, Kind: "wait"} }
	rec := perform.Record{
		Run: run, Events: events(0, 1), View: view(run, engine.RunRunning),
		SetTimers: []perform.Timer{{TimerKey: key("a"), Due: at(3)}, {TimerKey: key("b"), Due: at(1)}, {TimerKey: key("c"), Due: at(9)}, {TimerKey: key("a"), Due: at(2)}},
	}
	if err := s.Append(t.Context(), rec, nil); err != nil {
		t.Fatal(err)
	}
	due, next, err := s.Due(t.Context(), at(2), 10)
	if err != nil || len(due) != 2 || due[0].Path != "b" || due[1].Path != "a" || !next.Equal(at(9)) {
		t.Errorf("due %+v, next %v (%v)", due, next, err)
	}
	rec = perform.Record{Run: run, Expect: 1, Events: events(1, 1), DropTimers: []perform.TimerKey{key("b")}, View: view(run, engine.RunRunning)}
	if err := s.Append(t.Context(), rec, nil); err != nil {
		t.Fatal(err)
	}
	if due, _, err := s.Due(t.Context(), at(60), 10); err != nil || len(due) != 2 {
		t.Errorf("after a drop: %+v (%v)", due, err)
	}
	if err := s.Append(t.Context(), perform.Record{Run: run, Expect: 2, Events: events(2, 1), View: view(run, engine.RunFailed)}, nil); err != nil {
		t.Fatal(err)
	}
	if due, next, err := s.Due(t.Context(), at(60), 10); err != nil || len(due) != 0 || !next.IsZero() {
		t.Errorf("of a run that is over: %+v, %v (%v)", due, next, err)
	}
}

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
			input, err := ident.Canonical(g.Question)
			if err != nil {
				t.Error(err)
			}
			d := perform.Decided{Decision: gate.Decision{
				ID: ident.Derive(ident.Decision, noon, run, fmt.Sprint(n)), Outcome: out, Run: run, Impact: "contain", InputSHA256: ident.Sum(input), At: noon,
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
	exact, err := ident.Canonical(q)
	if err != nil {
		t.Fatal(err)
	}
	q.Alert = nil
	part, err := ident.Canonical(q)
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
		raw, err := ident.Canonical(v)
		if err != nil {
			t.Skip()
		}
		at := topLevelNull(raw, "alert")
		if at < 0 {
			t.Fatalf("not found in %s", raw)
		}
		v["alert"] = "here"
		want, err := ident.Canonical(v)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(raw[:at]) + `"here"` + string(raw[at+4:]); got != string(want) {
			t.Fatalf("got  %s\nwant %s", got, want)
		}
	})
}
