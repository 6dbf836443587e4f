package httpapi

import (
	"net/http"

	"github.com/gofiber/fiber/v2"

	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/ident"
)

// hook takes one delivery. Nothing of it is looked at here but its size: the
// source's authentication is over the raw bytes.
func (c *call) hook() (any, error) {
	source := c.id()
	if c.c.Context().QueryArgs().Len() > 0 {
		return nil, fault.New(fault.InvalidInput, "this address takes no parameters").WithCode("unknown_parameter")
	}
	d := Delivery{
		Source: source, Body: c.body(), ContentType: c.c.Get(fiber.HeaderContentType),
		Headers: http.Header{}, Address: c.s.clientIP(c.c),
	}
	for k, v := range c.c.Request().Header.All() {
		d.Headers.Add(string(k), string(v))
	}
	got, err := c.s.d.Hooks.Receive(c.ctx, d)
	if err != nil {
		c.s.d.Numbers.Delivery(labelled(source, err), fault.CodeOf(err))
		return nil, err
	}
	c.s.d.Numbers.Delivery(source, "accepted")
	return got, nil
}

// labelled keeps names that strangers make up out of the numbers.
func labelled(source string, err error) string {
	if fault.KindOf(err) == fault.Unauthorized || !ident.Slug(source) {
		return "unknown"
	}
	return source
}
