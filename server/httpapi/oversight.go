package httpapi

import (
	"net/http"
	"strconv"
	"time"

	"github.com/tocsin-soar/tocsin/server/account"
	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/control"
	"github.com/tocsin-soar/tocsin/server/lookup"
)

func (c *call) halted() (control.Halt, error) { return c.s.d.Halt.HaltState(c.ctx) }

type haltBody struct {
	On     bool   `json:"on"`
	Reason string `json:"reason,omitempty"`
}

// halt throws the switch, or lifts it: 202 where a second person is asked.
func (c *call) halt(b haltBody) (control.Halt, error) {
	if err := required("/reason", b.Reason); err != nil {
		return control.Halt{}, err
	}
	if b.On {
		return c.s.d.Halt.HaltOn(c.ctx, c.actor(), b.Reason)
	}
	if !c.may(account.HaltOff, "halt", "") {
		return control.Halt{}, c.denied(account.HaltOff, account.Object{Kind: "halt"})
	}
	h, err := c.s.d.Halt.HaltOff(c.ctx, c.actor(), b.Reason)
	if err == nil && h.On && h.Approval != "" {
		c.status = http.StatusAccepted
	}
	return h, err
}

func (c *call) audit() (lookup.List[lookup.AuditEntry], error) {
	p, err := c.page()
	if err != nil {
		return lookup.List[lookup.AuditEntry]{}, err
	}
	f := lookup.Audit{
		Actor: c.query["actor"], Verb: c.query["verb"], Object: c.query["object"], Run: c.query["run"],
		Since: c.moment("since"), Until: c.moment("until"),
	}
	return c.s.d.Audit.AuditEntries(c.ctx, f, p)
}

func (c *call) checkpoint() (audit.Checkpoint, error) { return c.s.d.Audit.Checkpoint(c.ctx) }

func (c *call) users() (lookup.List[account.User], error) {
	p, err := c.page()
	if err != nil {
		return lookup.List[account.User]{}, err
	}
	return c.s.d.People.People(c.ctx, p)
}

type userBody struct {
	Name  string   `json:"name"`
	Email string   `json:"email,omitempty"`
	Kind  string   `json:"kind,omitempty"`
	Roles []string `json:"roles"`
	Teams []string `json:"teams,omitempty"`
}

func (c *call) addUser(b userBody) (account.User, error) {
	w := account.Wish{Name: b.Name, Email: b.Email, Kind: account.Kind(b.Kind), Roles: b.Roles, Teams: b.Teams}
	u, err := c.s.d.People.Add(c.ctx, c.who.Actor(), w)
	return c.tagged(u, err)
}

func (c *call) tagged(u account.User, err error) (account.User, error) {
	if err != nil {
		return account.User{}, err
	}
	c.setETag(strconv.FormatInt(u.Version, 10))
	return u, nil
}

func (c *call) user() (account.User, error) {
	u, err := c.s.d.People.Find(c.ctx, c.id())
	return c.tagged(u, err)
}

type userEdit struct {
	Email    *string   `json:"email,omitempty"`
	Roles    *[]string `json:"roles,omitempty"`
	Teams    *[]string `json:"teams,omitempty"`
	Disabled *bool     `json:"disabled,omitempty"`
}

func (c *call) editUser(b userEdit) (account.User, error) {
	seen, err := c.seen()
	if err != nil {
		return account.User{}, err
	}
	e := account.Edit{Email: b.Email, Roles: b.Roles, Teams: b.Teams, Disabled: b.Disabled}
	u, err := c.s.d.People.Change(c.ctx, c.who.Actor(), c.id(), seen, e)
	return c.tagged(u, changedMeanwhile(err))
}

// Link is a one-time log-in link.
type Link struct {
	URL       string    `json:"url"`
	ExpiresAt time.Time `json:"expires_at"`
}

// link makes one. Its address is the configured one, never the request's; the
// secret stands in the fragment, which no server and no log ever sees.
func (c *call) link(none) (Link, error) {
	text, until, err := c.s.d.People.NewLink(c.ctx, c.who.Actor(), c.id())
	if err != nil {
		return Link{}, err
	}
	return Link{URL: c.s.d.BaseURL.JoinPath("link").String() + "#" + text, ExpiresAt: until}, nil
}

func (c *call) tokens() (lookup.List[account.Token], error) {
	p, err := c.page()
	if err != nil {
		return lookup.List[account.Token]{}, err
	}
	return c.s.d.Tokens.TokensOf(c.ctx, c.query["owner"], p)
}

type tokenBody struct {
	Name      string     `json:"name"`
	Owner     string     `json:"owner,omitempty"`
	Scopes    []string   `json:"scopes"`
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
}

// NewToken is a token with its text, the only time it is shown.
type NewToken struct {
	Token string        `json:"token"`
	About account.Token `json:"about"`
}

func (c *call) addToken(b tokenBody) (NewToken, error) {
	text, t, err := c.s.d.Tokens.NewToken(c.ctx, c.who, account.TokenWish{Name: b.Name, Owner: b.Owner, Scopes: b.Scopes, ExpiresAt: b.ExpiresAt})
	return NewToken{Token: text, About: t}, err
}

func (c *call) revokeToken(none) (account.Token, error) {
	return c.s.d.Tokens.RevokeToken(c.ctx, c.who.Actor(), c.id())
}
