package httpapi

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/valyala/fasthttp/fasthttpadaptor"

	"github.com/tocsin-soar/tocsin/server/account"
	"github.com/tocsin-soar/tocsin/server/fault"
)

// statusAnswer is all that the public health addresses say.
type statusAnswer struct {
	Status     string `json:"status"`
	Quarantine bool   `json:"quarantine,omitempty"`
}

func (c *call) healthz() (statusAnswer, error) { return statusAnswer{Status: "alive"}, nil }

func (c *call) readyz() (statusAnswer, error) {
	ok, why := c.s.d.State.Ready()
	a := statusAnswer{Status: "ready", Quarantine: c.s.d.State.Quarantined()}
	if !ok {
		c.status, a.Status = http.StatusServiceUnavailable, why
	}
	return a, nil
}

// metrics is the one route that is public by a setting.
func (c *call) metrics() (any, error) {
	fasthttpadaptor.NewFastHTTPHandler(c.s.d.Numbers.Handler())(c.c.Context())
	return nil, nil //nolint:nilnil // the answer is written
}

func (c *call) openapi() (json.RawMessage, error) { return c.s.doc, nil }

func (c *call) schema() (json.RawMessage, error) {
	name, ok := strings.CutSuffix(c.c.Params("file"), ".json")
	if !ok {
		return nil, notFound()
	}
	if name == "errors" {
		return errorsSchema()
	}
	raw, ok := c.s.d.Catalogue.Schema(name)
	if !ok {
		return nil, notFound()
	}
	return raw, nil
}

type logInBody struct {
	Username string `json:"username"`
	Password string `json:"password"`
}

func (c *call) logIn(b logInBody) (Me, error) {
	old, _ := c.s.cookie(c.c)
	g, err := c.s.d.Gatekeeper.LogIn(c.ctx, b.Username, b.Password, old, c.s.clientIP(c.c))
	if err != nil {
		return Me{}, err
	}
	return c.welcome(g)
}

type linkBody struct {
	Token    string `json:"token"`
	Password string `json:"password"`
}

func (c *call) useLink(b linkBody) (Me, error) {
	g, err := c.s.d.Gatekeeper.UseLink(c.ctx, b.Token, b.Password, c.s.clientIP(c.c))
	if err != nil {
		return Me{}, err
	}
	return c.welcome(g)
}

func (c *call) welcome(g account.Grant) (Me, error) {
	c.s.setCookie(c.c, g.ID)
	c.who = g.Identity
	return c.me()
}

func (c *call) logOut(none) (any, error) {
	if err := c.s.d.Gatekeeper.LogOut(c.ctx, c.who); err != nil {
		return nil, err
	}
	c.s.hub.drop(c.who.Session)
	c.s.dropCookie(c.c)
	c.c.Set("Clear-Site-Data", `"cache"`)
	return nil, nil //nolint:nilnil // 204
}

// Me is who asks and what they may.
type Me struct {
	Kind   string   `json:"kind"`
	ID     string   `json:"id"`
	Name   string   `json:"name"`
	Roles  []string `json:"roles"`
	Teams  []string `json:"teams"`
	Scopes []string `json:"scopes"`
	Verbs  []string `json:"verbs"`
	Server MeServer `json:"server"`
}

// MeServer is what the app needs to know of the server.
type MeServer struct {
	Version    string    `json:"version"`
	Instance   string    `json:"instance"`
	DemoURL    string    `json:"demo_url"`
	Halted     bool      `json:"halted"`
	Quarantine bool      `json:"quarantine"`
	Now        time.Time `json:"now"`
}

func (c *call) me() (Me, error) {
	h, err := c.s.d.Halt.HaltState(c.ctx)
	if err != nil {
		return Me{}, err
	}
	a := c.who.Asker()
	m := Me{
		Kind: a.Kind, ID: a.ID, Name: c.who.User.Name, Roles: a.Roles, Teams: a.Teams, Scopes: a.Scopes, Verbs: []string{},
		Server: MeServer{
			Version: c.s.d.About.Version, Instance: c.s.d.About.Instance, DemoURL: c.s.d.About.DemoURL,
			Halted: h.On, Quarantine: h.Quarantine || c.s.d.State.Quarantined(), Now: c.s.d.Clock().UTC(),
		},
	}
	for _, v := range account.Verbs() {
		if c.may(v, "", "") {
			m.Verbs = append(m.Verbs, v)
		}
	}
	return m, nil
}

// required refuses an empty text.
func required(at, text string) error {
	if strings.TrimSpace(text) == "" {
		return fault.New(fault.InvalidInput, "something is missing").WithCode("bad_request").
			WithPlaces(fault.Place{At: at, Message: "must not be empty"})
	}
	return nil
}

// bounded refuses a text that is too long, in bytes.
func bounded(at, text string, most int) error {
	if len(text) > most {
		return fault.New(fault.InvalidInput, "a text is too long").WithCode("bad_request").
			WithPlaces(fault.Place{At: at, Message: "is too long"})
	}
	return nil
}

// oneOf refuses a word that is none of those.
func oneOf(at, text string, words ...string) error {
	if slices.Contains(words, text) {
		return nil
	}
	return fault.New(fault.InvalidInput, "a word is none of those that are known").WithCode("bad_request").
		WithPlaces(fault.Place{At: at, Message: "is one of: " + strings.Join(words, ", ")})
}
