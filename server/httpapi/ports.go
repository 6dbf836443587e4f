package httpapi

import (
	"context"
	"encoding/json"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/tocsin-soar/tocsin/server/account"
	"github.com/tocsin-soar/tocsin/server/alert"
	"github.com/tocsin-soar/tocsin/server/approval"
	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/control"
	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/gate"
	"github.com/tocsin-soar/tocsin/server/intake"
	"github.com/tocsin-soar/tocsin/server/ledger"
	"github.com/tocsin-soar/tocsin/server/lookup"
)

// Gatekeeper proves who asks.
type Gatekeeper interface {
	LogIn(ctx context.Context, name, password, old, ip string) (account.Grant, error)
	UseLink(ctx context.Context, text, password, ip string) (account.Grant, error)
	LogOut(ctx context.Context, who account.Identity) error
	// Session finds who holds a session; a passive look does not keep it alive.
	Session(ctx context.Context, id, ip string, passive bool) (account.Identity, error)
	Bearer(ctx context.Context, text, ip string) (account.Identity, error)
}

// Access rules on what somebody may do.
type Access interface {
	May(ctx context.Context, q account.Question) bool
}

// Log takes audit entries of what was denied.
type Log interface {
	LogAudit(ctx context.Context, a []audit.Draft) error
}

// Hooks takes deliveries in.
type Hooks interface {
	Receive(ctx context.Context, d Delivery) (intake.Answer, error)
}

// Callbacks hands what another system calls back with to the run that waits for it.
type Callbacks interface {
	// CallBack uses the token up; fault NotFound where nobody waits with it.
	CallBack(ctx context.Context, token string, body any) error
}

// Delivery is one POST /hooks/{source}, its bytes copied out of the server's
// memory. Headers have canonical names.
type Delivery struct {
	Source      string
	Body        []byte
	ContentType string
	Headers     http.Header
	Address     string
}

// Alerts reads and edits alerts.
type Alerts interface {
	Alerts(ctx context.Context, f lookup.Alerts, p lookup.Page) (lookup.List[alert.Alert], error)
	Alert(ctx context.Context, id string) (lookup.Alert, error)
	// UpdateAlert is one atomic act: it reads the alert with its version, calls
	// change and writes what it gave. An error changes nothing.
	UpdateAlert(ctx context.Context, id string, change func(a alert.Alert, version int64) (alert.Alert, []audit.Draft, error)) (alert.Alert, error)
}

// Runs reads runs.
type Runs interface {
	Runs(ctx context.Context, f lookup.Runs, p lookup.Page) (lookup.List[engine.Run], error)
	Run(ctx context.Context, id string) (engine.Run, error)
	Journal(ctx context.Context, run string) ([]lookup.Event, error)
}

// RunControl is what a person may do to runs. Who is checked before.
type RunControl interface {
	// StartRun starts a playbook by hand; runs with one key are one run.
	StartRun(ctx context.Context, by control.Actor, o StartRun) (run string, err error)
	Cancel(ctx context.Context, by control.Actor, run string, force bool, reason string) error
	// UndoRun undoes what the run has in force.
	UndoRun(ctx context.Context, by control.Actor, run, reason string) ([]ledger.Effect, error)
	Resolve(ctx context.Context, by control.Actor, run string, r control.Resolution) error
}

// StartRun is a run that somebody wants. Key is "" or makes it unique.
type StartRun struct {
	Playbook string
	Inputs   map[string]any
	Alert    string // alr_… or ""
	Key      string
}

// Approvals reads approvals.
type Approvals interface {
	Approvals(ctx context.Context, f lookup.Approvals, p lookup.Page) (lookup.List[approval.Request], error)
	Approval(ctx context.Context, id string) (approval.Request, error)
}

// Inbox takes people's answers. Whether somebody is entitled is ruled there.
type Inbox interface {
	Decide(ctx context.Context, by control.Actor, id, decision, digest, comment string) (approval.Request, error)
	Answer(ctx context.Context, by control.Actor, id, digest string, answer map[string]any) (approval.Request, error)
	Withdraw(ctx context.Context, by control.Actor, id string) (approval.Request, error)
	Extend(ctx context.Context, by control.Actor, id string, d time.Duration) (approval.Request, error)
}

// Effects reads the ledger.
type Effects interface {
	Effects(ctx context.Context, f lookup.Effects, p lookup.Page) (lookup.List[ledger.Effect], error)
	EffectByID(ctx context.Context, id string) (ledger.Effect, error)
}

