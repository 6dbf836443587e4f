package opa_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/tocsin-soar/tocsin/server/account"
	"github.com/tocsin-soar/tocsin/server/approval"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/gate"
	"github.com/tocsin-soar/tocsin/server/opa"
)

func engine(tb testing.TB) *opa.Engine {
	tb.Helper()
	e, err := opa.NewEngine(tb.Context(), func() time.Time { return noon })
	if err != nil {
		tb.Fatal(err)
	}
	return e
}

const denyReads = `deny contains {"rule": "closed", "reason": "closed today"} if input.action.impact == "read"`

func TestABrokenChangeKeepsThePolicyBefore(t *testing.T) {
	e := engine(t)
	if problems := e.Swap(t.Context(), bytesOf(action(denyReads))); len(problems) > 0 {
		t.Fatal(problems)
	}
	good := e.Revision()
	test := func(body string) map[string]string {
		files := action(`allow contains {"rule": "x"} if input.action.impact == "read"`)
		files["policies/edr/x_test.rego"] = "package tocsin.action_test\n\nimport data.tocsin.action\n\n" + body
		return files
	}
	for name, files := range map[string]map[string]string{
		"it does not parse":       action(`deny contains`),
		"it misspells a field":    action(`deny contains {"rule": "x", "reason": "y"} if input.action.impcat == "read"`),
		"it misspells a head":     action(`denny contains {"rule": "x", "reason": "y"} if input.action.impact == "read"`),
		"it calls the network":    action(`deny contains {"rule": "x", "reason": "y"} if http.send({}).status == 200`),
		"it allows by default":    action(`default allow := true`),
		"its values are wrong":    {"data.yaml": "limits: {contain: {per_run: lots}}"},
		"its test does not hold":  test("test_x if count(action.allow) == 7 with input as {\"action\": {\"impact\": \"read\"}}"),
		"its test never ends":     test("test_x if {\n\tsome a, b, c, d in [1, 2]\n\ta + b + c + d == 1000\n}"),
		"its test does not build": test("test_x if action.nothing.here(1)"),
	} {
		t.Run(name, func(t *testing.T) {
			problems := e.Swap(t.Context(), bytesOf(files))
			if !fault.Broken(problems) {
				t.Errorf("it is taken: %v", problems)
			}
			if e.Revision() != good {
				t.Error("the revision changed")
			}
			if a := e.Judge(t.Context(), question("read")); a.Outcome != gate.Deny || a.Reasons[0].Rule != "closed" || a.Revision != good {
				t.Errorf("the policy before does not answer: %v", a)
			}
		})
	}
	if problems := e.Swap(t.Context(), nil); len(problems) > 0 {
		t.Fatal(problems)
	}
	if a := e.Judge(t.Context(), question("read")); a.Outcome != gate.Allow || a.Revision == good {
		t.Errorf("a good change is not taken: %v", a)
	}
}

func TestTestsOfAWorkspaceRunAndNameTheirLines(t *testing.T) {
	files := action("deny contains {\"rule\": \"x\", \"reason\": \"y\"} if {\n\tinput.action.impact == \"read\"\n\tinput.purpose == \"step\"\n}\n\nallow contains {\"rule\": \"z\"} if input.purpose == \"undo\"")
	files["policies/edr/x_test.rego"] = `package tocsin.action_test

import data.tocsin.action
import data.tocsin.lib.shipped.question_test as q

test_reads_are_denied if {
	some m in action.deny with input as q.with_impact("read")
	m.rule == "x"
}

test_that_does_not_hold if {
	count(action.deny) == 1 with input as q.with_impact("write")
}

todo_test_later if {
	false
}
`
	report, problems := opa.RunTests(t.Context(), bytesOf(files))
	if len(problems) > 0 || len(report.Cases) != 3 {
		t.Fatalf("got %v %v", report, problems)
	}
	if c := report.Cases[0]; !c.Passed || c.Name != "test_reads_are_denied" || c.Line != 6 || c.File != "policies/edr/x_test.rego" {
		t.Errorf("got %+v", c)
	}
	if c := report.Cases[1]; c.Passed || c.Message == "" {
		t.Errorf("got %+v", c)
	}
	if c := report.Cases[2]; !c.Skipped {
		t.Errorf("got %+v", c)
	}
	if len(report.Coverage) != 1 || report.Coverage[0].Hit >= report.Coverage[0].All || !slices.Contains(report.Coverage[0].Missed, 10) {
		t.Errorf("coverage is %+v", report.Coverage)
	}
}

