package httpapi

import (
	"time"

	"github.com/tocsin-soar/tocsin/server/alert"
	"github.com/tocsin-soar/tocsin/server/fault"
)

// Playbook is a playbook as the API shows it. Lists leave out Source, Inputs
// and Problems.
type Playbook struct {
	Name          string          `json:"name"`
	Title         string          `json:"title"`
	Description   string          `json:"description"`
	Category      string          `json:"category"`
	Attack        []string        `json:"attack"`
	Version       string          `json:"version"` // "sha256:" and hex; "" where only a draft is there
	Published     bool            `json:"published"`
	Draft         *Draft          `json:"draft"`
	Author        string          `json:"author"`
	Origin        string          `json:"origin"`     // workspace, database or shipped
	ManagedBy     string          `json:"managed_by"` // the file that brings it, or ""
	Reviewed      bool            `json:"reviewed"`
	Triggers      []TriggerInfo   `json:"triggers"`
	Inputs        []Input         `json:"inputs"`
	AlertRequired bool            `json:"alert_required"`
	Manual        bool            `json:"manual"`
	Actions       []string        `json:"actions"`
	Source        string          `json:"source"`
	Problems      []fault.Problem `json:"problems"`
	UpdatedAt     *time.Time      `json:"updated_at"`
}

// Draft is a version that waits for somebody to publish it.
type Draft struct {
	Version string    `json:"version"`
	Author  string    `json:"author"`
	At      time.Time `json:"at"`
	Source  string    `json:"source"`
}

// TriggerInfo says in words what starts a playbook.
type TriggerInfo struct {
	Kind string `json:"kind"` // alert, schedule or manual
	Text string `json:"text"`
}

// Input is one input of a playbook.
type Input struct {
	Name     string         `json:"name"`
	Schema   map[string]any `json:"schema"`
	Optional bool           `json:"optional"`
	Default  any            `json:"default"` // its text where it is an expression
}

// Version is one version of a playbook.
type Version struct {
	Version     string     `json:"version"`
	Author      string     `json:"author"`
	At          time.Time  `json:"at"`
	State       string     `json:"state"` // published, draft or old
	PublishedBy string     `json:"published_by"`
	PublishedAt *time.Time `json:"published_at"`
}

// Graph is a playbook's picture; the server computed every place (pixels).
type Graph struct {
	Nodes  []GraphNode `json:"nodes"`
	Edges  []GraphEdge `json:"edges"`
	Width  float64     `json:"width"`
	Height float64     `json:"height"`
}

// GraphNode is one step.
type GraphNode struct {
	Path       string  `json:"path"`
	ID         string  `json:"id"`
	Kind       string  `json:"kind"`
	Label      string  `json:"label"`
	Action     string  `json:"action"`
	Impact     string  `json:"impact"`
	SideEffect bool    `json:"side_effect"`
	X          float64 `json:"x"`
	Y          float64 `json:"y"`
	W          float64 `json:"w"`
	H          float64 `json:"h"`
	Parent     string  `json:"parent"`
	Line       int     `json:"line"`
}

// GraphEdge is one line between two steps, with its bends.
type GraphEdge struct {
	From   string       `json:"from"`
	To     string       `json:"to"`
	Label  string       `json:"label"`
	Kind   string       `json:"kind"`
	Points [][2]float64 `json:"points"`
}

// PolicyState is what rules now.
type PolicyState struct {
	Revision string          `json:"revision"`
	Modules  []PolicyModule  `json:"modules"`
	Problems []fault.Problem `json:"problems"` // of files that were refused; the revision is the last good one
	Disabled []string        `json:"disabled"` // rules that are switched off
}

// PolicyModule is one Rego file.
type PolicyModule struct {
	Path    string `json:"path"`
	Package string `json:"package"`
	Origin  string `json:"origin"` // shipped or workspace
	Source  string `json:"source"`
}

// PolicyFile is a file to be checked.
type PolicyFile struct {
	Path   string `json:"path"`
	Source string `json:"source"`
}

