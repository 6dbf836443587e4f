package httpapi

import (
	"context"
	"net/http"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/tocsin-soar/tocsin/server/account"
	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/fault"
)

//nolint:gochecknoglobals // a type, fixed
var noBody = reflect.TypeFor[none]()

// handle is the one way to a route: who, from where, may they, what, and only
// then the route itself.
func (s *Server) handle(ctx context.Context, r Route) fiber.Handler {
	limit := r.within
	if limit == 0 {
		limit = answerWithin
	}
	return func(fc *fiber.Ctx) error {
		fc.Context().SetUserValue(localRoute, r.Path)
		short, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		c := &call{s: s, c: fc, ctx: short, base: ctx, route: r}
		if err := c.admit(); err != nil {
			return err
		}
		if r.noted {
			return c.once()
		}
		v, err := r.run(c)
		if err != nil || r.streams || r.answer == nil {
			return err
		}
		return c.answer(v)
	}
}

// admit lets a call in or says why not.
func (c *call) admit() error {
	if err := c.sameSite(); err != nil {
		return err
	}
	if c.route.Verb != Public && c.route.Verb != Signed {
		if err := c.identify(); err != nil {
			return err
		}
		if err := c.permit(); err != nil {
			return err
		}
	}
	if c.route.Verb == Signed { // an impossible name is answered like an unknown one
		return nil
	}
	if err := c.checkPath(); err != nil {
		return err
	}
	return c.readQuery()
}

// sameSite refuses what another site made a browser send. Sources of alerts are
// no browsers and sign what they send.
func (c *call) sameSite() error {
	if c.route.Verb == Signed {
		return nil
	}
	return c.s.sameSite(c.c)
}

func (s *Server) sameSite(c *fiber.Ctx) error {
	r := &http.Request{Method: c.Method(), Host: string(c.Request().Host()), Header: http.Header{}}
	for _, k := range []string{"Sec-Fetch-Site", "Origin"} {
		if v := c.Get(k); v != "" {
			r.Header.Set(k, v)
		}
	}
	if err := s.origins.Check(r); err != nil {
		return fault.Wrap(err, fault.Forbidden, "this came from another site; the app's own pages and programs may ask").WithCode("cross_site")
	}
	return nil
}

// identify proves who asks: by token where one is sent, else by cookie.
func (c *call) identify() (err error) {
	c.who, err = c.s.identify(c.ctx, c.c, false)
	return err
}

func (s *Server) identify(ctx context.Context, c *fiber.Ctx, passive bool) (account.Identity, error) {
	ip := s.clientIP(c)
	if c.Get(fiber.HeaderAuthorization) != "" {
		return s.d.Gatekeeper.Bearer(ctx, bearer(c), ip)
	}
	id, ok := s.cookie(c)
	if !ok {
		return account.Identity{}, fault.New(fault.Unauthorized, "log in first")
	}
	return s.d.Gatekeeper.Session(ctx, id, ip, passive)
}

// bearer gives the token that was sent, "" where the header holds none.
func bearer(c *fiber.Ctx) string {
	scheme, text, _ := strings.Cut(c.Get(fiber.HeaderAuthorization), " ")
	if !strings.EqualFold(scheme, "bearer") {
		return ""
	}
	return strings.TrimSpace(text)
}

// permit asks tocsin.access.
func (c *call) permit() error {
	if c.route.Verb == Self {
		return nil
	}
	o := account.Object{Kind: c.route.Object, ID: c.id()}
	q := account.Question{Actor: c.who.Asker(), Verb: c.route.Verb, Object: o, Now: c.s.d.Clock()}
	if c.s.d.Access.May(c.ctx, q) {
		return nil
	}
	return c.denied(c.route.Verb, o)
}

