// Package audit is a chain of records nobody can quietly edit.
package audit

import "time"

// Actor is who did it.
type Actor struct {
	Kind string `json:"kind"` // user, token, schedule or system
	ID   string `json:"id"`
	Name string `json:"name"`
	Auth string `json:"auth"` // password, link, token, socket or ""
	IP   string `json:"ip"`
}

// Object is what it was done to.
type Object struct {
	Kind string `json:"kind"`
	ID   string `json:"id"`
}

// Outcome of what was tried.
type Outcome string

// The outcomes.
const (
	Done    Outcome = "done"
	Refused Outcome = "refused"
)

// Draft is an entry before it has its place in the chain. Before and After are
// the hex SHA-256 of the object's state, or "" where it does not apply.
type Draft struct {
	At       time.Time
	Actor    Actor
	Verb     string // a verb of tocsin.access, or one of the engine's: action.dispatch, decision, effect.begin, …
	Object   Object
	Run      string
	Step     string
	Decision string
	Digest   string
	Before   string
	After    string
	Reason   string
	Outcome  Outcome
}