// F33: decisions are never mixed while policies are swapped.
func TestSwappingUnderLoadNeverMixesPolicies(t *testing.T) {
	e := engine(t)
	open := e.Revision()
	if problems := e.Swap(t.Context(), bytesOf(action(denyReads))); len(problems) > 0 {
		t.Fatal(problems)
	}
	closed := e.Revision()
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				a := e.Judge(t.Context(), question("read"))
				want := map[string]gate.Outcome{open: gate.Allow, closed: gate.Deny}[a.Revision]
				if a.Outcome != want && a.Reasons[0].Rule != "policy_timeout" { // this machine may be busy
					t.Errorf("%s answers %s", a.Revision, a.Outcome)
					return
				}
			}
		})
	}
	for i := range 6 {
		files := action(denyReads)
		if i%2 == 0 {
			files = nil
		}
		if problems := e.Swap(t.Context(), bytesOf(files)); len(problems) > 0 {
			t.Error(problems)
		}
	}
	close(stop)
	wg.Wait()
}

func TestAnAnswerSaysHowLongItTook(t *testing.T) {
	now := noon
	e, err := opa.NewEngine(t.Context(), func() time.Time { now = now.Add(time.Millisecond); return now })
	if err != nil {
		t.Fatal(err)
	}
	if a := e.Judge(t.Context(), question("read")); a.Took != time.Millisecond {
		t.Errorf("got %v", a.Took)
	}
}

func TestAccessIsAskedInRego(t *testing.T) {
	e := engine(t)
	ask := func(change func(*account.Question)) bool {
		q := account.Question{
			Actor: account.Asker{Kind: "user", ID: "usr_1", Roles: []string{"responder"}, Teams: []string{"blue"}}, Verb: account.RunCancel, Now: noon,
		}
		change(&q)
		return e.May(t.Context(), q)
	}
	for name, tc := range map[string]struct {
		change func(*account.Question)
		want   bool
	}{
		"a responder cancels":        {func(*account.Question) {}, true},
		"a responder of the team":    {func(q *account.Question) { q.Object.Team = "blue" }, true},
		"one of another team":        {func(q *account.Question) { q.Object.Team = "red" }, false},
		"an analyst":                 {func(q *account.Question) { q.Actor.Roles = []string{"analyst"} }, false},
		"nobody":                     {func(q *account.Question) { q.Actor.Roles = nil }, false},
		"a verb in capitals":         {func(q *account.Question) { q.Verb = "RUN.CANCEL" }, false},
		"no verb":                    {func(q *account.Question) { q.Verb = "" }, false},
		"a token without scopes":     {func(q *account.Question) { q.Actor.Kind = "token" }, false},
		"a token that may operate":   {func(q *account.Question) { q.Actor.Kind, q.Actor.Scopes = "token", []string{"operate"} }, true},
		"a token that may only read": {func(q *account.Question) { q.Actor.Kind, q.Actor.Scopes = "token", []string{"read"} }, false},
		"scopes of a person":         {func(q *account.Question) { q.Actor.Scopes = []string{"read"} }, true},
		"an unknown kind":            {func(q *account.Question) { q.Actor.Kind = "robot" }, false},
		"no kind":                    {func(q *account.Question) { q.Actor.Kind = "" }, false},
	} {
		t.Run(name, func(t *testing.T) {
			for range 2 { // the second answer is a kept one
				if got := ask(tc.change); got != tc.want {
					t.Errorf("got %v, want %v", got, tc.want)
				}
			}
		})
	}
}

func TestKeptAnswersOfAccessAreThoseOfTheQuestion(t *testing.T) {
	e := engine(t)
	ask := func(roles, teams []string, team string) bool {
		return e.May(t.Context(), account.Question{Actor: account.Asker{Kind: "user", Roles: roles, Teams: teams}, Verb: "see", Object: account.Object{Team: team}, Now: noon})
	}
	if !ask([]string{"viewer"}, []string{"a"}, "a") || ask([]string{"viewer"}, []string{"b"}, "a") || ask([]string{"view", "er"}, []string{"a"}, "a") || ask([]string{}, []string{"viewer", "a"}, "a") {
		t.Error("an answer was given to another question")
	}
}

func TestTheVerbsOfRegoAreThoseOfTheHouse(t *testing.T) {
	want := account.Verbs()
	slices.Sort(want)
	if got := engine(t).Verbs(); !slices.Equal(got, want) {
		t.Errorf("Rego knows %v, the house %v", got, want)
	}
}

func BenchmarkMay(b *testing.B) {
	e := engine(b)
	q := account.Question{Actor: account.Asker{Kind: "user", ID: "usr_1", Roles: []string{"responder"}, Teams: []string{"blue"}}, Verb: account.RunCancel, Now: noon}
	b.ReportAllocs()
	for b.Loop() {
		e.May(b.Context(), q)
	}
}

