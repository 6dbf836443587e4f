package library

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/document"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/secret"
)

// Connection is a connection with where it comes from. Err says in words why it
// cannot be used; it is nil where it can.
type Connection struct {
	connector.Connection
	Origin  Origin
	File    string   // that brings it, or ""
	Set     []string // fields of auth that are there
	Version int64    // of one made in the app
	Err     error
}

// rawConnection is connections/NAME.yaml, and the text of one in the database.
type rawConnection struct {
	Name        string         `yaml:"name,required" form:"slug" doc:"its name, equal to the file's"`
	Integration string         `yaml:"integration,required" form:"slug" doc:"what it is a connection to"`
	Environment string         `yaml:"environment" doc:"production unless said otherwise; the policy sees it"`
	Tags        []string       `yaml:"tags" doc:"for the policy"`
	BaseURL     string         `yaml:"base_url" doc:"where the other system answers"`
	Auth        *document.Node `yaml:"auth" schema:"auth" doc:"how it proves itself: type, and the fields of that type"`
	Egress      *rawEgress     `yaml:"egress" doc:"what it may reach besides public addresses"`
	Rate        *rawRate       `yaml:"rate" doc:"bounds calls; none unless said otherwise"`
	Concurrency int            `yaml:"concurrency" min:"1" max:"256" doc:"calls at once; 8 unless said otherwise"`
	Default     bool           `yaml:"default" doc:"used where a playbook names no connection"`
	Disabled    bool           `yaml:"disabled" doc:"nothing is sent through it"`
	Idempotent  bool           `yaml:"idempotent" doc:"the other side honours Idempotency-Key"`

	CredentialVersion int64 `yaml:"credential_version"`
}

type rawEgress struct {
	Allow []string `yaml:"allow,required" doc:"addresses, ranges or host names that would otherwise be refused"`
}

type rawRate struct {
	PerSecond float64 `yaml:"per_second,required" min:"0" max:"10000" doc:"calls a second"`
	Burst     int     `yaml:"burst" min:"0" max:"100000" doc:"calls at once before that holds"`
}

const defaultConcurrency = 8

// connections reads the workspace's and the database's.
func (b *build) connections(ctx context.Context) error {
	for _, f := range named(b.files.connections, file.base, b.say) {
		c, ps := b.connectionFile(f)
		b.say(ps...)
		if c == nil {
			before, had := b.before.connectionsByName[f.base()]
			if !had || before.Origin != Workspace {
				continue
			}
			c = &before
		}
		b.now.connectionsByName[c.Name] = *c
	}
	if b.o.Cabinet != nil {
		stored, err := b.o.Cabinet.Stored(ctx, Connections)
		if err != nil {
			return fmt.Errorf("read the stored connections: %w", err)
		}
		for _, s := range stored {
			if _, stronger := b.now.connectionsByName[s.Name]; !stronger {
				b.now.connectionsByName[s.Name] = b.stored(s)
			}
		}
	}
	b.builtIn()
	b.choose()
	return nil
}

// builtIn gives an integration that needs no address and no secrets the
// connection that it would have.
func (b *build) builtIn() {
	for _, m := range b.now.Manifests() {
		_, taken := b.now.connectionsByName[m.ID]
		needs := slices.ContainsFunc(m.Auth, func(k connector.AuthKind) bool { return k.Type != "none" })
		if !m.Native || m.BaseURL || needs || taken {
			continue
		}
		b.now.connectionsByName[m.ID] = Connection{Origin: Shipped, Connection: connector.Connection{
			Name: m.ID, Integration: m.ID, Environment: "platform", AuthType: "none",
			Auth: map[string]secret.Value{}, Concurrency: defaultConcurrency, Default: true,
		}}
	}
}

// choose finds the default connection of each integration.
func (b *build) choose() {
	for _, c := range b.now.Connections() {
		b.now.byIntegration[c.Integration] = append(b.now.byIntegration[c.Integration], c.Name)
		if !c.Default {
			continue
		}
		if first, two := b.now.defaults[c.Integration]; two {
			b.say(fault.Problem{File: c.File, Severity: fault.SeverityError, Code: "two_defaults", Message: fmt.Sprintf("%s has two default connections, %s and %s; %s is taken", c.Integration, first, c.Name, first), Hint: "leave default: true at one of them"})
			continue
		}
		b.now.defaults[c.Integration] = c.Name
	}
	for integration, names := range b.now.byIntegration {
		if _, chosen := b.now.defaults[integration]; !chosen && len(names) == 1 {
			b.now.defaults[integration] = names[0]
		}
		if first := b.now.defaults[integration]; first != "" {
			rest := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == first })
			b.now.byIntegration[integration] = append([]string{first}, rest...)
		}
	}
}

