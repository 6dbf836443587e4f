package intake

import (
	"time"

	"github.com/tocsin-soar/tocsin/server/alert"
	"github.com/tocsin-soar/tocsin/server/expr"
	"github.com/tocsin-soar/tocsin/server/secret"
)

// Source is an endpoint that takes alerts of one kind, ready for use: mapping
// compiled, secrets resolved. It is never serialised.
type Source struct {
	Name     string // slug: POST /hooks/<name>
	Auth     Auth
	Mapping  alert.Mapping
	Delivery string        // header that names a delivery, or ""
	Dedup    *expr.Expr    // over alert (Scope); nil: the default key
	Window   time.Duration // of deduplication; 0: alert.DefaultWindow
	Limit    Limit
	Disabled bool
}

// Auth is how senders prove themselves: exactly one is set. A source without
// any takes nothing.
type Auth struct {
	HMAC   *HMAC
	Bearer []secret.Value // any of these tokens
	Basic  *Basic
}

// Style is a way to sign a delivery (contract.md, Webhooks).
type Style string

// The styles.
const (
	StyleTocsin   Style = "tocsin"
	StyleGitHub   Style = "github"
	StyleStripe   Style = "stripe"
	StyleStandard Style = "standard"
)

// HMAC signs with any of the secrets: while one is rotated both are good.
type HMAC struct {
	Style   Style
	Secrets []secret.Value
}

// Basic is a user name with any of the passwords.
type Basic struct {
	Username  string
	Passwords []secret.Value
}

// Limit bounds a source; zero means the default.
type Limit struct {
	PerSecond float64 // deliveries; bursts of twice that
	Body      int64   // bytes
}

// The defaults of Limit.
const (
	DefaultPerSecond = 500
	DefaultBody      = 1 << 20
)

func (l Limit) perSecond() float64 {
	if l.PerSecond <= 0 {
		return DefaultPerSecond
	}
	return l.PerSecond
}

// MaxBody is how large a delivery may be, in bytes.
func (l Limit) MaxBody() int64 {
	if l.Body <= 0 {
		return DefaultBody
	}
	return l.Body
}

// DedupScope is what a source's dedup key may name.
func DedupScope() *expr.Scope { return expr.NewScope().With("alert", expr.AlertType()) }
