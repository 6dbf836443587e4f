package store

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/hunt"
	"github.com/tocsin-soar/tocsin/server/library"
	"github.com/tocsin-soar/tocsin/server/perform"
)

func TestBytesAreKeptUnderAllTheirNames(t *testing.T) {
	s, _ := fresh(t)
	raw := []byte("id: jira\n")
	for range 2 {
		if err := s.Keep(t.Context(), library.KindManifest, raw, []string{"action-1", "action-2"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Keep(t.Context(), library.KindManifest, []byte("other"), []string{"action-1"}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{secretHash(string(raw)), "action-1", "action-2"} {
		if got, err := s.Kept(t.Context(), library.KindManifest, name); err != nil || string(got) != string(raw) {
			t.Errorf("%s: %q (%v)", name, got, err)
		}
	}
	for kind, name := range map[library.Kind]string{library.KindPlaybook: "action-1", library.KindManifest: "none"} {
		if _, err := s.Kept(t.Context(), kind, name); fault.KindOf(err) != fault.NotFound {
			t.Errorf("%s %s: %v", kind, name, err)
		}
	}
}

func TestAPlaybookKeepsItsVersions(t *testing.T) {
	s, _ := fresh(t)
	version := func(text string) *library.Version {
		return &library.Version{SHA256: secretHash(text), Origin: library.Database, Author: "ana", Authors: []string{"ana"}, At: noon}
	}
	for i, change := range []func(b library.Book) library.Book{
		func(b library.Book) library.Book { b.Draft = version("one"); return b },
		func(b library.Book) library.Book {
			b.Published, b.Draft = b.Draft, nil
			b.Published.PublishedBy = "bo"
			return b
		},
		func(b library.Book) library.Book { b.Draft = version("two"); return b },
	} {
		b, err := s.ChangeBook(t.Context(), "isolate", func(b library.Book) (library.Book, []audit.Draft, error) {
			if b.Slug != "isolate" || b.Revision != int64(i) {
				t.Errorf("change %d of %+v", i, b)
			}
			return change(b), []audit.Draft{note("playbook.edit")}, nil
		})
		if err != nil || b.Revision != int64(i+1) {
			t.Fatalf("got %+v (%v)", b, err)
		}
	}
	no := errors.New("no")
	if _, err := s.ChangeBook(t.Context(), "none", func(b library.Book) (library.Book, []audit.Draft, error) { return b, nil, no }); !errors.Is(err, no) {
		t.Errorf("got %v", err)
	}
	books, err := s.Books(t.Context())
	if err != nil || len(books) != 1 {
		t.Fatalf("got %+v (%v)", books, err)
	}
	published := version("one")
	published.PublishedBy = "bo"
	if diff := cmp.Diff(library.Book{Slug: "isolate", Published: published, Draft: version("two"), Revision: 3}, books[0]); diff != "" {
		t.Error(diff)
	}
	versions, err := s.BookVersions(t.Context(), "isolate")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]library.Version{*version("two"), *published}, versions); diff != "" {
		t.Error(diff)
	}
}

func TestWhatPeopleMakeIsChangedAndRemovedInItsOwnDrawer(t *testing.T) {
	for in, other := range map[library.Drawer]library.Drawer{library.Connections: library.Sources, library.Sources: library.Connections} {
		t.Run(string(in), func(t *testing.T) { madeChangedRemoved(t, in, other) })
	}
	s, _ := fresh(t)
	if _, err := s.Stored(t.Context(), "user; DROP TABLE user"); fault.KindOf(err) != fault.Internal {
		t.Errorf("a drawer of no kind: %v", err)
	}
}

func madeChangedRemoved(t *testing.T, in, other library.Drawer) {
	t.Helper()
	s, _ := fresh(t)
	made := library.Stored{Name: "jira", Text: []byte(`{"name":"jira"}`), Sealed: map[string][]byte{"token": {0, 1, 255}}, Version: 1, By: "ana", At: noon}
	put := func(want *library.Stored, next *library.Stored) {
		t.Helper()
		err := s.ChangeStored(t.Context(), in, "jira", func(c *library.Stored) (*library.Stored, []audit.Draft, error) {
			if diff := cmp.Diff(want, c); diff != "" {
				t.Error(diff)
			}
			return next, []audit.Draft{note("connection.manage")}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	put(nil, &made)
	changed := made
	changed.Version, changed.Sealed = 2, map[string][]byte{}
	put(&made, &changed)
	list, err := s.Stored(t.Context(), in)
	if err != nil || cmp.Diff([]library.Stored{changed}, list) != "" {
		t.Errorf("listed %+v (%v)", list, err)
	}
	if list, err := s.Stored(t.Context(), other); err != nil || len(list) != 0 {
		t.Errorf("the other drawer holds %+v (%v)", list, err)
	}
	put(&changed, nil)
	put(nil, nil)
	if list, err := s.Stored(t.Context(), in); err != nil || len(list) != 0 {
		t.Errorf("left %+v (%v)", list, err)
	}
}

func TestAConnectionIsInUseWhileARunOrAnEffectNeedsIt(t *testing.T) {
	s, _ := fresh(t)
	run := aRun(t, s, 1)
	step := engine.StepView{Path: "a", Connection: "edr", Status: engine.StepRunning}
	rec := perform.Record{Run: run, Events: events(0, 1), Steps: []engine.StepView{step}, View: view(run, engine.RunRunning), Effects: []perform.Grip{grip(perform.GripTake, run, "eff_1", nil)}}
	if err := s.Append(t.Context(), rec, nil); err != nil {
		t.Fatal(err)
	}
	if runs, effects, err := s.InUse(t.Context(), "edr"); err != nil || len(runs) != 1 || len(effects) != 1 {
		t.Errorf("got %v %v (%v)", runs, effects, err)
	}
	if err := s.Append(t.Context(), perform.Record{Run: run, Expect: 1, Events: events(1, 1), View: view(run, engine.RunSucceeded)}, nil); err != nil {
		t.Fatal(err)
	}
	if runs, effects, err := s.InUse(t.Context(), "edr"); err != nil || len(runs) != 0 || len(effects) != 1 {
		t.Errorf("after the run: %v %v (%v)", runs, effects, err)
	}
	if runs, effects, err := s.InUse(t.Context(), "jira"); err != nil || len(runs) != 0 || len(effects) != 0 {
		t.Errorf("another one: %v %v (%v)", runs, effects, err)
	}
}

func TestATimeOfAScheduleStartsOneRun(t *testing.T) {
	s, c := fresh(t)
	plan := hunt.Schedule{ID: "hunt", Playbook: "hunt", Version: secretHash("v"), Cron: "0 * * * *", Timezone: "UTC", Missed: "once", Overlap: "skip", Jitter: time.Second, Due: noon, Wake: noon}
	if err := s.SyncSchedules(t.Context(), []hunt.Schedule{plan}); err != nil {
		t.Fatal(err)
	}
	if due, err := s.DueSchedules(t.Context(), noon.Add(-time.Second), 10); err != nil || len(due) != 0 {
		t.Errorf("due too early: %+v (%v)", due, err)
	}
	due, err := s.DueSchedules(t.Context(), noon, 10)
	if err != nil || len(due) != 1 {
		t.Fatalf("due %+v (%v)", due, err)
	}
	if diff := cmp.Diff(plan, due[0]); diff != "" {
		t.Error(diff)
	}
	var started atomic.Int64
	var wg sync.WaitGroup
	for i := range 10 {
		wg.Go(func() {
			ids, err := s.Fire(t.Context(), "hunt", func(x hunt.Schedule, _ int) hunt.Firing {
				st := startOf(anAlert(i))
				x.LastRun = st.ID
				return hunt.Firing{Schedule: x, Starts: []hunt.Tick{{Planned: noon, Start: st}}}
			})
			if err != nil {
				t.Error(err)
			}
			started.Add(int64(len(ids)))
		})
	}
	wg.Wait()
	if started.Load() != 1 {
		t.Errorf("%d runs", started.Load())
	}
	_, err = s.Fire(t.Context(), "hunt", func(x hunt.Schedule, running int) hunt.Firing {
		if running != 1 {
			t.Errorf("%d runs are not over", running)
		}
		return hunt.Firing{Schedule: x}
	})
	if err != nil {
		t.Fatal(err)
	}
	c.Add(time.Hour)
	testSync(t, s, plan)
}

// testSync: what a person paused stays paused, what changed its time gets the
// new one, what is gone is gone.
func testSync(t *testing.T, s *Store, plan hunt.Schedule) {
	t.Helper()
	_, err := s.ChangeSchedule(t.Context(), plan.ID, func(x hunt.Schedule) (hunt.Schedule, []audit.Draft, error) {
		x.Paused, x.By = true, "ana"
		return x, []audit.Draft{note("schedule.pause")}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	same := plan
	same.Due, same.Wake, same.Version = noon.Add(time.Hour), noon.Add(time.Hour), secretHash("w")
	other := plan
	other.ID = "other"
	if err := s.SyncSchedules(t.Context(), []hunt.Schedule{same, other}); err != nil {
		t.Fatal(err)
	}
	list, err := s.Schedules(t.Context())
	if err != nil || len(list) != 2 || !list[0].Paused || list[0].By != "ana" || !list[0].Due.Equal(noon) || list[0].Version != same.Version {
		t.Errorf("got %+v (%v)", list, err)
	}
	same.Cron = "5 * * * *"
	if err := s.SyncSchedules(t.Context(), []hunt.Schedule{same}); err != nil {
		t.Fatal(err)
	}
	list, err = s.Schedules(t.Context())
	if err != nil || len(list) != 1 || !list[0].Due.Equal(same.Due) || !list[0].Paused {
		t.Errorf("got %+v (%v)", list, err)
	}
	if _, err := s.ChangeSchedule(t.Context(), "other", nil); fault.KindOf(err) != fault.NotFound {
		t.Errorf("of what is gone: %v", err)
	}
}

func TestARepeatedRequestGetsTheFirstAnswer(t *testing.T) {
	s, c := fresh(t)
	r := s.Replays()
	key, digest := secretHash("key"), secretHash("body")
	begin := func(digest string) (int, string, string) {
		status, body, err := r.Begin(t.Context(), key, digest)
		return status, string(body), fault.CodeOf(err)
	}
	if status, _, code := begin(digest); status != 0 || code != "" {
		t.Fatalf("the first: %d %s", status, code)
	}
	if _, _, code := begin(digest); code != "in_progress" {
		t.Errorf("under way: %s", code)
	}
	if err := r.End(t.Context(), key, 201, []byte(`{"id":1}`)); err != nil {
		t.Fatal(err)
	}
	if status, body, code := begin(digest); status != 201 || body != `{"id":1}` || code != "" {
		t.Errorf("again: %d %s %s", status, body, code)
	}
	if _, _, code := begin(secretHash("other body")); code != "idempotency_conflict" {
		t.Errorf("another request: %s", code)
	}
	c.Add(keepReply)
	if status, _, code := begin(digest); status != 0 || code != "" {
		t.Errorf("after a day: %d %s", status, code)
	}
	if err := r.End(t.Context(), key, 0, nil); err != nil {
		t.Fatal(err)
	}
	if status, _, code := begin(secretHash("other body")); status != 0 || code != "" {
		t.Errorf("a key that was freed: %d %s", status, code)
	}
	c.Add(underWay)
	if status, _, code := begin(digest); status != 0 || code != "" {
		t.Errorf("of a process that is gone: %d %s", status, code)
	}
	if _, _, err := r.Begin(t.Context(), "no hash", digest); err == nil {
		t.Error("a key that is no hash is taken")
	}
}
