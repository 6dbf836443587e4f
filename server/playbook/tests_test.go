package playbook

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const exampleTests = `playbook: contain-host
cases:
  - name: a confirmed sample isolates the host for four hours
    alert: { fixture: testdata/edr-ransomware.json, mapping: elastic }
    replies:
      virustotal.file_report: { output: { malicious: 42 } }
      velociraptor.isolate_host: [ { error: { kind: unavailable } }, { output: { flow: F.1 } } ]
    people: [ { approval: isolate, decision: approve, by: bea, roles: [responder], after: 3m } ]
    expect:
      status: succeeded
      calls: [ { action: velociraptor.isolate_host, times: 2, with: { host: ws-117 } } ]
      effects: [ { action: velociraptor.isolate_host, expires_in: 4h } ]
      outputs: { ticket: "*" }
`

func TestTheExampleOfTestsIsReadInFull(t *testing.T) {
	got, ps := ParseTests("x.test.yaml", []byte(exampleTests))
	if len(ps) > 0 {
		t.Fatal(told(ps))
	}
	two, hours := 2, 4*time.Hour
	want := &TestFile{Playbook: "contain-host", Cases: []Case{{
		Name: "a confirmed sample isolates the host for four hours", Line: 3, AtEnd: "run",
		Alert: &TestAlert{Fixture: "testdata/edr-ransomware.json", Mapping: "elastic"},
		Replies: Replies{
			"virustotal.file_report":    {{Output: map[string]any{"malicious": int64(42)}, Line: 6}},
			"velociraptor.isolate_host": {{Error: &TestError{Kind: "unavailable"}, Line: 7}, {Output: map[string]any{"flow": "F.1"}, Line: 7}},
		},
		People: []TestPerson{{Approval: "isolate", Decision: "approve", By: "bea", Roles: []string{"responder"}, After: 3 * time.Minute, Line: 8}},
		Expect: Expect{
			Status:  "succeeded",
			Calls:   []ExpectCall{{Action: "velociraptor.isolate_host", Times: &two, With: map[string]any{"host": "ws-117"}, Line: 11}},
			Effects: []ExpectEffect{{Action: "velociraptor.isolate_host", ExpiresIn: &hours, Line: 12}},
			Outputs: map[string]any{"ticket": "*"},
		},
	}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestATestThatIsWrongIsToldSo(t *testing.T) {
	for name, tc := range map[string]struct{ old, new, says string }{
		"a misspelt key":             {"replies:", "reply:", "unknown_key"},
		"an unknown status":          {"status: succeeded", "status: succeedd", `did you mean "succeeded"?`},
		"an unknown kind of error":   {"kind: unavailable", "kind: unavailabel", `did you mean "unavailable"?`},
		"a reply that says nothing":  {"{ output: { malicious: 42 } }", "{}", "either an output or an error"},
		"a reply that says both":     {"{ output: { flow: F.1 } }", "{ output: { flow: F.1 }, error: { kind: timeout } }", "either an output or an error"},
		"a fixture outside":          {"testdata/edr-ransomware.json", "../../etc/passwd", "in the test's folder"},
		"an approval without a word": {"decision: approve, ", "", "needs a decision"},
		"a person who does both":     {"approval: isolate,", "approval: isolate, question: ask,", "either an approval or a question"},
		"nothing expected":           {exampleTests[strings.Index(exampleTests, "    expect:"):], "    expect: {}\n", "cannot fail"},
		"no case":                    {exampleTests[strings.Index(exampleTests, "cases:"):], "cases: []\n", "at least one case"},
		"no playbook":                {"playbook: contain-host\n", "", "missing_key"},
		"a name that is no slug":     {"playbook: contain-host", "playbook: Contain", "bad_name"},
		"zero calls":                 {"times: 2", "times: 0", "out_of_range"},
		"a moment that is none":      {"    expect:", "    given: { now: yesterday }\n    expect:", "RFC 3339"},
	} {
		t.Run(name, func(t *testing.T) {
			src := strings.Replace(exampleTests, tc.old, tc.new, 1)
			if src == exampleTests {
				t.Fatal("nothing is wrong with it")
			}
			got, ps := ParseTests("x.test.yaml", []byte(src))
			if got != nil || !strings.Contains(told(ps), tc.says) {
				t.Errorf("got %s", told(ps))
			}
		})
	}
}

func FuzzParseTests(f *testing.F) {
	f.Add([]byte(exampleTests))
	f.Fuzz(func(t *testing.T, src []byte) {
		got, ps := ParseTests("x.test.yaml", src)
		if got == nil && len(ps) == 0 {
			t.Fatal("nothing read and nothing said")
		}
	})
}
