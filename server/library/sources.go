package library

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-soar/tocsin/server/alert"
	"github.com/tocsin-soar/tocsin/server/document"
	"github.com/tocsin-soar/tocsin/server/expr"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/intake"
	"github.com/tocsin-soar/tocsin/server/secret"
)

// rawSource is sources/NAME.yaml.
type rawSource struct {
	Name     string         `yaml:"name,required" form:"slug" doc:"its name, equal to the file's: POST /hooks/NAME"`
	Mapping  *document.Node `yaml:"mapping" schema:"text" doc:"an integration's alert mapping, or generic; instead of items, closes, when and map"`
	Items    *document.Node `yaml:"items" schema:"cel" doc:"CEL: where one delivery carries several alerts"`
	Closes   *document.Node `yaml:"closes" schema:"cel" doc:"CEL: closes the alert with the same key"`
	When     *document.Node `yaml:"when" schema:"cel" doc:"CEL: others are acknowledged and counted, not stored"`
	Map      *document.Node `yaml:"map" schema:"map" doc:"fields of the alert, CEL each over payload, item and headers"`
	Auth     *rawSourceAuth `yaml:"auth,required" doc:"how senders prove themselves"`
	Delivery string         `yaml:"delivery" doc:"header that names a delivery"`
	Dedup    rawDedup       `yaml:"dedup" doc:"which alerts are one"`
	Limit    rawLimit       `yaml:"limit" doc:"bounds the source"`
	Disabled bool           `yaml:"disabled" doc:"takes nothing"`
}

type rawSourceAuth struct {
	HMAC   *rawHMAC   `yaml:"hmac" doc:"signed deliveries"`
	Bearer *rawBearer `yaml:"bearer" doc:"a token in the header Authorization"`
	Basic  *rawBasic  `yaml:"basic" doc:"user name and password"`
}

type rawHMAC struct {
	Style  string         `yaml:"style,required" enum:"tocsin github stripe standard" doc:"how it is signed"`
	Secret *document.Node `yaml:"secret,required" schema:"secret" doc:"a reference, or a list of them while one is changed"`
}

type rawBearer struct {
	Token *document.Node `yaml:"token,required" schema:"secret" doc:"a reference, or a list of them while one is changed"`
}

type rawBasic struct {
	Username string         `yaml:"username,required" doc:"the user name"`
	Password *document.Node `yaml:"password,required" schema:"secret" doc:"a reference, or a list of them while one is changed"`
}

type rawDedup struct {
	Key    *document.Node `yaml:"key" schema:"cel" doc:"CEL over alert; by default source and source_id, else a hash of title and entities"`
	Window time.Duration  `yaml:"window" doc:"since the alert was seen last; 24h unless said otherwise"`
}

type rawLimit struct {
	PerSecond float64       `yaml:"per_second" min:"0" max:"100000" doc:"deliveries; 500 unless said otherwise, bursts of twice that"`
	Body      document.Size `yaml:"body" doc:"bytes of one delivery; 1MiB unless said otherwise, at most 16MiB"`
}

const maxBody = 16 << 20

func (b *build) sources(ctx context.Context) error {
	for _, f := range named(b.files.sources, file.base, b.say) {
		s, ps := b.source(f)
		b.say(ps...)
		if s == nil {
			before, had := b.before.sourcesByName[f.base()]
			if !had {
				continue
			}
			s = &before
		}
		b.now.sourcesByName[s.Name] = *s
	}
	return b.storedSources(ctx)
}

func (b *build) source(f file) (*Source, []fault.Problem) {
	root, ps := document.Parse(f.label, f.raw)
	if root == nil {
		return nil, ps
	}
	if name := root.Get("name").Scalar(); name != "" && name != f.base() {
		ps = append(ps, root.Get("name").Problem("bad_name", fmt.Sprintf("the source is named %q, its file %q", name, f.base()), "they must be equal"))
	}
	s, more := b.readSource(root, b.secrets)
	ps = append(ps, more...)
	if fault.Broken(slices.DeleteFunc(slices.Clone(ps), unresolved)) {
		return nil, ps
	}
	s.File, s.sha256 = f.label, f.sha256
	return s, ps
}

// opener gives the secrets that a node of a source's authentication stands for.
type opener func(n *document.Node) ([]secret.Value, []fault.Problem)

// readSource makes a source of its document; nil where that has mistakes.
func (b *build) readSource(root *document.Node, keys opener) (*Source, []fault.Problem) {
	var raw rawSource
	ps := document.Decode(root, &raw)
	s := &Source{Spec: specOf(raw), Source: intake.Source{
		Name: raw.Name, Delivery: raw.Delivery, Window: raw.Dedup.Window, Disabled: raw.Disabled,
		Limit: intake.Limit{PerSecond: raw.Limit.PerSecond, Body: int64(raw.Limit.Body)},
	}}
	if raw.Limit.Body > maxBody {
		ps = append(ps, root.Get("limit").Get("body").Problem("out_of_range", "body may be at most 16MiB", ""))
	}
	if raw.Dedup.Key != nil {
		key, more := document.Expression(raw.Dedup.Key, intake.DedupScope(), expr.Dyn)
		ps = append(ps, more...)
		s.Dedup = key
	}
	ps = append(ps, b.mappingOf(root, raw, s)...)
	if raw.Auth != nil {
		ps = append(ps, sourceAuth(root.Get("auth"), *raw.Auth, s, keys)...)
	}
	if fault.Broken(slices.DeleteFunc(slices.Clone(ps), unresolved)) {
		return nil, ps
	}
	return s, ps
}

