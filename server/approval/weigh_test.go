package approval_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tocsin-soar/tocsin/server/approval"
)

var noon = time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)

func person(name string, roles ...string) approval.Person {
	return approval.Person{Name: name, Roles: roles, Teams: []string{"blue"}, Active: true}
}

func people(ps ...approval.Person) map[string]approval.Person {
	out := map[string]approval.Person{}
	for _, p := range ps {
		out[p.Name] = p
	}
	return out
}

func need(who string, quorum int, not ...string) approval.Requirement {
	return approval.Requirement{Rule: "rule", Reason: "reason", Who: strings.Fields(who), Quorum: quorum, Not: not}
}

func request(needs ...approval.Requirement) approval.Request {
	return approval.Request{
		ID: "apr_1", Kind: approval.KindAction, Status: approval.Pending, Digest: "sha256:aa", Deadline: noon.Add(time.Hour),
		Starter: "sam", Author: "ann", Requirements: needs,
	}
}

func yes(names ...string) []approval.Vote { return votes(approval.Yes, names...) }

func votes(word string, names ...string) []approval.Vote {
	out := []approval.Vote{}
	for i, n := range names {
		out = append(out, approval.Vote{By: n, Decision: word, At: noon.Add(time.Duration(i) * time.Second)})
	}
	return out
}

