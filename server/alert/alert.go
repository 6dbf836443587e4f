// Package alert is the one shape every alert takes inside, and how two become
// one.
package alert

import "time"

// Severity is the word on the wire; expressions see its Rank.
type Severity string

// The severities, mildest first.
const (
	Informational Severity = "informational"
	Low           Severity = "low"
	Medium        Severity = "medium"
	High          Severity = "high"
	Critical      Severity = "critical"
)

// Severities in order of rank: the first has rank 1.
var Severities = []Severity{Informational, Low, Medium, High, Critical} //nolint:gochecknoglobals // a constant table

// Rank is 1 for informational to 5 for critical, 0 for a word that is none.
func (s Severity) Rank() int {
	for i, w := range Severities {
		if w == s {
			return i + 1
		}
	}
	return 0
}

// Status of an alert.
type Status string

// The statuses.
const (
	New        Status = "new"
	InProgress Status = "in_progress"
	Closed     Status = "closed"
)

// Host is a machine named in an alert.
type Host struct {
	Name string `json:"name"`
	IP   string `json:"ip"`
	OS   string `json:"os"`
	ID   string `json:"id"`
}

// User is an account named in an alert.
type User struct {
	Name   string `json:"name"`
	Domain string `json:"domain"`
	Mail   string `json:"mail"`
	ID     string `json:"id"`
}

// Mail is a message named in an alert.
type Mail struct {
	From      string   `json:"from"`
	To        []string `json:"to"`
	Subject   string   `json:"subject"`
	MessageID string   `json:"message_id"`
}

// File is a file named in an alert. Hashes are lower-case hex.
type File struct {
	Name   string `json:"name"`
	Path   string `json:"path"`
	Size   int64  `json:"size"`
	MD5    string `json:"md5"`
	SHA1   string `json:"sha1"`
	SHA256 string `json:"sha256"`
}

// Process is a process named in an alert.
type Process struct {
	Name        string `json:"name"`
	Path        string `json:"path"`
	PID         int64  `json:"pid"`
	CommandLine string `json:"command_line"`
	Parent      string `json:"parent"`
}

// Raw names the payload as it came, byte for byte.
type Raw struct {
	SHA256 string `json:"sha256"`
	Bytes  int64  `json:"bytes"`
}

// Alert is one normalised detection (alerts.md), one to one on OCSF Detection
// Finding. Lists are never null on the wire.
type Alert struct {
	ID          string   `json:"id"`
	Source      string   `json:"source"`
	SourceID    string   `json:"source_id"`
	URL         string   `json:"url"`
	Title       string   `json:"title"`
	Description string   `json:"description"`
	Category    string   `json:"category"`
	Status      Status   `json:"status"`
	Verdict     *string  `json:"verdict"` // true_positive, false_positive, benign or null
	Severity    Severity `json:"severity"`
	Confidence  int64    `json:"confidence"` // 0 to 100

	FirstSeen time.Time `json:"first_seen"`
	LastSeen  time.Time `json:"last_seen"`
	Count     int64     `json:"count"`
	Mapped    bool      `json:"mapped"`

	Hosts     []Host    `json:"hosts"`
	Users     []User    `json:"users"`
	IPs       []string  `json:"ips"`
	Domains   []string  `json:"domains"`
	URLs      []string  `json:"urls"`
	Mails     []Mail    `json:"mails"`
	Files     []File    `json:"files"`
	Processes []Process `json:"processes"`
	Attack    []string  `json:"attack"`
	Labels    []string  `json:"labels"`

	// Fields is the payload's own JSON object, vendor's names, as it came.
	Fields map[string]any `json:"fields"`
	Raw    Raw            `json:"raw"`

	// Owner is the person who works on it, "" for nobody. Reason is given when
	// it was closed by hand.
	Owner  string `json:"owner"`
	Reason string `json:"reason"`

	// Run and Depth say which run created it (tocsin.create_alert); depth 0
	// came from outside, alerts of depth 3 start nothing.
	Run   string `json:"run"`
	Depth int64  `json:"depth"`

	// Dedup is the deduplication key, a hash; it is not on the wire.
	Dedup string `json:"-"`
}
