package library

import (
	"context"
	"fmt"
	"path"

	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/document"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/ident"
)

func folderOf(f file) string { return path.Base(path.Dir(f.path)) }

// manifests reads the integrations. One that has a mistake stays as it was; a
// weaker one of the same id does not take its place, since it may call contain
// what that one calls read.
func (b *build) manifests() {
	for _, f := range named(b.files.manifests, folderOf, b.say) {
		id := folderOf(f)
		before, had := b.before.manifestsByID[id]
		if had && before.SHA256 == f.sha256 {
			b.now.manifestsByID[id] = Manifest{before.Manifest, f.origin, f.label, before.problems}
			b.say(before.problems...)
			continue
		}
		m, ps := connector.Parse(f.label, f.raw)
		if f.origin == Shipped && !fault.Broken(ps) {
			ps = nil // its warnings are for those who ship it
		}
		b.say(ps...)
		switch {
		case m != nil && m.ID == id:
			b.now.manifestsByID[id] = Manifest{m, f.origin, f.label, ps}
			continue
		case m != nil:
			b.say(f.problem("bad_name", fmt.Sprintf("the manifest names itself %q, its folder %q", m.ID, id), "they must be equal"))
		}
		if had {
			b.now.manifestsByID[id] = before
		}
	}
}

// archive keeps the manifests in force, since runs will pin them.
func (b *build) archive(ctx context.Context) error {
	for _, m := range b.now.Manifests() {
		if before, had := b.before.manifestsByID[m.ID]; had && before.SHA256 == m.SHA256 {
			continue
		}
		names := make([]string, 0, len(m.Actions))
		for _, a := range m.Actions {
			names = append(names, a.SHA256)
		}
		if err := b.o.Archive.Keep(ctx, KindManifest, m.Source, names); err != nil {
			return fmt.Errorf("keep manifest %s: %w", m.ID, err)
		}
	}
	return nil
}

// capabilities reads which connection fulfils what.
func (b *build) capabilities() {
	f, ok := b.files.single["capabilities.yaml"]
	if !ok {
		return
	}
	root, ps := document.Parse(f.label, f.raw)
	b.say(ps...)
	if root == nil || fault.Broken(ps) {
		b.keepBindings()
		return
	}
	if root.Kind != document.Map {
		b.say(root.Problem("wrong_type", "capabilities must be a map from capability to connection", "edr.isolate_host: NAME"))
		b.keepBindings()
		return
	}
	for _, e := range root.Entries() {
		if bound, p := b.bind(e); p != nil {
			b.say(*p)
		} else {
			b.now.bindings[e.Key] = bound
		}
	}
}

// keepBindings keeps what was bound before, as far as it is still there.
func (b *build) keepBindings() {
	for name, was := range b.before.bindings {
		c, ok := b.now.connectionsByName[was.connection]
		if !ok {
			continue
		}
		if a := b.fulfils(c.Integration, name); a != nil {
			b.now.bindings[name] = binding{was.connection, a}
		}
	}
}

func (b *build) bind(e document.Entry) (binding, *fault.Problem) {
	name := e.Value.Scalar()
	c, ok := b.now.connectionsByName[name]
	var p fault.Problem
	switch {
	case e.Value.Kind != document.Text || !ident.Slug(name):
		p = e.Value.Problem("wrong_type", "a capability is fulfilled by one connection", "write its name")
		return binding{}, &p
	case !ok:
		known := make([]string, 0, len(b.now.connectionsByName))
		for _, c := range b.now.Connections() {
			known = append(known, c.Name)
		}
		hint := ""
		if near := fault.Suggest(name, known); near != "" {
			hint = fmt.Sprintf("did you mean %q?", near)
		}
		p = e.Value.Problem("unknown_connection", fmt.Sprintf("there is no connection %q", name), hint)
		return binding{}, &p
	}
	a := b.fulfils(c.Integration, e.Key)
	if a == nil {
		p = e.KeyNode().Problem("unfulfilled", fmt.Sprintf("no action of %s implements %s", c.Integration, e.Key), "")
		return binding{}, &p
	}
	return binding{name, a}, nil
}

func (b *build) fulfils(integration, capability string) *connector.Action {
	m, ok := b.now.manifestsByID[integration]
	if !ok {
		return nil
	}
	for _, a := range m.Actions {
		if a.Implements == capability {
			return a
		}
	}
	return nil
}
