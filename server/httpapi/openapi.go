package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tocsin-soar/tocsin/server/account"
)

// OpenAPI describes the API as OpenAPI 3.1. It is made from the table of routes
// and the Go types behind it, so that it cannot say anything else than the code.
func OpenAPI() json.RawMessage { return describeOnce() }

//nolint:gochecknoglobals // made once, the same for ever
var describeOnce = sync.OnceValue(func() json.RawMessage {
	raw, err := describe((&Server{}).table())
	if err != nil {
		// The types are ours: a test makes this document.
		panic(err)
	}
	return raw
})

func describe(routes []Route) (json.RawMessage, error) {
	huma.DefaultArrayNullable = false // our lists are never null
	types := huma.NewMapRegistry("#/components/schemas/", typeName)
	doc := &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info: &huma.Info{
			Title: "Tocsin", Version: "1",
			Description: "Alerts come in, playbooks answer them, a policy rules on every action, people approve. Every refusal is application/problem+json; its codes stand at /schemas/errors.json.",
			License:     &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"},
		},
		Components: &huma.Components{
			Schemas: types,
			SecuritySchemes: map[string]*huma.SecurityScheme{
				"session": {Type: "apiKey", In: "cookie", Name: "__Host-tocsin", Description: "from POST /api/v1/session; named tocsin on loopback without TLS"},
				"token":   {Type: "http", Scheme: "bearer", Description: "an API token"},
			},
		},
	}
	problem := types.Schema(reflect.TypeFor[Problem](), true, "Problem")
	for _, r := range routes {
		doc.AddOperation(operation(r, types, problem))
	}
	for name, s := range types.Map() {
		polish(name, s)
	}
	raw, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("describe the API: %w", err)
	}
	return raw, nil
}

func operation(r Route, types huma.Registry, problem *huma.Schema) *huma.Operation {
	op := &huma.Operation{
		Method: r.Method, Path: braces(r.Path), OperationID: operationID(r), Summary: r.Summary,
		Tags: []string{tag(r)}, Responses: map[string]*huma.Response{}, Security: security(r),
		Extensions: map[string]any{"x-verb": r.Verb},
	}
	if len(r.Query) > 0 || strings.Contains(r.Path, ":") || r.noted {
		op.Parameters = parameters(r)
	}
	if r.body != nil && r.body != noBody {
		s := types.Schema(r.body, true, "")
		op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/json": {Schema: s}}}
		if r.text {
			op.RequestBody.Content["application/yaml"] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString}}
		}
	}
	if strings.HasPrefix(r.Path, "/hooks/") {
		op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/json": {Schema: &huma.Schema{}}}}
	}
	good := &huma.Response{Description: http.StatusText(r.Status)}
	switch {
	case strings.HasSuffix(r.Path, "/stream"):
		good.Description = "events: change {kind, id, version} with the outbox sequence as id; heartbeat; reset (read all anew)"
		good.Content = map[string]*huma.MediaType{"text/event-stream": {Schema: &huma.Schema{Type: huma.TypeString}}}
	case r.Path == "/metrics":
		good.Content = map[string]*huma.MediaType{"text/plain": {Schema: &huma.Schema{Type: huma.TypeString}}}
	case r.answer != nil && r.answer.Kind() != reflect.Interface:
		good.Content = map[string]*huma.MediaType{"application/json": {Schema: types.Schema(r.answer, true, "")}}
	}
	op.Responses[strconv.Itoa(r.Status)] = good
	op.Responses["default"] = &huma.Response{
		Description: "a refusal", Content: map[string]*huma.MediaType{problemType: {Schema: problem}},
	}
	return op
}

func parameters(r Route) []*huma.Param {
	var out []*huma.Param
	for part := range strings.SplitSeq(r.Path, "/") {
		if name, ok := strings.CutPrefix(part, ":"); ok {
			s := &huma.Schema{Type: huma.TypeString}
			if r.ID != "" && name == "id" {
				s.Pattern = "^" + string(r.ID) + "[0-9a-f]{32}$"
			}
			out = append(out, &huma.Param{Name: name, In: "path", Required: true, Schema: s})
		}
	}
	for _, q := range r.Query {
		s := &huma.Schema{Type: huma.TypeString}
		switch q.Kind {
		case "number":
			s.Type = huma.TypeInteger
		case "time":
			s.Format = "date-time"
		}
		for _, w := range q.Words {
			s.Enum = append(s.Enum, w)
		}
		out = append(out, &huma.Param{Name: q.Name, In: "query", Description: q.Doc, Schema: s})
	}
	if r.noted {
		out = append(out, &huma.Param{
			Name: "Idempotency-Key", In: "header", Schema: &huma.Schema{Type: huma.TypeString},
			Description: "a second request with it gets the first one's answer, for 24 hours",
		})
	}
	return out
}

func security(r Route) []map[string][]string {
	switch r.Verb {
	case Public, Signed:
		return []map[string][]string{}
	case account.Metrics:
		return []map[string][]string{{"token": {}}}
	}
	return []map[string][]string{{"session": {}}, {"token": {}}}
}

