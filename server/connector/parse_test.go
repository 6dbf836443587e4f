package connector_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-soar/tocsin/server/approval"
	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/fault"
)

const sound = `id: acme
name: Acme
category: edr
docs: https://acme.example/api
connection:
  base_url: { required: true }
  auth:
    - { type: header, name: X-Key, prefix: "Key ", value: api key }
  rate: { per_second: 10, burst: 20 }
health: { action: status }
actions:
  status:
    title: Ask whether it answers
    impact: read
    request: { method: GET, path: /status }
    output: { schema: { type: object, properties: { ok: { type: boolean } } } }
    example: { output: { ok: true } }
  find:
    title: Find
    impact: read
    input: { type: object, required: [key], properties: { key: { type: string } } }
    request: { method: GET, path: /find, query: { key: "${{ input.key }}" } }
    output: { schema: { type: object, required: [hosts], properties: { hosts: { type: array, items: { type: string } } } } }
    example: { input: { key: k }, output: { hosts: [] } }
  isolate:
    title: Isolate a host
    implements: edr.isolate_host
    impact: contain
    targets: [{ kind: host, value: "${{ input.host }}" }]
    input:
      type: object
      required: [host]
      properties: { host: { type: string }, note: { type: string }, mode: { type: string, default: full } }
    request:
      method: POST
      path: "/hosts/${{ input.host }}/isolate"
      query: { mode: "${{ input.mode }}", tag: ["a", "${{ key }}"] }
      headers: { X-Note: "for ${{ connection.name }}" }
      json: { note: "${{ input.?note.orValue(null) }}", kept: null, list: [1, "${{ input.host }}"], in: { er: "${{ input.?note.orValue(null) }}" } }
    output:
      schema: { type: object, required: [host, was], properties: { host: { type: string }, was: { type: boolean } } }
      map: { host: "${{ body.name }}", was: "${{ body.?was.orValue(false) }}" }
    errors: [ { when: "status == 409", kind: conflict, message: "${{ body.error }}", did: nothing } ]
    idempotency: none
    happened: { action: find, with: { key: "${{ key }}" }, yes: "size(result.hosts) > 0", output: "{'host': result.hosts[0], 'was': false}", settle: 30s }
    inverse: { action: release, with: { host: "${{ output.host }}" } }
    in_force: { action: find, with: { key: "${{ output.host }}" }, yes: "output.host in result.hosts" }
    already: "${{ output.was }}"
    example: { input: { host: ws-117 }, output: { host: ws-117, was: false } }
  release:
    title: Release a host
    implements: edr.release_host
    impact: release
    targets: [{ kind: host, value: "${{ input.host }}" }]
    input: { type: object, required: [host], properties: { host: { type: string } } }
    request: { method: DELETE, path: "/hosts/${{ input.host }}/isolate" }
    output: { schema: {} }
    example: { input: { host: ws-117 } }
alerts:
  items: payload.alerts
  when: item.status == 'firing'
  map: { title: item.name, severity: severity.high }
`

func parse(t *testing.T, src string) *connector.Manifest {
	t.Helper()
	m, problems := connector.Parse("acme/manifest.yaml", []byte(src))
	if m == nil {
		t.Fatalf("got %+v", problems)
	}
	return m
}

func TestAManifestIsReadWhole(t *testing.T) {
	m := parse(t, sound)
	a := m.Action("isolate")
	if m.ID != "acme" || m.Health != "status" || len(m.Actions) != 4 || m.Rate.Burst != 20 || m.Alerts.Items != "payload.alerts" || len(m.SHA256) != 64 {
		t.Errorf("got %+v", m)
	}
	if a.Ref() != "acme.isolate" || a.Happened.Settle.Seconds() != 30 || a.Inverse.Action != "release" || a.InForce.Action != "find" || len(a.SHA256) != 64 {
		t.Errorf("got %+v", a)
	}
	if a.SHA256 == m.Action("release").SHA256 || a.SHA256 != parse(t, sound).Action("isolate").SHA256 {
		t.Error("an action's digest is not its own")
	}
	if other := parse(t, strings.Replace(sound, "id: acme", "id: acme2", 1)).Action("isolate"); other.SHA256 == a.SHA256 {
		t.Error("the same action of another integration has the same digest")
	}
	if other := parse(t, strings.Replace(sound, "settle: 30s", "settle: 31s", 1)).Action("isolate"); other.SHA256 == a.SHA256 {
		t.Error("a changed action has the same digest")
	}
	name, prefix := a.AuthPlace(connector.Connection{AuthType: "header"})
	if name != "X-Key" || prefix != "Key " {
		t.Errorf("got %q %q", name, prefix)
	}
}

