// Package document reads a YAML file strictly: every mistake with its place.
package document

import (
	"github.com/tocsin-soar/tocsin/server/fault"
)

// The bounds of a document. They hold before anything is built from it.
const (
	MaxBytes = 1 << 20 // of one file
	MaxDepth = 64      // of lists and maps in each other
	maxNodes = 50_000  // keys, values, lists and maps together
)

// Kind is what a node is, after YAML 1.2's core schema.
type Kind string

// The kinds. Dates and words like "yes" are text.
const (
	Null  Kind = "null"
	Bool  Kind = "bool"
	Int   Kind = "int"
	Float Kind = "float"
	Text  Kind = "text"
	List  Kind = "list"
	Map   Kind = "map"
)

// Node is one value of a document with its place. Line and Column count from 1,
// columns in characters.
type Node struct {
	Kind   Kind
	Line   int
	Column int

	doc     *source
	style   style
	text    string // of a scalar, as it reads after unquoting
	whole   int64
	number  float64
	truth   bool
	items   []*Node
	entries []Entry
}

// Entry is one key of a map with its value.
type Entry struct {
	Key    string
	Line   int // of the key
	Column int
	Value  *Node
	key    *Node
}

// Entries gives the keys of a map in the order of the document; nil for
// anything else.
func (n *Node) Entries() []Entry {
	if n == nil {
		return nil
	}
	return n.entries
}

// Items gives the elements of a list; nil for anything else.
func (n *Node) Items() []*Node {
	if n == nil {
		return nil
	}
	return n.items
}

// Get gives the value of a key, or nil.
func (n *Node) Get(key string) *Node {
	for _, e := range n.Entries() {
		if e.Key == key {
			return e.Value
		}
	}
	return nil
}

// Has says whether a map has the key.
func (n *Node) Has(key string) bool { return n.Get(key) != nil }

// KeyNode gives a node with the key's own place, for problems about a key; n
// itself where there is no such key.
func (n *Node) KeyNode(key string) *Node {
	for _, e := range n.Entries() {
		if e.Key == key {
			return e.key
		}
	}
	return n
}

// KeyNode gives a node with the place of the key.
func (e Entry) KeyNode() *Node { return e.key }

// Scalar gives the text of any scalar as it was written (unquoted); "" for lists
// and maps.
func (n *Node) Scalar() string {
	if n == nil {
		return ""
	}
	return n.text
}

// Plain gives the value as JSON has it: nil, bool, int64, float64, string,
// []any, map[string]any.
func (n *Node) Plain() any {
	if n == nil {
		return nil
	}
	switch n.Kind {
	case Null:
		return nil
	case Bool:
		return n.truth
	case Int:
		return n.whole
	case Float:
		return n.number
	case Text:
		return n.text
	case List:
		out := make([]any, 0, len(n.items))
		for _, i := range n.items {
			out = append(out, i.Plain())
		}
		return out
	case Map:
		out := make(map[string]any, len(n.entries))
		for _, e := range n.entries {
			out[e.Key] = e.Value.Plain()
		}
		return out
	}
	return nil
}

// Problem makes an error at the node. The hint says what to type instead, or "".
func (n *Node) Problem(code, message, hint string) fault.Problem {
	return n.problemAt(n.Line, n.Column, fault.SeverityError, code, message, hint)
}

// Warning makes a warning at the node.
func (n *Node) Warning(code, message, hint string) fault.Problem {
	return n.problemAt(n.Line, n.Column, fault.SeverityWarning, code, message, hint)
}

// ProblemIn makes a problem inside the node's text, offset bytes into it.
func (n *Node) ProblemIn(offset int, severity fault.Severity, code, message, hint string) fault.Problem {
	line, column := n.Place(offset)
	return n.problemAt(line, column, severity, code, message, hint)
}

func (n *Node) problemAt(line, column int, severity fault.Severity, code, message, hint string) fault.Problem {
	p := fault.Problem{
		Line: line, Column: column, Severity: severity,
		Code: code, Message: message, Hint: hint,
	}
	if n.doc != nil {
		p.File = n.doc.file
	}
	return p
}

// File gives the name that the document was parsed under.
func (n *Node) File() string {
	if n == nil || n.doc == nil {
		return ""
	}
	return n.doc.file
}

// word names a kind for people.
func (k Kind) word() string {
	switch k {
	case Null:
		return "nothing"
	case Bool:
		return "true or false"
	case Int:
		return "a whole number"
	case Float:
		return "a number"
	case Text:
		return "text"
	case List:
		return "a list"
	case Map:
		return "a map"
	}
	return "something else"
}
