package playbook

import (
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/document"
)

// catalog is what the tests' playbooks may call.
type catalog struct{ m map[string]*connector.Action }

func (c catalog) Action(ref string) (*connector.Action, bool) { a, ok := c.m[ref]; return a, ok }

func schema(t *testing.T, text string) map[string]any {
	t.Helper()
	n, ps := document.Parse("schema", []byte(text))
	if len(ps) > 0 {
		t.Fatal(ps)
	}
	m, _ := n.Plain().(map[string]any)
	return m
}

const contain = `name: Contain a host that runs ransomware
description: Confirm, open a ticket, ask, isolate for four hours.
attack: [T1486]
on:
  - alert: alert.category == 'malware' && alert.severity >= severity.high
  - manual: { alert: required }
inputs:
  host: { type: string, default: "${{ alert.hosts[0].name }}" }
concurrency: { key: "${{ inputs.host }}", limit: 1, then: queue }      # queue | drop | cancel_oldest
timeout: 8h

steps:
  - id: reputation
    action: virustotal.file_report
    with: { sha256: "${{ alert.files[0].sha256 }}" }
    retry: { attempts: 5, first: 2s, factor: 2, max: 1m }
    timeout: 30s
    on_error: continue

  - id: ticket
    action: jira.create_issue
    with: { project: SEC, summary: "Ransomware on ${{ inputs.host }}" }

  - if: steps.reputation.ok && steps.reputation.output.malicious > 3
    then:
      - id: isolate
        action: velociraptor.isolate_host
        with: { host: "${{ inputs.host }}" }
        retry: { attempts: 3 }
        for: 4h
    else:
      - id: ask
        question:
          title: "Is ${{ inputs.host }} compromised?"
          to: [role:responder]
          form:
            verdict: { type: string, enum: [compromised, clean, unsure] }
            note:    { type: string, optional: true }
          within: 2h
          otherwise: { verdict: unsure }

outputs:
  ticket: ${{ steps.ticket.output.key }}
on_failure: undo
`

func (c catalog) Actions() []string { return slices.Sorted(maps.Keys(c.m)) }

func (c catalog) Connections(integration string) []string {
	return map[string][]string{"jira": {"jira", "jira-test"}}[integration]
}

// others are the playbooks that the tests' may call.
var others = map[string]string{
	"enrich":   "name: x\non: [ { manual: {} } ]\ninputs: { host: { type: string }, deep: { type: boolean, default: false } }\nsteps: [ { wait: { for: 1m } } ]\noutputs: { owner: a, risk: 3 }\n",
	"on-alert": "name: x\non: [ { alert: alert.count > 1 } ]\nsteps: [ { fail: x } ]\n",
	"ping":     "name: x\non: [ { manual: {} } ]\nsteps: [ { if: 'true', then: [ { call: pong } ] } ]\n",
	"pong":     "name: x\non: [ { manual: {} } ]\nsteps: [ { call: ping } ]\n",
	"back":     "name: x\non: [ { manual: {} } ]\nsteps: [ { call: calls } ]\n",
	"c1":       "steps: [ { call: c2 } ]", "c2": "steps: [ { call: c3 } ]", "c3": "steps: [ { call: c4 } ]", "c4": "steps: [ { call: c5 } ]",
	"c5": "steps: [ { call: c6 } ]", "c6": "steps: [ { call: c7 } ]", "c7": "steps: [ { call: c8 } ]", "c8": "steps: [ { call: c9 } ]", "c9": "steps: [ { fail: x } ]",
}

func (c catalog) Outline(slug string) (Outline, bool) { return OutlineOf(slug, []byte(others[slug])) }
func (c catalog) Slugs() []string                     { return slices.Sorted(maps.Keys(others)) }

func (c catalog) CheckSchedule(_, zone string) error {
	if zone == "Mars/Olympus" {
		return errors.New("there is no such time zone")
	}
	return nil
}

func tools(t *testing.T) catalog {
	t.Helper()
	obj := func(text string) map[string]any { return schema(t, text) }
	list := []*connector.Action{
		{
			Integration: "virustotal", ID: "file_report", Impact: connector.Read,
			Input:  obj("{type: object, properties: {sha256: {type: string, pattern: '^[0-9a-f]{64}$'}}, required: [sha256]}"),
			Output: obj("{type: object, properties: {malicious: {type: integer}, names: {type: array, items: {type: string}}}}"),
		},
		{
			Integration: "jira", ID: "create_issue", Impact: connector.Write,
			Input:   obj("{type: object, properties: {project: {type: string}, summary: {type: string}, priority: {type: integer, minimum: 1, maximum: 5}, labels: {type: array, items: {type: string}}, kind: {type: string, enum: [bug, task]}}, required: [project, summary]}"),
			Output:  obj("{type: object, properties: {key: {type: string}, url: {type: string}}, additionalProperties: false}"),
			Inverse: &connector.Inverse{Action: "close_issue"},
		},
		{Integration: "jira", ID: "close_issue", Impact: connector.Write, Input: obj("{type: object, properties: {key: {type: string}}, required: [key]}")},
		{
			Integration: "jira", ID: "search", Impact: connector.Read,
			Input: obj("{type: object, properties: {jql: {type: string, x-sink: sql}}, required: [jql]}"),
		},
		{
			Integration: "velociraptor", ID: "isolate_host", Impact: connector.Contain,
			Input:   obj("{type: object, properties: {host: {type: string}}, required: [host]}"),
			Output:  obj("{type: object, properties: {flow: {type: string}}}"),
			Inverse: &connector.Inverse{Action: "release_host"},
		},
		{Integration: "velociraptor", ID: "release_host", Impact: connector.Release, Input: obj("{type: object, properties: {host: {type: string}}, required: [host]}")},
		{Integration: "mail", ID: "purge", Impact: connector.Contain, Irreversible: true, Input: obj("{type: object, properties: {id: {type: string}}, required: [id]}")},
	}
	c := catalog{m: map[string]*connector.Action{}}
	for _, a := range list {
		c.m[a.Ref()] = a
	}
	return c
}

func TestTheExampleOfTheLanguageCompiles(t *testing.T) {
	p, ps := Compile("contain-host", "contain-host.yaml", []byte(contain), tools(t))
	for _, problem := range ps {
		t.Logf("%+v", problem)
	}
	if p == nil {
		t.Fatal("it does not compile")
	}
	var ids []string
	for _, b := range p.Steps {
		ids = append(ids, b.ID)
	}
	if diff := cmp.Diff([]string{"reputation", "ticket", "if1"}, ids); diff != "" {
		t.Error(diff)
	}
}
