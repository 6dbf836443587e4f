// Package intake takes one delivery in and makes one durable alert of it.
package intake

import (
	"context"
	"time"

	"github.com/tocsin-soar/tocsin/server/alert"
	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/engine"
)

// Store is all that intake needs of a database.
type Store interface {
	// Accept is one atomic act: it refuses a known delivery identity with another
	// body (fault code delivery_conflict), gives the stored answer for the same
	// body, else folds every item into its alert, queues the runs, links the audit
	// chain, and answers after the commit.
	Accept(ctx context.Context, d Delivery, fold func(old *alert.Alert, it Item) Folded) (Answer, error)
}

// Delivery is one POST.
type Delivery struct {
	ID       string // del_…
	Source   string
	Identity string // what makes it this delivery, or "" where none is known
	SHA256   string // hex, of Raw
	Raw      []byte
	At       time.Time
	Items    []Item
	Audit    []audit.Draft
}

// Item is one alert of a delivery before it meets the alert with its key.
type Item struct {
	Alert  alert.Alert // ID is the one it gets when it is new; Dedup is set
	Closes bool        // closes the alert with the same key
	Ignore bool        // acknowledged and counted, not stored
	Window time.Duration
}

// Folded is what an item came to, with the runs it starts.
type Folded struct {
	Alert  alert.Alert
	New    bool // a new alert
	Store  bool // false: nothing changes
	Starts []engine.Start
	Audit  []audit.Draft
}

// Answer is what the sender gets (contract.md, HTTP).
type Answer struct {
	Alerts []Taken  `json:"alerts"`
	Runs   []string `json:"runs"`
}

// Taken is one alert of an answer.
type Taken struct {
	ID  string `json:"id"`
	New bool   `json:"new"`
}
