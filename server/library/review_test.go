package library

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/fault"
)

func (w *world) entry(slug string) Entry {
	w.t.Helper()
	e, _ := w.lib.Current().Playbook(slug)
	return e
}

// state says in a few words what is in force of a playbook, and what waits.
func (w *world) state(slug string) string {
	e := w.entry(slug)
	out := "nothing"
	if e.Playbook != nil {
		out = e.Playbook.Name + " " + string(e.Book.Published.Origin)
		if e.Book.Published.Reviewed {
			out += " reviewed"
		}
	}
	if e.Draft != nil {
		out += ", draft " + e.Draft.Name + " " + string(e.Book.Draft.Origin)
	}
	return out
}

func renamed(text, name string) string {
	_, rest, _ := strings.Cut(text, "\n")
	return "name: " + name + "\n" + rest
}

func person(name string) audit.Actor { return audit.Actor{Kind: "user", Name: name} }

func TestAContainPlaybookOfTheWorkspaceWaitsForASecondPerson(t *testing.T) {
	w := newWorld(t, map[string]string{"playbooks/look.yaml": look, "playbooks/isolate.yaml": isolate})
	steps := []struct {
		do   func()
		want string
	}{
		{func() {}, "nothing, draft Isolate workspace"},
		{func() { w.publish("isolate", "bea", "") }, "Isolate workspace reviewed"},
		{func() { w.fresh() }, "Isolate workspace reviewed"},
		{func() { w.write("playbooks/isolate.yaml", renamed(isolate, "Second")) }, "Isolate workspace reviewed, draft Second workspace"},
		{func() { w.fresh() }, "Isolate workspace reviewed, draft Second workspace"},
		{func() { w.write("playbooks/isolate.yaml", renamed(isolate, "Third")) }, "Isolate workspace reviewed, draft Third workspace"},
		{func() { w.write("playbooks/isolate.yaml", "{ broken") }, "Isolate workspace reviewed, draft Third workspace"},
		{func() { w.write("playbooks/isolate.yaml", isolate) }, "Isolate workspace reviewed"},
		{func() { delete(w.fs, "playbooks/isolate.yaml") }, "nothing"},
		{func() { w.write("playbooks/isolate.yaml", isolate) }, "nothing, draft Isolate workspace"},
	}
	for i, s := range steps {
		s.do()
		w.reload()
		if got := w.state("isolate"); got != s.want {
			t.Fatalf("step %d: got %q, want %q", i, got, s.want)
		}
	}
	if got := w.state("look"); got != "Look workspace" {
		t.Errorf("a playbook without contain actions: %s", got)
	}
}

func (w *world) publish(slug, by, version string) {
	w.t.Helper()
	if _, err := w.lib.Publish(w.t.Context(), person(by), slug, version); err != nil {
		w.t.Fatal(err)
	}
}

func TestWithReviewInFilesWhatIsLoadedIsInForce(t *testing.T) {
	w := newWorld(t, map[string]string{"playbooks/isolate.yaml": isolate})
	w.review = true
	w.fresh()
	w.reload()
	if got := w.state("isolate"); got != "Isolate workspace reviewed" {
		t.Error(got)
	}
	var plans []string
	for _, p := range w.lib.Current().Plans() {
		plans = append(plans, p.ID+" "+p.Schedule.Cron+" "+p.Schedule.Timezone)
	}
	if diff := cmp.Diff([]string{"isolate 0 6 * * * Europe/Vienna", "isolate-2 @hourly UTC"}, plans); diff != "" {
		t.Error(diff)
	}
}

