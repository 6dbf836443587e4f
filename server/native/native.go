// Package native is what a native integration is given, and what it must
// answer.
package native

import (
	"context"
	"net"

	"github.com/tocsin-soar/tocsin/server/connector"
)

// Integration is Go code that acts where HTTP and a manifest cannot say it. Its
// actions, schemas and impacts still stand in its manifest.
type Integration interface {
	// Describe says which manifest it belongs to and which actions it does; it
	// gives the same answer always.
	Describe() Description
	// Do makes one attempt. It goes out through c.Dial only, ends when ctx does,
	// and keeps nothing of c after it returned. It may be called by many at once.
	Do(ctx context.Context, c Call) (Result, error)
}

// Description names an integration and its actions.
type Description struct {
	ID      string
	Actions []string
}

// Dial opens a connection under the egress rules of the caller's connection.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// Call is one attempt. Params fit the action's input schema, defaults filled in.
type Call struct {
	Action     string // without the integration's name
	Params     map[string]any
	Key        string // idempotency key: the same for every attempt of an occurrence
	Connection connector.Connection
	Dial       Dial
	Origin     Origin
}

// Origin says on whose behalf: "" where no run asks.
type Origin struct {
	Run   string // run_…
	Step  string // path
	Depth int64  // of the alert that started the run
}

// Result is what the attempt did (contract.md, What an HTTP reply means). Output
// counts only with connector.DidDone and is checked against the manifest's
// schema. With an error, Did says whether it took effect: nothing, unknown; the
// zero word counts as unknown.
type Result struct {
	Did    connector.Did
	Output any
}
