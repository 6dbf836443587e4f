// Package notification is what people are told, and who is told it.
package notification

import (
	"slices"
	"strings"
	"time"

	"github.com/tocsin-soar/tocsin/server/approval"
)

// Kind says what a notification tells of.
type Kind string

// The kinds.
const (
	ApprovalWaiting   Kind = "approval_waiting"   // a request waits for those it names
	ApprovalReminder  Kind = "approval_reminder"  // it still waits, and its deadline comes
	ApprovalEscalated Kind = "approval_escalated" // nobody answered, so more people may
	LeaseEnding       Kind = "lease_ending"       // an effect ends soon
	StepInDoubt       Kind = "in_doubt"           // a person must say what became of a step
	UndoFailed        Kind = "undo_failed"        // an effect is still in force against our will
	ConnectionBroken  Kind = "connection_broken"  // a connection does not answer as it should
	Note              Kind = "note"               // a playbook tells people (tocsin.notify)
	Policy            Kind = "policy"             // a rule of the policy tells people (limit.notify)
)

// Kinds lists all there are.
func Kinds() []Kind {
	return []Kind{
		ApprovalWaiting, ApprovalReminder, ApprovalEscalated, LeaseEnding, StepInDoubt, UndoFailed, ConnectionBroken, Note, Policy,
	}
}

// Object is what a notification links to: kind approval, effect, run, alert or
// connection, and its id.
type Object struct {
	Kind string `json:"kind"`
	ID   string `json:"id"`
}

// Audience is a group that is told, by the words of the policy ("role:x", "team:y",
// "user:z"; any of them), but for the log-in names in Not. It is stored in these
// words and resolved whenever somebody looks, so that it stays right when roles
// change.
type Audience struct {
	Who []string
	Not []string
}

// Draft is a notification that is to be written. Key makes it one: a second one
// with the same key is none.
type Draft struct {
	Key    string
	Kind   Kind
	At     time.Time
	Title  string
	Text   string
	Object Object
	Run    string // run_… it belongs to, or ""
	Step   string // path of the run's step that it is about, or ""
	Alert  string // alr_… it belongs to, or ""
	// Until is the moment that it warns of, a deadline or an end.
	Until *time.Time
	// Asks says that it asks for something; it is over when that is done.
	Asks bool
	// Single says that one that asks of this kind about its object is enough.
	Single bool
	To     []Audience
	// Else are told where nobody active is in To.
	Else []string
}

// Notification is what somebody was told, as the API shows it to them.
type Notification struct {
	ID     string     `json:"id"`
	Kind   Kind       `json:"kind"`
	At     time.Time  `json:"at"`
	Title  string     `json:"title"`
	Text   string     `json:"text"`
	Object Object     `json:"object"`
	Run    string     `json:"run"`
	Step   string     `json:"step"`
	Alert  string     `json:"alert"`
	Until  *time.Time `json:"until"`
	Read   bool       `json:"read"` // by the one who asks
	Over   bool       `json:"over"` // what it asked for is done
}

// The bounds of a notification, in bytes.
const (
	MaxTitle = 300
	MaxText  = 10_000
)

// Words are the words by which a person may be named in an audience.
func Words(name string, roles, teams []string) []string {
	out := []string{"user:" + approval.Canonical(name)}
	for _, r := range roles {
		out = append(out, "role:"+approval.Canonical(r))
	}
	for _, t := range teams {
		out = append(out, "team:"+approval.Canonical(t))
	}
	return out
}

// Everyone is an audience of whoever one of the words names.
func Everyone(who ...string) []Audience { return []Audience{{Who: folded(who)}} }

// Entitled are those who may decide a request, requirement by requirement: a person
// told by one of them is not kept back by the exclusion of another.
func Entitled(r approval.Request) []Audience {
	out := make([]Audience, 0, len(r.Requirements))
	for _, q := range r.Requirements {
		out = append(out, Audience{Who: folded(r.Asked(q)), Not: excluded(r, q)})
	}
	return out
}

// excluded gives the log-in names that a requirement excludes.
func excluded(r approval.Request, q approval.Requirement) []string {
	var out []string
	for _, n := range q.Not {
		switch n = approval.Canonical(n); n {
		case "starter":
			out = append(out, r.Starter)
		case "author":
			out = append(out, r.Author)
		default:
			if name, ok := strings.CutPrefix(n, "user:"); ok {
				out = append(out, name)
			}
		}
	}
	return folded(out)
}

// folded gives words in their one spelling, sorted, each once, without empty ones.
func folded(words []string) []string {
	out := make([]string, 0, len(words))
	for _, w := range words {
		if w = approval.Canonical(w); w != "" {
			out = append(out, w)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Cut shortens a text to a number of bytes without breaking a letter.
func Cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	const mark = "…"
	return strings.ToValidUTF8(text[:most-len(mark)], "") + mark
}
