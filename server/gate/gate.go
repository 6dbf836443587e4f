// Package gate is the question asked before every action, and the shape of its
// answer.
package gate

import (
	"time"

	"github.com/tocsin-soar/tocsin/server/approval"
	"github.com/tocsin-soar/tocsin/server/fault"
)

// Outcome is the policy's word. The zero value is no word and counts as deny.
type Outcome string

// The outcomes, mildest first; the strictest of all members wins.
const (
	Allow   Outcome = "allow"
	Approve Outcome = "approve"
	Deny    Outcome = "deny"
)

// Purpose says why an action is wanted.
type Purpose string

// The purposes.
const (
	ForStep   Purpose = "step"
	ForUndo   Purpose = "undo"
	ForExpiry Purpose = "expiry"
	ForExtend Purpose = "extend"
	ForVerify Purpose = "verify"
	ForHealth Purpose = "health"
	ForManual Purpose = "manual"
)

// Question is the policy input of contract.md. Every field is always present
// on the wire: lists [], numbers 0, text "".
type Question struct {
	Action     Action            `json:"action"`
	Purpose    Purpose           `json:"purpose"`
	Targets    []approval.Target `json:"targets"`
	Connection Connection        `json:"connection"`
	Playbook   Playbook          `json:"playbook"`
	Run        Run               `json:"run"`
	Alert      map[string]any    `json:"alert"` // as it was when the run started; severity the word; or null
	Effect     *Effect           `json:"effect"`
	Actor      Actor             `json:"actor"`
	Approvals  []Approval        `json:"approvals"`
	Attempt    Attempt           `json:"attempt"`
	Now        Now               `json:"now"`
	Facts      Facts             `json:"facts"`
}

// Action is what is wanted.
type Action struct {
	ID           string         `json:"id"`
	Integration  string         `json:"integration"`
	Impact       string         `json:"impact"`
	Params       map[string]any `json:"params"`
	LeaseSeconds int64          `json:"lease_seconds"`
	Digest       string         `json:"digest"`
}

// Connection is through what it would be done.
type Connection struct {
	Name        string   `json:"name"`
	Environment string   `json:"environment"`
	Tags        []string `json:"tags"`
}

// Playbook is who asks; a manual action has an empty one that is reviewed.
type Playbook struct {
	Name       string `json:"name"`
	Version    string `json:"version"`
	Author     string `json:"author"`
	Reviewed   bool   `json:"reviewed"`
	AgeSeconds int64  `json:"age_seconds"`
}

// Run is within which run.
type Run struct {
	ID        string `json:"id"`
	Trigger   string `json:"trigger"`
	Depth     int64  `json:"depth"`
	StartedAt string `json:"started_at"`
}

// Effect is what an undo, expiry or extension is about.
type Effect struct {
	Key   string `json:"key"`
	Holds []Hold `json:"holds"`
}

// Hold is one run's claim on an effect. Lease is the lease in seconds of the
// decision that made it, Decision its outcome.
type Hold struct {
	Run          string   `json:"run"`
	Step         string   `json:"step"`
	Until        string   `json:"until"`
	ApprovedBy   []string `json:"approved_by"`
	LeaseSeconds int64    `json:"lease_seconds"`
	Outcome      string   `json:"outcome"`
}

// Actor is on whose behalf.
type Actor struct {
	Kind  string   `json:"kind"` // user, token, schedule or system
	Name  string   `json:"name"`
	Roles []string `json:"roles"`
}

// Approval is a valid yes on exactly this digest.
type Approval struct {
	By    string   `json:"by"`
	At    string   `json:"at"`
	Roles []string `json:"roles"`
}

// Attempt counts the sendings of the step, from 1; Error is the last one's kind.
type Attempt struct {
	Number int64  `json:"number"`
	Error  string `json:"error"`
}

// Now is the moment of the question. Weekday is monday … sunday; Hour 0 to 23 and
// Business are in the zone of data.config.hours.
type Now struct {
	Time     string `json:"time"`
	Weekday  string `json:"weekday"`
	Hour     int64  `json:"hour"`
	Business bool   `json:"business"`
}

// Facts are the counters that limits look at.
type Facts struct {
	InForce Counts `json:"in_force"`
	Made    Made   `json:"made"`
}

// Made counts reservations of this run and of sliding windows, by the minute.
type Made struct {
	Run Counts `json:"run"`
	M10 Counts `json:"10m"`
	H1  Counts `json:"1h"`
	H24 Counts `json:"24h"`
}

// Counts is one set of counters.
type Counts struct {
	Total        int64            `json:"total"`
	ByAction     map[string]int64 `json:"by_action"`
	ByImpact     map[string]int64 `json:"by_impact"`
	ByTargetKind map[string]int64 `json:"by_target_kind"`
	ByPlaybook   map[string]int64 `json:"by_playbook"`
}

// Limits is what the members of the limit set add up to: the shortest lease,
// dry run if any says so, everyone to be told.
type Limits struct {
	MaxForSeconds *int64   `json:"max_for_seconds"`
	DryRun        bool     `json:"dry_run"`
	Notify        []string `json:"notify"`
}

// Answer is the policy's answer.
type Answer struct {
	Outcome  Outcome                `json:"outcome"`
	Reasons  []approval.Reason      `json:"reasons"`
	Required []approval.Requirement `json:"required"` // merged; only with Approve
	Limits   Limits                 `json:"limits"`
	Revision string                 `json:"revision"`
	Took     time.Duration          `json:"-"`
}

// DenyAll is the answer where there is none: it names the rule and says why.
func DenyAll(rule, reason, revision string) Answer {
	return Answer{
		Outcome: Deny, Revision: revision,
		Reasons: []approval.Reason{{Rule: rule, Outcome: string(Deny), Reason: reason}},
	}
}

// Decision is the record of one evaluation (contract.md, Shapes).
type Decision struct {
	ID          string            `json:"id"`
	Outcome     Outcome           `json:"outcome"`
	Reasons     []approval.Reason `json:"reasons"`
	Revision    string            `json:"revision"`
	InputSHA256 string            `json:"input_sha256"`
	TookUS      int64             `json:"took_us"`
	Run         string            `json:"run"`
	Step        string            `json:"step"`
	Attempt     int64             `json:"attempt"`

	Action     string    `json:"action"`
	Impact     string    `json:"impact"`
	Connection string    `json:"connection"`
	Purpose    Purpose   `json:"purpose"`
	At         time.Time `json:"at"`
	Actor      Actor     `json:"actor"`
	// Permitted says that the action may be done now: allow, or approve with
	// every requirement met.
	Permitted bool `json:"permitted"`
}

// Permit is the only thing a caller of an integration accepts. It names the
// decision and the digest of what may be sent. The zero one permits nothing.
type Permit struct {
	decision, digest string
}

// NewPermit makes one from a recorded decision; only server/perform may.
func NewPermit(decision, digest string) Permit { return Permit{decision, digest} }

// Decision gives the id of the decision behind the permit, "" for the zero one.
func (p Permit) Decision() string { return p.decision }

// Check refuses the zero permit and one for anything but this digest.
func (p Permit) Check(digest string) error {
	switch {
	case p.decision == "" || p.digest == "":
		return fault.New(fault.Denied, "nothing permits this call")
	case p.digest != digest:
		return fault.New(fault.Denied, "what would be sent is not what was permitted")
	}
	return nil
}