func (b *build) connectionFile(f file) (*Connection, []fault.Problem) {
	root, ps := document.Parse(f.label, f.raw)
	if root == nil {
		return nil, ps
	}
	var raw rawConnection
	ps = append(ps, document.Decode(root, &raw)...)
	if raw.Name != "" && raw.Name != f.base() {
		ps = append(ps, root.Get("name").Problem("bad_name", fmt.Sprintf("the connection is named %q, its file %q", raw.Name, f.base()), "they must be equal"))
	}
	if root.Has("credential_version") {
		ps = append(ps, root.KeyNode("credential_version").Problem("unknown_key", `unknown key "credential_version"`, "remove it"))
	}
	if fault.Broken(ps) {
		return nil, ps
	}
	auth, more := authOf(raw.Auth)
	ps = append(ps, more...)
	c, more := b.make(root, raw, slices.Sorted(maps.Keys(auth)), raw.Auth)
	ps = append(ps, more...)
	if fault.Broken(ps) {
		return nil, ps
	}
	c.Origin, c.File = Workspace, f.label
	for _, field := range c.Set {
		n := auth[field]
		v, p := b.secretOf(n, field == "username" || field == "name" || field == "prefix")
		if p != nil {
			ps = append(ps, *p)
			if p.Severity == fault.SeverityError {
				c.Err = fault.New(fault.Unavailable, "the connection %s has no %s: %s", c.Name, field, p.Message).WithCode("connection_broken")
			}
		}
		c.Auth[field] = v
	}
	c.CredentialVersion = credentialVersion(c.AuthType, auth)
	return c, ps
}

// authOf reads the fields of auth besides its type.
func authOf(n *document.Node) (map[string]*document.Node, []fault.Problem) {
	out := map[string]*document.Node{}
	var ps []fault.Problem
	for _, e := range n.Entries() {
		switch {
		case e.Value.Kind != document.Text:
			ps = append(ps, e.Value.Problem("wrong_type", e.Key+" must be text", "put it in quotes"))
		case e.Key != "type":
			out[e.Key] = e.Value
		}
	}
	return out, ps
}

// secretOf resolves a secret. A literal is taken with a warning.
func (b *build) secretOf(n *document.Node, open bool) (secret.Value, *fault.Problem) {
	_, reference := secret.ParseRef(n.Scalar())
	if open && !reference {
		return secret.Of(n.Scalar()), nil // a user name is no secret
	}
	v, err := b.o.Secrets.Resolve(n.Scalar())
	if err != nil {
		p := n.Problem(fault.CodeOf(err), err.Error(), "")
		return secret.Value{}, &p
	}
	if !reference {
		p := n.Warning("literal_secret", "a secret stands in the file itself", "write env://NAME or file://NAME, and list it in secrets.env or secrets.dir")
		return v, &p
	}
	return v, nil
}

// credentialVersion changes with what the file says of the credentials. What a
// reference leads to is not in it: it would have to be a hash of the secret.
func credentialVersion(authType string, auth map[string]*document.Node) int64 {
	var text strings.Builder
	text.WriteString(authType)
	for _, field := range slices.Sorted(maps.Keys(auth)) {
		value := "literal"
		if _, reference := secret.ParseRef(auth[field].Scalar()); reference || field == "username" {
			value = auth[field].Scalar()
		}
		text.WriteString("\x00" + field + "\x00" + value)
	}
	sum := sha256.Sum256([]byte(text.String()))
	return int64(binary.BigEndian.Uint64(sum[:8]) >> 16)
}

