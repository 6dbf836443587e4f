package lookup

import (
	"encoding/json"
	"time"

	"github.com/tocsin-soar/tocsin/server/alert"
	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/gate"
)

// Alert is an alert with what hangs on it.
type Alert struct {
	alert.Alert
	Runs    []engine.Run `json:"runs"` // short, newest first
	Related []Related    `json:"related"`
	Version int64        `json:"version"` // of the alert, for ETag
}

// Related is an alert that names the same things.
type Related struct {
	ID       string         `json:"id"`
	Title    string         `json:"title"`
	Severity alert.Severity `json:"severity"`
	Status   alert.Status   `json:"status"`
	LastSeen time.Time      `json:"last_seen"`
	Why      []string       `json:"why"` // in words: "host FIN-LT-0231"
}

// Decision is a decision with the exact input it was made on. Input is "" where
// it is no longer kept.
type Decision struct {
	gate.Decision
	Input json.RawMessage `json:"input"`
}

// Event is one line of a run's journal. Chain is the hex hash of everything up
// to it.
type Event struct {
	Seq   uint64          `json:"seq"`
	At    time.Time       `json:"at"`
	Kind  string          `json:"kind"`
	Body  json.RawMessage `json:"body"`
	Chain string          `json:"chain"`
}

// AuditEntry is an entry of the audit log with its hashes.
type AuditEntry struct {
	audit.Entry
	Leaf  audit.Hash `json:"leaf"`
	Chain audit.Hash `json:"chain"`
}

// Change is one line of the outbox: a thing of a kind has a new version. Kinds
// are those of contract.md's stream: alert run approval effect decision playbook
// connection source schedule halt policy audit user.
type Change struct {
	Seq     int64  `json:"seq"`
	Kind    string `json:"kind"`
	ID      string `json:"id"`
	Version int64  `json:"version"`

	// Wake says that a run has something new to work on: it was queued, or a
	// signal waits for it. It is not kept in the outbox.
	Wake bool `json:"-"`
	// Queued says that the run is new and has not begun; Priority is the rank of its
	// alert's severity, 0 without one. Neither is kept in the outbox.
	Queued   bool `json:"-"`
	Priority int  `json:"-"`
}

// Badges are the numbers beside the app's rail.
type Badges struct {
	Alerts    int64 `json:"alerts"`    // new ones
	Approvals int64 `json:"approvals"` // pending
	Runs      int64 `json:"runs"`      // not ended
	InDoubt   int64 `json:"in_doubt"`  // runs that wait for a person's word
	Effects   int64 `json:"effects"`   // in force
}
