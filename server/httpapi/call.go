package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"

	"github.com/tocsin-soar/tocsin/server/account"
	"github.com/tocsin-soar/tocsin/server/control"
	"github.com/tocsin-soar/tocsin/server/document"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/ident"
	"github.com/tocsin-soar/tocsin/server/lookup"
)

// call is one request on its way through a route.
type call struct {
	s      *Server
	c      *fiber.Ctx
	ctx    context.Context //nolint:containedctx // a call lives exactly as long as its context
	base   context.Context //nolint:containedctx // the server's, for a stream that outlives the call
	route  Route
	who    account.Identity
	query  map[string]string
	status int // 0: the route's
}

// actor gives who asks in the use cases' words.
func (c *call) actor() control.Actor {
	return control.Actor{Actor: c.who.Actor(), Roles: c.who.User.Roles}
}

// id gives the parameter of the path: an id or a slug, checked.
func (c *call) id() string {
	if v := c.c.Params("id"); v != "" {
		return v
	}
	if v := c.c.Params("name"); v != "" {
		return v
	}
	return c.c.Params("source")
}

// param checks the path's parameter before anything looks it up. What cannot be
// a name names nothing.
func (c *call) checkPath() error {
	if v := c.c.Params("id"); v != "" {
		if c.route.ID != "" && !ident.Valid(c.route.ID, v) || c.route.ID == "" && !ident.Slug(v) {
			return notFound()
		}
	}
	if v := c.c.Params("name"); v != "" {
		if c.route.Object == "user" {
			if n, err := account.CanonicalName(v); err != nil || n != v {
				return notFound()
			}
		} else if !ident.Slug(v) {
			return notFound()
		}
	}
	return nil
}

// bind reads the body into b. A body is JSON and says so; a route that takes
// YAML puts that into the field source.
func (c *call) bind(b any) error {
	if c.c.Get(fiber.HeaderContentEncoding) != "" {
		return fault.New(fault.InvalidInput, "send the body as it is, without content encoding").WithCode("unsupported_type")
	}
	raw := c.body()
	kind, err := mediaType(c.c.Get(fiber.HeaderContentType))
	if err != nil {
		return err
	}
	if len(raw) == 0 && c.route.body == noBody {
		return nil
	}
	switch {
	case kind == "application/json":
		return bind(raw, b)
	case c.route.text && (kind == "application/yaml" || kind == "text/yaml" || kind == "application/x-yaml"):
		if !utf8.Valid(raw) {
			return fault.New(fault.InvalidInput, "the body is not text in UTF-8").WithCode("bad_request")
		}
		return bindText(raw, b)
	}
	say := "send the body as application/json"
	if c.route.text {
		say += " or application/yaml"
	}
	return fault.New(fault.InvalidInput, "%s", say).WithCode("unsupported_type")
}

// body gives a copy of the bytes as they were sent: fiber's Body would unpack
// them without bound, and fasthttp uses its memory again.
func (c *call) body() []byte { return slices.Clone(c.c.Request().Body()) }

func bindText(raw []byte, b any) error {
	to, ok := b.(*sourceBody)
	if !ok {
		return fault.New(fault.InvalidInput, "send the body as application/json").WithCode("unsupported_type")
	}
	to.Source = string(raw)
	return nil
}

// mediaType gives the type without parameters; the only one that a body may
// have is charset=utf-8.
func mediaType(header string) (string, error) {
	if header == "" {
		return "", nil
	}
	kind, params, err := mime.ParseMediaType(header)
	if err != nil {
		return "", fault.New(fault.InvalidInput, "the content type cannot be read").WithCode("unsupported_type")
	}
	for k, v := range params {
		if k != "charset" || !strings.EqualFold(v, "utf-8") {
			return "", fault.New(fault.InvalidInput, "the content type has a parameter other than charset=utf-8").WithCode("unsupported_type")
		}
	}
	return kind, nil
}

// readQuery takes the parameters apart: each is known, stands once, and is what
// it should be.
func (c *call) readQuery() error {
	c.query = map[string]string{}
	var err error
	for k, v := range c.c.Context().QueryArgs().All() {
		if err == nil {
			err = c.readParam(string(k), string(v))
		}
	}
	return err
}

