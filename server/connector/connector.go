// Package connector is what an integration declares: actions, inputs, impact,
// inverse, auth, alert mapping.
package connector

import (
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/tocsin-soar/tocsin/server/approval"
	"github.com/tocsin-soar/tocsin/server/expr"
	"github.com/tocsin-soar/tocsin/server/secret"
)

// Impact is what an action does to the outside world.
type Impact string

// The impacts.
const (
	Read    Impact = "read"
	Write   Impact = "write"
	Contain Impact = "contain"
	Release Impact = "release"
)

// SideEffect says whether an action with this impact changes other systems.
func (i Impact) SideEffect() bool { return i != Read }

// Manifest is one integration (integrations.md), checked and compiled.
type Manifest struct {
	ID       string
	Name     string
	Category string
	Version  string
	Docs     string
	Tested   string // server, published or documented
	Native   bool   // acts through Go code in integrations/<id>/
	Auth     []AuthKind
	BaseURL  bool // a connection must give base_url
	Rate     Rate
	Health   string // id of the action asked as health check, or ""
	Actions  []*Action
	Alerts   *AlertMapping // nil: it sends none
	SHA256   string        // hex, of the file's bytes
	Source   []byte
}

// AlertMapping is how this integration's alerts are read (alerts.md): CEL as
// written, for alert.CompileMapping. Items, When and Closes are "" where they
// are not given.
type AlertMapping struct {
	Items  string
	When   string
	Closes string
	Map    map[string]string
}

// Action finds one by its id without the integration's name.
func (m *Manifest) Action(id string) *Action {
	for _, a := range m.Actions {
		if a.ID == id {
			return a
		}
	}
	return nil
}

// AuthKind is one way to authenticate: Type (basic, bearer, header, query, none)
// and the connection's fields with their labels. Name is the header or the query
// parameter that carries the value, where the product fixes it; Prefix stands
// before the value (a header "Authorization: ApiKey …").
type AuthKind struct {
	Type   string
	Fields map[string]string
	Name   string
	Prefix string
}

// Rate bounds calls; zero means none.
type Rate struct {
	PerSecond float64 `json:"per_second"`
	Burst     int     `json:"burst"`
}

// Action is one operation.
type Action struct {
	ID            string // create_issue
	Integration   string // jira
	Title         string
	Implements    string // capability, or ""
	Impact        Impact
	Targets       []Target       // of input
	Input         map[string]any // JSON Schema
	Output        map[string]any // JSON Schema
	Request       *Request       // nil for a native action
	OutputMap     *expr.Value    // of status, headers, body; nil: body as it is
	OutputReply   bool           // the output is {status, headers, body}
	Errors        []ErrorRule
	Idempotency   string      // header that carries the key, or ""
	Happened      *Happened   // nil: cannot be asked
	Inverse       *Inverse    // nil: none
	InForce       *Probe      // nil: cannot be asked
	Already       *expr.Value // of output; nil: never
	Irreversible  bool
	Redirects     bool // same_origin redirects of a read are followed
	Native        bool // done by Go code of the integration
	ExampleInput  map[string]any
	ExampleOutput any
	// SHA256 is the hex SHA-256 of the canonical JSON of the action as loaded
	// (action_sha256 of a digest).
	SHA256 string

	auth          []AuthKind // the manifest's, see AuthKind
	input, output *jsonschema.Schema
}

// Ref gives integration.action.
func (a *Action) Ref() string { return a.Integration + "." + a.ID }

// Target says how to read what the action touches from its input. A value that
// is a list gives one target each.
type Target struct {
	Kind  string
	Value *expr.Value // of input
}

// Request is how the action becomes an HTTP request; all expressions see input,
// key and connection (name, base_url, environment). See Render.
type Request struct {
	Method     string      // GET, POST, PUT, PATCH or DELETE
	MethodFrom string      // the input that names the method; Method where it is absent
	Path       *expr.Value // path sink; nil with Paths or Below
	Paths      []Path      // the first whose If holds, where products of one kind differ
	Below      string      // the input (with x-sink path) that gives a whole path below base_url; "" with Path
	Query      *expr.Value // a map, or nil
	Headers    *expr.Value // a map, or nil
	JSON       *expr.Value // nil: none
	Form       *expr.Value // nil: none
	Body       *expr.Value // text; nil: none
}

// Path is one of several paths of a request; If is nil in the last one.
type Path struct {
	If   *expr.Expr
	Path *expr.Value
}

// Did is what an attempt did.
type Did string

// The words.
const (
	DidNothing Did = "nothing"
	DidUnknown Did = "unknown"
	DidDone    Did = "done"
)

// ErrorRule turns a reply into an error; When sees status, headers and body.
type ErrorRule struct {
	When    *expr.Expr
	Kind    string // a fault.Kind
	Message *expr.Value
	Did     Did // "" means by the table of contract.md
}

// Happened asks whether an attempt took effect: input and key are known; Yes and
// Output see result besides.
type Happened struct {
	Action string
	With   *expr.Value
	Yes    *expr.Expr
	Output *expr.Expr    // nil: result
	Settle time.Duration // 0: a no is in doubt
}

// Inverse undoes an action; With sees input and output.
type Inverse struct {
	Action string
	With   *expr.Value
}

// Probe asks whether a state holds; With sees input and output, Yes also result.
type Probe struct {
	Action string
	With   *expr.Value
	Yes    *expr.Expr
}

// Connection is a configured instance of an integration with its credentials
// resolved, ready for a call. It is never serialised.
type Connection struct {
	Name              string
	Integration       string
	Environment       string
	Tags              []string
	BaseURL           string
	AuthType          string                  // basic, bearer, header, query or none
	Auth              map[string]secret.Value // by field: username, password, token, name, value
	CredentialVersion int64
	EgressAllow       []string // addresses, CIDRs or host names otherwise refused
	Rate              Rate
	Concurrency       int
	Idempotent        bool // http.send: the other side honours Idempotency-Key
	Default           bool
	Disabled          bool
}

// Call is one attempt, as the guarded caller gets it.
type Call struct {
	Action     *Action
	Connection Connection
	Params     map[string]any
	Key        string // idempotency key
	Timeout    time.Duration
	Depth      int64 // of the alert that started the run, 0 without one
	// Preimage holds what of the digest the caller cannot see (run, step,
	// occurrence, …). The caller of the permit puts in action, connection and
	// parameters as it is about to send them, and compares.
	Preimage approval.Preimage
}

// Reply is what an attempt came to. Err is nil exactly when Did is done and the
// output fits the schema. Done with an error: a write whose 2xx does not fit
// (in_doubt: it happened and is never sent again) or a read whose answer is of no
// use (bad_reply, too_large). Unknown: it may have happened; the kind (timeout,
// unavailable, cancelled) says how the reply was lost.
type Reply struct {
	Did    Did
	Output any
	Status int   // HTTP status, 0 where there was none
	Err    error // *fault.Error
}

// Sent gives the digest of what this call is about to send.
func (c Call) Sent() (string, error) {
	p := c.Preimage
	p.Action, p.ActionSHA256 = c.Action.Ref(), c.Action.SHA256
	p.Connection, p.BaseURL = c.Connection.Name, c.Connection.BaseURL
	p.CredentialVersion = c.Connection.CredentialVersion
	p.Params, p.Impact = c.Params, string(c.Action.Impact)
	digest, _, err := p.Digest()
	return digest, err
}
