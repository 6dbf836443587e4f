package playbook

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-soar/tocsin/server/fault"
)

const head = "name: x\non: [ { manual: { alert: required } } ]\n"

func TestWhatIsSureMayBeRead(t *testing.T) {
	lookup := "  - id: rep\n    action: virustotal.file_report\n    with: { sha256: \"${{ alert.title }}\" }\n"
	for name, steps := range map[string]string{
		"an output after its step":                            lookup + "  - fail: ${{ steps.rep.output.names.join(',') }}\n",
		"an output inside then":                               lookup + "    on_error: continue\n  - if: steps.rep.ok\n    then: [ { fail: \"${{ steps.rep.output.names.join(',') }}\" } ]\n",
		"an output behind &&":                                 lookup + "    on_error: continue\n  - if: alert.count > 1 && steps.rep.ok && steps.rep.output.malicious > 1\n    then: [ { fail: x } ]\n",
		"an output behind an early end":                       lookup + "    on_error: continue\n  - if: \"!steps.rep.ok\"\n    then: [ { fail: no report } ]\n  - fail: ${{ steps.rep.output.names.join(',') }}\n",
		"an output in the else of its opposite":               lookup + "    on_error: continue\n  - if: \"!steps.rep.ok\"\n    then: [ { fail: a } ]\n    else: [ { fail: \"${{ steps.rep.output.names.join(',') }}\" } ]\n",
		"an output with .?":                                   lookup + "    on_error: continue\n  - fail: ${{ steps.rep.?output.malicious.orValue(0) > 3 }}\n",
		"ok, status and error of a step that may not run":     lookup + "    on_error: continue\n  - fail: \"${{ steps.rep.ok ? steps.rep.status : 'failed' }}\"\n",
		"an output in the block whose own guard ensures it":   lookup + "    on_error: continue\n  - if: steps.rep.ok\n    fail: ${{ steps.rep.output.names.join(',') }}\n",
		"an output that both branches made":                   "  - if: alert.count > 1\n    then: [ { set: { a: 1 } } ]\n    else: [ { set: { a: 2 } } ]\n  - fail: \"${{ vars.a }}\"\n",
		"a name that a try set before its catch ends the run": "  - try:\n" + indent("  - set: { a: 1 }\n") + "    catch: [ { fail: x } ]\n  - fail: \"${{ vars.a }}\"\n",
		"outputs of all branches":                             "  - parallel:\n      a:\n" + indent(lookup) + "      b: [ { wait: { for: 1m } } ]\n  - fail: ${{ steps.rep.output.names.join(',') }}\n",
		"a step beside it inside a turn":                      "  - for_each: ${{ alert.files }}\n    as: file\n    do:\n      - id: rep\n        action: virustotal.file_report\n        with: { sha256: \"${{ file.sha256 }}\" }\n      - if: steps.rep.output.malicious > index\n        then: [ { fail: x } ]\n",
		"a step before the loop inside it":                    lookup + "  - for_each: ${{ steps.rep.output.names }}\n    do: [ { fail: \"${{ steps.rep.output.malicious }}: ${{ item }}\" } ]\n",
		"a name that a sequential loop sets":                  "  - set: { n: 0 }\n  - for_each: ${{ alert.files }}\n    do: [ { set: { n: \"${{ vars.n + item.size }}\" } } ]\n  - fail: \"${{ vars.n }}\"\n",
		"the output of a loop":                                "  - id: all\n    for_each: ${{ alert.ips }}\n    do: [ { wait: { for: 1s } } ]\n  - fail: \"${{ size(steps.all.output.filter(r, r.ok)) }}\"\n",
		"who agreed":                                          "  - id: yes\n    approval: { title: ok?, to: [role:lead], within: 1h }\n  - fail: \"${{ steps.yes.output.who[?0].orValue('') }} ${{ steps.yes.output.comment }}\"\n",
		"alert behind a condition":                            "  - if: alert != null && alert.count > 1\n    then: [ { fail: \"${{ alert.title }}\" } ]\n",
		"a wait until a computed time":                        "  - wait: { until: \"${{ now + duration('1h') }}\" }\n  - fail: x\n",
		"what every case made":                                "  - switch: \"${{ alert.count }}\"\n    cases:\n      - { is: 1, do: [ { set: { a: 1 } } ] }\n      - { is: [2, 3], do: [ { fail: x } ] }\n    default: [ { set: { a: 2 } } ]\n  - fail: \"${{ vars.a }}\"\n",
		"a severity as a case":                                "  - switch: \"${{ alert.severity }}\"\n    cases: [ { is: \"${{ severity.high }}\", do: [ { fail: x } ] } ]\n",
		"an output in the case whose condition ensures it":    lookup + "    on_error: continue\n  - cases:\n      - { when: steps.rep.ok, do: [ { fail: \"${{ steps.rep.output.malicious }}\" } ] }\n",
		"an output in the case behind its opposite":           lookup + "    on_error: continue\n  - cases:\n      - { when: \"!steps.rep.ok\", do: [] }\n    default: [ { fail: \"${{ steps.rep.output.malicious }}\" } ]\n",
		"a name that a while counts in":                       "  - set: { n: 0 }\n  - while: vars.n < 3\n    limit: 5\n    do: [ { set: { n: \"${{ vars.n + 1 + index }}\" } } ]\n  - fail: \"${{ vars.n }}\"\n",
		"the error in catch":                                  "  - try:\n" + indent(lookup) + "    catch: [ { fail: \"${{ error.kind }} in ${{ error.step }}: ${{ steps.rep.?output.malicious.orValue(0) }}\" } ]\n",
		"an output behind a try whose catch ends the run":     "  - try:\n" + indent(lookup) + "    catch: [ { fail: x } ]\n  - fail: \"${{ steps.rep.output.malicious }}\"\n",
		"what finally made":                                   "  - try:\n" + indent(lookup) + "    finally: [ { set: { a: 1 } } ]\n  - fail: \"${{ vars.a }}\"\n",
		"what an undo took back":                              "  - id: t\n    action: jira.create_issue\n    with: { project: SEC, summary: x }\n  - { id: back, undo: { step: t } }\n  - fail: \"${{ size(steps.back.output.undone) }}\"\n",
		"code after a return that is guarded":                 "  - if: alert.count > 1\n    return: {}\n  - fail: x\n",
		"code after a failing block that may fail unnoticed":  "  - on_error: continue\n    if: alert.count > 1\n    fail: x\n  - fail: y\n",
	} {
		t.Run(name, func(t *testing.T) {
			p, ps := Compile("x", "x.yaml", []byte(head+"steps:\n"+steps), tools(t))
			if p == nil {
				t.Errorf("%s\n%s", steps, told(ps))
			}
		})
	}
}