func TestShippedPlaybooksCountAsReviewedUntilTheWorkspaceBringsItsOwn(t *testing.T) {
	w := newWorld(t, nil)
	w.lib.o.Playbooks = fstest.MapFS{"endpoint/isolate.yaml": {Data: []byte(isolate)}}
	w.reload()
	if got := w.state("isolate"); got != "Isolate shipped reviewed" {
		t.Fatal(got)
	}
	w.write("playbooks/isolate.yaml", renamed(isolate, "Ours"))
	w.reload()
	if got := w.state("isolate"); got != "Isolate shipped reviewed, draft Ours workspace" {
		t.Fatal(got)
	}
	w.publish("isolate", "bea", "")
	if got := w.state("isolate"); got != "Ours workspace reviewed" {
		t.Fatal(got)
	}
	delete(w.fs, "playbooks/isolate.yaml")
	w.reload()
	if got := w.state("isolate"); got != "Isolate shipped reviewed" {
		t.Fatal(got)
	}
}

func TestADraftOfTheAppIsPublishedByAnotherPerson(t *testing.T) {
	w := newWorld(t, nil)
	w.reload()
	ctx := t.Context()
	e, err := w.lib.SaveDraft(ctx, person("ann"), "mine", []byte(look), "")
	if err != nil || w.state("mine") != "nothing, draft Look database" || e.Managed {
		t.Fatal(err, w.state("mine"))
	}
	first := e.Book.Draft.SHA256
	if len(w.lib.Triggers()) != 0 {
		t.Error("a draft wakes on alerts")
	}
	for name, tc := range map[string]struct {
		by, version string
		code        string
	}{
		"its author":                 {"ann", "", "not_entitled"},
		"its author, spelt othewise": {"ANN", "", "not_entitled"},
		"another version":            {"bea", "sha256:" + strings.Repeat("0", 64), "changed_meanwhile"},
	} {
		if _, err := w.lib.Publish(ctx, person(tc.by), "mine", tc.version); fault.CodeOf(err) != tc.code {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Who touches the draft becomes an author too: then neither may publish.
	if e, err = w.lib.SaveDraft(ctx, person("bea"), "mine", []byte(renamed(look, "Two")), first); err != nil {
		t.Fatal(err)
	}
	for _, by := range []string{"ann", "bea"} {
		if _, err := w.lib.Publish(ctx, person(by), "mine", ""); fault.CodeOf(err) != "not_entitled" {
			t.Errorf("%s published a draft of theirs: %v", by, err)
		}
	}
	if e, err = w.lib.Publish(ctx, person("cid"), "mine", "sha256:"+e.Book.Draft.SHA256); err != nil {
		t.Fatal(err)
	}
	if w.state("mine") != "Two database reviewed" || e.Book.Published.PublishedBy != "cid" || len(w.lib.Triggers()) != 1 {
		t.Error(w.state("mine"))
	}
	w.now = w.now.Add(2 * time.Hour)
	_, about, err := w.lib.Program(ctx, engine.Start{Playbook: "mine", Version: e.Playbook.SHA256}, nil)
	if err != nil || about.Author != "bea" || !about.Reviewed || about.AgeSeconds != 7200 {
		t.Errorf("%+v %v", about, err)
	}
	versions, err := w.lib.Versions(ctx, "mine")
	if err != nil || len(versions) != 2 {
		t.Errorf("%d versions, %v", len(versions), err)
	}
	raw, err := w.lib.Text(ctx, "sha256:"+first)
	if err != nil || string(raw) != look {
		t.Error("the first text is lost")
	}
}

func TestADraftIsRefusedWithItsReason(t *testing.T) {
	w := newWorld(t, map[string]string{"playbooks/look.yaml": look})
	w.reload()
	for name, tc := range map[string]struct {
		slug, text, seen string
		code             string
	}{
		"a playbook of the workspace": {"look", look, "", "managed_by_files"},
		"a text with mistakes":        {"mine", "name: x\nsteps: [ { action: edr.nope } ]\n", "", "playbook_broken"},
		"no YAML":                     {"mine", "{", "", "playbook_broken"},
		"a name that is no slug":      {"My Playbook", look, "", "playbook_broken"},
		"a version never seen":        {"mine", look, strings.Repeat("0", 64), "changed_meanwhile"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.lib.SaveDraft(t.Context(), person("ann"), tc.slug, []byte(tc.text), tc.seen)
			if fault.CodeOf(err) != tc.code {
				t.Errorf("got %v", err)
			}
		})
	}
	if _, err := w.lib.Publish(t.Context(), person("bea"), "look", ""); fault.CodeOf(err) != "no_draft" {
		t.Error(err)
	}
	if _, err := w.lib.Publish(t.Context(), person("bea"), "nope", ""); fault.KindOf(err) != fault.NotFound {
		t.Error(err)
	}
}

func TestADraftThatNoLongerCompilesIsNotPublished(t *testing.T) {
	w := newWorld(t, nil)
	w.reload()
	if _, err := w.lib.SaveDraft(t.Context(), person("ann"), "mine", []byte(look), ""); err != nil {
		t.Fatal(err)
	}
	w.write("integrations/edr/manifest.yaml", strings.ReplaceAll(edrManifest, "get_host", "get_machine"))
	w.reload()
	if _, err := w.lib.Publish(t.Context(), person("bea"), "mine", ""); fault.CodeOf(err) != "playbook_broken" {
		t.Error(err)
	}
}

func TestAPlaybookWhoseActionIsGoneGoesOnWithWhatItHad(t *testing.T) {
	w := newWorld(t, map[string]string{"playbooks/look.yaml": look})
	w.reload()
	w.write("integrations/edr/manifest.yaml", strings.ReplaceAll(edrManifest, "get_host", "get_machine"))
	for range 3 {
		w.reload()
		if w.state("look") != "Look workspace" || !slices.Contains(w.mistakes(), "playbooks/look.yaml: unknown_action") {
			t.Error(w.state("look"), w.mistakes())
		}
	}
	w.fresh()
	w.reload()
	if w.entry("look").Playbook != nil || !slices.Contains(w.mistakes(), "playbooks/look.yaml: unknown_action") {
		t.Error(w.state("look"), w.mistakes())
	}
}

func TestWhatAReloadPutsInForceIsAudited(t *testing.T) {
	w := newWorld(t, map[string]string{"playbooks/look.yaml": look, "playbooks/isolate.yaml": isolate})
	w.reload()
	w.publish("isolate", "bea", "")
	delete(w.fs, "playbooks/look.yaml")
	w.reload()
	var got []string
	for _, d := range w.store.audit {
		got = append(got, d.Actor.Name+" "+d.Verb+" "+d.Object.ID+": "+d.Reason)
	}
	slices.Sort(got)
	want := []string{
		"bea playbook.publish isolate: ",
		"workspace playbook.edit isolate: brought by playbooks/isolate.yaml",
		"workspace playbook.publish look: brought by playbooks/look.yaml",
		"workspace playbook.publish look: its file is gone",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestCheckingATextDrawsItBesideItsMistakes(t *testing.T) {
	w := newWorld(t, nil)
	w.reload()
	p, ps := w.lib.Check("x", []byte("name: x\nsteps: [ { action: edr.get_hst } ]\n"))
	if p == nil || len(p.Steps) != 1 || !fault.Broken(ps) {
		t.Errorf("%+v %+v", p, ps)
	}
	if p, ps = w.lib.Check("x", []byte("{")); p != nil || !fault.Broken(ps) {
		t.Errorf("%+v %+v", p, ps)
	}
}

func TestAShippedPlaybookThatWantsAProductWhichIsNotThereIsNoMistake(t *testing.T) {
	w := newWorld(t, nil)
	w.lib.o.Playbooks = fstest.MapFS{"identity/lock.yaml": {Data: []byte("name: Lock\non: [ { alert: \"true\" } ]\nsteps: [ { action: identity.disable_user, with: { user: a } } ]\n")}}
	w.reload()
	e := w.entry("lock")
	if len(w.mistakes()) != 0 || e.Playbook != nil || len(e.Problems) != 1 || e.Problems[0].Code != "unfulfilled" {
		t.Errorf("%v %+v", w.mistakes(), e)
	}
}
