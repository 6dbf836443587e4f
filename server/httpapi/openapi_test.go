package httpapi_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/tocsin-soar/tocsin/server/account"
	"github.com/tocsin-soar/tocsin/server/httpapi"
)

type document struct {
	OpenAPI string `json:"openapi"`
	Paths   map[string]map[string]struct {
		Parameters  []struct{ Name, In string } `json:"parameters"`
		RequestBody *struct {
			Content map[string]struct{ Schema map[string]any } `json:"content"`
		} `json:"requestBody"`
		Responses map[string]struct {
			Content map[string]struct{ Schema map[string]any } `json:"content"`
		} `json:"responses"`
		Verb     string           `json:"x-verb"`
		Security []map[string]any `json:"security"`
	} `json:"paths"`
	Components struct {
		Schemas map[string]map[string]any `json:"schemas"`
	} `json:"components"`
}

func readDocument(t *testing.T) document {
	t.Helper()
	var d document
	if err := json.Unmarshal(httpapi.OpenAPI(), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

var colon = regexp.MustCompile(`:(\w+)`)

func TestTheDocumentDescribesEveryRouteAndNoOther(t *testing.T) {
	d := readDocument(t)
	if d.OpenAPI != "3.1.0" {
		t.Errorf("got version %s", d.OpenAPI)
	}
	count := 0
	for _, ops := range d.Paths {
		count += len(ops)
	}
	if count != len(httpapi.Routes()) {
		t.Errorf("%d operations for %d routes", count, len(httpapi.Routes()))
	}
	for _, r := range httpapi.Routes() {
		op, ok := d.Paths[colon.ReplaceAllString(r.Path, "{$1}")][strings.ToLower(r.Method)]
		if !ok || op.Verb != r.Verb {
			t.Errorf("%s %s is not described, or with the verb %q", r.Method, r.Path, op.Verb)
		}
		if _, ok := op.Responses["default"].Content["application/problem+json"]; !ok {
			t.Errorf("%s %s: the refusal is not described", r.Method, r.Path)
		}
		if (len(op.Security) == 0) != (r.Verb == httpapi.Public || r.Verb == httpapi.Signed) {
			t.Errorf("%s %s: the security is %v", r.Method, r.Path, op.Security)
		}
		for _, m := range colon.FindAllStringSubmatch(r.Path, -1) {
			if len(op.Parameters) == 0 || op.Parameters[0].Name != m[1] || op.Parameters[0].In != "path" {
				t.Errorf("%s %s: the parameter %s is missing", r.Method, r.Path, m[1])
			}
		}
	}
}

// fields are those of contract.md, Shapes.
var fields = map[string]string{
	"Run":          "id playbook version status partial trigger alert inputs outputs error waiting steps started_at ended_at",
	"Waiting":      "step kind ref until text",
	"Step":         "path id action connection status attempts started_at ended_at input output error decision approval effect dry_run",
	"Approval":     "id kind status digest preimage run step occurrence action impact connection params targets reasons required votes deadline otherwise held_until inverse lease_seconds form",
	"Need":         "rule who quorum not met",
	"Vote":         "by decision at comment counts why_not",
	"Effect":       "id key action connection targets status holds since until inverse ended_by",
	"Hold":         "run step until approved_by",
	"Decision":     "id outcome reasons revision input_sha256 took_us run step attempt",
	"Reason":       "rule outcome reason",
	"Integration":  "id name category version tested actions health",
	"ActionInfo":   "id impact capability inverse irreversible idempotency",
	"Connection":   "name integration environment base_url status last_error used_by rate breaker",
	"AlertDetail":  "id source source_id url title description category status verdict severity confidence first_seen last_seen count mapped hosts users ips domains urls mails files processes attack labels fields raw runs related",
	"FileProblem":  "file line column severity code message hint",
	"AuditEntry":   "v seq at actor verb object run step decision digest before after reason outcome",
	"Problem":      "type title status detail code errors",
	"Place":        "at message",
	"HookAnswer":   "alerts runs",
	"Me":           "kind id name roles teams scopes verbs server",
	"GraphNode":    "path id kind label action impact side_effect x y w h parent line",
	"GraphEdge":    "from to label kind points",
	"Halt":         "on reason",
	"AlertEdit":    "status verdict owner reason",
	"ResolveBody":  "step as output reason",
	"DecisionBody": "decision digest comment",
}

func TestTheShapesAreThoseOfTheContract(t *testing.T) {
	d := readDocument(t)
	for name, want := range fields {
		props, ok := d.Components.Schemas[name]["properties"].(map[string]any)
		if !ok {
			t.Errorf("%s is not described", name)
			continue
		}
		for f := range strings.FieldsSeq(want) {
			if _, ok := props[f]; !ok {
				t.Errorf("%s has no %s", name, f)
			}
		}
	}
	for name, s := range d.Components.Schemas {
		if props, ok := s["properties"].(map[string]any); ok && props["$schema"] != nil {
			t.Errorf("%s has a $schema", name)
		}
		sent := strings.HasSuffix(name, "Body") || strings.HasSuffix(name, "Edit") || strings.HasSuffix(name, "Wish")
		if (s["additionalProperties"] == false) != sent {
			t.Errorf("%s: further fields are %v", name, s["additionalProperties"])
		}
	}
}

func TestNoAnswerHasAFieldForASecret(t *testing.T) {
	for name, s := range readDocument(t).Components.Schemas {
		props, _ := s["properties"].(map[string]any)
		for f := range props {
			if name == "LogInBody" || name == "LinkBody" || name == "NewToken" || name == "SourceWish" || name == "SourceMade" {
				continue
			}
			for _, word := range []string{"password", "secret", "hash", "token"} {
				if strings.Contains(f, word) {
					t.Errorf("%s.%s", name, f)
				}
			}
		}
	}
}

func TestTheDocumentIsServedToEverybody(t *testing.T) {
	w := newWorld(t)
	got := w.ask(http.MethodGet, "/openapi.json", "")
	var a, b any
	if err := json.Unmarshal([]byte(got.body), &a); err != nil || got.StatusCode != http.StatusOK {
		t.Fatalf("got %d, %v", got.StatusCode, err)
	}
	if err := json.Unmarshal(httpapi.OpenAPI(), &b); err != nil {
		t.Fatal(err)
	}
	if len(got.body) < 10_000 {
		t.Errorf("only %d bytes", len(got.body))
	}
}

func TestListsCarryTheShortForm(t *testing.T) {
	w := newWorld(t)
	root := w.person("root", account.Roles()...)
	for path, never := range map[string][]string{
		"/api/v1/alerts": {"payload"}, "/api/v1/approvals": {`"host"`, `"preimage":"{}"`},
	} {
		got := w.ask(http.MethodGet, path, "", root)
		if !strings.HasPrefix(got.body, `{"items":[{`) || !strings.Contains(got.body, `"next":null`) {
			t.Errorf("%s: %s", path, got.body)
		}
		for _, n := range never {
			if strings.Contains(got.body, n) {
				t.Errorf("%s: %s stands in %s", path, n, got.body)
			}
		}
	}
	if got := w.ask(http.MethodGet, "/api/v1/alerts/"+alertID, "", root); !strings.Contains(got.body, "payload") || !strings.Contains(got.body, `\u003cscript\u003e`) {
		t.Errorf("the whole alert: %s", got.body)
	}
}
