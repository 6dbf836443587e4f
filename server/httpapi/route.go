package httpapi

import (
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-soar/tocsin/server/account"
	"github.com/tocsin-soar/tocsin/server/ident"
)

// Beside the verbs of tocsin.access a route may be for everybody, for whoever
// has proven who they are, or prove that for itself.
const (
	Public = "public" // contract.md names them
	Self   = "self"   // about the one who asks
	Signed = "signed" // POST /hooks: the source's own authentication
)

// Route is one row of the table: everything about an address but what it does.
type Route struct {
	Method  string
	Path    string // fiber's pattern: /api/v1/alerts/:id
	Verb    string // of tocsin.access, or Public, Self, Signed
	Object  string // kind of thing that the verb is about
	Summary string
	Query   []Param
	ID      ident.Prefix // of the parameter :id; "" where it is a slug
	Status  int          // of success

	body    reflect.Type // nil: none
	answer  reflect.Type // nil: none
	text    bool         // the body may be YAML
	streams bool
	noted   bool // an Idempotency-Key is honoured
	within  time.Duration
	run     func(c *call) (any, error)
}

// Param is one query parameter.
type Param struct {
	Name  string
	Words []string // all it may be; nil: any text
	Kind  string   // text (default), time, number, duration, id
	Doc   string
}

// RouteInfo is a row as the route dump shows it.
type RouteInfo struct {
	Method string `json:"method"`
	Path   string `json:"path"`
	Verb   string `json:"verb"`
}

// Routes dumps the table.
func (s *Server) Routes() []RouteInfo { return dump(s.routes) }

// Routes dumps the table without a server.
func Routes() []RouteInfo { return dump((&Server{}).table()) }

func dump(rs []Route) []RouteInfo {
	out := make([]RouteInfo, len(rs))
	for i, r := range rs {
		out[i] = RouteInfo{r.Method, r.Path, r.Verb}
	}
	return out
}

// checkTable refuses a table in which a route has no verb or two have one
// address.
func checkTable(rs []Route) error {
	seen := map[string]bool{}
	verbs := append(account.Verbs(), Public, Self, Signed)
	for _, r := range rs {
		at := r.Method + " " + r.Path
		switch {
		case !slices.Contains(verbs, r.Verb):
			return fmt.Errorf("route %s: %q is no verb: every route says who may", at, r.Verb)
		case seen[at]:
			return fmt.Errorf("route %s stands twice", at)
		case r.run == nil || r.Summary == "":
			return fmt.Errorf("route %s does nothing or says nothing", at)
		case strings.Contains(r.Path, ":id") && r.ID == "" && !strings.Contains(r.Path, "/schedules/"):
			return fmt.Errorf("route %s does not say what :id names", at)
		}
		seen[at] = true
	}
	return nil
}

// option changes a route.
type option func(*Route)

func about(kind string) option      { return func(r *Route) { r.Object = kind } }
func id(p ident.Prefix) option      { return func(r *Route) { r.ID = p } }
func status(code int) option        { return func(r *Route) { r.Status = code } }
func query(ps ...Param) option      { return func(r *Route) { r.Query = append(r.Query, ps...) } }
func within(d time.Duration) option { return func(r *Route) { r.within = d } }
func yaml() option                  { return func(r *Route) { r.text = true } }

// unnoted: the answer holds a secret and is never kept for a second request.
func unnoted() option { return func(r *Route) { r.noted = false } }

// get makes a route that reads.
func get[A any](path, verb, summary string, run func(c *call) (A, error), opts ...option) Route {
	r := Route{
		Method: http.MethodGet, Path: path, Verb: verb, Summary: summary, Status: http.StatusOK,
		answer: reflect.TypeFor[A](), run: func(c *call) (any, error) { return run(c) },
	}
	return finish(r, opts)
}

// none is the body of a request that says all with its address.
type none struct{}

// send makes a route that changes something; B is its body.
func send[B, A any](method, path, verb, summary string, run func(c *call, b B) (A, error), opts ...option) Route {
	r := Route{
		Method: method, Path: path, Verb: verb, Summary: summary, Status: http.StatusOK,
		body: reflect.TypeFor[B](), answer: reflect.TypeFor[A](), noted: method == http.MethodPost,
	}
	r.run = func(c *call) (any, error) {
		var b B
		if err := c.bind(&b); err != nil {
			return nil, err
		}
		return run(c, b)
	}
	return finish(r, opts)
}

// list makes a route that gives pages; sorts are the list's own words.
func list[T any](path, verb, summary string, run func(c *call) (T, error), sorts []string, opts ...option) Route {
	paging := []Param{
		{Name: "limit", Kind: "number", Doc: "1 to 200, 50 by default"},
		{Name: "cursor", Doc: "what the page before gave as next"},
	}
	if len(sorts) > 0 {
		words := slices.Clone(sorts)
		for _, w := range sorts {
			words = append(words, "-"+w)
		}
		paging = append(paging, Param{Name: "sort", Words: words, Doc: "order; - before it turns it round"})
	}
	return get(path, verb, summary, run, append(opts, query(paging...))...)
}

func finish(r Route, opts []option) Route {
	for _, o := range opts {
		o(&r)
	}
	return r
}