// Integration is a kind of system.
type Integration struct {
	ID       string       `json:"id"`
	Name     string       `json:"name"`
	Category string       `json:"category"`
	Version  string       `json:"version"`
	Tested   string       `json:"tested"` // server, published or documented
	Docs     string       `json:"docs"`
	Health   string       `json:"health"`   // the action asked as health check, or ""
	BaseURL  bool         `json:"base_url"` // a connection needs an address
	Native   bool         `json:"native"`
	Alerts   bool         `json:"alerts"` // it has a mapping for sources
	Auth     []AuthKind   `json:"auth"`   // the ways a connection may authenticate
	Actions  []ActionInfo `json:"actions"`
}

// AuthKind is one way a connection may authenticate: the fields it needs, each with
// what the product calls it.
type AuthKind struct {
	Type   string            `json:"type"`
	Fields map[string]string `json:"fields"`
	Name   string            `json:"name"` // of the header or parameter, unless the connection says another
}

// ActionInfo is one action of an integration.
type ActionInfo struct {
	ID           string         `json:"id"`
	Title        string         `json:"title"`
	Impact       string         `json:"impact"`
	Capability   string         `json:"capability"`
	Inverse      string         `json:"inverse"`
	Irreversible bool           `json:"irreversible"`
	Idempotency  string         `json:"idempotency"`
	Input        map[string]any `json:"input"`
	Output       map[string]any `json:"output"`
}

// Connection is a configured instance of an integration. It never holds a
// secret, only which fields have one.
type Connection struct {
	Name        string      `json:"name"`
	Integration string      `json:"integration"`
	Environment string      `json:"environment"`
	Tags        []string    `json:"tags"`
	BaseURL     string      `json:"base_url"`
	Status      string      `json:"status"` // ok, degraded, failing or disabled
	LastError   string      `json:"last_error"`
	Since       *time.Time  `json:"since"`    // the first of the failures, null when all is well
	NextTry     *time.Time  `json:"next_try"` // when the next call may try, null unless the breaker is open
	Waiting     int         `json:"waiting"`  // steps that stand in line
	CheckedAt   *time.Time  `json:"checked_at"`
	UsedBy      []string    `json:"used_by"` // playbooks
	Rate        Rate        `json:"rate"`
	Concurrency int         `json:"concurrency"`
	Breaker     string      `json:"breaker"` // closed, open or half_open
	Default     bool        `json:"default"`
	Disabled    bool        `json:"disabled"`
	Idempotent  bool        `json:"idempotent"`
	Egress      Egress      `json:"egress"`
	Auth        AuthInfo    `json:"auth"`
	ManagedBy   string      `json:"managed_by"`
	Version     int64       `json:"version"`
	Health      *HealthInfo `json:"health"`
}

// Rate bounds calls; zero means none.
type Rate struct {
	PerSecond float64 `json:"per_second"`
	Burst     int     `json:"burst"`
}

// Egress names addresses that are otherwise refused.
type Egress struct {
	Allow []string `json:"allow"`
}

// AuthInfo says how a connection authenticates, and which fields are set.
type AuthInfo struct {
	Type string   `json:"type"`
	Set  []string `json:"set"`
}

// HealthInfo is the last health check.
type HealthInfo struct {
	Action string    `json:"action"`
	OK     bool      `json:"ok"`
	At     time.Time `json:"at"`
}

// ConnectionWish is a connection as somebody wants it. Auth fields that are left
// out keep their secret, unless address, type of authentication or egress change.
type ConnectionWish struct {
	Name        string            `json:"name"`
	Integration string            `json:"integration"`
	Environment string            `json:"environment,omitempty"`
	Tags        []string          `json:"tags,omitempty"`
	BaseURL     string            `json:"base_url,omitempty"`
	Auth        map[string]string `json:"auth,omitempty"`
	Egress      *EgressWish       `json:"egress,omitempty"`
	Rate        *RateWish         `json:"rate,omitempty"`
	Concurrency int               `json:"concurrency,omitempty"`
	Default     bool              `json:"default,omitempty"`
	Disabled    bool              `json:"disabled,omitempty"`
	Idempotent  bool              `json:"idempotent,omitempty"`
}

// EgressWish is the allow list somebody wants.
type EgressWish struct {
	Allow []string `json:"allow"`
}