// braces turns fiber's pattern into OpenAPI's.
func braces(path string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if name, ok := strings.CutPrefix(p, ":"); ok {
			parts[i] = "{" + name + "}"
		}
	}
	return strings.Join(parts, "/")
}

func tag(r Route) string {
	rest := strings.TrimPrefix(strings.TrimPrefix(r.Path, base), "/")
	first, _, _ := strings.Cut(rest, "/")
	return strings.TrimSuffix(first, ".json")
}

func operationID(r Route) string {
	words := []string{strings.ToLower(r.Method)}
	for p := range strings.SplitSeq(strings.TrimPrefix(r.Path, base), "/") {
		if p = strings.TrimSuffix(strings.TrimPrefix(p, ":"), ".json"); p != "" {
			words = append(words, p)
		}
	}
	return strings.Join(words, "-")
}

// names are the types whose name on the wire is not their package and name.
//
//nolint:gochecknoglobals // a constant table
var names = map[string]string{
	"alert.Alert": "Alert", "lookup.Alert": "AlertDetail", "lookup.Related": "Related",
	"gate.Decision": "Decision", "lookup.Decision": "DecisionDetail",
	"engine.Run": "Run", "engine.StepView": "Step", "engine.Trigger": "Trigger", "engine.Waiting": "Waiting", "engine.Error": "Fault",
	"notification.Notification": "Notification", "lookup.Notifications": "Notifications", "notification.Object": "ObjectRef",
	"approval.Widening": "Widening", "approval.Request": "Approval", "approval.Need": "Need", "approval.Vote": "Vote", "approval.Requirement": "Requirement",
	"approval.Reason": "Reason", "approval.Target": "Target", "approval.Inverse": "Inverse",
	"ledger.Effect": "Effect", "ledger.Hold": "Hold",
	"lookup.Event": "Event", "lookup.AuditEntry": "AuditEntry", "audit.Checkpoint": "Checkpoint",
	"account.User": "User", "account.Token": "Token", "control.Halt": "Halt", "intake.Answer": "HookAnswer", "intake.Taken": "HookAlert",
	"fault.Problem": "FileProblem", "fault.Place": "Place", "httpapi.Problems": "FileProblems", "httpapi.PolicyState": "Policies",
}

func typeName(t reflect.Type, hint string) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	name := t.Name()
	if name == "" {
		return hint
	}
	if inner, ok := strings.CutPrefix(name, "List["); ok {
		inner = strings.TrimSuffix(inner, "]")
		return known(inner[strings.LastIndex(inner, "/")+1:]) + "List"
	}
	return known(t.PkgPath()[strings.LastIndex(t.PkgPath(), "/")+1:] + "." + name)
}

func known(word string) string {
	if n, ok := names[word]; ok {
		return n
	}
	pkg, name, _ := strings.Cut(word, ".")
	if pkg == "httpapi" {
		pkg = ""
	}
	return title(pkg) + title(name)
}

func title(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// closed are the fields that hold one of a few words.
//
//nolint:gochecknoglobals // a constant table
var closed = map[string][]string{
	"Alert.status": alertStatuses, "Alert.severity": severities, "Alert.verdict": {"true_positive", "false_positive", "benign"},
	"AlertDetail.status": alertStatuses, "AlertDetail.severity": severities, "AlertDetail.verdict": {"true_positive", "false_positive", "benign"},
	"Related.status": alertStatuses, "Related.severity": severities, "AlertEdit.status": alertStatuses,
	"Run.status":      runStatuses,
	"Step.status":     {"pending", "running", "waiting", "retrying", "succeeded", "failed", "skipped", "cancelled", "in_doubt"},
	"Waiting.kind":    waitKinds,
	"Approval.status": askStatuses, "Approval.kind": {"action", "approval", "question", "halt", "extend"},
	"Effect.status": effectStatuses, "Decision.outcome": outcomes, "DecisionDetail.outcome": outcomes, "Reason.outcome": outcomes,
	"FileProblem.severity": {"error", "warning"}, "AuditEntry.outcome": {"done", "refused"},
	"DecisionBody.decision": {"approve", "deny"}, "ResolveBody.as": {"done", "failed", "retry"},
	"User.kind": {"person", "service"}, "Notification.kind": noticeKinds,
}

// polish puts in the closed sets, and leaves answers open for more fields:
// only what is sent to us is refused for a field too many.
func polish(name string, s *huma.Schema) {
	sent := strings.HasSuffix(name, "Body") || strings.HasSuffix(name, "Edit") || strings.HasSuffix(name, "Wish")
	if !sent {
		s.AdditionalProperties = nil
	}
	for field, p := range s.Properties {
		for _, w := range closed[name+"."+field] {
			p.Enum = append(p.Enum, w)
		}
		if len(p.Enum) > 0 && p.Nullable {
			p.Enum = append(p.Enum, nil)
		}
	}
}
