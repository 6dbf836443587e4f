package e2e

import (
	"maps"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// files is a workspace folder by name; STUB stands for the stub's
// address, DEAD for one at which nobody listens.
type files map[string]string

// write puts a workspace on disk and gives its folder.
func (f files) write(t *testing.T, stubURL string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "workspace")
	dead := deadURL(t)
	for name, text := range f {
		put(t, filepath.Join(dir, name), strings.NewReplacer("STUB", stubURL, "DEAD", dead).Replace(text))
	}
	return dir
}

// deadURL is an address at which nobody listens.
func deadURL(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return "http://" + l.Addr().String()
}

// put writes a file as a whole, as an editor that saves safely does.
func put(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name+".new", []byte(text), 0o600); err != nil { //nolint:gosec // a file of the test
		t.Fatal(err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		t.Fatal(err)
	}
}

// with gives a copy with more files.
func (f files) with(more files) files {
	out := maps.Clone(f)
	maps.Copy(out, more)
	return out
}

//nolint:gosec // secrets of a test
const (
	edrSecret    = "edr-secret-0123456789abcdef"
	hubSecret    = "hub-secret-0123456789abcdef"
	siemToken    = "siem-token-0123456789abcdef"
	basicPass    = "basic-pass-0123456789abcdef"
	labToken     = "lab-token-CANARY-0123456789"
	stdSecret    = "whsec_c3RkLXNlY3JldC0wMTIzNDU2Nzg5YWJjZGVm"
	oldEdrSecret = "old-edr-secret-0123456789ab"
)

// settings that the standard workspace needs.
var standardEnv = []string{
	"TOCSIN_SECRETS_ENV=EDR_SECRET,OLD_EDR_SECRET,HUB_SECRET,SIEM_TOKEN,BASIC_PASS,LAB_TOKEN,STD_SECRET",
	"EDR_SECRET=" + edrSecret, "OLD_EDR_SECRET=" + oldEdrSecret, "HUB_SECRET=" + hubSecret, "SIEM_TOKEN=" + siemToken,
	"BASIC_PASS=" + basicPass, "LAB_TOKEN=" + labToken, "STD_SECRET=" + stdSecret, "TOCSIN_REVIEW=files",
}

