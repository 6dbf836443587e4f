package account

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"time"

	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/ident"
)

// Lives of what the desk hands out.
const (
	Idle     = 30 * time.Minute // a session nobody uses
	Absolute = 12 * time.Hour   // any session
	LinkLife = 30 * time.Minute // a one-time link

	touchEach = time.Minute // how exact SeenAt and LastUsed are kept
)

// Options are what a Desk needs. Clock and Random are the only ways to the
// moment and to chance.
type Options struct {
	Users    Users
	Links    Links
	Sessions Sessions
	Tokens   Tokens
	Log      Log
	Clock    func() time.Time
	Random   io.Reader
}

// Desk is where people and programs prove who they are, and where their
// accounts are kept.
type Desk struct {
	Options
	throttle *throttle
	kitchen  *kitchen
}

// New makes a Desk.
func New(o Options) *Desk { return &Desk{Options: o, throttle: newThrottle(), kitchen: newKitchen()} }

// Grant is a fresh session: its id goes into the cookie and nowhere else.
type Grant struct {
	ID       string
	Identity Identity
}

// wrong is the one answer to every log-in that does not succeed.
func wrong() error {
	return fault.New(fault.Unauthorized, "the name or the password is wrong").WithCode("bad_credentials")
}

// expired is the one answer to every link that does not open.
func expired() error {
	return fault.New(fault.Unauthorized, "this link does not open anything: it is used, over or mistyped; ask for a new one").WithCode("link_invalid")
}

// LogIn proves a person by name and password and begins a session; old is the
// id of the session that the browser had before, or "". Unknown, disabled,
// without password and wrong all give the same answer after the same work.
func (d *Desk) LogIn(ctx context.Context, name, password, old, ip string) (Grant, error) {
	now := d.Clock()
	canonical, err := CanonicalName(name)
	if err != nil {
		canonical = "?" // all that cannot be names count as one
	}
	if wait, first := d.throttle.enter(canonical, ip, now); wait > 0 {
		if first {
			d.refused(ctx, "", ip, "too many failed log-ins", now)
		}
		return Grant{}, slow(wait)
	}
	user, err := d.Users.UserNamed(ctx, canonical)
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return Grant{}, fmt.Errorf("find who logs in: %w", err)
	}
	known, ok := phcOf(user)
	var same bool
	if len(password) <= maxPassword {
		if err := d.kitchen.do(ctx, func() { same = known.matches(password) }); err != nil {
			return Grant{}, err
		}
	}
	if !same || !ok {
		d.refused(ctx, user.ID, ip, "wrong name or password", now)
		return Grant{}, wrong()
	}
	g, err := d.begin(ctx, user, "password", old, ip, now)
	if fault.KindOf(err) == fault.Conflict { // changed since the password was looked at
		return Grant{}, wrong()
	}
	if err != nil {
		return Grant{}, fmt.Errorf("begin a session: %w", err)
	}
	d.throttle.good(canonical, ip, now)
	return g, nil
}

// phcOf gives what the password is measured against, and whether a match counts.
func phcOf(u User) (phc, bool) {
	p, err := parsePHC(u.Password)
	if err != nil {
		return nobody(), false
	}
	return p, !u.Disabled && u.Kind == Person
}

// begin makes a session with a new id.
func (d *Desk) begin(ctx context.Context, u User, auth, old, ip string, now time.Time) (Grant, error) {
	id, err := d.secret()
	if err != nil {
		return Grant{}, err
	}
	s := Session{Hash: sum(id), User: u.ID, Auth: auth, IP: ip, CreatedAt: now, SeenAt: now}
	who := identity(s, u)
	who.IP = ip
	replaces := ""
	if old != "" {
		replaces = sum(old)
	}
	draft := audit.Draft{
		At: now, Actor: who.Actor(), Verb: "session.begin",
		Object: audit.Object{Kind: "user", ID: u.ID}, Outcome: audit.Done,
	}
	if err := d.Sessions.AddSession(ctx, s, u.Version, replaces, []audit.Draft{draft}); err != nil {
		return Grant{}, err
	}
	return Grant{ID: id, Identity: who}, nil
}

