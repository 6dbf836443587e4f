// Package lookup is what a list may be asked: filters, order, pages.
package lookup

import "time"

// Page is where a list begins and how long it may get. Cursor is what the page
// before gave as next; Limit is 1 to 200, 50 by default. Sort is one of the list's
// own words, "-" before it turns it round; empty means newest first.
type Page struct {
	Limit  int
	Cursor string
	Sort   string
}

// List is one page; Next is nil at the end.
type List[T any] struct {
	Items []T     `json:"items"`
	Next  *string `json:"next"`
}

// Alerts filters alerts; empty fields do not filter. Q is free text over title,
// source id and entities.
type Alerts struct {
	Severity, Source, Status, Q, Owner string
	Since                              time.Time
}

// Runs filters runs. Waiting is a WaitKind.
type Runs struct {
	Playbook, Status, Waiting, Alert string
	Since                            time.Time
}

// Approvals filters approvals.
type Approvals struct{ Status, Run string }

// Effects filters effects; Target matches a target's value.
type Effects struct{ Status, Run, Target string }

// Decisions filters decisions.
type Decisions struct{ Run, Outcome, Action string }

// Audit filters entries of the audit log.
type Audit struct {
	Actor, Verb, Object, Run string
	Since, Until             time.Time
}
