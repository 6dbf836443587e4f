package httpcall

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/expr"
	"github.com/tocsin-soar/tocsin/server/fault"
)

// maxSaid bounds what of another system's own words goes into an error.
const maxSaid = 500

// reply says what the attempt came to: the table "What an HTTP reply means" of
// contract.md.
func (a *attempt) reply() connector.Reply {
	if a.err != nil && !a.sent {
		return nothing(unsent(a.err, a.scrub))
	}
	if a.status == 0 {
		return connector.Reply{Did: connector.DidUnknown, Err: lost(a.err, a.scrub)}
	}
	value, parseErr := a.value()
	if rep, spoke := a.rules(value); spoke {
		return rep
	}
	if a.status >= 200 && a.status <= 299 {
		if a.err != nil && !errors.Is(a.err, errEncoding) {
			return connector.Reply{Did: connector.DidUnknown, Status: a.status, Err: lost(a.err, a.scrub)}
		}
		return a.done(value, parseErr)
	}
	did, err := a.byStatus()
	return connector.Reply{Did: did, Status: a.status, Err: err}
}

// value reads the body as far as it came whole.
func (a *attempt) value() (any, error) {
	switch {
	case a.large:
		return nil, fault.New(fault.TooLarge, "the reply is larger than %d bytes", maxReply)
	case a.err != nil:
		return nil, a.err
	}
	v, err := parse(a.header, a.body)
	a.body = nil
	if errors.Is(err, errNodes) {
		return nil, fault.Wrap(err, fault.TooLarge, "the reply holds more than %d values", maxNodes)
	}
	return a.scrub.value(v), err
}

// vars is what the manifest's expressions see of a reply.
func (a *attempt) vars(body any) expr.Vars {
	return expr.Vars{
		"status": int64(a.status), "headers": a.scrub.value(headerFacts(a.header)), "body": body,
		"input": a.call.Params, "key": a.call.Key, "connection": a.call.Connection.Facts(),
	}
}

// rules asks the manifest's errors: the first that holds speaks. One that cannot
// be evaluated on this reply does not hold.
func (a *attempt) rules(body any) (connector.Reply, bool) {
	if len(a.call.Action.Errors) == 0 {
		return connector.Reply{}, false
	}
	vars := a.vars(body)
	for _, r := range a.call.Action.Errors {
		if holds, err := r.When.Eval(vars); err != nil || holds != true {
			continue
		}
		return a.spoken(r, vars, body), true
	}
	return connector.Reply{}, false
}

// spoken is the reply that a rule of the manifest makes.
func (a *attempt) spoken(r connector.ErrorRule, vars expr.Vars, body any) connector.Reply {
	did, std := a.byStatus()
	if a.status <= 299 { // the table knows no error here; a write may have half happened
		did = connector.DidUnknown
		if a.call.Action.Impact == connector.Read {
			did = connector.DidDone
		}
	}
	if r.Did != "" {
		did = r.Did
	}
	if r.Did == connector.DidDone { // it took effect: with an output that fits, all is well
		return a.done(body, nil)
	}
	err := fault.New(fault.Kind(r.Kind), "%s", a.message(r, vars))
	err.RetryAfter = std.RetryAfter
	return connector.Reply{Did: did, Status: a.status, Err: err}
}

// message gives a rule's message in bounded plain text without secrets.
func (a *attempt) message(r connector.ErrorRule, vars expr.Vars) string {
	fallback := a.call.Action.Ref() + " answered with status " + strconv.Itoa(a.status)
	if r.Message == nil {
		return fallback
	}
	v, err := r.Message.Eval(vars)
	if err != nil {
		return fallback
	}
	s, ok := connector.Text(v)
	if s = a.scrub.text(tidy(s)); !ok || s == "" {
		return fallback
	}
	return s
}

