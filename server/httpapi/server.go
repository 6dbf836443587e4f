// Package httpapi owns fiber: API, webhooks, events, the static web app.
package httpapi

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/tocsin-soar/tocsin/server/fault"
)

// The bounds of a request.
const (
	maxBody      = 2 << 20 // of the API; webhooks have a bound of their own
	maxHeader    = 16 << 10
	readWithin   = 10 * time.Second
	writeWithin  = 30 * time.Second
	idleWithin   = 60 * time.Second
	answerWithin = 30 * time.Second
	streamMost   = 13 * time.Hour // longer than any session
)

const (
	localID    = "request"
	localRoute = "route"
)

const base = "/api/v1"

// Server answers HTTP.
type Server struct {
	d        Deps
	app      *fiber.App
	handler  fasthttp.RequestHandler
	routes   []Route
	doc      json.RawMessage
	hub      *hub
	pages    *pages
	origins  *http.CrossOriginProtection
	denials  *denials
	beat     time.Duration // between heartbeats of a stream
	gather   time.Duration // changes of one batch
	recheck  time.Duration // between two looks at a stream's session
	unlisten func()

	mu       sync.Mutex
	listener io.Closer
	stopped  bool
}

// New puts the API together. Ctx ends all requests.
func New(ctx context.Context, d Deps) (*Server, error) {
	s := &Server{
		d: d, denials: newDenials(), origins: http.NewCrossOriginProtection(),
		beat: 15 * time.Second, gather: 100 * time.Millisecond, recheck: 2 * time.Second,
	}
	if d.Replays == nil {
		s.d.Replays = newReplays(d.Clock)
	}
	if d.BaseURL != nil {
		if err := s.origins.AddTrustedOrigin(d.BaseURL.Scheme + "://" + d.BaseURL.Host); err != nil {
			return nil, fmt.Errorf("trust the base URL's origin: %w", err)
		}
	}
	var err error
	if s.pages, err = readPages(d.App); err != nil {
		return nil, err
	}
	s.hub = newHub(d.Streams)
	s.routes = s.table()
	if err := checkTable(s.routes); err != nil {
		return nil, err
	}
	s.doc = OpenAPI()
	s.build(ctx)
	s.unlisten = d.Changes.Subscribe(s.hub.hear)
	return s, nil
}

func (s *Server) build(ctx context.Context) {
	s.app = fiber.New(fiber.Config{
		Immutable: true, CaseSensitive: true, StrictRouting: true,
		BodyLimit: maxBody, Concurrency: s.d.Connected, ReadBufferSize: maxHeader,
		ReadTimeout: readWithin, WriteTimeout: writeWithin, IdleTimeout: idleWithin,
		DisableStartupMessage: true, DisablePreParseMultipartForm: true,
		ErrorHandler: func(c *fiber.Ctx, err error) error { //nolint:contextcheck // a request of fasthttp is its own context
			s.fail(c.Context(), err)
			return nil
		},
	})
	for _, r := range s.routes {
		s.app.Add(r.Method, r.Path, s.handle(ctx, r))
		if r.Method == http.MethodGet && !r.streams {
			s.app.Add(http.MethodHead, r.Path, s.handle(ctx, r))
		}
	}
	s.app.Use(s.rest(ctx))
	srv := s.app.Server()
	srv.HeaderReceived = s.bounds
	srv.Handler = s.outer(s.app.Handler()) //nolint:contextcheck // a request of fasthttp is its own context
	s.handler = srv.Handler
}

// bounds gives each request its size and time before anything of its body is
// read.
func (s *Server) bounds(h *fasthttp.RequestHeader) fasthttp.RequestConfig {
	path, _, _ := strings.Cut(string(h.RequestURI()), "?")
	switch {
	case strings.HasPrefix(path, "/hooks/"):
		most := s.d.Delivery
		if s.d.Bound != nil {
			most = min(most, s.d.Bound(strings.TrimPrefix(path, "/hooks/")))
		}
		return fasthttp.RequestConfig{MaxRequestBodySize: int(max(most, 1))}
	case path == base+"/stream":
		return fasthttp.RequestConfig{WriteTimeout: streamMost, MaxRequestBodySize: 1}
	}
	return fasthttp.RequestConfig{}
}

// outer stands around everything: it names the request, catches panics and
// counts.
func (s *Server) outer(next fasthttp.RequestHandler) fasthttp.RequestHandler {
	return func(rc *fasthttp.RequestCtx) {
		from := s.d.Clock()
		rc.SetUserValue(localID, s.newID())
		harden(rc, s.d.Secure)
		defer func() {
			if p := recover(); p != nil {
				s.caught(rc, p)
			}
			s.d.Numbers.Request(method(rc), routeOf(rc), rc.Response.StatusCode(), s.d.Clock().Sub(from))
		}()
		if method(rc) == otherMethod {
			s.fail(rc, fiber.ErrMethodNotAllowed)
			return
		}
		next(rc)
	}
}

// caught answers a panic: the process lives, the caller learns nothing.
func (s *Server) caught(rc *fasthttp.RequestCtx, p any) {
	s.d.Numbers.Panic("http")
	s.d.Log.LogAttrs(rc, slog.LevelError, "panic caught", slog.String("request", requestID(rc)),
		slog.String("route", routeOf(rc)), slog.String("panic", fmt.Sprint(p)), slog.String("stack", string(debug.Stack())))
	s.fail(rc, fault.New(fault.Internal, "panic"))
}

// method gives the method for a label; what is none of HTTP's is one word.
func method(rc *fasthttp.RequestCtx) string {
	switch m := string(rc.Method()); m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return m
	}
	return otherMethod
}

const otherMethod = "other"

func (s *Server) newID() string {
	var raw [12]byte
	s.d.Random(raw[:])
	return "req_" + hex.EncodeToString(raw[:])
}

// harden sets what every answer carries.
func harden(rc *fasthttp.RequestCtx, secure bool) {
	h := &rc.Response.Header
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "")
	h.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("X-Frame-Options", "DENY")
	if secure {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
	if id := requestID(rc); id != "" {
		h.Set("X-Request-Id", id)
	}
}

// Serve answers on a listener until Shutdown, and not at all after it.
func (s *Server) Serve(l net.Listener) error { //nolint:forbidigo // takes one that server/app opened
	s.mu.Lock()
	if s.stopped {
		s.mu.Unlock()
		return closeListener(l)
	}
	s.listener = l
	s.mu.Unlock()
	if err := s.app.Server().Serve(l); err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("serve HTTP: %w", err)
	}
	return nil
}

// Shutdown ends the streams, takes no new request, and waits for those under
// way.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.stopped = true
	l := s.listener
	s.mu.Unlock()
	s.unlisten()
	s.hub.close()
	if err := s.app.Server().ShutdownWithContext(ctx); err != nil {
		return fmt.Errorf("stop HTTP: %w", err)
	}
	if l != nil { // fasthttp closes only a listener that it has begun with
		return closeListener(l)
	}
	return nil
}

func closeListener(l io.Closer) error {
	if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("close the listener: %w", err)
	}
	return nil
}
