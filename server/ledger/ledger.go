// Package ledger keeps what is in force outside, until when, and how it is
// undone.
package ledger

import "time"

// Status of an effect.
type Status string

// The statuses.
const (
	InForce    Status = "in_force"
	Undoing    Status = "undoing"
	Undone     Status = "undone"
	UndoFailed Status = "undo_failed"
	InDoubt    Status = "in_doubt"
	Foreign    Status = "foreign"
	Drifted    Status = "drifted"
)

// Target is what the effect is on.
type Target struct {
	Kind  string   `json:"kind"`
	Value string   `json:"value"`
	Tags  []string `json:"tags"`
	Owner string   `json:"owner"`
}

// Inverse is how the effect is ended: fully resolved, with the digest of the
// manifest it came from.
type Inverse struct {
	Action   string         `json:"action"`
	Params   map[string]any `json:"params"`
	Manifest string         `json:"manifest"`
}

// Hold is one run's wish that the effect stays.
type Hold struct {
	Run        string     `json:"run"`
	Step       string     `json:"step"`
	Until      *time.Time `json:"until"`
	ApprovedBy []string   `json:"approved_by"`

	Decision     string `json:"decision"`      // dec_… that made it
	Outcome      string `json:"outcome"`       // of that decision: allow or approve
	LeaseSeconds int64  `json:"lease_seconds"` // it carried; 0 without lease
}

// Effect is a change in the outside world that is in force (contract.md,
// Shapes). Key = connection + inverse action + JCS(inverse parameters), hashed.
type Effect struct {
	ID         string     `json:"id"`
	Key        string     `json:"key"`
	Action     string     `json:"action"`
	Impact     string     `json:"impact"` // of the action
	Connection string     `json:"connection"`
	Targets    []Target   `json:"targets"`
	Status     Status     `json:"status"`
	Holds      []Hold     `json:"holds"`
	Since      time.Time  `json:"since"`
	Until      *time.Time `json:"until"`
	Inverse    Inverse    `json:"inverse"`
	EndedBy    string     `json:"ended_by"` // expiry, person, run or policy; "" while in force

	EndedAt  *time.Time     `json:"ended_at"`
	Run      string         `json:"run"` // that made it
	Step     string         `json:"step"`
	Playbook string         `json:"playbook"`
	UndoRun  string         `json:"undo_run"` // the run that undoes or undid it
	Why      string         `json:"why"`      // in words, e.g. who asked for the undo and why
	Params   map[string]any `json:"params"`   // of the action, for extension and display

	// Warned is the end of which the owner of the hold was told beforehand.
	Warned *time.Time `json:"warned"`
}