func TestVotesAreWeighed(t *testing.T) {
	crew := people(person("rob", "responder"), person("rita", "responder"), person("lea", "lead"), person("both", "responder", "lead"),
		person("sam", "responder"), person("ann", "responder"), person("vic", "viewer"),
		approval.Person{Name: "gone", Roles: []string{"responder"}}, approval.Person{Name: "robot", Roles: []string{"responder"}})
	contain := need("role:responder", 1, "starter", "author")
	for name, tc := range map[string]struct {
		needs []approval.Requirement
		votes []approval.Vote
		met   bool
		why   string // of the first vote
	}{
		"nobody":                         {[]approval.Requirement{contain}, nil, false, ""},
		"one responder":                  {[]approval.Requirement{contain}, yes("rob"), true, ""},
		"a viewer":                       {[]approval.Requirement{contain}, yes("vic"), false, "names you"},
		"the starter":                    {[]approval.Requirement{contain}, yes("sam"), false, "started"},
		"the author":                     {[]approval.Requirement{contain}, yes("ann"), false, "wrote"},
		"who was disabled since":         {[]approval.Requirement{contain}, yes("gone"), false, "disabled"},
		"a service account":              {[]approval.Requirement{contain}, yes("robot"), false, "disabled"},
		"who does not exist":             {[]approval.Requirement{contain}, yes("zed"), false, "nobody"},
		"two where one is enough":        {[]approval.Requirement{contain}, yes("rob", "rita"), true, ""},
		"one where two are needed":       {[]approval.Requirement{need("role:responder", 2)}, yes("rob"), false, ""},
		"two where two are needed":       {[]approval.Requirement{need("role:responder", 2)}, yes("rob", "rita"), true, ""},
		"one twice":                      {[]approval.Requirement{need("role:responder", 2)}, yes("rob", "rob"), false, ""},
		"one in capitals":                {[]approval.Requirement{need("role:responder", 2)}, yes("rob", "ROB"), false, ""},
		"one with blanks":                {[]approval.Requirement{need("role:responder", 2)}, yes("rob", " rob\t"), false, ""},
		"the starter in capitals":        {[]approval.Requirement{contain}, yes("SAM"), false, "started"},
		"the starter with a long s":      {[]approval.Requirement{contain}, yes("\u017fam"), false, "started"},
		"a look-alike of another script": {[]approval.Requirement{need("role:responder", 2)}, yes("rob", "r\u043eb"), false, ""},
		"wide letters":                   {[]approval.Requirement{need("role:responder", 2)}, yes("rob", "\uff52ob"), false, ""},
		"a zero-width space":             {[]approval.Requirement{need("role:responder", 2)}, yes("rob", "rob\u200b"), false, ""},
		"two requirements, one person":   {[]approval.Requirement{contain, need("role:lead", 1)}, yes("both"), false, ""},
		"two requirements, two people":   {[]approval.Requirement{contain, need("role:lead", 1)}, yes("both", "rob"), true, ""},
		"in the other order":             {[]approval.Requirement{need("role:lead", 1), contain}, yes("rob", "both"), true, ""},
		"a lead beside one with both":    {[]approval.Requirement{contain, need("role:lead", 1)}, yes("lea", "both"), true, ""},
		"two leads, no responder":        {[]approval.Requirement{contain, need("role:lead", 1)}, yes("lea"), false, ""},
		"any of two roles":               {[]approval.Requirement{need("role:lead role:responder", 1)}, yes("rob"), true, ""},
		"a team":                         {[]approval.Requirement{need("team:blue", 1)}, yes("vic"), true, ""},
		"another team":                   {[]approval.Requirement{need("team:red", 1)}, yes("vic"), false, "names you"},
		"by name":                        {[]approval.Requirement{need("user:vic", 1)}, yes("vic"), true, ""},
		"by another name":                {[]approval.Requirement{need("user:vic2", 1)}, yes("vic"), false, "names you"},
		"excluded by name":               {[]approval.Requirement{need("role:responder", 1, "user:rob")}, yes("rob"), false, "excludes you"},
		"excluded by name in capitals":   {[]approval.Requirement{need("role:responder", 1, "user:ROB")}, yes("rob"), false, "excludes you"},
		"excluded here, not there":       {[]approval.Requirement{need("role:lead", 1, "user:both"), contain}, yes("both", "lea"), true, ""},
		"nobody is named":                {[]approval.Requirement{need("", 1)}, yes("rob"), false, "names you"},
		"no requirement":                 {nil, yes("rob"), false, "no rule"},
		"a role without a name":          {[]approval.Requirement{need("role:", 1)}, yes("rob"), false, "names you"},
		"a role without its kind":        {[]approval.Requirement{need("responder", 1)}, yes("rob"), false, "names you"},
		"a quorum of none is one":        {[]approval.Requirement{need("role:responder", 0)}, nil, false, ""},
		"a no":                           {[]approval.Requirement{contain}, votes(approval.No, "rob"), false, ""},
		"a no beats a yes":               {[]approval.Requirement{contain}, append(yes("rita"), votes(approval.No, "rob")...), false, ""},
		"a no of nobody does not":        {[]approval.Requirement{contain}, append(votes(approval.No, "vic"), yes("rita")...), true, "names you"},
		"a no of the starter does not":   {[]approval.Requirement{contain}, append(votes(approval.No, "sam"), yes("rita")...), true, "started"},
		"neither yes nor no":             {[]approval.Requirement{contain}, votes("approved", "rob"), false, "neither"},
	} {
		t.Run(name, func(t *testing.T) {
			r := request(tc.needs...)
			r.Votes = tc.votes
			tally := approval.Weigh(r, crew, noon)
			if tally.Met != tc.met {
				t.Errorf("met is %v, want %v: %s, %+v", tally.Met, tc.met, tally.Why, tally.Votes)
			}
			if tally.Met != (tally.Why == "") {
				t.Errorf("met %v, yet it says %q", tally.Met, tally.Why)
			}
			if tc.why != "" && (tally.Votes[0].Counts || !strings.Contains(tally.Votes[0].WhyNot, tc.why)) {
				t.Errorf("the vote counts %v because %q, want %q", tally.Votes[0].Counts, tally.Votes[0].WhyNot, tc.why)
			}
		})
	}
}