func TestObjectionsCanOnlyRefuseAVote(t *testing.T) {
	req := approval.Request{ID: "apr_1", Kind: approval.KindAction, Action: "edr.isolate_host", Impact: "contain", Targets: []approval.Target{{Kind: "host", Value: "dc-1"}}}
	eve := approval.Person{Name: "Eve", Roles: []string{"responder"}, Active: true}
	if got := engine(t).Objections(t.Context(), req, eve, "approve", noon); len(got) != 0 {
		t.Errorf("without a module there are %v", got)
	}
	for name, tc := range map[string]struct {
		rule string
		want string
	}{
		"it speaks":             {`deny contains {"rule": "not_eve", "reason": "not eve"} if input.voter.name == "eve"`, "not_eve"},
		"it does not":           {`deny contains {"rule": "not_bob", "reason": "not bob"} if input.voter.name == "bob"`, ""},
		"it does not fit":       {`deny contains {"rule": "not_eve"} if input.voter.name == "eve"`, "bad_rule"},
		"it breaks":             {`deny contains {"rule": "n", "reason": "n"} if to_number(input.voter.name) > 1`, "policy_error"},
		"it looks at the hour":  {`deny contains {"rule": "late", "reason": "at night"} if input.now.hour >= 12`, "late"},
		"it looks at a target":  {"deny contains {\"rule\": \"dc\", \"reason\": \"a domain controller\"} if {\n\tsome t in input.request.targets\n\tstartswith(t.value, \"dc-\")\n}", "dc"},
		"it looks at an answer": {`deny contains {"rule": "a", "reason": "a"} if input.decision == "answer"`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			e := engine(t)
			if problems := e.Swap(t.Context(), map[string][]byte{"x.rego": []byte("package tocsin.approve\n\n" + tc.rule)}); fault.Broken(problems) {
				t.Fatal(problems)
			}
			got := ""
			if list := e.Objections(t.Context(), req, eve, "approve", noon); len(list) > 0 {
				got = list[0].Rule
			}
			if got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestAMomentIsToldInTheZoneOfTheValues(t *testing.T) {
	for name, tc := range map[string]struct {
		hours string
		at    string
		want  gate.Now
	}{
		"a Monday noon":        {"{}", "2026-01-05T12:00:00Z", gate.Now{Weekday: "monday", Hour: 12, Business: true}},
		"the first minute":     {"{}", "2026-01-05T08:00:00Z", gate.Now{Weekday: "monday", Hour: 8, Business: true}},
		"a second before":      {"{}", "2026-01-05T07:59:59Z", gate.Now{Weekday: "monday", Hour: 7}},
		"the end is not in it": {"{}", "2026-01-05T18:00:00Z", gate.Now{Weekday: "monday", Hour: 18}},
		"a Sunday noon":        {"{}", "2026-01-04T12:00:00Z", gate.Now{Weekday: "sunday", Hour: 12}},
		"a holiday":            {"{holidays: [\"2026-01-05\"]}", "2026-01-05T12:00:00Z", gate.Now{Weekday: "monday", Hour: 12}},
		"winter in Berlin":     {"{timezone: Europe/Berlin}", "2026-01-05T07:00:00Z", gate.Now{Weekday: "monday", Hour: 8, Business: true}},
		"summer in Berlin":     {"{timezone: Europe/Berlin}", "2026-07-06T06:00:00Z", gate.Now{Weekday: "monday", Hour: 8, Business: true}},
		"already Monday":       {"{timezone: Australia/Sydney}", "2026-01-04T22:00:00Z", gate.Now{Weekday: "monday", Hour: 9, Business: true}},
		"a night shift":        {"{from: \"22:00\", to: \"06:00\"}", "2026-01-05T23:00:00Z", gate.Now{Weekday: "monday", Hour: 23, Business: true}},
		"its early hours":      {"{from: \"22:00\", to: \"06:00\"}", "2026-01-06T05:59:00Z", gate.Now{Weekday: "tuesday", Hour: 5, Business: true}},
		"those of Friday":      {"{from: \"22:00\", to: \"06:00\"}", "2026-01-10T05:00:00Z", gate.Now{Weekday: "saturday", Hour: 5, Business: true}},
		"none of Sunday":       {"{from: \"22:00\", to: \"06:00\"}", "2026-01-05T05:00:00Z", gate.Now{Weekday: "monday", Hour: 5}},
		"all day":              {"{from: \"00:00\", to: \"24:00\"}", "2026-01-05T23:59:59Z", gate.Now{Weekday: "monday", Hour: 23, Business: true}},
		"no days":              {"{days: []}", "2026-01-05T12:00:00Z", gate.Now{Weekday: "monday", Hour: 12}},
	} {
		t.Run(name, func(t *testing.T) {
			at, err := time.Parse(time.RFC3339, tc.at)
			if err != nil {
				t.Fatal(err)
			}
			tc.want.Time = tc.at
			if got := compile(t, map[string]string{"data.yaml": "hours: " + tc.hours}).Moment(at); got != tc.want {
				t.Errorf("got %+v, want %+v", got, tc.want)
			}
		})
	}
}
