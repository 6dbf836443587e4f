package httpapi

import (
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"strconv"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/tocsin-soar/tocsin/server/fault"
)

// Problem is what every refusal looks like (RFC 9457). It never holds a value
// out of the request.
type Problem struct {
	Type     string        `json:"type"`
	Title    string        `json:"title"`
	Status   int           `json:"status"`
	Detail   string        `json:"detail"`
	Code     string        `json:"code"`
	Errors   []fault.Place `json:"errors"`
	Instance string        `json:"instance"` // names the request in the server's log
}

const problemType = "application/problem+json"

// statusOf gives the status of a kind of fault.
func statusOf(err error) int {
	switch fault.CodeOf(err) {
	case "unsupported_type":
		return http.StatusUnsupportedMediaType
	case "method_not_allowed":
		return http.StatusMethodNotAllowed
	case "precondition_failed":
		return http.StatusPreconditionFailed
	case "precondition_required":
		return http.StatusPreconditionRequired
	case "slow_request":
		return http.StatusRequestTimeout
	case "header_too_large":
		return http.StatusRequestHeaderFieldsTooLarge
	case "not_entitled", "secret_reference_not_allowed":
		return http.StatusForbidden
	}
	switch fault.KindOf(err) {
	case fault.InvalidInput, fault.Expression, fault.Bound:
		return http.StatusBadRequest
	case fault.Unauthorized:
		return http.StatusUnauthorized
	case fault.Forbidden, fault.Denied, fault.EgressDenied:
		return http.StatusForbidden
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Conflict, fault.ApprovalDenied, fault.ApprovalExpired, fault.InDoubt, fault.Failed:
		return http.StatusConflict
	case fault.TooLarge:
		return http.StatusRequestEntityTooLarge
	case fault.RateLimited:
		return http.StatusTooManyRequests
	case fault.Unavailable, fault.Cancelled:
		return http.StatusServiceUnavailable
	case fault.Timeout:
		return http.StatusGatewayTimeout
	case fault.BadReply, fault.RedirectRefused:
		return http.StatusBadGateway
	case fault.Internal:
		return http.StatusInternalServerError
	}
	return http.StatusInternalServerError
}

// problemOf turns an error into what the caller may know of it. An error that
// is no fault, or one of ours that we did not foresee, says nothing but that.
func problemOf(err error, id string) (Problem, *fault.Error) {
	status := statusOf(err)
	p := Problem{
		Type: "/schemas/errors.json#/codes/" + fault.CodeOf(err), Title: http.StatusText(status), Status: status,
		Code: fault.CodeOf(err), Errors: []fault.Place{}, Instance: id,
	}
	f, ok := errors.AsType[*fault.Error](err)
	if !ok || status == http.StatusInternalServerError {
		p.Code, p.Detail = string(fault.Internal), "Something went wrong here, and nothing more is said of it. The log knows it by the instance."
		p.Type = "/schemas/errors.json#/codes/internal"
		return p, f
	}
	p.Detail = f.Message
	p.Errors = append(p.Errors, f.Places...)
	return p, f
}

// fail answers with a problem and tells the log what the caller is not told.
func (s *Server) fail(rc *fasthttp.RequestCtx, err error) {
	if requestID(rc) == "" { // refused before any of our code ran
		rc.SetUserValue(localID, s.newID())
	}
	err = foreign(err)
	id := requestID(rc)
	p, f := problemOf(err, id)
	if p.Status >= http.StatusInternalServerError {
		s.d.Log.LogAttrs(rc, slog.LevelError, "request failed", slog.String("request", id),
			slog.String("method", method(rc)), slog.String("route", routeOf(rc)), slog.Any("error", causes(err)))
	}
	raw, jsonErr := json.Marshal(p)
	if jsonErr != nil {
		raw = []byte(`{"type":"about:blank","title":"Internal Server Error","status":500,"detail":"","code":"internal","errors":[]}`)
	}
	rc.Response.ResetBody()
	harden(rc, s.d.Secure)
	h := &rc.Response.Header
	h.Set(fiber.HeaderCacheControl, "no-store")
	h.Del(fiber.HeaderETag)
	switch {
	case p.Status == http.StatusUnauthorized:
		h.Set(fiber.HeaderWWWAuthenticate, `Bearer realm="tocsin"`)
	case f != nil && f.RetryAfter > 0:
		h.Set(fiber.HeaderRetryAfter, strconv.Itoa(int(math.Ceil(f.RetryAfter.Seconds()))))
	}
	rc.SetStatusCode(p.Status)
	rc.SetContentType(problemType)
	rc.SetBody(raw)
}

// foreign puts fiber's and fasthttp's own errors into our words. Their text may
// repeat the request, so it is dropped.
func foreign(err error) error {
	e, ok := errors.AsType[*fiber.Error](err)
	if !ok {
		return err
	}
	switch e.Code {
	case http.StatusRequestEntityTooLarge:
		return tooLarge()
	case http.StatusRequestTimeout:
		return fault.New(fault.InvalidInput, "the request came in too slowly").WithCode("slow_request")
	case http.StatusRequestHeaderFieldsTooLarge:
		return fault.New(fault.InvalidInput, "the headers are too large").WithCode("header_too_large")
	case http.StatusNotFound:
		return notFound()
	case http.StatusMethodNotAllowed:
		return fault.New(fault.InvalidInput, "this address does not take this method").WithCode("method_not_allowed")
	case http.StatusBadRequest:
		return fault.New(fault.InvalidInput, "this is not a request that can be read").WithCode("bad_request")
	}
	return fault.Wrap(err, fault.Internal, "the request could not be answered")
}

func tooLarge() *fault.Error {
	return fault.New(fault.TooLarge, "the body is larger than this address takes")
}

func notFound() *fault.Error { return fault.New(fault.NotFound, "there is nothing here") }

// causes gives the text of an error with what stands behind it, for the log.
func causes(err error) error {
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Unwrap() != nil {
		return errors.Join(err, f.Unwrap())
	}
	return err
}

// requestID gives the name of the request.
func requestID(rc *fasthttp.RequestCtx) string {
	id, _ := rc.UserValue(localID).(string)
	return id
}

// routeOf gives the pattern that was met, for logs and metrics.
func routeOf(rc *fasthttp.RequestCtx) string {
	if r, ok := rc.UserValue(localRoute).(string); ok {
		return r
	}
	return "none"
}