func TestARequestIsRenderedForItsPlace(t *testing.T) {
	a := parse(t, sound).Action("isolate")
	conn := connector.Connection{Name: "acme-prod", BaseURL: "https://acme.example/"}
	got, err := a.Render(map[string]any{"host": "a/../b?c#d %"}, "k1", conn)
	if err != nil {
		t.Fatal(err)
	}
	want := connector.Rendered{
		Method: "POST", Path: "/hosts/a%2F..%2Fb%3Fc%23d%20%25/isolate", Query: map[string][]string{"mode": {"full"}, "tag": {"a", "k1"}},
		Headers: map[string]string{"x-note": "for acme-prod"}, Type: "application/json",
		Body: []byte(`{"in":{},"kept":null,"list":[1,"a/../b?c#d %"]}`),
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	again, _ := a.Render(map[string]any{"host": "a/../b?c#d %"}, "k1", conn)
	if d := cmp.Diff(got, again); d != "" {
		t.Errorf("a second rendering differs: %s", d)
	}
	for name, host := range map[string]any{"empty": "", "a dot": ".", "two dots": "..", "null": nil} {
		if _, err := a.Render(map[string]any{"host": host}, "k1", conn); err == nil {
			t.Errorf("%s makes a path", name)
		}
	}
	if _, err := a.Render(map[string]any{"host": "h"}, "k1", connector.Connection{Name: "evil\r\nX-Evil: 1"}); err == nil {
		t.Error("a line break stands in a header")
	}
}

func TestAnInverseIsResolvedFromInputAndOutput(t *testing.T) {
	a := parse(t, sound).Action("isolate")
	params, err := a.Undo(map[string]any{"host": "ws-117"}, map[string]any{"host": "WS-117", "was": false}, nil)
	if err != nil || params["host"] != "WS-117" {
		t.Errorf("got %v, %v", params, err)
	}
	if _, err := a.Undo(map[string]any{"host": "ws-117"}, map[string]any{}, nil); err == nil {
		t.Error("an output without the host was undone")
	}
	if _, err := parse(t, sound).Action("release").Undo(nil, nil, nil); err == nil {
		t.Error("an action without inverse was undone")
	}
	for _, was := range []bool{true, false} {
		if got, err := a.WasAlready(map[string]any{"host": "x", "was": was}); err != nil || got != was {
			t.Errorf("got %t, %v; want %t", got, err, was)
		}
	}
}

func TestS085ATargetIsNeverNothingOrEverything(t *testing.T) {
	a := parse(t, sound).Action("isolate")
	for name, host := range map[string]any{
		"absent": "\x00absent", "null": nil, "empty": "", "spaces": "  ", "an empty list": []any{}, "a star": "*", "all": "all", "ALL": " ALL ", "any": "any", "everything": "everything",
		"a pattern": "FIN-*", "a regular expression": ".*", "a LIKE": "%", "question marks": "??", "all of v4": "0.0.0.0/0", "all of v6": "::/0", "nothing resolved": "${{ alert.hosts[0] }}",
		"null as text": "null", "undefined": "undefined", "a number": int64(7), "an object": map[string]any{}, "a list with nothing": []any{"ws-1", ""}, "a list with null": []any{nil},
		"a list with everything": []any{"ws-1", "*"}, "a list in a list": []any{[]any{"ws-1"}}, "true": true,
	} {
		t.Run(name, func(t *testing.T) {
			in := map[string]any{"host": host}
			if host == "\x00absent" {
				in = map[string]any{}
			}
			if got, err := a.TargetsOf(in); fault.KindOf(err) != fault.InvalidInput {
				t.Errorf("got %v, %v; want invalid_input", got, err)
			}
		})
	}
	got, err := a.TargetsOf(map[string]any{"host": []any{"ws-1", "ws-2", "ws-1"}})
	want := []approval.Target{{Kind: "host", Value: "ws-1", Tags: []string{}}, {Kind: "host", Value: "ws-2", Tags: []string{}}}
	if d := cmp.Diff(want, got); err != nil || d != "" {
		t.Errorf("%v %s", err, d)
	}
	bare := *a
	bare.Targets = nil
	if _, err := bare.TargetsOf(map[string]any{"host": "ws-1"}); err == nil {
		t.Error("a contain action without targets is taken")
	}
}

func TestInputAndOutputAreCheckedWithoutTellingValues(t *testing.T) {
	a := parse(t, sound).Action("isolate")
	if got := a.CheckInput(map[string]any{"host": "x"}); got != nil {
		t.Errorf("got %v", got)
	}
	got := a.CheckInput(map[string]any{"hosst": "canary", "note": int64(1)})
	want := []fault.Place{
		{At: "/host", Message: "is missing"}, {At: "/hosst", Message: "is not known"}, {At: "/note", Message: "must be string, not number"},
	}
	if d := cmp.Diff(want, got, cmp.Transformer("set", func(ps []fault.Place) map[string]string {
		m := map[string]string{}
		for _, p := range ps {
			m[p.At] = p.Message
		}
		return m
	})); d != "" {
		t.Error(d)
	}
	if got := a.CheckOutput(map[string]any{"host": "x"}); len(got) != 1 || got[0].At != "/was" {
		t.Errorf("got %v", got)
	}
	if got := a.CheckOutput("canary"); len(got) != 1 || strings.Contains(got[0].Message, "canary") {
		t.Errorf("got %v", got)
	}
	if got := a.CheckInput(nil); len(got) != 1 {
		t.Errorf("no parameters at all: got %v", got)
	}
}

func TestEveryMistakeInAManifestHasItsPlace(t *testing.T) {
	for name, tc := range map[string]struct {
		old, new string
		at       string // a part of the line on which it is told
		says     string
	}{
		"an unknown key":                 {"name: Acme", "name: Acme\ncatgory: x", "catgory", `did you mean "category"`},
		"no name":                        {"name: Acme\n", "", "", `needs the key "name"`},
		"an id with capitals":            {"id: acme", "id: Acme", "id: Acme", "name of small letters"},
		"no actions":                     {"", "", "", "needs actions or alerts"},
		"an unknown impact":              {"impact: contain", "impact: contein", "contein", `did you mean "contain"`},
		"a bad action id":                {"  find:", "  Find-It:", "Find-It", "an action's id is small letters"},
		"a contain without inverse":      {"    inverse: { action: release, with: { host: \"${{ output.host }}\" } }\n", "", "isolate:", "needs an inverse"},
		"an inverse that is a write":     {"    impact: release", "    impact: write", "inverse:", "must be release"},
		"an unknown inverse":             {"inverse: { action: release", "inverse: { action: relaese", "relaese", `did you mean "release"`},
		"both inverse and irreversible":  {"    idempotency: none", "    irreversible: true", "isolate:", "not irreversible"},
		"a contain without targets":      {"    targets: [{ kind: host, value: \"${{ input.host }}\" }]\n    input:\n      type", "    input:\n      type", "isolate:", "must name its targets"},
		"a target that is fixed":         {"value: \"${{ input.host }}\" }]\n    input:\n      type", "value: \"all-hosts\" }]\n    input:\n      type", "all-hosts", "must be read from the input"},
		"a misspelt input":               {"/hosts/${{ input.host }}/isolate\"\n      query", "/hosts/${{ input.hosst }}/isolate\"\n      query", "hosst", "host"},
		"a path that is one expression":  {"path: /find", "path: \"${{ input.key }}\"", "input.key", ""},
		"both path and below":            {"path: /find", "path: /find, below: key", "request", "either path or"},
		"below without a sink":           {"path: /find", "below: key", "below", "x-sink: path"},
		"an unknown sink":                {"key: { type: string } } }\n    request", "key: { type: string, x-sink: sq1 } } }\n    request", "sq1", "x-sink must be one of"},
		"a misspelt sink keyword":        {"key: { type: string } } }\n    request", "key: { type: string, x-sinc: sql } } }\n    request", "x-sinc", "x-sink"},
		"a reserved header":              {"headers: { X-Note:", "headers: { Authorization:", "Authorization", "not an action's to set"},
		"the host as a header":           {"headers: { X-Note:", "headers: { host:", "host:", "not an action's to set"},
		"an unknown method":              {"method: GET, path: /find", "method: FETCH, path: /find", "FETCH", "cannot be"},
		"no method":                      {"method: GET, path: /find", "path: /find", "request", "needs a method"},
		"a schema that is none":          {"type: object, required: [key]", "type: objekt, required: [key]", "input", "does not compile"},
		"a schema from elsewhere":        {"key: { type: string } } }\n    request", "key: { $ref: \"https://evil.example/s.json\" } } }\n    request", "input", "does not compile"},
		"a schema from a file":           {"key: { type: string } } }\n    request", "key: { $ref: \"file:///etc/passwd\" } } }\n    request", "input", "does not compile"},
		"an unknown error kind":          {"kind: conflict", "kind: konflict", "konflict", "kind must be one of"},
		"an unknown did":                 {"did: nothing", "did: nuthing", "nuthing", "nothing"},
		"a condition that is no bool":    {"when: \"status == 409\"", "when: \"status\"", "status", ""},
		"a condition with a text number": {"when: \"status == 409\"", "when: \"status == '409'\"", "409", ""},
		"happened asks a write":          {"happened: { action: find, with: { key: \"${{ key }}\" }", "happened: { action: release, with: { host: x }", "release", "only a read can be asked"},
		"happened without a parameter":   {"happened: { action: find, with: { key: \"${{ key }}\" }, yes", "happened: { action: find, yes", "happened", "key"},
		"happened reads the output":      {"happened: { action: find, with: { key: \"${{ key }}\" }", "happened: { action: find, with: { key: \"${{ output.host }}\" }", "output.host", ""},
		"already is no bool":             {"already: \"${{ output.was }}\"", "already: \"${{ output.host }}\"", "already", ""},
		"already is text":                {"already: \"${{ output.was }}\"", "already: output.was", "already", ""},
		"idempotency is a word":          {"idempotency: none", "idempotency: yes", "yes", "idempotency is none or names a header"},
		"a write that follows redirects": {"    idempotency: none", "    redirects: same_origin", "redirects", "only a read"},
		"health is a write":              {"health: { action: status }", "health: { action: release }", "release", "must be a read"},
		"health needs input":             {"health: { action: status }", "health: { action: find }", "find", "no required input"},
		"health is unknown":              {"health: { action: status }", "health: { action: statsu }", "statsu", `did you mean "status"`},
		"an auth type that is none":      {"type: header, name", "type: heder, name", "heder", "type must be one of"},
		"an auth field that is none":     {"value: api key }", "token: api key }", "token", "unknown key"},
		"a docs address that is none":    {"docs: https://acme.example/api", "docs: javascript:alert(1)", "docs", "https://"},
		"no example":                     {"    example: { input: { key: k }, output: { hosts: [] } }\n", "", "find:", "needs an example"},
		"an example that misfits":        {"example: { input: { key: k }", "example: { input: { kay: k }", "kay", "is not known"},
		"an example's output misfits":    {"output: { host: ws-117, was: false } }", "output: { host: ws-117, was: maybe } }", "was: maybe", "must be boolean"},
		"an example with no target":      {"example: { input: { host: ws-117 }, output: { host", "example: { input: { host: \"*\" }, output: { host", "\"*\"", "everything"},
		"an alert mapping's mistake":     {"title: item.name", "titel: item.name", "titel", "title"},
		"an alert without title":         {"title: item.name, ", "", "map", "needs a title"},
		"an alert's broken CEL":          {"when: item.status == 'firing'", "when: item.status = 'firing'", "when", ""},
		"a capability's impact":          {"implements: edr.isolate_host", "implements: edr.get_host", "edr.get_host", "has the impact read"},
		"a capability that is no name":   {"implements: edr.isolate_host", "implements: isolate", "isolate", "area.verb_thing"},
		"a capability's inverse":         {"implements: edr.release_host", "implements: identity.enable_user", "", "edr.release_host"},
		"an alias":                       {"name: Acme", "name: &x Acme", "&x", ""},
		"a key twice":                    {"name: Acme", "name: Acme\nname: Acme", "name", ""},
		"a native action with a request": {"category: edr", "category: edr\nnative: true", "request", "have no request"},
	} {
		t.Run(name, func(t *testing.T) {
			src := strings.Replace(sound, tc.old, tc.new, 1)
			if name == "no actions" {
				src = "id: acme\nname: Acme\ncategory: edr\n"
			} else if src == sound {
				t.Fatal("the mistake is not in the text")
			}
			m, problems := connector.Parse("acme/manifest.yaml", []byte(src))
			if m != nil {
				t.Fatal("it was taken")
			}
			lines := strings.Split(src, "\n")
			for _, p := range problems {
				if p.Severity != fault.SeverityError || p.File != "acme/manifest.yaml" || p.Line < 1 || p.Column < 1 || p.Line > len(lines) {
					continue
				}
				near := strings.Join(lines[p.Line-1:min(p.Line+3, len(lines))], "\n")
				if strings.Contains(near, tc.at) && strings.Contains(p.Message+" "+p.Hint, tc.says) {
					return
				}
			}
			t.Errorf("want %q near %q; got %+v", tc.says, tc.at, problems)
		})
	}
}

func TestAllMistakesAreToldAtOnce(t *testing.T) {
	src := sound
	for _, r := range [][2]string{
		{"name: Acme", "name: Acme\nnamee: x"},
		{"impact: contain", "impact: destroy"},
		{"method: GET, path: /find", "method: FETCH, path: /find"},
		{"health: { action: status }", "health: { action: statsu }"},
		{"title: item.name", "titel: item.name"},
		{"type: header, name", "type: heder, name"},
	} {
		src = strings.Replace(src, r[0], r[1], 1)
	}
	_, problems := connector.Parse("m.yaml", []byte(src))
	lines := map[int]bool{}
	for _, p := range problems {
		lines[p.Line] = true
	}
	if len(lines) < 6 {
		t.Errorf("six mistakes gave %d places: %+v", len(lines), problems)
	}
}

func TestASkeletonOfAnIntegrationIsSound(t *testing.T) {
	src := connector.New("acme-edr")
	m, problems := connector.Parse("integrations/acme-edr/manifest.yaml", []byte(src))
	if m == nil || len(problems) > 0 || m.ID != "acme-edr" {
		t.Errorf("got %+v\n%s", problems, src)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(sound)
	f.Add(connector.New("x"))
	if src, err := os.ReadFile("../../integrations/http/manifest.yaml"); err == nil {
		f.Add(string(src))
	}
	f.Add("id: a\nname: b\ncategory: c\nactions: { x: { title: t, impact: read } }")
	f.Add("actions: [1, {}]\nalerts: { map: [] }\nconnection: { auth: [1] }")
	f.Fuzz(func(t *testing.T, src string) {
		m, problems := connector.Parse("m.yaml", []byte(src))
		if (m == nil) != fault.Broken(problems) {
			t.Errorf("a manifest is %v with %+v", m, problems)
		}
	})
}