// denied refuses, and leaves an audit entry of it.
func (c *call) denied(verb string, o account.Object) error {
	now := c.s.d.Clock()
	if c.s.denials.first(c.who.ID+" "+verb+" "+o.Kind+" "+o.ID, now) {
		draft := audit.Draft{
			At: now, Actor: c.who.Actor(), Verb: verb, Object: audit.Object{Kind: o.Kind, ID: o.ID},
			Reason: "not permitted", Outcome: audit.Refused,
		}
		if err := c.s.d.AuditLog.LogAudit(c.ctx, []audit.Draft{draft}); err != nil {
			return fault.Wrap(err, fault.Unavailable, "the refusal could not be written down")
		}
	}
	return fault.New(fault.Forbidden, "you may not: this needs the permission %s; an admin gives the roles that have it", verb)
}

// denials keeps one who tries again and again from filling the audit log: the
// same refusal is written once a minute.
type denials struct {
	mu   sync.Mutex
	seen map[string]time.Time
}

const maxDenials = 10_000

func newDenials() *denials { return &denials{seen: map[string]time.Time{}} }

func (d *denials) first(key string, now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if at, ok := d.seen[key]; ok && now.Sub(at) < time.Minute {
		return false
	}
	if len(d.seen) >= maxDenials {
		clear(d.seen)
	}
	d.seen[key] = now
	return true
}

// clientIP gives the address of who asks: the peer's, or, where the peer is a
// trusted proxy, the nearest one before it that is none.
func (s *Server) clientIP(c *fiber.Ctx) string {
	peer, ok := netip.AddrFromSlice(c.Context().RemoteIP())
	if !ok {
		return ""
	}
	peer = peer.Unmap()
	if !s.trusted(peer) {
		return peer.String()
	}
	var hops []string
	for _, line := range c.Request().Header.PeekAll(fiber.HeaderXForwardedFor) {
		hops = append(hops, strings.Split(string(line), ",")...)
	}
	for _, h := range slices.Backward(hops) {
		a, err := netip.ParseAddr(strings.TrimSpace(h))
		if err != nil {
			break
		}
		if peer = a.Unmap(); !s.trusted(peer) {
			break
		}
	}
	return peer.WithZone("").String()
}

func (s *Server) trusted(a netip.Addr) bool {
	return slices.ContainsFunc(s.d.Proxies, func(p netip.Prefix) bool { return p.Contains(a) })
}

// rest answers what no route does. Files of the app are public; everything else
// is refused without a proof of who asks, so that nothing can be learnt from it.
func (s *Server) rest(ctx context.Context) fiber.Handler {
	return func(c *fiber.Ctx) error {
		ctx, cancel := context.WithTimeout(ctx, answerWithin)
		defer cancel()
		reading := c.Method() == http.MethodGet || c.Method() == http.MethodHead
		if reading && !ours(c.Path()) {
			return s.page(c)
		}
		if err := s.sameSite(c); err != nil {
			return err
		}
		if _, err := s.identify(ctx, c, false); err != nil {
			return err
		}
		if allowed := s.methods(c.Path()); len(allowed) > 0 {
			c.Set(fiber.HeaderAllow, strings.Join(allowed, ", "))
			return fiber.ErrMethodNotAllowed
		}
		return notFound()
	}
}

// ours says whether a path belongs to the server's own addresses, in any
// spelling: none of them ever gives the app's page.
func ours(path string) bool {
	first, _, _ := strings.Cut(strings.TrimLeft(strings.ToLower(path), "/"), "/")
	switch first {
	case "api", "hooks", "healthz", "readyz", "metrics", "schemas", "openapi.json", "debug":
		return true
	}
	return strings.ContainsAny(path, `\%`) || strings.Contains(path, "//") || strings.Contains(path, "..")
}

// methods lists what an address takes.
func (s *Server) methods(path string) []string {
	var out []string
	for _, r := range s.routes {
		if sameShape(r.Path, path) && !slices.Contains(out, r.Method) {
			out = append(out, r.Method)
			if r.Method == http.MethodGet {
				out = append(out, http.MethodHead)
			}
		}
	}
	slices.Sort(out)
	return out
}

func sameShape(pattern, path string) bool {
	p, q := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(p) != len(q) {
		return false
	}
	for i := range p {
		if p[i] != q[i] && (!strings.HasPrefix(p[i], ":") || q[i] == "") {
			return false
		}
	}
	return true
}