// EffectControl is what a person may do to effects.
type EffectControl interface {
	UndoEffect(ctx context.Context, by control.Actor, id, reason string) (ledger.Effect, error)
	ExtendEffect(ctx context.Context, by control.Actor, id string, until time.Time, reason string) (ledger.Effect, error)
}

// Decisions reads decisions.
type Decisions interface {
	Decisions(ctx context.Context, f lookup.Decisions, p lookup.Page) (lookup.List[gate.Decision], error)
	DecisionByID(ctx context.Context, id string) (lookup.Decision, error)
}

// Playbooks reads playbooks and checks texts.
type Playbooks interface {
	Playbooks(ctx context.Context, p lookup.Page) (lookup.List[Playbook], error)
	// Playbook gives the version in force for "", else the one named.
	Playbook(ctx context.Context, name, version string) (Playbook, error)
	Versions(ctx context.Context, name string) ([]Version, error)
	Graph(ctx context.Context, name, version string) (Graph, error)
	// CheckPlaybook compiles a text; the graph is nil where there is none.
	CheckPlaybook(ctx context.Context, name string, src []byte) ([]fault.Problem, *Graph, error)
}

// Authors changes playbooks.
type Authors interface {
	// Draft makes a draft. Seen is the version that the author began with, "" for
	// any; another one in force is fault Conflict, code changed_meanwhile. A
	// workspace's playbook is fault Conflict, code managed_by_files.
	Draft(ctx context.Context, by control.Actor, name string, src []byte, seen string) (Playbook, error)
	// Publish puts a draft in force; version "" is the present draft. Its author
	// may not.
	Publish(ctx context.Context, by control.Actor, name, version string) (Playbook, error)
}

// Policies reads what rules.
type Policies interface {
	Policies(ctx context.Context) (PolicyState, error)
	CheckPolicies(ctx context.Context, files []PolicyFile) ([]fault.Problem, error)
}

// Connections reads and edits connections.
type Connections interface {
	Connections(ctx context.Context) ([]Connection, error)
	Connection(ctx context.Context, name string) (Connection, error)
	// PutConnection makes or replaces one. With create it must be new; seen is
	// the version that the editor saw, 0 for any.
	PutConnection(ctx context.Context, by control.Actor, w ConnectionWish, create bool, seen int64) (Connection, error)
	DeleteConnection(ctx context.Context, by control.Actor, name string, seen int64) error
	TestConnection(ctx context.Context, by control.Actor, name string) (ConnectionTest, error)
}

// Sources reads and edits sources of alerts.
type Sources interface {
	Sources(ctx context.Context) ([]Source, error)
	Source(ctx context.Context, name string) (Source, error)
	// PutSource makes or replaces one, as PutConnection does.
	PutSource(ctx context.Context, by control.Actor, w SourceWish, create bool, seen int64) (SourceMade, error)
	DeleteSource(ctx context.Context, by control.Actor, name string, seen int64) error
	// TrySource shows what a mapping makes of a payload.
	TrySource(ctx context.Context, w SourceWish, payload string) (Trial, error)
}

// Catalogue lists what is there without being edited here.
type Catalogue interface {
	Integrations(ctx context.Context) ([]Integration, error)
	// Problems lists what is wrong with loaded files.
	Problems(ctx context.Context) ([]fault.Problem, error)
	// Schema gives a JSON Schema by name.
	Schema(name string) (json.RawMessage, bool)
}

// Schedules reads and steers schedules.
type Schedules interface {
	Schedules(ctx context.Context) ([]Schedule, error)
	PauseSchedule(ctx context.Context, by control.Actor, id string, paused bool) (Schedule, error)
	// RunSchedule starts it now, beside its plan.
	RunSchedule(ctx context.Context, by control.Actor, id string) (run string, err error)
}

// Halt is the kill switch.
type Halt interface {
	HaltState(ctx context.Context) (control.Halt, error)
	HaltOn(ctx context.Context, by control.Actor, reason string) (control.Halt, error)
	// HaltOff lifts it, or asks a second person: then Approval is set.
	HaltOff(ctx context.Context, by control.Actor, reason string) (control.Halt, error)
}

