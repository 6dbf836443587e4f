package httpcall

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"

	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/native"
)

// inCode makes an attempt through an integration's Go code. It answers with the
// same words as HTTP; a panic is an unknown outcome, not the end of the process.
func (c *Caller) inCode(ctx context.Context, call connector.Call, scrub *scrubber) (reply connector.Reply) {
	code := c.native[call.Action.Integration]
	if code == nil || !slices.Contains(code.Describe().Actions, call.Action.ID) {
		return nothing(fault.New(fault.Internal, "no code does %s", call.Action.Ref()))
	}
	p, err := c.pool(call.Connection)
	if err != nil {
		return nothing(err)
	}
	defer func() {
		if r := recover(); r != nil {
			reply = connector.Reply{Did: connector.DidUnknown, Err: fault.Wrap(
				scrub.err(fmt.Errorf("panic: %v", r)), fault.Internal, "%s broke off", call.Action.Ref())}
		}
	}()
	res, err := code.Do(ctx, native.Call{
		Action: call.Action.ID, Params: call.Action.WithDefaults(call.Params), Key: call.Key, Connection: call.Connection,
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			return p.dial(ctx, network, address)
		},
		Origin: native.Origin{
			Run: textOf(call.Preimage.Run), Step: textOf(call.Preimage.Step), Depth: call.Depth,
		},
	})
	if err != nil {
		return failed(ctx, call, res, err, scrub)
	}
	if res.Did != connector.DidDone {
		return connector.Reply{Did: connector.DidUnknown, Err: fault.New(fault.Internal, "%s gave no clear answer", call.Action.Ref())}
	}
	a := attempt{call: call, scrub: scrub, now: c.opts.Clock}
	return a.fit(scrub.value(res.Output))
}

// failed is the reply to an error of an integration's code.
func failed(ctx context.Context, call connector.Call, res native.Result, err error, scrub *scrubber) connector.Reply {
	did := res.Did
	if did != connector.DidNothing {
		did = connector.DidUnknown
	}
	f, ok := errors.AsType[*fault.Error](err)
	switch {
	case ok:
		c := *f
		c.Message = scrub.text(tidy(f.Message))
		f = &c
	case ctx.Err() != nil:
		return connector.Reply{Did: did, Err: lost(ctx.Err(), scrub)}
	default:
		f = fault.Wrap(scrub.err(err), fault.Unavailable, "%s failed", call.Action.Ref())
	}
	return connector.Reply{Did: did, Err: f}
}