// unresolved are problems of a secret that could not be read: the file itself is
// good, and the source takes nothing until the secret is there.
func unresolved(p fault.Problem) bool {
	switch p.Code {
	case "secret_missing", "secret_reference_not_allowed", "secret_reference_unsupported":
		return true
	}
	return false
}

// mappingOf compiles the source's own mapping, or finds an integration's.
func (b *build) mappingOf(root *document.Node, raw rawSource, s *Source) []fault.Problem {
	own := root.Has("map") || root.Has("items") || root.Has("when") || root.Has("closes")
	switch {
	case own && raw.Mapping != nil:
		return []fault.Problem{raw.Mapping.Problem("two_mappings", "mapping stands beside a mapping of the source's own", "remove one of the two")}
	case own && raw.Map == nil:
		return []fault.Problem{root.Problem("missing_key", `the source needs the key "map"`, "map: { title: item.title }")}
	case own:
		return ownMapping(raw, s)
	case raw.Mapping == nil:
		return []fault.Problem{root.Problem("missing_key", `the source needs the key "mapping"`, "mapping: generic, or an integration's id, or map: …")}
	}
	s.MappingName = raw.Mapping.Scalar()
	if s.MappingName == "generic" {
		s.Mapping = alert.Generic()
		return nil
	}
	m, ok := b.now.manifestsByID[s.MappingName]
	if ok && m.Alerts != nil {
		s.Mapping, _ = alert.CompileMapping(alert.Text{Items: m.Alerts.Items, Closes: m.Alerts.Closes, When: m.Alerts.When, Map: m.Alerts.Map})
		return nil
	}
	known := []string{"generic"}
	for _, m := range b.now.Manifests() {
		if m.Alerts != nil {
			known = append(known, m.ID)
		}
	}
	return []fault.Problem{raw.Mapping.Problem("unknown_mapping", fmt.Sprintf("there is no alert mapping %q", s.MappingName), oneOf(s.MappingName, known))}
}

func ownMapping(raw rawSource, s *Source) []fault.Problem {
	t := alert.Text{Map: map[string]string{}}
	nodes := map[string]*document.Node{}
	var ps []fault.Problem
	take := func(n *document.Node, under string) string {
		if n == nil {
			return ""
		}
		nodes[under] = n
		if n.Kind == document.List || n.Kind == document.Map || n.Kind == document.Null {
			ps = append(ps, n.Problem("wrong_type", under+" must be an expression", "put it in quotes"))
		}
		return n.Scalar()
	}
	t.Items, t.Closes, t.When = take(raw.Items, "items"), take(raw.Closes, "closes"), take(raw.When, "when")
	if raw.Map.Kind != document.Map {
		return append(ps, raw.Map.Problem("wrong_type", "map must be a map from fields to expressions", ""))
	}
	for _, e := range raw.Map.Entries() {
		if !slices.Contains(alert.Fields, e.Key) {
			ps = append(ps, document.UnknownKey(e, alert.Fields))
			continue
		}
		t.Map[e.Key] = take(e.Value, "map."+e.Key)
	}
	m, issues := alert.CompileMapping(t)
	for _, under := range slices.Sorted(maps.Keys(issues)) {
		if n := nodes[under]; n != nil {
			ps = append(ps, document.Issues(n, issues[under])...)
		} else {
			ps = append(ps, document.Issues(raw.Map, issues[under])...)
		}
	}
	s.Mapping = m
	return ps
}

func oneOf(word string, known []string) string {
	if near := fault.Suggest(word, known); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return "one of: " + strings.Join(known, ", ")
}

func sourceAuth(at *document.Node, raw rawSourceAuth, s *Source, keys opener) []fault.Problem {
	ways := 0
	for _, there := range []bool{raw.HMAC != nil, raw.Bearer != nil, raw.Basic != nil} {
		if there {
			ways++
		}
	}
	if ways != 1 {
		return []fault.Problem{at.Problem("bad_value", "auth is exactly one of hmac, bearer and basic", "a source without it takes nothing")}
	}
	var ps []fault.Problem
	switch {
	case raw.HMAC != nil:
		values, more := keys(raw.HMAC.Secret)
		ps, s.AuthName = more, "hmac/"+raw.HMAC.Style
		s.Auth.HMAC = &intake.HMAC{Style: intake.Style(raw.HMAC.Style), Secrets: values}
	case raw.Bearer != nil:
		values, more := keys(raw.Bearer.Token)
		ps, s.AuthName, s.Auth.Bearer = more, "bearer", values
	default:
		values, more := keys(raw.Basic.Password)
		ps, s.AuthName = more, "basic"
		s.Auth.Basic = &intake.Basic{Username: raw.Basic.Username, Passwords: values}
	}
	return ps
}

// secrets resolves one reference or a list of them.
func (b *build) secrets(n *document.Node) ([]secret.Value, []fault.Problem) {
	if n == nil {
		return nil, nil
	}
	items := n.Items()
	if n.Kind != document.List {
		items = []*document.Node{n}
	}
	var out []secret.Value
	var ps []fault.Problem
	if len(items) == 0 || len(items) > 8 {
		ps = append(ps, n.Problem("bad_value", "one secret, or a list of at most eight", ""))
	}
	for _, i := range items {
		if i.Kind != document.Text || i.Scalar() == "" {
			ps = append(ps, i.Problem("wrong_type", "a secret must be text", "env://NAME or file://NAME"))
			continue
		}
		v, p := b.secretOf(i, false)
		if p != nil {
			ps = append(ps, *p)
		}
		if p == nil || p.Severity == fault.SeverityWarning {
			out = append(out, v)
		}
	}
	return out, ps
}