func TestAYesHoldsOnlyForAWhile(t *testing.T) {
	at := func(d time.Duration) *time.Time { u := noon.Add(d); return &u }
	for name, tc := range map[string]struct {
		change func(*approval.Request)
		met    bool
		held   bool
	}{
		"pending":                 {func(*approval.Request) {}, true, false},
		"approved":                {func(r *approval.Request) { r.Status = approval.Approved; r.ValidUntil = at(time.Second) }, true, false},
		"at the very end":         {func(r *approval.Request) { r.Status = approval.Approved; r.ValidUntil = at(0) }, false, false},
		"used up":                 {func(r *approval.Request) { r.Status, r.UsedUp = approval.Approved, true }, false, false},
		"in the undo window":      {func(r *approval.Request) { r.Status, r.HeldUntil = approval.Approved, at(time.Second) }, true, true},
		"after the undo window":   {func(r *approval.Request) { r.Status, r.HeldUntil = approval.Approved, at(0) }, true, false},
		"denied":                  {func(r *approval.Request) { r.Status = approval.Denied }, false, false},
		"expired":                 {func(r *approval.Request) { r.Status = approval.Expired }, false, false},
		"void":                    {func(r *approval.Request) { r.Status = approval.Void }, false, false},
		"withdrawn":               {func(r *approval.Request) { r.Status = approval.Withdrawn }, false, false},
		"without a status":        {func(r *approval.Request) { r.Status = "" }, false, false},
		"a vote at the deadline":  {func(r *approval.Request) { r.Deadline = noon }, false, false},
		"a vote before it, later": {func(r *approval.Request) { r.Deadline = noon.Add(time.Nanosecond) }, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := request(need("role:responder", 1))
			r.Votes = yes("rob")
			tc.change(&r)
			got := approval.Weigh(r, people(person("rob", "responder")), noon)
			if got.Met != tc.met || got.Held != tc.held {
				t.Errorf("met %v held %v (%s), want %v %v", got.Met, got.Held, got.Why, tc.met, tc.held)
			}
		})
	}
}

func TestRightsAreThoseOfTheMomentOfWeighing(t *testing.T) {
	r := request(need("role:responder", 1))
	r.Votes = yes("rob")
	rob := person("rob", "responder")
	if !approval.Weigh(r, people(rob), noon).Met {
		t.Fatal("rob's vote does not count")
	}
	rob.Roles = []string{"viewer"}
	if approval.Weigh(r, people(rob), noon).Met {
		t.Error("it counts although rob lost the role")
	}
}

func TestTwoSpellingsInThePeopleAreOnePerson(t *testing.T) {
	r := request(need("role:responder", 2))
	r.Votes = yes("rob", "Rob")
	got := approval.Weigh(r, map[string]approval.Person{"rob": person("rob", "responder"), "Rob": person("Rob", "responder", "lead")}, noon)
	if got.Met {
		t.Error("they count as two")
	}
	r = request(need("role:lead", 1))
	r.Votes = yes("Rob")
	if approval.Weigh(r, map[string]approval.Person{"rob": person("rob", "responder"), "Rob": person("Rob", "responder", "lead")}, noon).Met {
		t.Error("one spelling has rights that the other has not")
	}
}

func drawRequest(t *rapid.T) (approval.Request, map[string]approval.Person) {
	roles := []string{"responder", "lead", "engineer"}
	crew := map[string]approval.Person{}
	names := []string{"ann", "bob", "cid", "dan", "eva", "sam"}
	for _, n := range names {
		crew[n] = approval.Person{
			Name: n, Active: rapid.IntRange(0, 9).Draw(t, "active") > 0,
			Roles: rapid.SliceOfNDistinct(rapid.SampledFrom(roles), 0, 3, rapid.ID[string]).Draw(t, "roles"),
		}
	}
	r := request()
	for range rapid.IntRange(0, 3).Draw(t, "needs") {
		who := []string{}
		for range rapid.IntRange(0, 2).Draw(t, "who") {
			who = append(who, rapid.SampledFrom([]string{"role:responder", "role:lead", "role:engineer", "user:eva"}).Draw(t, "word"))
		}
		r.Requirements = append(r.Requirements, approval.Requirement{
			Rule: "r", Who: who, Quorum: rapid.IntRange(0, 3).Draw(t, "quorum"),
			Not: rapid.SliceOfN(rapid.SampledFrom([]string{"starter", "author", "user:bob"}), 0, 2).Draw(t, "not"),
		})
	}
	for i := range rapid.IntRange(0, 7).Draw(t, "votes") {
		word := approval.Yes
		if rapid.IntRange(0, 14).Draw(t, "deny") == 0 {
			word = approval.No
		}
		name := rapid.SampledFrom(names).Draw(t, "voter")
		if rapid.Bool().Draw(t, "shout") {
			name = strings.ToUpper(name)
		}
		r.Votes = append(r.Votes, approval.Vote{By: name, Decision: word, At: noon.Add(time.Duration(i))})
	}
	return r, crew
}

