// Package approval rules who may say yes, how many, and until when.
package approval

import "time"

// Requirement is one member of the policy's approve set with its defaults
// filled in, on the wire and stored.
type Requirement struct {
	Rule     string       `json:"rule"`
	Reason   string       `json:"reason"`
	Who      []string     `json:"who"` // "role:x", "team:y", "user:z"; any of them
	Quorum   int          `json:"quorum"`
	Not      []string     `json:"not"` // "starter", "author", "user:z"
	Within   string       `json:"within"`
	Extend   string       `json:"extend"`
	Hold     string       `json:"hold"`
	ValidFor string       `json:"valid_for"`
	Escalate []Escalation `json:"escalate"`
}

// Escalation asks more people when nobody answered for a while.
type Escalation struct {
	After string   `json:"after"`
	Who   []string `json:"who"`
}

// Target is one thing in the outside world that an action touches.
type Target struct {
	Kind  string   `json:"kind"`
	Value string   `json:"value"`
	Tags  []string `json:"tags"`
	Owner string   `json:"owner"`
}

// Kind says what an approval decides on.
type Kind string

// The kinds.
const (
	KindAction   Kind = "action"
	KindApproval Kind = "approval"
	KindQuestion Kind = "question"
	KindHalt     Kind = "halt"
	KindExtend   Kind = "extend"
)

// Status of a request.
type Status string

// The statuses; only pending waits for somebody.
const (
	Pending   Status = "pending"
	Approved  Status = "approved"
	Denied    Status = "denied"
	Expired   Status = "expired"
	Void      Status = "void"
	Withdrawn Status = "withdrawn"
)

// Person is who votes, as they are at the moment of weighing.
type Person struct {
	Name   string   // the log-in name
	Roles  []string // without prefix
	Teams  []string
	Active bool // false for a disabled person; a service account is never active here
}

// Vote is what a person answered.
type Vote struct {
	By       string    `json:"by"`
	Decision string    `json:"decision"` // approve or deny
	At       time.Time `json:"at"`
	Comment  string    `json:"comment"`
	Counts   bool      `json:"counts"`
	WhyNot   string    `json:"why_not"` // in words, where it does not count
}

// Need is a requirement with its state, as the API shows it.
type Need struct {
	Rule   string   `json:"rule"`
	Reason string   `json:"reason"`
	Who    []string `json:"who"`
	Quorum int      `json:"quorum"`
	Not    []string `json:"not"`
	Met    bool     `json:"met"`
}

// Reason is one rule of the policy that spoke.
type Reason struct {
	Rule    string `json:"rule"`
	Outcome string `json:"outcome"` // allow, approve or deny
	Reason  string `json:"reason"`
}

// Inverse says how an action is undone.
type Inverse struct {
	Action string         `json:"action"`
	Params map[string]any `json:"params"`
}

// Request is an approval as the API shows it and the store keeps it
// (contract.md, Shapes). Requirements, Starter, Author and Revision stand
// beside the digest and are not in it.
type Request struct {
	ID           string         `json:"id"`
	Kind         Kind           `json:"kind"`
	Status       Status         `json:"status"`
	Digest       string         `json:"digest"`
	Preimage     string         `json:"preimage"`
	Run          string         `json:"run"`
	Step         string         `json:"step"`
	Occurrence   int            `json:"occurrence"`
	Action       string         `json:"action"`
	Impact       string         `json:"impact"`
	Connection   string         `json:"connection"`
	Params       map[string]any `json:"params"`
	Targets      []Target       `json:"targets"`
	Reasons      []Reason       `json:"reasons"`
	Required     []Need         `json:"required"`
	Votes        []Vote         `json:"votes"`
	Deadline     time.Time      `json:"deadline"`
	Otherwise    any            `json:"otherwise"`
	HeldUntil    *time.Time     `json:"held_until"`
	Inverse      *Inverse       `json:"inverse"`
	LeaseSeconds *int64         `json:"lease_seconds"`
	Form         map[string]any `json:"form"`

	Title     string     `json:"title"`    // in words: "Isolate host FIN-LT-0231"
	Alert     string     `json:"alert"`    // alr_… or ""
	Playbook  string     `json:"playbook"` // slug or ""
	Why       string     `json:"why"`      // why it ended as it did, in words
	CreatedAt time.Time  `json:"created_at"`
	DecidedAt *time.Time `json:"decided_at"`
	Answer    any        `json:"answer"` // of a question

	Requirements []Requirement `json:"requirements"`
	Starter      string        `json:"starter"`
	Author       string        `json:"author"`
	Revision     string        `json:"revision"`
	ValidUntil   *time.Time    `json:"valid_until"` // until when the yes may be used
	Extended     bool          `json:"extended"`
	UsedUp       bool          `json:"used_up"`

	// Escalated are the escalations that have come; CalledAt is when people were
	// reminded last.
	Escalated []Widening `json:"escalated"`
	CalledAt  *time.Time `json:"called_at"`
}