// make checks what was read against the integration. auth are the names of the
// fields that are there.
func (b *build) make(root *document.Node, raw rawConnection, auth []string, authNode *document.Node) (*Connection, []fault.Problem) {
	c := &Connection{Set: auth, Connection: connector.Connection{
		Name: raw.Name, Integration: raw.Integration, Environment: raw.Environment, Tags: raw.Tags,
		BaseURL: raw.BaseURL, Auth: map[string]secret.Value{}, AuthType: "none",
		Concurrency: raw.Concurrency, Default: raw.Default, Disabled: raw.Disabled, Idempotent: raw.Idempotent,
		CredentialVersion: raw.CredentialVersion,
	}}
	if c.Environment == "" {
		c.Environment = "production"
	}
	if c.Concurrency == 0 {
		c.Concurrency = defaultConcurrency
	}
	if raw.Rate != nil {
		c.Rate = connector.Rate{PerSecond: raw.Rate.PerSecond, Burst: raw.Rate.Burst}
	}
	if raw.Egress != nil {
		c.EgressAllow = raw.Egress.Allow
	}
	m, ok := b.now.manifestsByID[raw.Integration]
	if !ok {
		hint := ""
		if near := fault.Suggest(raw.Integration, slices.Sorted(maps.Keys(b.now.manifestsByID))); near != "" {
			hint = fmt.Sprintf("did you mean %q?", near)
		}
		return c, []fault.Problem{root.Get("integration").Problem("unknown_integration", fmt.Sprintf("there is no integration %q", raw.Integration), hint)}
	}
	var ps []fault.Problem
	switch _, err := connector.BaseURL(raw.BaseURL); {
	case raw.BaseURL == "" && m.BaseURL:
		ps = append(ps, root.Problem("missing_key", m.Name+" needs a base_url", "base_url: https://…"))
	case raw.BaseURL != "" && err != nil:
		ps = append(ps, root.Get("base_url").Problem("bad_value", err.Error(), ""))
	}
	if _, err := connector.ParseEgress(c.EgressAllow); err != nil {
		ps = append(ps, root.Get("egress").Problem("bad_value", err.Error(), ""))
	}
	at := root
	if authNode != nil {
		at = authNode
	}
	return c, append(ps, authenticates(m, c, at)...)
}

// authenticates checks auth against the ways that the integration knows.
func authenticates(m Manifest, c *Connection, at *document.Node) []fault.Problem {
	if t := at.Get("type"); at.Has("type") {
		c.AuthType = t.Scalar()
	} else if len(c.Set) > 0 {
		return []fault.Problem{at.Problem("missing_key", `auth needs the key "type"`, "type: basic, bearer, header or query")}
	}
	if c.AuthType == "none" && len(m.Auth) == 0 && len(c.Set) == 0 {
		return nil
	}
	var types []string
	for _, kind := range m.Auth {
		types = append(types, kind.Type)
		if kind.Type == c.AuthType {
			return fieldsFit(kind, c, at)
		}
	}
	hint := m.Name + " needs no auth"
	if len(types) > 0 {
		hint = "one of: " + strings.Join(types, ", ")
	}
	return []fault.Problem{at.Problem("bad_value", fmt.Sprintf("%s does not authenticate by %q", m.Name, c.AuthType), hint)}
}

func fieldsFit(kind connector.AuthKind, c *Connection, at *document.Node) []fault.Problem {
	var ps []fault.Problem
	known := slices.Sorted(maps.Keys(kind.Fields))
	optional := []string{}
	if kind.Type == "header" || kind.Type == "query" {
		optional = append(optional, "name")
	}
	for _, field := range known {
		if !slices.Contains(c.Set, field) {
			ps = append(ps, at.Problem("missing_key", fmt.Sprintf("auth needs the key %q", field), kind.Fields[field]))
		}
	}
	for _, field := range c.Set {
		if !slices.Contains(known, field) && !slices.Contains(optional, field) {
			ps = append(ps, at.KeyNode(field).Problem("unknown_key", fmt.Sprintf("auth of type %s has no %q", kind.Type, field), "known here: "+strings.Join(append(known, optional...), ", ")))
		}
	}
	return ps
}

// Connection finds a connection by its name, or the default one of an integration
// where name is "". Errors say in words what is wrong with it. A disabled one is found:
// undo and release use it still.
func (s *Snapshot) Connection(name, integration string) (connector.Connection, error) {
	if name == "" {
		name = s.defaults[integration]
	}
	c, ok := s.connectionsByName[name]
	switch {
	case name == "" && len(s.byIntegration[integration]) > 0:
		return connector.Connection{}, fault.New(fault.NotFound, "%s has several connections and no default one: name one of %s", integration, strings.Join(s.byIntegration[integration], ", ")).WithCode("no_connection")
	case name == "":
		return connector.Connection{}, fault.New(fault.NotFound, "there is no connection to %s", integration).WithCode("no_connection")
	case !ok:
		return connector.Connection{}, fault.New(fault.NotFound, "there is no connection %s", name).WithCode("no_connection")
	case integration != "" && c.Integration != integration:
		return connector.Connection{}, fault.New(fault.InvalidInput, "the connection %s is one to %s, not to %s", name, c.Integration, integration).WithCode("wrong_connection")
	case c.Err != nil:
		return connector.Connection{}, c.Err
	}
	return c.Connection, nil
}
