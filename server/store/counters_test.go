package store

import (
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tocsin-soar/tocsin/server/gate"
	"github.com/tocsin-soar/tocsin/server/perform"
)

// plainFacts counts claims one by one, as slowly and plainly as can be.
func plainFacts(claims []perform.Claim, run string, now time.Time) gate.Facts {
	empty := func() gate.Counts { return newTally().counts() }
	f := gate.Facts{InForce: empty(), Made: gate.Made{Run: empty(), M10: empty(), H1: empty(), H24: empty()}}
	for _, c := range claims {
		w := weightOf(c)
		if c.Run == run {
			countInto(&f.Made.Run, &w, 1)
		}
		age := now.Unix()/60 - c.At.Unix()/60
		if age <= 10 {
			countInto(&f.Made.M10, &w, 1)
		}
		if age <= 60 {
			countInto(&f.Made.H1, &w, 1)
		}
		if age <= 24*60 {
			countInto(&f.Made.H24, &w, 1)
		}
	}
	return f
}

func TestCountersSayWhatCountingWouldSay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &Store{count: newCounters()}
		now := noon
		var claims []perform.Claim
		batch := &tx{s: s}
		for i := range rapid.IntRange(1, 60).Draw(t, "steps") {
			switch rapid.IntRange(0, 4).Draw(t, "what") {
			case 0, 1:
				c := perform.Claim{
					Decision: strconv.Itoa(i), Run: rapid.SampledFrom([]string{"r1", "r2"}).Draw(t, "run"), Action: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "action"),
					Impact: "contain", TargetKinds: rapid.SliceOfN(rapid.SampledFrom([]string{"host", "user"}), 0, 3).Draw(t, "kinds"), Playbook: "p", At: now,
				}
				claims = append(claims, c)
				batch.claims = append(batch.claims, claimChange{add: &c})
			case 2:
				if len(claims) > 0 {
					at := rapid.IntRange(0, len(claims)-1).Draw(t, "freed")
					c := claims[at]
					claims = append(claims[:at:at], claims[at+1:]...)
					batch.claims = append(batch.claims, claimChange{drop: &c})
				}
			case 3: // the commit
				s.count.apply(batch.claims)
				batch.claims = nil
				if diff := cmp.Diff(plainFacts(claims, "r1", now), s.Facts("r1", now)); diff != "" {
					t.Fatalf("after a commit: %s", diff)
				}
			case 4:
				now = now.Add(time.Duration(rapid.SampledFrom([]int{1, 59, 60, 600, 3600, 86400, 86460}).Draw(t, "seconds")) * time.Second)
			}
			if diff := cmp.Diff(plainFacts(claims, "r1", now), batch.facts("r1", now)); diff != "" {
				t.Fatalf("inside the act: %s", diff)
			}
		}
	})
}

func TestAClockThatGoesBackFreesNoPlace(t *testing.T) {
	s := &Store{count: newCounters()}
	s.count.apply([]claimChange{{add: &perform.Claim{Decision: "d", Run: "r", Impact: "contain", At: noon}}})
	if got := s.Facts("r", noon.Add(-time.Hour)).Made.M10.Total; got != 1 {
		t.Errorf("got %d", got)
	}
	if got := s.Facts("r", noon.Add(365*24*time.Hour)).Made.H24.Total; got != 0 {
		t.Errorf("a year later it counts %d", got)
	}
	if got := s.Facts("r", noon).Made.Run.Total; got != 1 {
		t.Errorf("the run forgets: %d", got)
	}
}

func TestACounterHasGrownOnlyWhenOneIsHigher(t *testing.T) {
	base := func() gate.Facts {
		return plainFacts([]perform.Claim{{Decision: "1", Run: "r", Action: "a", Impact: "contain", TargetKinds: []string{"host"}, Playbook: "p", At: noon}}, "r", noon)
	}
	for name, change := range map[string]func(f *gate.Facts){
		"in force":         func(f *gate.Facts) { f.InForce.Total++ },
		"of the run":       func(f *gate.Facts) { f.Made.Run.ByTargetKind["host"]++ },
		"of an action":     func(f *gate.Facts) { f.Made.M10.ByAction["new"] = 1 },
		"of a playbook":    func(f *gate.Facts) { f.Made.H1.ByPlaybook["p"]++ },
		"of an impact":     func(f *gate.Facts) { f.Made.H24.ByImpact["contain"]++ },
		"one up, one down": func(f *gate.Facts) { f.Made.H24.ByImpact["contain"]++; f.Made.H24.Total-- },
	} {
		now := base()
		change(&now)
		if !grown(base(), now) {
			t.Errorf("%s: not seen", name)
		}
		if name != "one up, one down" && grown(now, base()) {
			t.Errorf("%s: fewer counts as more", name)
		}
	}
	if grown(base(), base()) {
		t.Error("equal counts as more")
	}
}