func (c *call) readParam(key, value string) error {
	at := slices.IndexFunc(c.route.Query, func(p Param) bool { return p.Name == key })
	if at < 0 {
		return c.unknownParam(key)
	}
	p := c.route.Query[at]
	if _, twice := c.query[key]; twice {
		return badParam(key, "stands twice")
	}
	switch {
	case !utf8.ValidString(value) || len(value) > 1024 || strings.ContainsFunc(value, func(r rune) bool { return r < 0x20 || r == 0x7f }):
		return badParam(key, "is no text of at most 1,024 printable characters")
	case value == "": // filters nothing
	case p.Words != nil && !slices.Contains(p.Words, value):
		return badParam(key, "is one of: "+strings.Join(p.Words, ", "))
	case p.Kind == "time":
		if _, err := time.Parse(time.RFC3339, value); err != nil {
			return badParam(key, "is a time in RFC 3339, like 2026-11-23T02:14:07Z")
		}
	case p.Kind == "number":
		if _, err := strconv.ParseInt(value, 10, 32); err != nil {
			return badParam(key, "is a whole number")
		}
	case p.Kind == "duration":
		if _, err := document.ParseDuration(value); err != nil {
			return badParam(key, "is a duration, like 30s")
		}
	}
	c.query[key] = value
	return nil
}

func (c *call) unknownParam(key string) error {
	var known []string
	for _, p := range c.route.Query {
		known = append(known, p.Name)
	}
	say := "is not a parameter here; there are none"
	if len(known) > 0 {
		say = "is not a parameter here; they are: " + strings.Join(known, ", ")
	}
	if near := fault.Suggest(key, known); near != "" {
		say = "is not a parameter here; did you mean " + near + "?"
	}
	return fault.New(fault.InvalidInput, "there is no such parameter").WithCode("unknown_parameter").
		WithPlaces(fault.Place{At: "?" + pointer(key), Message: say})
}

func badParam(key, say string) error {
	return fault.New(fault.InvalidInput, "a parameter is not what it should be").WithCode("bad_parameter").
		WithPlaces(fault.Place{At: "?" + key, Message: say})
}

// page gives the page that was asked for.
func (c *call) page() (lookup.Page, error) {
	p := lookup.Page{Limit: 50, Cursor: c.query["cursor"], Sort: c.query["sort"]}
	if text := c.query["limit"]; text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 200 {
			return p, badParam("limit", "is from 1 to 200")
		}
		p.Limit = n
	}
	return p, nil
}

// moment gives a parameter of kind time; zero where it was not given.
func (c *call) moment(key string) time.Time {
	t, err := time.Parse(time.RFC3339, c.query[key])
	if err != nil { // not given: given ones were read before
		return time.Time{}
	}
	return t.UTC()
}

// setETag names the state that is answered.
func (c *call) setETag(version string) { c.c.Set(fiber.HeaderETag, `"`+version+`"`) }

// ifMatch gives the state that the editor saw, "" for any.
func (c *call) ifMatch() (string, error) {
	h := strings.TrimSpace(c.c.Get(fiber.HeaderIfMatch))
	if h == "" || h == "*" {
		return "", nil
	}
	v, ok := strings.CutPrefix(h, `"`)
	v, end := strings.CutSuffix(v, `"`)
	if !ok || !end || v == "" || strings.ContainsAny(v, `",`) {
		return "", fault.New(fault.InvalidInput, "If-Match holds one ETag as it was given").WithCode("bad_request")
	}
	return v, nil
}

// seen gives the number of the state that the editor saw, 0 for any.
func (c *call) seen() (int64, error) {
	v, err := c.ifMatch()
	if err != nil || v == "" {
		return 0, err
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n < 1 {
		return 0, stale()
	}
	return n, nil
}

func stale() error {
	return fault.New(fault.Conflict, "it was changed since you read it; read it again").WithCode("precondition_failed")
}

// may asks for one more verb than the route's.
func (c *call) may(verb, kind, id string) bool {
	return c.s.d.Access.May(c.ctx, account.Question{
		Actor: c.who.Asker(), Verb: verb, Object: account.Object{Kind: kind, ID: id}, Now: c.s.d.Clock(),
	})
}

// answer writes what a route gave.
func (c *call) answer(v any) error {
	code := c.route.Status
	if c.status != 0 {
		code = c.status
	}
	if v == nil || code == http.StatusNoContent {
		return c.raw(http.StatusNoContent, nil)
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode an answer: %w", err)
	}
	return c.raw(code, raw)
}

func (c *call) raw(code int, body []byte) error {
	c.c.Set(fiber.HeaderCacheControl, "no-store")
	c.c.Status(code)
	if body == nil {
		return nil
	}
	c.c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
	return c.c.Send(body) //nolint:wrapcheck // never fails: it only sets the body
}