// Audit reads the audit log.
type Audit interface {
	AuditEntries(ctx context.Context, f lookup.Audit, p lookup.Page) (lookup.List[lookup.AuditEntry], error)
	Checkpoint(ctx context.Context) (audit.Checkpoint, error)
}

// People keeps accounts.
type People interface {
	People(ctx context.Context, p lookup.Page) (lookup.List[account.User], error)
	Find(ctx context.Context, name string) (account.User, error)
	Add(ctx context.Context, by audit.Actor, w account.Wish) (account.User, error)
	Change(ctx context.Context, by audit.Actor, name string, version int64, e account.Edit) (account.User, error)
	NewLink(ctx context.Context, by audit.Actor, name string) (text string, until time.Time, err error)
}

// Tokens keeps API tokens.
type Tokens interface {
	TokensOf(ctx context.Context, owner string, p lookup.Page) (lookup.List[account.Token], error)
	NewToken(ctx context.Context, by account.Identity, w account.TokenWish) (text string, t account.Token, err error)
	RevokeToken(ctx context.Context, by audit.Actor, id string) (account.Token, error)
}

// Notifications is what people are told. Reader is who asks, as they are now.
type Notifications interface {
	// Notifications lists theirs, unread first; with unread only those.
	Notifications(ctx context.Context, who lookup.Reader, unread bool, p lookup.Page) (lookup.Notifications, error)
	// ReadNotifications notes what they have read and gives how many are left.
	ReadNotifications(ctx context.Context, who lookup.Reader, ids []string, all bool) (unread int64, err error)
}

// Changes is the outbox, for the stream.
type Changes interface {
	// Changes gives what came after a sequence, at most limit, and the newest
	// sequence there is. Where some of it is no longer kept, the first one given
	// does not follow on.
	Changes(ctx context.Context, after int64, limit int) (changes []lookup.Change, newest int64, err error)
	// Subscribe calls hear with each batch after its commit, in order, until
	// cancel. Hear must not block.
	Subscribe(hear func([]lookup.Change)) (cancel func())
}

// Replays keeps answers of requests with an Idempotency-Key for a day.
type Replays interface {
	// Begin claims a key for this request: status 0. A finished one gives its
	// answer. One claimed with another digest is fault Conflict, code
	// idempotency_conflict; one still under way, code in_progress.
	Begin(ctx context.Context, key, digest string) (status int, body []byte, err error)
	// End keeps the answer; status 0 frees the key.
	End(ctx context.Context, key string, status int, body []byte) error
}

// Numbers counts requests; observe.Metrics does.
type Numbers interface {
	Request(method, route string, status int, took time.Duration)
	Stream(by int)
	Delivery(source, answer string)
	Panic(place string)
	Handler() http.Handler
}

// State says how the server is.
type State interface {
	// Ready says whether alerts can be taken, else why not in a word.
	Ready() (ok bool, why string)
	Quarantined() bool
}

// About is what /me tells of the server.
type About struct {
	Version  string
	Instance string
	DemoURL  string
}

// Deps is all that the API needs; every field but App, Replays, Proxies
// and Bound must be there.
type Deps struct {
	Gatekeeper    Gatekeeper
	Access        Access
	Log           *slog.Logger
	AuditLog      Log
	Hooks         Hooks
	Callbacks     Callbacks
	Alerts        Alerts
	Runs          Runs
	RunControl    RunControl
	Approvals     Approvals
	Inbox         Inbox
	Effects       Effects
	EffectControl EffectControl
	Decisions     Decisions
	Playbooks     Playbooks
	Authors       Authors
	Policies      Policies
	Connections   Connections
	Sources       Sources
	Catalogue     Catalogue
	Schedules     Schedules
	Halt          Halt
	Audit         Audit
	People        People
	Tokens        Tokens
	Notifications Notifications
	Changes       Changes
	Numbers       Numbers
	State         State
	About         About

	Replays Replays // nil: kept in memory
	App     fs.FS   // the built web app; nil or without index.html: a page that says how to build it

	Clock  func() time.Time
	Random func(p []byte) // fills p with chance

	BaseURL       *url.URL // how the outside reaches the server
	Secure        bool     // it is https
	Proxies       []netip.Prefix
	MetricsPublic bool
	Delivery      int64 // bytes of the largest webhook
	// Bound gives the bytes of the largest webhook of a source, known or not; it
	// is asked before the body is read. nil: Delivery for all.
	Bound     func(source string) int64
	Connected int // connections at once
	Streams   int // event streams at once
}
