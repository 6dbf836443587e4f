package library

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/document"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/ident"
)

// stored makes a connection of what the database keeps.
func (b *build) stored(s Stored) Connection {
	broken := func(err error) Connection {
		c := Connection{Origin: Database, Version: s.Version, Err: err}
		c.Name = s.Name
		return c
	}
	root, ps := document.Parse("connection "+s.Name, s.Text)
	if root == nil {
		return broken(wordsOf(s.Name, ps))
	}
	var raw rawConnection
	ps = append(ps, document.Decode(root, &raw)...)
	c, more := b.make(root, raw, slices.Sorted(maps.Keys(s.Sealed)), raw.Auth)
	if ps = append(ps, more...); fault.Broken(ps) {
		b.say(ps...)
		c.Err = wordsOf(s.Name, ps)
	}
	c.Origin, c.Version = Database, s.Version
	for field, sealed := range s.Sealed {
		v, err := b.o.Sealer.OpenSecret(s.Name, field, s.Version, sealed)
		if err != nil {
			c.Err = fault.Wrap(err, fault.Unavailable, "the secret %s of the connection %s cannot be opened: enter it again", field, s.Name).WithCode("connection_broken")
			continue
		}
		if v, err = b.o.Secrets.Resolve(v.Reveal()); err != nil {
			c.Err = fault.Wrap(err, fault.Unavailable, "the connection %s has no %s: %s", s.Name, field, err).WithCode("connection_broken")
		}
		c.Auth[field] = v
	}
	return *c
}

// wordsOf says with the first problem why a connection cannot be used.
func wordsOf(name string, ps []fault.Problem) error {
	for _, p := range ps {
		if p.Severity == fault.SeverityError {
			return fault.New(fault.Unavailable, "the connection %s is broken: %s", name, p.Message).WithCode("connection_broken")
		}
	}
	return nil
}

// Wish is a connection as somebody wants it. Fields of Auth that are left out keep
// their secret, unless the address, the type of authentication or egress changes:
// then all of them must be entered again, since whoever may edit a connection
// could send the secret to themselves.
type Wish struct {
	Name        string
	Integration string
	Environment string
	Tags        []string
	BaseURL     string
	Auth        map[string]string // type, and the fields
	EgressAllow []string
	PerSecond   float64
	Burst       int
	Concurrency int
	Default     bool
	Disabled    bool
	Idempotent  bool
}

// text is the wish without its secrets, as the database keeps it.
func (w Wish) text(credentials int64) map[string]any {
	out := map[string]any{
		"name": w.Name, "integration": w.Integration, "tags": listOf(w.Tags), "default": w.Default,
		"disabled": w.Disabled, "idempotent": w.Idempotent, "credential_version": credentials,
		"egress": map[string]any{"allow": listOf(w.EgressAllow)},
	}
	for key, v := range map[string]string{"environment": w.Environment, "base_url": w.BaseURL} {
		if v != "" {
			out[key] = v
		}
	}
	if t := w.Auth["type"]; t != "" {
		out["auth"] = map[string]any{"type": t}
	}
	if w.PerSecond > 0 {
		out["rate"] = map[string]any{"per_second": w.PerSecond, "burst": w.Burst}
	}
	if w.Concurrency > 0 {
		out["concurrency"] = w.Concurrency
	}
	return out
}

func listOf(words []string) []any {
	out := make([]any, 0, len(words))
	for _, w := range words {
		out = append(out, w)
	}
	return out
}

// PutConnection makes or replaces a connection of the database. With create it
// must be new; seen is the version that the editor saw, 0 for any. Faults: conflict
// with the codes managed_by_files, exists, changed_meanwhile; invalid_input with
// every mistake; not_found.
func (l *Library) PutConnection(ctx context.Context, by audit.Actor, w Wish, create bool, seen int64) (Connection, error) {
	if err := l.editable(w.Name); err != nil {
		return Connection{}, err
	}
	err := l.o.Cabinet.ChangeStored(ctx, Connections, w.Name, func(old *Stored) (*Stored, []audit.Draft, error) {
		if err := old.seenAs(Connections, w.Name, create, seen); err != nil {
			return nil, nil, err
		}
		fresh, err := l.change(old, w)
		if err != nil {
			return nil, nil, err
		}
		fresh.By, fresh.At = by.Name, l.o.Clock()
		return fresh, []audit.Draft{l.draft(by, "connection.manage", "connection", w.Name, old.digest(), fresh.digest())}, nil
	})
	if err != nil {
		return Connection{}, err
	}
	if _, err := l.Reload(ctx); err != nil {
		return Connection{}, err
	}
	c, ok := l.Current().connectionsByName[w.Name]
	if !ok {
		return Connection{}, fault.New(fault.NotFound, "there is no connection %s", w.Name)
	}
	return c, nil
}

func (l *Library) draft(by audit.Actor, verb, kind, id, before, after string) audit.Draft {
	return audit.Draft{
		At: l.o.Clock(), Actor: by, Verb: verb, Object: audit.Object{Kind: kind, ID: id},
		Before: before, After: after, Outcome: audit.Done,
	}
}

