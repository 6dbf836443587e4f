// Package expr is the small language with which a playbook refers to what has
// happened (CEL).
package expr

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
