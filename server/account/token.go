package account

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/ident"
	"github.com/tocsin-soar/tocsin/server/lookup"
)

// How long a token lives.
const (
	TokenLife    = 90 * 24 * time.Hour // unless said otherwise
	TokenLifeMax = 366 * 24 * time.Hour
)

// tokenMark begins the text of every token, so that scanners of leaked secrets
// know one.
const tokenMark = "tocsin_"

// TokenWish is a token to be made. Owner is a log-in name, "" for the one who
// asks; ExpiresAt nil is TokenLife from now.
type TokenWish struct {
	Name      string
	Owner     string
	Scopes    []string
	ExpiresAt *time.Time
}

// NewToken makes a token and gives its text, the only time. A person makes
// tokens for themselves and for service accounts, never for another person,
// whose votes they would cast; a token makes none with scopes that it does not
// have.
func (d *Desk) NewToken(ctx context.Context, by Identity, w TokenWish) (text string, t Token, err error) {
	owner := by.User
	if w.Owner != "" {
		if owner, err = d.Find(ctx, w.Owner); err != nil {
			return "", Token{}, err
		}
	}
	if owner.ID != by.User.ID && owner.Kind != Service {
		return "", Token{}, fault.New(fault.Forbidden, "nobody makes a token that acts as another person").WithCode("not_your_token")
	}
	return d.makeToken(ctx, by.Actor(), by, owner, w)
}

// OperatorToken makes a token on the machine itself: whoever holds the data
// folder may name any owner.
func (d *Desk) OperatorToken(ctx context.Context, by audit.Actor, w TokenWish) (text string, t Token, err error) {
	owner, err := d.Find(ctx, w.Owner)
	if err != nil {
		return "", Token{}, err
	}
	return d.makeToken(ctx, by, Identity{}, owner, w)
}

func (d *Desk) makeToken(ctx context.Context, actor audit.Actor, by Identity, owner User, w TokenWish) (string, Token, error) {
	now := d.Clock()
	scopes, err := d.tokenScopes(by, owner, w.Scopes)
	if err != nil {
		return "", Token{}, err
	}
	name := strings.TrimSpace(w.Name)
	until := now.Add(TokenLife)
	if w.ExpiresAt != nil {
		until = w.ExpiresAt.UTC()
	}
	switch {
	case name == "" || len(name) > 100 || strings.ContainsFunc(name, unprintable):
		return "", Token{}, fault.New(fault.InvalidInput, "a token needs a name of 1 to 100 printable characters").WithCode("bad_name")
	case !until.After(now) || until.Sub(now) > TokenLifeMax:
		return "", Token{}, fault.New(fault.InvalidInput, "a token ends later than now and within %d days", int(TokenLifeMax.Hours()/24)).WithCode("bad_expiry")
	case owner.Disabled:
		return "", Token{}, fault.New(fault.Conflict, "the owner is disabled").WithCode("owner_disabled")
	}
	secret, err := d.secret()
	if err != nil {
		return "", Token{}, err
	}
	id, err := d.id(ident.Token, now)
	if err != nil {
		return "", Token{}, err
	}
	text := tokenMark + secret
	t := Token{
		ID: id, Name: name, Owner: owner.ID, OwnerName: owner.Name, Scopes: scopes,
		CreatedAt: now, ExpiresAt: &until, Hash: sum(text),
	}
	draft := audit.Draft{
		At: now, Actor: actor, Verb: TokenManage, Object: audit.Object{Kind: "token", ID: id},
		Reason: "made with scopes " + strings.Join(scopes, " ") + " for " + owner.Name, Outcome: audit.Done,
	}
	if err := d.Tokens.AddToken(ctx, t, owner.Version, []audit.Draft{draft}); err != nil {
		return "", Token{}, fmt.Errorf("add a token: %w", err)
	}
	return text, t, nil
}

func (d *Desk) tokenScopes(by Identity, owner User, wanted []string) ([]string, error) {
	scopes, err := knownWords("scope", wanted, Scopes())
	if err != nil {
		return nil, err
	}
	if len(scopes) == 0 {
		return nil, fault.New(fault.InvalidInput, "a token needs at least one scope").WithCode("unknown_scope")
	}
	if owner.Kind == Service && slices.Contains(scopes, "decide") {
		return nil, fault.New(fault.InvalidInput, "a service account never votes: leave out decide").WithCode("service_never_votes")
	}
	for _, s := range scopes {
		if by.Kind == "token" && !slices.Contains(by.Scopes, s) {
			return nil, fault.New(fault.Forbidden, "a token makes none with more scopes than its own").WithCode("scope_not_yours")
		}
	}
	return scopes, nil
}

func unprintable(r rune) bool { return r < 0x20 || r == 0x7f || r == 0xfffd }

// Bearer finds who holds a token. Unknown, over, revoked and a disabled owner's
// all are fault Unauthorized.
func (d *Desk) Bearer(ctx context.Context, text, ip string) (Identity, error) {
	none := fault.New(fault.Unauthorized, "the token is not valid").WithCode("bad_token")
	if len(text) != len(tokenMark)+secretText || !strings.HasPrefix(text, tokenMark) {
		return Identity{}, none
	}
	t, u, err := d.Tokens.Token(ctx, sum(text))
	if fault.KindOf(err) == fault.NotFound {
		return Identity{}, none
	}
	if err != nil {
		return Identity{}, fmt.Errorf("find a token: %w", err)
	}
	now := d.Clock()
	if t.RevokedAt != nil || t.ExpiresAt == nil || !now.Before(*t.ExpiresAt) || u.Disabled {
		return Identity{}, none
	}
	if t.LastUsed == nil || now.Sub(*t.LastUsed) >= touchEach {
		if err := d.Tokens.TouchToken(ctx, t.ID, now); err != nil {
			return Identity{}, fmt.Errorf("mark a token used: %w", err)
		}
	}
	return Identity{User: u, Kind: "token", ID: t.ID, Scopes: t.Scopes, Auth: "token", IP: ip}, nil
}

// RevokeToken ends a token at once; a second time changes nothing.
func (d *Desk) RevokeToken(ctx context.Context, by audit.Actor, id string) (Token, error) {
	now := d.Clock()
	t, err := d.Tokens.ChangeToken(ctx, id, func(t Token) (Token, []audit.Draft, error) {
		if t.RevokedAt != nil {
			return t, nil, nil
		}
		t.RevokedAt = &now
		return t, []audit.Draft{{
			At: now, Actor: by, Verb: TokenManage, Object: audit.Object{Kind: "token", ID: id},
			Reason: "revoked", Outcome: audit.Done,
		}}, nil
	})
	if err != nil {
		return Token{}, fmt.Errorf("revoke a token: %w", err)
	}
	return t, nil
}

// TokensOf lists the tokens of a person by name, or all for "".
func (d *Desk) TokensOf(ctx context.Context, name string, p lookup.Page) (lookup.List[Token], error) {
	owner := ""
	if name != "" {
		u, err := d.Find(ctx, name)
		if err != nil {
			return lookup.List[Token]{}, err
		}
		owner = u.ID
	}
	l, err := d.Tokens.ListTokens(ctx, owner, p)
	if err != nil {
		return lookup.List[Token]{}, fmt.Errorf("list tokens: %w", err)
	}
	return l, nil
}