// standard is the workspace that most tests of the contract use.
var standard = files{
	"sources/edr.yaml": `name: edr
mapping: generic
auth: { hmac: { style: tocsin, secret: ["env://EDR_SECRET", "env://OLD_EDR_SECRET"] } }
delivery: X-Delivery-Id
dedup: { key: "alert.source_id", window: 24h }
`,
	"sources/plain.yaml": `name: plain
mapping: generic
auth: { hmac: { style: tocsin, secret: "env://EDR_SECRET" } }
`,
	"sources/hub.yaml": `name: hub
mapping: generic
auth: { hmac: { style: github, secret: "env://HUB_SECRET" } }
`,
	"sources/stripe.yaml": `name: stripe
mapping: generic
auth: { hmac: { style: stripe, secret: "env://HUB_SECRET" } }
`,
	"sources/standard.yaml": `name: standard
mapping: generic
auth: { hmac: { style: standard, secret: "env://STD_SECRET" } }
`,
	"sources/siem.yaml": `name: siem
auth: { bearer: { token: "env://SIEM_TOKEN" } }
items: payload.findings
closes: item.state == 'resolved'
when: item.state == 'firing'
map:
  source_id: item.id
  title: item.rule
  category: item.kind
  severity: "{'3': severity.high}[?string(item.level)].orValue(severity.low)"
  hosts: "[{'name': item.host}]"
`,
	"sources/basic.yaml": `name: basic
mapping: generic
auth: { basic: { username: sender, password: "env://BASIC_PASS" } }
`,
	"sources/slow.yaml": `name: slow
mapping: generic
auth: { bearer: { token: "env://SIEM_TOKEN" } }
limit: { per_second: 1, body: 2KiB }
`,
	"connections/stub.yaml": `name: stub
integration: http
environment: test
base_url: STUB
egress: { allow: ["127.0.0.1"] }
idempotent: true
default: true
`,
	"connections/plain-http.yaml": `name: plain-http
integration: http
environment: test
base_url: STUB
egress: { allow: ["127.0.0.1"] }
`,
	"connections/fenced.yaml": `name: fenced
integration: http
environment: test
base_url: STUB
`,
	"connections/nobody.yaml": `name: nobody
integration: http
environment: test
base_url: DEAD
egress: { allow: ["127.0.0.1"] }
`,
	"connections/dead.yaml": `name: dead
integration: lab
environment: test
base_url: DEAD
auth: { type: bearer, token: "env://LAB_TOKEN" }
egress: { allow: ["127.0.0.1"] }
`,
	"connections/lab.yaml": `name: lab
integration: lab
environment: test
base_url: STUB
auth: { type: bearer, token: "env://LAB_TOKEN" }
egress: { allow: ["127.0.0.1"] }
default: true
`,
	"integrations/lab/manifest.yaml": labManifest,
	"capabilities.yaml":              "edr.isolate_host: lab\n",
	"assets.csv": `name,aliases,kind,tags,owner
ws-1,WS-1.example.test,host,laptop,anna
crown-1,,host,critical,carl
dc-1,,host,protected,carl
`,
	"identities.csv": "name,aliases,mail,tags,manager\nanna,EXAMPLE\\anna,anna@example.test,finance,carl\n",
	"people.yaml":    "- { name: pia, email: pia@example.test, roles: [responder], teams: [soc] }\n",

	"playbooks/note-it.yaml": `name: Note it
on:
  - alert: alert.category == 'note'
  - manual: {}
inputs:
  text: { type: string, default: "nothing special" }
steps:
  - id: note
    action: lab.note
    with: { text: "${{ inputs.text }}" }
outputs:
  applied: ${{ steps.note.output.applied }}
`,
	"playbooks/on-malware.yaml": `name: Contain what is ill
on:
  - alert: alert.category == 'malware' && alert.severity >= severity.high
steps:
  - id: look
    action: lab.look
    with: { host: "${{ alert.hosts[0].name }}" }
  - if: steps.look.ok && !steps.look.output.isolated
    then:
      - id: isolate
        action: lab.isolate
        with: { host: "${{ alert.hosts[0].name }}" }
        for: 4h
`,
	"playbooks/contain.yaml": `name: Contain a host
on:
  - manual: {}
inputs:
  host: { type: string }
steps:
  - id: isolate
    action: lab.isolate
    with: { host: "${{ inputs.host }}" }
`,
	"playbooks/called-back.yaml": `name: Waits to be called back
on:
  - manual: {}
steps:
  - id: out
    set: { token: "${{ callbacks.answer }}" }
  - id: answer
    wait: { callback: {}, within: 1h }
outputs:
  said: ${{ steps.answer.output.said }}
  token: ${{ vars.token }}
`,
	"playbooks/one-by-one.yaml": `name: One at a time
on:
  - manual: {}
inputs:
  key: { type: string }
concurrency: { key: "${{ inputs.key }}", limit: 1, then: queue }
steps:
  - id: ask
    question: { title: Go on?, to: [role:responder], form: { ok: { type: boolean } }, within: 1h }
`,
	"playbooks/calls.yaml": `name: Calls another playbook
on:
  - manual: {}
steps:
  - id: sub
    call: note-it
    with: { text: called }
outputs:
  applied: ${{ steps.sub.output.applied }}
`,
	"playbooks/after-failure.yaml": `name: Notes what failed
on:
  - event: { subject: run.failed, if: event.data.playbook == 'send' }
steps:
  - id: note
    action: lab.note
    with: { text: "${{ string(run.trigger.event.data.id) }}" }
`,
	"playbooks/needs-alert.yaml": `name: Only for an alert
on:
  - manual: { alert: required }
steps:
  - id: note
    action: lab.note
    with: { text: "${{ alert.title }}" }
`,
	"playbooks/send.yaml": `name: Send something
on:
  - manual: {}
inputs:
  how: { type: string }
steps:
  - id: send
    action: http.send
    connection: plain-http
    timeout: 1s
    with: { method: POST, path: "/reply/${{ inputs.how }}", json: { a: 1 } }
`,
	"playbooks/get.yaml": `name: Read something
on:
  - manual: {}
inputs:
  how: { type: string }
steps:
  - id: get
    action: http.get
    connection: plain-http
    timeout: 1s
    retry: { attempts: 2, first: 1s }
    with: { path: "/reply/${{ inputs.how }}" }
`,
	"playbooks/unfit.yaml": `name: A reply that does not fit
on:
  - manual: {}
steps:
  - id: strict
    action: lab.strict
    with: {}
`,
	"playbooks/unfit-read.yaml": `name: A read whose reply does not fit
on:
  - manual: {}
steps:
  - id: strict
    action: lab.strict_read
    with: {}
`,
	"playbooks/fenced.yaml": `name: Out of bounds
on:
  - manual: {}
steps:
  - id: get
    action: http.get
    connection: fenced
    with: { path: /reply/200 }
`,
	"playbooks/nobody.yaml": `name: Nobody there
on:
  - manual: {}
steps:
  - id: send
    action: http.send
    connection: nobody
    with: { method: POST, path: /apply, json: {} }
`,
}

