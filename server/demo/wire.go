package demo

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tocsin-soar/tocsin/server/secret"
)

const maxBody = 1 << 20

// request is what a product sees of a call.
type request struct {
	http *http.Request
	body []byte
	now  time.Time
	page string // the range's own address
}

// into reads the body strictly: these products refuse what they do not know.
func (q request) into(v any) error {
	d := json.NewDecoder(bytes.NewReader(q.body))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return refuse(http.StatusBadRequest, "bad_request", "the body is not what this call takes: "+err.Error())
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return refuse(http.StatusBadRequest, "bad_request", "there is more after the body")
	}
	return nil
}

// refusal is an error in the products' own words.
type refusal struct {
	status     int
	code       string
	message    string
	retryAfter int // seconds
}

func (r *refusal) Error() string { return r.message }

func refuse(status int, code, message string) error {
	return &refusal{status: status, code: code, message: message}
}

func notFound(what, name string) error {
	return refuse(http.StatusNotFound, "not_found", fmt.Sprintf("no %s %q", what, name))
}

// call is one operation of a product. It may change the state only when it is
// not a read.
type call func(s *state, q request) (any, error)

// read serves an operation that changes nothing.
func (r *Range) read(f call) http.HandlerFunc {
	return func(w http.ResponseWriter, h *http.Request) {
		q, err := r.request(w, h)
		if err != nil {
			r.fail(w, err)
			return
		}
		r.world.Lock()
		defer r.world.Unlock()
		out, err := f(&r.world.state, q)
		if err != nil {
			r.fail(w, err)
			return
		}
		r.answer(w, http.StatusOK, out)
	}
}

// write serves an operation that changes the world. With an Idempotency-Key the
// first answer is given again, and another body under the same key is refused.
func (r *Range) write(f call) http.HandlerFunc {
	return func(w http.ResponseWriter, h *http.Request) {
		q, err := r.request(w, h)
		if err != nil {
			r.fail(w, err)
			return
		}
		r.world.Lock()
		defer r.world.Unlock()
		key, path, sent := h.Header.Get("Idempotency-Key"), h.Method+" "+h.URL.Path, digest(q.body)
		if old, ok := r.world.state.recall(path, key); ok && key != "" {
			if old.Sent != sent {
				r.fail(w, refuse(http.StatusUnprocessableEntity, "key_reused", "this idempotency key came with another body before"))
				return
			}
			w.Header().Set("Idempotent-Replay", "true")
			r.answer(w, old.Status, old.Reply)
			return
		}
		out, err := f(&r.world.state, q)
		if err != nil {
			r.fail(w, err)
			return
		}
		raw, err := json.Marshal(out)
		if err != nil {
			r.fail(w, err)
			return
		}
		if key != "" {
			r.world.state.keep(answered{Key: key, Path: path, Sent: sent, Status: http.StatusOK, Reply: raw})
		}
		if err := r.world.save(); err != nil {
			r.fail(w, err)
			return
		}
		r.answer(w, http.StatusOK, json.RawMessage(raw))
	}
}

func digest(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

func (r *Range) request(w http.ResponseWriter, h *http.Request) (request, error) {
	q := request{http: h, now: r.clock().UTC(), page: r.URL()}
	if h.Method == http.MethodGet {
		return q, nil
	}
	if kind, _, _ := strings.Cut(h.Header.Get("Content-Type"), ";"); strings.TrimSpace(kind) != "application/json" {
		return q, refuse(http.StatusUnsupportedMediaType, "unsupported_type", "send application/json")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, h.Body, maxBody))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return q, refuse(http.StatusRequestEntityTooLarge, "too_large", "the body is over 1 MiB")
	}
	if err != nil {
		return q, refuse(http.StatusBadRequest, "bad_request", "the body could not be read")
	}
	q.body = body
	return q, nil
}

func (r *Range) answer(w http.ResponseWriter, status int, out any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(out); err != nil {
		r.log.Debug("a caller of the range went away", slog.Any("error", err))
	}
}

func (r *Range) fail(w http.ResponseWriter, err error) {
	no, ok := errors.AsType[*refusal](err)
	if !ok {
		r.log.Error("the range could not do it", slog.Any("error", err))
		no = &refusal{status: http.StatusInternalServerError, code: "internal", message: "the change could not be kept; nothing was done"}
	}
	if no.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(no.retryAfter))
	}
	r.answer(w, no.status, map[string]any{"error": map[string]any{"code": no.code, "message": no.message}})
}

// guard asks for the product's credential: a bearer token, or basic with the
// product's user name.
func (r *Range) guard(login string, pass secret.Value, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, h *http.Request) {
		given, ok := strings.CutPrefix(h.Header.Get("Authorization"), "Bearer ")
		if login != "" {
			var name string
			name, given, ok = h.BasicAuth()
			ok = ok && name == login
		}
		if !ok || subtle.ConstantTimeCompare([]byte(given), []byte(pass.Reveal())) != 1 {
			scheme := "Bearer"
			if login != "" {
				scheme = `Basic realm="range"`
			}
			w.Header().Set("WWW-Authenticate", scheme)
			r.fail(w, refuse(http.StatusUnauthorized, "unauthorized", "the credential is missing or wrong"))
			return
		}
		next.ServeHTTP(w, h)
	})
}

// local refuses names that are not this machine: a page elsewhere must not reach
// the range through a name that was bent to 127.0.0.1.
func (r *Range) local(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, h *http.Request) {
		name, _, err := net.SplitHostPort(h.Host)
		if err != nil {
			name = h.Host
		}
		ip := net.ParseIP(strings.Trim(name, "[]"))
		if name != "localhost" && (ip == nil || !ip.IsLoopback()) {
			r.fail(w, refuse(http.StatusMisdirectedRequest, "misdirected", "the range answers to loopback names only"))
			return
		}
		next.ServeHTTP(w, h)
	})
}