func TestTheOrderOfTheVotesNeverMatters(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, crew := drawRequest(t)
		first := approval.Weigh(r, crew, noon)
		other := r
		other.Votes = rapid.Permutation(r.Votes).Draw(t, "order")
		second := approval.Weigh(other, crew, noon)
		if first.Met != second.Met || first.Denied != second.Denied || !slices.Equal(first.By, second.By) {
			t.Fatalf("got %+v and %+v", first, second)
		}
		shuffled := r
		shuffled.Requirements = rapid.Permutation(r.Requirements).Draw(t, "needs")
		if third := approval.Weigh(shuffled, crew, noon); third.Met != first.Met {
			t.Fatalf("the order of the requirements matters: %v and %v", first.Met, third.Met)
		}
	})
}

// The oracle tries every assignment of people to slots.
func TestWhatIsMetIsWhatSomeAssignmentFills(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, crew := drawRequest(t)
		got := approval.Weigh(r, crew, noon)
		want := len(r.Requirements) > 0 && !got.Denied && possible(r, crew, distinct(got), 0, nil)
		if got.Met != want {
			t.Fatalf("met is %v, some assignment %v: %+v %+v", got.Met, want, r.Requirements, got.Votes)
		}
	})
}

// distinct gives the names whose yes counts.
func distinct(t approval.Tally) []string {
	var out []string
	for _, v := range t.Votes {
		if n := strings.ToLower(v.By); v.Counts && v.Decision == approval.Yes && !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}

// possible fills the slots one after another with people not yet used.
func possible(r approval.Request, crew map[string]approval.Person, names []string, slot int, used []string) bool {
	at := 0
	for i, q := range r.Requirements {
		for range max(1, q.Quorum) {
			if at++; at-1 != slot {
				continue
			}
			alone := r
			alone.Requirements = r.Requirements[i : i+1]
			for _, n := range names {
				if !slices.Contains(used, n) && approval.WhyNot(alone, crew[n]) == "" && possible(r, crew, names, slot+1, append(used, n)) {
					return true
				}
			}
			return false
		}
	}
	return true
}

func TestOnePersonNeverFillsTwoSlots(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, crew := drawRequest(t)
		got := approval.Weigh(r, crew, noon)
		slots := 0
		for _, n := range got.Needs {
			if n.Met {
				slots += n.Quorum
			}
		}
		if people := len(distinct(got)); slots > people {
			t.Fatalf("%d people fill %d slots", people, slots)
		}
	})
}

func TestAnEmptyGroupApprovesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, crew := drawRequest(t)
		r.Requirements = append(r.Requirements, approval.Requirement{Rule: "nobody", Who: []string{}, Quorum: 1})
		if approval.Weigh(r, crew, noon).Met {
			t.Fatal("met without anybody being named")
		}
	})
}

func TestMoreAskedForIsNeverMetByLess(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, crew := drawRequest(t)
		other, _ := drawRequest(t)
		stricter := r
		stricter.Requirements = approval.Stricter(r.Requirements, other.Requirements)
		if approval.Weigh(stricter, crew, noon).Met && len(r.Requirements) > 0 {
			merged := r
			merged.Requirements = approval.Merge(r.Requirements)
			if !approval.Weigh(merged, crew, noon).Met {
				t.Fatal("the stricter requirement is met, the old one is not")
			}
		}
	})
}

func TestDecidersAreNamed(t *testing.T) {
	r := request(need("role:responder", 1, "starter"))
	got := approval.Deciders(r, people(person("Rob", "responder"), person("sam", "responder"), person("vic", "viewer"), approval.Person{Name: "gone", Roles: []string{"responder"}}))
	if diff := cmp.Diff([]string{"rob"}, got); diff != "" {
		t.Error(diff)
	}
	if got := approval.Deciders(r, people(person("sam", "responder"))); got == nil || len(got) != 0 {
		t.Errorf("got %#v, want an empty list", got)
	}
}

func TestACanonicalNameIsOneSpelling(t *testing.T) {
	for _, same := range [][]string{{"rob", "ROB", "Rob", " rob ", "\trob\n"}, {"kim", "\u212aim", "KIM"}, {"sam", "\u017fam", "SAM"}} {
		for _, s := range same {
			if got := approval.Canonical(s); got != same[0] {
				t.Errorf("%q is %q, want %q", s, got, same[0])
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "name")
		once := approval.Canonical(s)
		if twice := approval.Canonical(once); twice != once {
			t.Fatalf("%q, then %q", once, twice)
		}
	})
}