// editable refuses what a file brings.
func (l *Library) editable(name string) error {
	if l.o.Cabinet == nil || l.o.Sealer == nil {
		return fault.New(fault.Conflict, "connections are kept in files here").WithCode("managed_by_files")
	}
	if c, ok := l.Current().connectionsByName[name]; ok && c.Origin != Database {
		file := c.File
		if file == "" {
			file = "the product itself"
		}
		return fault.New(fault.Conflict, "the connection %s comes from %s; change it there", name, file).WithCode("managed_by_files")
	}
	return nil
}

// change makes the new state of a connection of a wish.
func (l *Library) change(old *Stored, w Wish) (*Stored, error) {
	version, credentials := int64(1), int64(1)
	var before rawConnection
	if old != nil {
		version = old.Version + 1
		root, ps := document.Parse("connection "+w.Name, old.Text)
		if root == nil {
			return nil, wordsOf(w.Name, ps)
		}
		document.Decode(root, &before)
		credentials = before.CredentialVersion
	}
	secrets, changed, err := l.secretsOf(old, before, w)
	if err != nil {
		return nil, err
	}
	if changed && old != nil {
		credentials++
	}
	text, err := ident.Canonical(w.text(credentials))
	if err != nil {
		return nil, fault.New(fault.InvalidInput, "the connection cannot be kept: %s", err)
	}
	if err := l.checkWish(text, slices.Sorted(maps.Keys(secrets))); err != nil {
		return nil, err
	}
	fresh := &Stored{Name: w.Name, Text: text, Sealed: map[string][]byte{}, Version: version}
	for field, plain := range secrets {
		sealed, err := l.o.Sealer.SealSecret(w.Name, field, version, plain)
		if err != nil {
			return nil, fmt.Errorf("seal %s of connection %s: %w", field, w.Name, err)
		}
		fresh.Sealed[field] = sealed
	}
	return fresh, nil
}

// secretsOf gives the secrets of the new state, in the clear, and whether they
// differ from the old ones.
func (l *Library) secretsOf(old *Stored, before rawConnection, w Wish) (secrets map[string]string, changed bool, err error) {
	secrets = map[string]string{}
	changed = old == nil || moved(before, w)
	if !changed {
		for field, sealed := range old.Sealed {
			v, err := l.o.Sealer.OpenSecret(old.Name, field, old.Version, sealed)
			if err != nil {
				return nil, false, fault.Wrap(err, fault.Conflict, "the secret %s cannot be opened: enter it again", field).WithCode("secret_unreadable")
			}
			secrets[field] = v.Reveal()
		}
	}
	for field, plain := range w.Auth {
		if field == "type" || plain == "" {
			continue
		}
		if _, err := l.o.Secrets.Resolve(plain); err != nil {
			return nil, false, err
		}
		changed = changed || secrets[field] != plain
		secrets[field] = plain
	}
	return secrets, changed, nil
}

// moved says whether a change could lead the old secrets elsewhere.
func moved(before rawConnection, w Wish) bool {
	authType, allow := "", []string(nil)
	if before.Auth != nil {
		authType = before.Auth.Get("type").Scalar()
	}
	if before.Egress != nil {
		allow = before.Egress.Allow
	}
	return before.BaseURL != w.BaseURL || before.Integration != w.Integration || authType != w.Auth["type"] || !slices.Equal(allow, w.EgressAllow)
}

// checkWish checks a text as if it stood in a file.
func (l *Library) checkWish(text []byte, fields []string) error {
	root, ps := document.Parse("connection", text)
	if root != nil {
		var raw rawConnection
		ps = append(ps, document.Decode(root, &raw)...)
		b := &build{o: l.o, now: l.Current()}
		_, more := b.make(root, raw, fields, raw.Auth)
		ps = append(ps, more...)
	}
	return refusal("the connection has mistakes", text, ps)
}

// DeleteConnection removes a connection of the database. One that playbooks use is
// a conflict, code in_use, with the list.
func (l *Library) DeleteConnection(ctx context.Context, by audit.Actor, name string, seen int64) error {
	if err := l.editable(name); err != nil {
		return err
	}
	if users := l.Current().UsedBy(name); len(users) > 0 {
		err := fault.New(fault.Conflict, "playbooks use the connection %s", name).WithCode("in_use")
		for _, slug := range users {
			err.Places = append(err.Places, fault.Place{At: "/playbooks/" + slug, Message: "uses it"})
		}
		return err
	}
	err := l.o.Cabinet.ChangeStored(ctx, Connections, name, func(old *Stored) (*Stored, []audit.Draft, error) {
		if err := old.seenAs(Connections, name, false, seen); err != nil {
			return nil, nil, err
		}
		return nil, []audit.Draft{l.draft(by, "connection.manage", "connection", name, old.digest(), "")}, nil
	})
	if err != nil {
		return err
	}
	_, err = l.Reload(ctx)
	return err
}