// tidy cuts a text and takes out what is no printable character.
func tidy(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == 0x2028 || r == 0x2029 {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
	s = strings.TrimSpace(s)
	if len(s) > maxSaid {
		s = strings.ToValidUTF8(s[:maxSaid], "") + "…"
	}
	return s
}

// done makes the output of a 2xx. What does not fit fails a read; anything else
// has happened, so a person gives the output and it is never sent again.
func (a *attempt) done(body any, bodyErr error) connector.Reply {
	if bodyErr != nil {
		if fault.KindOf(bodyErr) == fault.TooLarge {
			return a.misfit(fault.TooLarge, nil, nil, bodyErr.Error())
		}
		return a.misfit(fault.BadReply, nil, a.scrub.err(bodyErr), "its reply cannot be read")
	}
	if m := a.call.Action.OutputMap; m != nil {
		v, err := m.Eval(a.vars(body))
		if err != nil {
			return a.misfit(fault.BadReply, nil, a.scrub.err(err), "its reply lacks what the output is made of")
		}
		body = v
	}
	if a.call.Action.OutputReply {
		body = map[string]any{"status": int64(a.status), "headers": a.scrub.value(headerFacts(a.header)), "body": body}
	}
	return a.fit(body)
}

// fit checks an output against its schema.
func (a *attempt) fit(output any) connector.Reply {
	if places := a.call.Action.CheckOutput(output); len(places) > 0 {
		return a.misfit(fault.BadReply, places, nil, "its reply does not fit the output's schema")
	}
	return connector.Reply{Did: connector.DidDone, Status: a.status, Output: output}
}

func (a *attempt) misfit(kind fault.Kind, places []fault.Place, cause error, why string) connector.Reply {
	form := "%s answered, but %s"
	if a.call.Action.Impact != connector.Read {
		kind, form = fault.InDoubt, "%s was done, but %s: look there and give the output"
	}
	return connector.Reply{
		Did: connector.DidDone, Status: a.status,
		Err: fault.Wrap(cause, kind, form, a.call.Action.Ref(), why).WithPlaces(places...),
	}
}

// byStatus is the table for every reply that is no 2xx.
func (a *attempt) byStatus() (connector.Did, *fault.Error) {
	after := retryAfter(a.header.Get("Retry-After"), a.now())
	name := a.call.Action.Ref()
	say := func(kind fault.Kind, why string) *fault.Error {
		return fault.New(kind, "%s: %s (status %d)", name, why, a.status).After(after)
	}
	switch s := a.status; {
	case s == http.StatusTooManyRequests:
		return connector.DidNothing, say(fault.RateLimited, "too many calls")
	case s == http.StatusServiceUnavailable && a.header.Get("Retry-After") != "":
		return connector.DidNothing, say(fault.Unavailable, "not available now")
	case s == http.StatusRequestTimeout:
		return connector.DidUnknown, say(fault.Timeout, "the other side gave up waiting")
	case s >= 500:
		return connector.DidUnknown, say(fault.Unavailable, "the other side failed")
	case s >= 400:
		kind, why := refusal(s)
		return connector.DidNothing, say(kind, why)
	case s >= 300:
		return connector.DidNothing, say(fault.RedirectRefused, "redirects are not followed")
	}
	return connector.DidUnknown, say(fault.BadReply, "an unknown status")
}

func refusal(status int) (fault.Kind, string) {
	switch status {
	case http.StatusUnauthorized, http.StatusProxyAuthRequired:
		return fault.Unauthorized, "the credentials were refused"
	case http.StatusForbidden, http.StatusPaymentRequired, http.StatusUnavailableForLegalReasons:
		return fault.Forbidden, "not allowed with these credentials"
	case http.StatusNotFound, http.StatusGone:
		return fault.NotFound, "not found"
	case http.StatusConflict, http.StatusPreconditionFailed, http.StatusLocked:
		return fault.Conflict, "in conflict with the state there"
	case http.StatusRequestEntityTooLarge:
		return fault.TooLarge, "the request is too large for the other side"
	}
	return fault.InvalidInput, "the request was refused"
}

// maxRetryAfter bounds what another system may ask for; the engine waits less.
const maxRetryAfter = 24 * time.Hour

// retryAfter reads seconds or an HTTP date; 0 for nonsense and the past.
func retryAfter(text string, now time.Time) time.Duration {
	text = strings.TrimSpace(text)
	if text == "" {
		return 0
	}
	if n, err := strconv.ParseUint(text, 10, 64); err == nil {
		return time.Duration(min(n, uint64(maxRetryAfter/time.Second))) * time.Second
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), maxRetryAfter)
}

// unsent classifies an error before the first byte: certainly nothing was done.
func unsent(err error, scrub *scrubber) error {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f
	}
	cause := scrub.err(err)
	say := func(why string) error {
		return fault.Wrap(cause, fault.Unavailable, "nothing was sent: %s", why)
	}
	if errors.Is(err, context.Canceled) {
		return fault.Wrap(cause, fault.Cancelled, "nothing was sent: the call was cancelled")
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		if dns.IsNotFound {
			return say("the host's name is not known")
		}
		return say("the host's name cannot be looked up")
	}
	if hs, ok := errors.AsType[*handshakeError](err); ok {
		return say(certificate(hs.cause))
	}
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return say("the connection was refused")
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), timedOut(err):
		return say("no connection in time")
	}
	return say("there is no connection")
}

func timedOut(err error) bool {
	n, ok := errors.AsType[net.Error](err)
	return ok && n.Timeout()
}

func certificate(err error) string {
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return "the certificate is for another name"
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "the certificate is signed by nobody who is trusted"
	}
	if inv, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		if inv.Reason == x509.Expired {
			return "the certificate is out of date"
		}
		return "the certificate is not valid"
	}
	return "no secure connection (TLS 1.2 or later) could be agreed on"
}

// lost classifies an error after the first byte left and before the whole reply
// was here.
func lost(err error, scrub *scrubber) error {
	cause := scrub.err(err)
	switch {
	case errors.Is(err, context.Canceled):
		return fault.Wrap(cause, fault.Cancelled, "the call was cancelled after it was sent")
	case errors.Is(err, context.DeadlineExceeded), timedOut(err):
		return fault.Wrap(cause, fault.Timeout, "no whole reply came in time")
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return fault.Wrap(cause, fault.Unavailable, "the connection was cut before the whole reply came")
	}
	return fault.Wrap(cause, fault.Unavailable, "the connection was lost before the whole reply came")
}

// clean takes secrets out of an error of our own.
func clean(err error, scrub *scrubber) error {
	f, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return fault.Wrap(scrub.err(err), fault.Internal, "the request cannot be made")
	}
	c := *f
	c.Message = scrub.text(f.Message)
	return &c
}