func TestMergingJoinsWhoAsksTheSamePeople(t *testing.T) {
	got := approval.Merge([]approval.Requirement{
		{Rule: "b", Reason: "two", Who: []string{"role:lead", "role:responder"}, Quorum: 2, Not: []string{"starter"}, Within: "1h", Hold: "0s", ValidFor: "15m", Extend: "10m"},
		{
			Rule: "a", Reason: "one", Who: []string{"role:responder", "role:lead", "role:lead"}, Quorum: 1, Not: []string{"author", "starter"}, Within: "30m", Hold: "8s", ValidFor: "5m", Extend: "0s",
			Escalate: []approval.Escalation{{After: "10m", Who: []string{"role:admin"}}},
		},
		{Rule: "c", Reason: "three", Who: []string{"user:zoe"}, Quorum: 1, Within: "2h", Hold: "90s", ValidFor: "15m", Extend: "30m"},
	})
	want := []approval.Requirement{
		{
			Rule: "a, b", Reason: "one; two", Who: []string{"role:lead", "role:responder"}, Quorum: 2, Not: []string{"author", "starter"}, Within: "30m", Extend: "0s", Hold: "1m", ValidFor: "5m",
			Escalate: []approval.Escalation{{After: "10m", Who: []string{"role:admin"}}},
		},
		{Rule: "c", Reason: "three", Who: []string{"user:zoe"}, Quorum: 1, Not: []string{}, Within: "30m", Extend: "0s", Hold: "1m", ValidFor: "5m", Escalate: []approval.Escalation{}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := approval.Merge(nil); got == nil || len(got) != 0 {
		t.Errorf("nothing merges to %#v", got)
	}
}

func TestMergingTwiceIsMergingOnceInAnyOrder(t *testing.T) {
	durations := []string{"0s", "8s", "60s", "30m", "1h30m", "7d", "nonsense", ""}
	rapid.Check(t, func(t *rapid.T) {
		r, _ := drawRequest(t)
		for i := range r.Requirements {
			q := &r.Requirements[i]
			q.Rule = fmt.Sprint("rule", rapid.IntRange(0, 3).Draw(t, "rule"))
			q.Reason = rapid.SampledFrom([]string{"", "why", "because; of"}).Draw(t, "reason")
			for _, d := range []*string{&q.Within, &q.Hold, &q.ValidFor, &q.Extend} {
				*d = rapid.SampledFrom(durations).Draw(t, "duration")
			}
		}
		once := approval.Merge(r.Requirements)
		if diff := cmp.Diff(once, approval.Merge(once)); diff != "" {
			t.Fatalf("merged twice:\n%s", diff)
		}
		other := approval.Merge(rapid.Permutation(r.Requirements).Draw(t, "order"))
		if diff := cmp.Diff(once, other); diff != "" {
			t.Fatalf("in another order:\n%s", diff)
		}
		if terms := approval.TermsOf(once); terms != approval.TermsOf(r.Requirements) || terms.Hold > approval.MaxHold {
			t.Fatalf("the terms are %v, then %v", approval.TermsOf(r.Requirements), terms)
		}
	})
}

func TestADurationIsReadOrRefused(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0s": 0, "8s": 8 * time.Second, "30m": 30 * time.Minute, "4h": 4 * time.Hour, "7d": 168 * time.Hour, "1h30m": 90 * time.Minute, "007s": 7 * time.Second,
	} {
		if got, err := approval.ParseDuration(text); err != nil || got != want {
			t.Errorf("%s: got %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "s", "30", "-1s", "+1s", "1.5h", "1 h", " 1h", "1h ", "1ms", "1us", "1w", "h1", "1e3s", "99999999999999999999s", "4000d", "\u0661s", "1H"} {
		if got, err := approval.ParseDuration(text); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
}

func FuzzParseDuration(f *testing.F) {
	for _, s := range []string{"30m", "1h30m", "", "9d", "1.5h", "-1s", "999999999d"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := approval.ParseDuration(s)
		if err != nil {
			return
		}
		if d < 0 || d > 3650*24*time.Hour {
			t.Fatalf("%q is %v", s, d)
		}
		if again, err := approval.ParseDuration(approval.DurationText(d)); err != nil || again != d {
			t.Fatalf("%v is written %s and read %v, %v", d, approval.DurationText(d), again, err)
		}
	})
}
