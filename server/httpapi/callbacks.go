package httpapi

import (
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/ident"
)

// The bounds of a callback.
const (
	maxCallback = 64 << 10
	maxToken    = 128
)

// callback hands a body to the run that waits for it. Whoever has the token may; one
// that nobody waits with is answered like any address that is not there.
func (c *call) callback() (any, error) {
	token, body := c.c.Params("token"), c.body()
	switch {
	case c.c.Context().QueryArgs().Len() > 0:
		return nil, fault.New(fault.InvalidInput, "this address takes no parameters").WithCode("unknown_parameter")
	case token == "" || len(token) > maxToken:
		return nil, notFound()
	case len(body) > maxCallback:
		return nil, fault.New(fault.TooLarge, "a callback's body may not exceed %d bytes", maxCallback)
	}
	var v any
	if len(body) > 0 {
		var err error
		if v, err = ident.Decode(body); err != nil {
			return nil, fault.Wrap(err, fault.InvalidInput, "a callback's body must be JSON")
		}
	}
	if err := c.s.d.Callbacks.CallBack(c.ctx, token, v); err != nil {
		return nil, err
	}
	return nil, c.raw(c.route.Status, nil)
}