// RateWish is the bound somebody wants.
type RateWish struct {
	PerSecond float64 `json:"per_second"`
	Burst     int     `json:"burst,omitempty"`
}

// ConnectionTest is what a test call came to.
type ConnectionTest struct {
	OK      bool   `json:"ok"`
	Status  string `json:"status"`  // of the connection afterwards
	Message string `json:"message"` // in words
	TookMS  int64  `json:"took_ms"`
}

// Source is an endpoint that takes alerts.
type Source struct {
	Name      string      `json:"name"`
	Mapping   string      `json:"mapping"`
	Auth      string      `json:"auth"` // hmac/tocsin, bearer, …
	Disabled  bool        `json:"disabled"`
	ManagedBy string      `json:"managed_by"`
	Version   int64       `json:"version"` // 0 where a file brings it
	Spec      *SourceSpec `json:"spec"`    // nil in lists
}

// SourceSpec is a source in the words of its file, without secrets.
type SourceSpec struct {
	Mapping   string            `json:"mapping"` // generic, an integration, or "" for one of its own
	Items     string            `json:"items"`
	Closes    string            `json:"closes"`
	When      string            `json:"when"`
	Map       map[string]string `json:"map"`
	Auth      string            `json:"auth"`     // hmac, bearer or basic
	Style     string            `json:"style"`    // of hmac
	Username  string            `json:"username"` // of basic
	Delivery  string            `json:"delivery"`
	Key       string            `json:"key"`
	Window    string            `json:"window"` // "" for 24h
	PerSecond float64           `json:"per_second"`
	Body      int64             `json:"body"` // bytes; 0 for 1 MiB
}

// SourceWish is a source as somebody wants it. Without Secret one is made, and shown
// once in the answer. Rotation keeps the secret when it is left out.
type SourceWish struct {
	Name      string            `json:"name"`
	Mapping   string            `json:"mapping,omitempty"`
	Items     string            `json:"items,omitempty"`
	Closes    string            `json:"closes,omitempty"`
	When      string            `json:"when,omitempty"`
	Map       map[string]string `json:"map,omitempty"`
	Auth      string            `json:"auth"`
	Style     string            `json:"style,omitempty"`
	Username  string            `json:"username,omitempty"`
	Delivery  string            `json:"delivery,omitempty"`
	Key       string            `json:"key,omitempty"`
	Window    string            `json:"window,omitempty"`
	PerSecond float64           `json:"per_second,omitempty"`
	Body      int64             `json:"body,omitempty"`
	Disabled  bool              `json:"disabled,omitempty"`
	Rotation  string            `json:"rotation,omitempty"` // replace, or add: the old one stays good beside it
	Secret    string            `json:"secret,omitempty"`
}

// SourceMade is a source with the secret that was made for it, the only time it is
// shown; "" where none was made.
type SourceMade struct {
	Source Source `json:"source"`
	Secret string `json:"secret"`
}

// Trial is what a mapping makes of a payload; nothing is stored.
type Trial struct {
	Alerts []Tried `json:"alerts"`
}

// Tried is one alert of a trial.
type Tried struct {
	Alert  alert.Alert `json:"alert"`
	Closes bool        `json:"closes"` // it would close the alert with the same key
	Ignore bool        `json:"ignore"` // it would be counted and not stored
	Unread []string    `json:"unread"` // what the mapping could not read
}

// Schedule is a playbook's plan. Its id is the playbook's name, with -2, -3 for
// further plans of one playbook.
type Schedule struct {
	ID       string       `json:"id"`
	Playbook string       `json:"playbook"`
	Cron     string       `json:"cron"`
	Words    string       `json:"words"`
	Timezone string       `json:"timezone"`
	Missed   string       `json:"missed"`
	Overlap  string       `json:"overlap"`
	Paused   bool         `json:"paused"`
	Next     []time.Time  `json:"next"` // five at most
	Last     *ScheduleRun `json:"last"`
}

// ScheduleRun is what a schedule started.
type ScheduleRun struct {
	PlannedAt time.Time `json:"planned_at"`
	Run       string    `json:"run"`
	Status    string    `json:"status"`
}
