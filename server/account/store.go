package account

import (
	"context"
	"time"

	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/lookup"
)

// Users keeps people and service accounts. Each method is one atomic act.
type Users interface {
	// User finds by id; fault NotFound.
	User(ctx context.Context, id string) (User, error)
	// UserNamed finds by canonical name; fault NotFound.
	UserNamed(ctx context.Context, name string) (User, error)
	// ListUsers gives a page, by name; sort words: name (default), created_at.
	ListUsers(ctx context.Context, p lookup.Page) (lookup.List[User], error)
	// AddUser adds one whose name is free, also among disabled ones (fault
	// Conflict, code name_taken). With First it is added only where there is no
	// user at all (fault Conflict, code not_first).
	AddUser(ctx context.Context, n NewUser) error
	// ChangeUser looks at a user as they are and writes what change gives;
	// admins is how many *other* active people have the role admin. Version
	// goes up by one, a change of kind "user" goes to the outbox. An error of
	// change changes nothing.
	ChangeUser(ctx context.Context, id string, change func(u User, admins int) (UserChange, error)) (User, error)
}

// Links keeps one-time links, by hash.
type Links interface {
	// AddLink stores a link; older unused ones of the same user and purpose end.
	AddLink(ctx context.Context, l Link, a []audit.Draft) error
	// UseLink is one atomic act: it finds an unused link and its user, calls
	// use, and then marks the link used, writes the user (ending old sessions,
	// tokens, links as the change says) and adds the session. An unknown or used
	// hash is fault Unauthorized; use is not called. An error of use changes
	// nothing.
	UseLink(ctx context.Context, hash string, use func(l Link, u User) (LinkUse, error)) error
}

// Sessions keeps who is logged in, by hash.
type Sessions interface {
	// AddSession stores a session, ends the one named by replaces (a hash, or
	// "") and raises the user's LastLogin. It compares the user's Version with
	// the given one: fault Conflict when the user changed meanwhile.
	AddSession(ctx context.Context, s Session, version int64, replaces string, a []audit.Draft) error
	// Session gives a session and its user as they are now; fault NotFound.
	Session(ctx context.Context, hash string) (Session, User, error)
	// TouchSession moves SeenAt forward, without audit or outbox.
	TouchSession(ctx context.Context, hash string, at time.Time) error
	// EndSession forgets it; none is no error.
	EndSession(ctx context.Context, hash string, a []audit.Draft) error
	// SweepSessions forgets sessions that were seen last before idle or began
	// before began, and links that are over since idle.
	SweepSessions(ctx context.Context, idle, began time.Time) error
}

// Tokens keeps API tokens, by hash.
type Tokens interface {
	// AddToken stores a token. It compares the owner's Version: fault Conflict
	// when the owner changed meanwhile.
	AddToken(ctx context.Context, t Token, version int64, a []audit.Draft) error
	// Token finds by hash, with its owner as they are now; fault NotFound.
	Token(ctx context.Context, hash string) (Token, User, error)
	// ListTokens gives the tokens of an owner (usr_…), or of all for "", newest
	// first; sort word: created_at.
	ListTokens(ctx context.Context, owner string, p lookup.Page) (lookup.List[Token], error)
	// ChangeToken looks at a token by id and writes what change gives; fault
	// NotFound. It revokes and nothing else.
	ChangeToken(ctx context.Context, id string, change func(t Token) (Token, []audit.Draft, error)) (Token, error)
	// TouchToken moves LastUsed forward, without audit or outbox.
	TouchToken(ctx context.Context, id string, at time.Time) error
}

// Log takes audit entries that describe no change of data: refused log-ins,
// denied requests.
type Log interface {
	LogAudit(ctx context.Context, a []audit.Draft) error
}

// Kind tells people from programs.
type Kind string

// The kinds of a user.
const (
	Person  Kind = "person"
	Service Kind = "service" // has tokens, never a password, never votes
)

// User is a person or a service account.
type User struct {
	ID        string     `json:"id"`   // usr_…
	Name      string     `json:"name"` // canonical log-in name, unique for ever
	Email     string     `json:"email"`
	Kind      Kind       `json:"kind"`
	Roles     []string   `json:"roles"`
	Teams     []string   `json:"teams"`
	Disabled  bool       `json:"disabled"`
	ManagedBy string     `json:"managed_by"` // the workspace file that brings them, or ""
	Version   int64      `json:"version"`    // from 1
	CreatedAt time.Time  `json:"created_at"`
	UpdatedAt time.Time  `json:"updated_at"`
	LastLogin *time.Time `json:"last_login"`

	// Password is the PHC text of its argon2id hash, "" for none.
	Password string `json:"-"`
}

// NewUser is somebody to be added.
type NewUser struct {
	User  User
	First bool // only into an empty table
	Audit []audit.Draft
}

// UserChange is what a user becomes, and what ends with it.
type UserChange struct {
	User         User
	EndSessions  bool // all of them
	RevokeTokens bool // all of them, at User.UpdatedAt
	EndLinks     bool // all unused ones
	Audit        []audit.Draft
}

// Link is a one-time link; the text that opens it is never stored.
type Link struct {
	Hash      string // hex SHA-256 of the text
	User      string // usr_…
	Purpose   string // "password": sets one and logs in
	CreatedAt time.Time
	ExpiresAt time.Time
}

// LinkUse is what using a link comes to. Session may replace none.
type LinkUse struct {
	Change  UserChange
	Session Session
}

// Session is one log-in; its id is never stored.
type Session struct {
	Hash      string // hex SHA-256 of the id in the cookie
	User      string // usr_…
	Auth      string // password or link
	IP        string // at log-in
	CreatedAt time.Time
	SeenAt    time.Time
}

// Token is an API token; its text is shown once and never stored.
type Token struct {
	ID        string     `json:"id"` // tok_…
	Name      string     `json:"name"`
	Owner     string     `json:"owner"`      // usr_…
	OwnerName string     `json:"owner_name"` // filled in on reading
	Scopes    []string   `json:"scopes"`
	CreatedAt time.Time  `json:"created_at"`
	ExpiresAt *time.Time `json:"expires_at"`
	RevokedAt *time.Time `json:"revoked_at"`
	LastUsed  *time.Time `json:"last_used"`

	Hash string `json:"-"` // hex SHA-256 of the text
}