func indent(text string) string {
	return strings.ReplaceAll("      "+strings.TrimSuffix(text, "\n"), "\n", "\n      ") + "\n"
}

func TestBlocksWithoutAnIDAreNumberedByKindInTheOrderOfTheFile(t *testing.T) {
	src := head + `steps:
  - wait: { for: 1m }
  - if: alert.count > 1
    else:
      - wait: { for: 2m }
      - for_each: ${{ alert.ips }}
        do:
          - wait: { for: 3m }
          - { id: named, wait: { for: 4m } }
          - parallel: { b: [ { wait: { for: 5m } } ], a: [ { if: alert.count > 2, then: [ { set: { x: 1 } } ] } ] }
    then:
      - wait: { for: 6m }
      - if: alert.count > 3
        then: [ { fail: "${{ vars.?x.orValue(0) }}" } ]
  - switch: ${{ alert.count }}
    cases: [ { is: 1, do: [ { wait: { for: 7m } } ] } ]
    default: [ { try: [ { wait: { for: 8m } } ], catch: [ { wait: { for: 9m } } ] } ]
  - { return: {} }
`
	p, ps := Compile("x", "x.yaml", []byte(src), tools(t))
	if p == nil {
		t.Fatal(told(ps))
	}
	var got []string
	var walk func(blocks []*Block, prefix string)
	walk = func(blocks []*Block, prefix string) {
		for _, b := range blocks {
			got = append(got, prefix+b.ID)
			walk(b.Then, prefix+b.ID+"/")
			walk(b.Else, prefix+b.ID+"/")
			if b.ForEach != nil {
				walk(b.ForEach.Do, prefix+b.ID+"/each[0]/")
			}
			if b.Switch != nil {
				walk(b.Switch.Cases[0].Do, prefix+b.ID+"/")
				walk(b.Switch.Default, prefix+b.ID+"/")
			}
			if b.Try != nil {
				walk(b.Try.Do, prefix+b.ID+"/")
				walk(b.Try.Catch, prefix+b.ID+"/")
			}
			if b.Parallel != nil {
				for _, br := range b.Parallel.Branches {
					walk(br.Steps, prefix+b.ID+"/"+br.Name+"/")
				}
			}
		}
	}
	walk(p.Steps, "")
	want := []string{
		"wait1", "if1", "if1/wait5", "if1/if3", "if1/if3/fail1",
		"if1/wait2", "if1/for_each1", "if1/for_each1/each[0]/wait3", "if1/for_each1/each[0]/named", "if1/for_each1/each[0]/parallel1",
		"if1/for_each1/each[0]/parallel1/b/wait4", "if1/for_each1/each[0]/parallel1/a/if2", "if1/for_each1/each[0]/parallel1/a/if2/set1",
		"switch1", "switch1/wait6", "switch1/try1", "switch1/try1/wait7", "switch1/try1/wait8", "return1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWhatIsLeftAwayHasTheDefaultsOfTheLanguage(t *testing.T) {
	p, ps := Compile("x", "x.yaml", []byte(head+"inputs: { n: { type: integer, optional: true } }\nsteps:\n  - for_each: \"${{ [inputs.n] }}\"\n    do:\n      - action: jira.close_issue\n        with: { key: A-1 }\n        retry: {}\n      - approval: { title: a, to: role:lead, within: 1h }\n"), tools(t))
	if p == nil {
		t.Fatal(told(ps))
	}
	each := p.Steps[0].ForEach
	action := each.Do[0].Action
	got := []any{p.Timeout, p.Undo, each.As, each.Concurrency, each.Limit, each.Continue, action.Timeout, *action.Retry, action.Connection, each.Do[1].Approval.Quorum, each.Do[0].OnError}
	want := []any{24 * time.Hour, false, "item", 1, 1000, false, 30 * time.Second, Retry{3, 2 * time.Second, 2, time.Minute}, "", 1, "fail"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Memory is counted, not time: the machine may be busy.
func TestTheWorkOfACheckGrowsWithThePlaybookNotWithItsSquare(t *testing.T) {
	work := func(steps int) uint64 {
		var b strings.Builder
		b.WriteString(head + "steps:\n")
		for i := range steps / 2 {
			fmt.Fprintf(&b, "  - id: s%d\n    action: jira.create_issue\n    with: { project: SEC, summary: \"${{ alert.title }} %d\" }\n    on_error: continue\n", i, i)
			fmt.Fprintf(&b, "  - if: steps.s%d.ok && steps.s%d.output.key != ''\n    then: [ { wait: { for: 1m } } ]\n", i, i)
		}
		var before, after runtime.MemStats
		c := tools(t)
		runtime.ReadMemStats(&before)
		p, ps := Compile("x", "x.yaml", []byte(b.String()), c)
		runtime.ReadMemStats(&after)
		if p == nil {
			t.Fatal(told(ps))
		}
		return after.TotalAlloc - before.TotalAlloc
	}
	small, large := work(125), work(500)
	if large > 8*small {
		t.Errorf("125 steps take %d kB, 500 take %d kB", small>>10, large>>10)
	}
}

func TestTheNumberOfExpressionsIsBounded(t *testing.T) {
	list := strings.Repeat("\"${{ alert.title }}\",", maxExpressions+1)
	_, ps := Compile("x", "x.yaml", []byte(head+"steps:\n  - set: { a: ["+list+"] }\n  - fail: \"${{ vars.a }}\"\n"), tools(t))
	found := 0
	for _, p := range ps {
		if p.Code == "too_large" {
			found++
		}
	}
	if found != 1 {
		t.Errorf("said %d times:\n%.500s", found, told(ps))
	}
}

func FuzzCompile(f *testing.F) {
	f.Add([]byte(contain))
	f.Add([]byte(head + "steps:\n  - parallel: { a: [ { fail: x } ], b: [ { set: { x: \"${{ 1 + }}\" } } ] }\n    wait_for: 9\n"))
	f.Add([]byte(head + "steps: [ { for_each: [1], do: [ { if: 'true', then: [ { return: { a: 1 } } ], else: ~ } ] } ]\non_failure: undo\n"))
	f.Add([]byte(head + "steps: [ { cases: [ { when: 'true', do: [] }, 3 ], default: ~ }, { while: x, do: [] }, { try: [ { undo: ~ } ], finally: [ { return: {} } ] } ]\n"))
	f.Add([]byte("on: [~]\nsteps: [~]\ninputs: ~\noutputs: []\nconcurrency: ~\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		p, ps := Compile("x", "x.yaml", src, tools(t))
		if (p == nil) != fault.Broken(ps) {
			t.Fatalf("a playbook beside errors, or neither: %v %s", p != nil, told(ps))
		}
	})
}