const labManifest = `id: lab
name: Lab
category: edr
version: "1"
tested: documented
connection:
  base_url: { required: true }
  auth:
    - { type: bearer, token: token }
health: { action: ping }
actions:
  ping:
    title: Ask whether it answers
    impact: read
    input: { type: object, additionalProperties: false }
    request: { method: GET, path: /lab }
    output: { schema: { type: object, required: [status], properties: { status: { type: string } } } }
    example: { input: {}, output: { status: ok } }
  look:
    title: Look at a host
    impact: read
    input: { type: object, additionalProperties: false, required: [host], properties: { host: { type: string } } }
    request: { method: GET, path: "/lab/hosts/${{ input.host }}" }
    output: { schema: { type: object, required: [host, isolated], properties: { host: { type: string }, isolated: { type: boolean }, was_isolated: { type: boolean } } } }
    example: { input: { host: ws-1 }, output: { host: ws-1, isolated: false } }
  isolate:
    title: Isolate a host
    implements: edr.isolate_host
    impact: contain
    targets: [{ kind: host, value: "${{ input.host }}" }]
    input: { type: object, additionalProperties: false, required: [host], properties: { host: { type: string } } }
    request: { method: POST, path: "/lab/hosts/${{ input.host }}/isolate", json: {} }
    output: { schema: { type: object, required: [host, isolated, was_isolated], properties: { host: { type: string }, isolated: { type: boolean }, was_isolated: { type: boolean } } } }
    idempotency: { header: Idempotency-Key }
    already: "${{ output.was_isolated }}"
    inverse: { action: free, with: { host: "${{ output.host }}" } }
    in_force: { action: look, with: { host: "${{ output.host }}" }, yes: "result.isolated" }
    example: { input: { host: ws-1 }, output: { host: ws-1, isolated: true, was_isolated: false } }
  free:
    title: Free a host
    implements: edr.release_host
    impact: release
    targets: [{ kind: host, value: "${{ input.host }}" }]
    input: { type: object, additionalProperties: false, required: [host], properties: { host: { type: string } } }
    request: { method: POST, path: "/lab/hosts/${{ input.host }}/free", json: {} }
    output: { schema: { type: object, required: [host, isolated], properties: { host: { type: string }, isolated: { type: boolean }, was_isolated: { type: boolean } } } }
    idempotency: { header: Idempotency-Key }
    example: { input: { host: ws-1 }, output: { host: ws-1, isolated: false, was_isolated: true } }
  note:
    title: Write a note
    impact: write
    input: { type: object, additionalProperties: false, required: [text], properties: { text: { type: string } } }
    request: { method: POST, path: /apply, json: { text: "${{ input.text }}" } }
    output: { schema: { type: object, required: [applied], properties: { key: { type: string }, applied: { type: integer } } } }
    idempotency: { header: Idempotency-Key }
    example: { input: { text: x }, output: { key: k, applied: 1 } }
  mark:
    title: Leave a mark that can be asked for
    impact: write
    input: { type: object, additionalProperties: false, properties: { n: { type: integer } } }
    request: { method: POST, path: /apply, json: { key: "${{ key }}" } }
    output: { schema: { type: object, required: [applied], properties: { key: { type: string }, applied: { type: integer } } } }
    idempotency: none
    happened: { action: marked, with: { key: "${{ key }}" }, yes: "result.found", output: "result.output", settle: 1s }
    example: { input: { n: 1 }, output: { key: k, applied: 1 } }
  marked:
    title: Ask for a mark
    impact: read
    input: { type: object, additionalProperties: false, required: [key], properties: { key: { type: string } } }
    request: { method: GET, path: "/applied/${{ input.key }}" }
    output: { schema: { type: object, required: [found], properties: { found: { type: boolean }, output: { type: object, required: [applied], properties: { key: { type: string }, applied: { type: integer } } } } } }
    example: { input: { key: k }, output: { found: true, output: { key: k, applied: 1 } } }
  strict:
    title: Get a reply that does not fit
    impact: write
    input: { type: object, additionalProperties: false }
    request: { method: POST, path: /reply/unfit, json: {} }
    output: { schema: { type: object, required: [applied], properties: { applied: { type: integer } } } }
    example: { input: {}, output: { applied: 1 } }
  strict_read:
    title: Read a reply that does not fit
    impact: read
    input: { type: object, additionalProperties: false }
    request: { method: GET, path: /reply/unfit }
    output: { schema: { type: object, required: [applied], properties: { applied: { type: integer } } } }
    example: { input: {}, output: { applied: 1 } }
`
