package engine

import (
	"time"

	"github.com/tocsin-soar/tocsin/server/gate"
)

// Start is a run to be queued: everything that the host needs besides the
// journal. Key makes it unique.
type Start struct {
	ID       string
	Key      string // start key; a second start with it is none
	Playbook string
	Version  string // sha256 hex of the playbook's bytes
	Program  []byte // nil for a playbook; for a run of one action: its JSON (Single)
	Trigger  Trigger
	Alert    string // alr_… or ""
	AlertRaw []byte // JSON of the alert as it is now, or nil
	Inputs   map[string]any
	Effect   *gate.Effect // what the policy is told of the effect that this run is about, or nil
	Priority int          // severity's rank, 0 without alert
	At       time.Time
	Error    *Error // not nil: it is recorded as failed at once
	// Calls are the versions (sha256 hex) of the playbooks that a called run calls in
	// turn, pinned by the run at the top; nil for one that nobody called.
	Calls map[string]string
	// Seed is a secret of the installation and of this run, from which the tokens of
	// its callbacks are made. It is never stored.
	Seed string
}
