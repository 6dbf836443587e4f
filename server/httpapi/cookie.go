package httpapi

import (
	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/tocsin-soar/tocsin/server/account"
)

// cookieName: with https the browser itself holds the cookie to this host, this
// path and a secure connection.
func (s *Server) cookieName() string {
	if s.d.Secure {
		return "__Host-tocsin"
	}
	return "tocsin"
}

// cookie gives the session's id. Two cookies of the name are none: one of them
// was planted.
func (s *Server) cookie(c *fiber.Ctx) (id string, ok bool) {
	found := 0
	for k, v := range c.Request().Header.Cookies() {
		if string(k) == s.cookieName() {
			found++
			id = string(v)
		}
	}
	return id, found == 1 && id != ""
}

// setCookie hands a fresh session to the browser.
func (s *Server) setCookie(c *fiber.Ctx, id string) {
	c.Cookie(&fiber.Cookie{
		Name: s.cookieName(), Value: id, Path: "/", HTTPOnly: true, Secure: s.d.Secure,
		SameSite: fiber.CookieSameSiteStrictMode, MaxAge: int(account.Absolute.Seconds()),
	})
}

// dropCookie takes it back.
func (s *Server) dropCookie(c *fiber.Ctx) {
	c.Cookie(&fiber.Cookie{
		Name: s.cookieName(), Value: "", Path: "/", HTTPOnly: true, Secure: s.d.Secure,
		SameSite: fiber.CookieSameSiteStrictMode, Expires: fasthttp.CookieExpireDelete,
	})
}
