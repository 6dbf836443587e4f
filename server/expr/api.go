// Package expr is the small language with which a playbook refers to what has
// happened (CEL).
package expr

import "github.com/tocsin-soar/tocsin/server/fault"

// Values that go in and come out are JSON values in Go's plain types: nil,
// bool, int64, float64, string, []any, map[string]any; time.Time may go in and
// comes out as RFC 3339 text.

// Vars are the names an expression sees. A value may be a func() any, called
// at most once per evaluation and only when the name is read.
type Vars map[string]any

// Sink says for what place a text is written, so that a value inside it cannot
// change that place's meaning (language.md, Expressions; schema keyword x-sink).
type Sink string

// The sinks. Search and command languages accept literals and quote.LANG only.
const (
	SinkText   Sink = ""
	SinkPath   Sink = "path"
	SinkHeader Sink = "header"
	SinkQuery  Sink = "query"
	SinkKQL    Sink = "kql"
	SinkSPL    Sink = "spl"
	SinkLucene Sink = "lucene"
	SinkESQL   Sink = "esql"
	SinkLDAP   Sink = "ldap"
	SinkSQL    Sink = "sql"
	SinkSh     Sink = "sh"
)

// Issue is one mistake in an expression or text. Offset counts bytes into the
// source that was given, from 0.
type Issue struct {
	Offset   int
	Severity fault.Severity
	Code     string
	Message  string
	Hint     string
}

// Read is one place at which an expression reads a name. Name is the name at
// the top (alert, inputs, vars, steps, …). For steps, Step is the id and Field
// the part read (output, ok, status, error); for the others Field is the first
// field, where there is one.
type Read struct {
	Name, Step, Field string
	// Optional says that the field was read with .? or looked for with has().
	Optional bool
	// Guarded says that a condition makes sure of it: steps.X.ok for an output,
	// alert != null for the alert.
	Guarded bool
	Offset  int
}

// TextOptions say what a text is for. Want is checked only where the whole
// text is one expression or a plain literal; zero means anything.
type TextOptions struct {
	Sink Sink
	Want Type
}
