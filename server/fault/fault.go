// Package fault is the one vocabulary for things that go wrong.
package fault

import (
	"errors"
	"fmt"
	"time"
)

// Kind says in one word what went wrong. The words are those of a step's
// error.kind (contract.md) and of the API's refusals.
type Kind string

// The kinds. Retryable ones certainly did nothing, see Retryable.
const (
	InvalidInput    Kind = "invalid_input"
	Unauthorized    Kind = "unauthorized"
	Forbidden       Kind = "forbidden"
	NotFound        Kind = "not_found"
	Conflict        Kind = "conflict"
	RateLimited     Kind = "rate_limited"
	Unavailable     Kind = "unavailable"
	Timeout         Kind = "timeout"
	Cancelled       Kind = "cancelled"
	Denied          Kind = "denied"
	ApprovalDenied  Kind = "approval_denied"
	ApprovalExpired Kind = "approval_expired"
	InDoubt         Kind = "in_doubt"
	EgressDenied    Kind = "egress_denied"
	RedirectRefused Kind = "redirect_refused"
	BadReply        Kind = "bad_reply"
	TooLarge        Kind = "too_large"
	Expression      Kind = "expression"
	Bound           Kind = "bound"
	Failed          Kind = "failed" // a playbook's fail block
	Internal        Kind = "internal"
)

// Place is one mistake inside an input: where, and what to do.
type Place struct {
	At      string `json:"at"`
	Message string `json:"message"`
}

// Error is what a caller may be told. Its text never holds a value out of a
// request, a secret, SQL or a path of this machine; the cause is for the log.
type Error struct {
	Kind       Kind
	Code       string // the API's code, e.g. digest_changed; empty means the kind
	Message    string
	Places     []Place
	RetryAfter time.Duration
	cause      error
}

// New makes an error of a kind.
func New(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// Wrap makes an error of a kind that remembers its cause for the log.
func Wrap(cause error, kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...), cause: cause}
}

// WithCode names the API's code.
func (e *Error) WithCode(code string) *Error { e.Code = code; return e }

// WithPlaces adds the single mistakes.
func (e *Error) WithPlaces(p ...Place) *Error { e.Places = append(e.Places, p...); return e }

// After says when asking again makes sense.
func (e *Error) After(d time.Duration) *Error { e.RetryAfter = d; return e }

func (e *Error) Error() string { return e.Message }

// Unwrap gives the cause to errors.Is and the log.
func (e *Error) Unwrap() error { return e.cause }

// KindOf gives the kind of an error anywhere in the chain; Internal where none
// is named, and "" for nil.
func KindOf(err error) Kind {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}

// CodeOf gives the API's code of an error: its own, or its kind.
func CodeOf(err error) string {
	if e, ok := errors.AsType[*Error](err); ok && e.Code != "" {
		return e.Code
	}
	return string(KindOf(err))
}
