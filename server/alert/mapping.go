package alert

import (
	"regexp"
	"slices"
	"strings"

	"github.com/tocsin-soar/tocsin/server/expr"
	"github.com/tocsin-soar/tocsin/server/fault"
)

// Text is a mapping as it is written (alerts.md): bare CEL over payload, item
// and headers. Empty means none.
type Text struct {
	Items  string
	Closes string
	When   string
	Map    map[string]string // field of the alert → CEL
}

// Mapping says how one payload becomes alerts. It is compiled and may be used
// by many goroutines. The zero Mapping maps nothing: every payload is unmapped.
type Mapping struct {
	generic bool
	items   *expr.Expr // nil: the body is the item, or each element of an array
	within  []string   // items is just this path below payload
	closes  *expr.Expr
	when    *expr.Expr
	fields  []field
}

type field struct {
	name string
	expr *expr.Expr
}

// Fields are what a mapping may give, sorted.
var Fields = []string{ //nolint:gochecknoglobals // a constant table
	"attack", "category", "confidence", "description", "domains", "files", "first_seen", "hosts", "ips", "labels",
	"last_seen", "mails", "processes", "severity", "source_id", "title", "url", "urls", "users",
}

// Generic takes the names of a normalised alert as they are. An item whose
// status is closed closes the alert with its key.
func Generic() Mapping { return Mapping{generic: true} }

// Scope is what the expressions of a mapping may name.
func Scope() *expr.Scope {
	return expr.NewScope().With("payload", expr.Dyn).With("item", expr.Dyn).With("headers", expr.Map(expr.String))
}

var plainPath = regexp.MustCompile(`^payload((?:\.[A-Za-z_][A-Za-z0-9_]*)+)$`)

// CompileMapping compiles a mapping; the issues lie under items, closes, when
// or map.<field>. With an error among them the mapping must not be used.
func CompileMapping(t Text) (Mapping, map[string][]expr.Issue) {
	c := mapper{scope: Scope(), issues: map[string][]expr.Issue{}}
	m := Mapping{
		items:  c.compile("items", t.Items, expr.Dyn),
		closes: c.compile("closes", t.Closes, expr.Bool),
		when:   c.compile("when", t.When, expr.Bool),
	}
	if path := plainPath.FindStringSubmatch(strings.TrimSpace(t.Items)); path != nil {
		m.within = strings.Split(path[1], ".")[1:]
	}
	for _, name := range Fields {
		if src, ok := t.Map[name]; ok {
			m.fields = append(m.fields, field{name, c.compile("map."+name, src, expr.Dyn)})
		}
	}
	for name := range t.Map {
		if !slices.Contains(Fields, name) {
			c.unknown(name)
		}
	}
	return m, c.issues
}

type mapper struct {
	scope  *expr.Scope
	issues map[string][]expr.Issue
}

func (c mapper) compile(at, src string, want expr.Type) *expr.Expr {
	if src == "" && !strings.HasPrefix(at, "map.") {
		return nil
	}
	e, issues := expr.Compile(src, c.scope, want)
	// A payload has no schema: that its values are dyn is no news.
	issues = slices.DeleteFunc(issues, func(i expr.Issue) bool { return i.Code == "dyn" })
	if len(issues) > 0 {
		c.issues[at] = issues
	}
	return e
}

func (c mapper) unknown(name string) {
	hint := "an alert's fields: " + strings.Join(Fields, ", ")
	if near := fault.Suggest(name, Fields); near != "" {
		hint = "did you mean \"" + near + "\"?"
	}
	c.issues["map."+name] = []expr.Issue{{
		Severity: fault.SeverityError, Code: "unknown_field",
		Message: "an alert has no field \"" + name + "\" that a mapping may give", Hint: hint,
	}}
}