func identity(s Session, u User) Identity {
	return Identity{User: u, Kind: "user", ID: u.ID, Session: s.Hash, Auth: s.Auth, IP: s.IP}
}

// refused leaves an audit entry of a log-in that did not succeed. The name that
// was typed is not kept: it may be a password in the wrong field.
func (d *Desk) refused(ctx context.Context, user, ip, why string, now time.Time) {
	draft := audit.Draft{
		At: now, Actor: audit.Actor{Kind: "user", Auth: "password", IP: ip}, Verb: "session.begin",
		Object: audit.Object{Kind: "user", ID: user}, Reason: why, Outcome: audit.Refused,
	}
	// Where the entry cannot be written the log-in is refused all the same.
	_ = d.Log.LogAudit(ctx, []audit.Draft{draft})
}

// Session finds who holds a session id. Unknown, over and ended ones all are
// fault Unauthorized. A passive look (an event stream's) does not keep it alive.
func (d *Desk) Session(ctx context.Context, id, ip string, passive bool) (Identity, error) {
	none := fault.New(fault.Unauthorized, "log in first")
	if len(id) != secretText {
		return Identity{}, none
	}
	s, u, err := d.Sessions.Session(ctx, sum(id))
	if fault.KindOf(err) == fault.NotFound {
		return Identity{}, none
	}
	if err != nil {
		return Identity{}, fmt.Errorf("find a session: %w", err)
	}
	now := d.Clock()
	if !alive(s, now) || u.Disabled || u.Kind != Person {
		return Identity{}, none
	}
	if !passive && now.Sub(s.SeenAt) >= touchEach {
		if err := d.Sessions.TouchSession(ctx, s.Hash, now); err != nil {
			return Identity{}, fmt.Errorf("keep a session: %w", err)
		}
	}
	who := identity(s, u)
	who.IP = ip
	return who, nil
}

// alive also refuses sessions from the future: a clock that was turned back
// must not lengthen one.
func alive(s Session, now time.Time) bool {
	const skew = 5 * time.Minute
	return now.Sub(s.SeenAt) < Idle && now.Sub(s.CreatedAt) < Absolute && s.CreatedAt.Sub(now) < skew
}

// LogOut ends the identity's session.
func (d *Desk) LogOut(ctx context.Context, who Identity) error {
	if who.Session == "" {
		return fault.New(fault.InvalidInput, "a token has no session to end")
	}
	draft := audit.Draft{
		At: d.Clock(), Actor: who.Actor(), Verb: "session.end",
		Object: audit.Object{Kind: "user", ID: who.User.ID}, Outcome: audit.Done,
	}
	if err := d.Sessions.EndSession(ctx, who.Session, []audit.Draft{draft}); err != nil {
		return fmt.Errorf("end a session: %w", err)
	}
	return nil
}

// Sweep forgets what is over; call it now and then.
func (d *Desk) Sweep(ctx context.Context) error {
	now := d.Clock()
	if err := d.Sessions.SweepSessions(ctx, now.Add(-Idle), now.Add(-Absolute)); err != nil {
		return fmt.Errorf("sweep sessions: %w", err)
	}
	return nil
}

// secretBytes of chance stand behind every id, link and token.
const (
	secretBytes = 32
	secretText  = 43 // of base64url
)

func (d *Desk) secret() (string, error) {
	raw := make([]byte, secretBytes)
	if _, err := io.ReadFull(d.Random, raw); err != nil {
		return "", fmt.Errorf("draw a secret: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(raw), nil
}

func (d *Desk) id(p ident.Prefix, now time.Time) (string, error) {
	var r [10]byte
	if _, err := io.ReadFull(d.Random, r[:]); err != nil {
		return "", fmt.Errorf("draw an id: %w", err)
	}
	return ident.New(p, now, r), nil
}

// sum is how a secret of 256 bits is stored; a slow hash would add nothing.
func sum(text string) string {
	s := sha256.Sum256([]byte(text))
	return hex.EncodeToString(s[:])
}
