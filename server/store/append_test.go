package store

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-soar/tocsin/server/alert"
	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/fault"
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
			got = append(got, ids[r.Run])
			after = r.Run
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
	page, err := s.Unfinished(t.Context(), "", 10)
	if err != nil {
		t.Fatal(err)
	}
	got := make([]string, len(page))
	for i, u := range page {
		got[i] = u.Run
		if u.Begun || u.Priority != []int{5, 5, 4, 2}[i] {
			t.Errorf("run %d: %+v", i, u)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	rest, err := s.Unfinished(t.Context(), want[1], 10)
	if err != nil || !slices.Equal(rest, page[2:]) {
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
