package library

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/engine"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/gate"
	"github.com/tocsin-soar/tocsin/server/playbook"
)

// maxBuilds bounds the programs that are kept compiled.
const maxBuilds = 512

type builds struct {
	mu   sync.Mutex
	made map[string]*engine.Program
}

func newBuilds() builds { return builds{made: map[string]*engine.Program{}} }

func (b *builds) get(key string) *engine.Program {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.made[key]
}

func (b *builds) put(key string, p *engine.Program) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.made) >= maxBuilds {
		clear(b.made)
	}
	b.made[key] = p
}

// Program finds the program of a run: the playbook version that it began with,
// with the actions that it pinned (action → action_sha256; nil for a run that has
// not begun), whatever is in force now. Besides it gives what the policy is told of
// the playbook.
func (l *Library) Program(ctx context.Context, st engine.Start, pins map[string]string) (*engine.Program, gate.Playbook, error) {
	if st.Program != nil {
		p, err := l.single(ctx, st.Program)
		return p, gate.Playbook{Reviewed: true}, err
	}
	about, err := l.about(ctx, st)
	if err != nil {
		return nil, about, err
	}
	s := l.Current()
	key := st.Version + "\x00" + s.catalog.key + "\x00" + pinKey(pins)
	fresh := pins == nil && st.Calls == nil // it pins what it calls as it is now
	for _, k := range []string{key, key + "\x00" + s.booksKey} {
		if p := l.builds.get(k); p != nil && (!fresh || k != key || !callers(p.Playbook)) {
			return p, about, nil
		}
	}
	raw, err := l.Text(ctx, st.Version)
	if err != nil {
		return nil, about, fmt.Errorf("read playbook %s of run %s: %w", st.Playbook, st.ID, err)
	}
	c, err := l.pinned(ctx, s, pins)
	if err != nil {
		return nil, about, err
	}
	pb, ps := playbook.Compile(st.Playbook, st.Playbook+".yaml", raw, c)
	if pb == nil {
		return nil, about, fault.New(fault.Internal, "the playbook of run %s does not compile any more: %s", st.ID, firstError(ps))
	}
	p := engine.Compile(pb, c.Action)
	if fresh && callers(pb) {
		p.Calls = s.calls(pb)
		key += "\x00" + s.booksKey
	}
	l.builds.put(key, p)
	return p, about, nil
}

func pinKey(pins map[string]string) string {
	parts := make([]string, 0, len(pins))
	for ref, sha := range pins {
		parts = append(parts, ref+"="+sha)
	}
	slices.Sort(parts)
	return strings.Join(parts, ",")
}

// single makes the program of one action outside any playbook.
func (l *Library) single(ctx context.Context, raw []byte) (*engine.Program, error) {
	one, err := engine.ReadSingle(raw)
	if err != nil {
		return nil, fmt.Errorf("read a single action: %w", err)
	}
	a, ok := l.Current().Action(one.Action)
	if one.Manifest == "" && !ok {
		return nil, fault.New(fault.NotFound, "there is no action %s", one.Action)
	}
	if one.Manifest != "" && (!ok || a.SHA256 != one.Manifest) {
		m, err := l.manifestOf(ctx, one.Manifest)
		if err != nil {
			return nil, err
		}
		_, id, _ := strings.Cut(one.Action, ".")
		if a = m.Action(id); a == nil {
			return nil, fault.New(fault.NotFound, "there is no action %s in the manifest that was pinned", one.Action)
		}
	}
	return one.Program(a), nil
}

// manifestOf reads a kept manifest by the digest of one of its actions.
func (l *Library) manifestOf(ctx context.Context, action string) (*connector.Manifest, error) {
	raw, err := l.o.Archive.Kept(ctx, KindManifest, action)
	if err != nil {
		return nil, fmt.Errorf("read the manifest that a run has pinned: %w", err)
	}
	m, ps := connector.Parse("manifest.yaml", raw)
	if m == nil {
		return nil, fault.New(fault.Internal, "a manifest that a run has pinned cannot be read any more: %s", firstError(ps))
	}
	return m, nil
}

// about is what the policy is told of the playbook of a run.
func (l *Library) about(ctx context.Context, st engine.Start) (gate.Playbook, error) {
	out := gate.Playbook{Name: st.Playbook, Version: "sha256:" + st.Version}
	v, err := l.version(ctx, st.Playbook, st.Version)
	if err != nil || v == nil {
		return out, err
	}
	out.Author, out.Reviewed = v.Author, v.Reviewed
	if v.PublishedAt != nil {
		out.AgeSeconds = max(0, int64(l.o.Clock().Sub(*v.PublishedAt)/time.Second))
	}
	return out, nil
}

func (l *Library) version(ctx context.Context, slug, sha string) (*Version, error) {
	if e, ok := l.Current().Playbook(slug); ok && e.Book.Published != nil && e.Book.Published.SHA256 == sha {
		return e.Book.Published, nil
	}
	list, err := l.o.Shelf.BookVersions(ctx, slug)
	if err != nil {
		return nil, fmt.Errorf("read the versions of playbook %s: %w", slug, err)
	}
	for _, v := range list {
		if v.SHA256 == sha {
			return &v, nil
		}
	}
	return nil, nil //nolint:nilnil // a version that nobody knows is unreviewed and has no author
}

// pinnedCatalog is the catalog in force, with the actions that a run has pinned in
// place of those that are in force now.
type pinnedCatalog struct {
	now       *catalog
	manifests map[string]*connector.Manifest // by integration: kept ones
	pins      map[string]string
}

func (l *Library) pinned(ctx context.Context, s *Snapshot, pins map[string]string) (*pinnedCatalog, error) {
	c := &pinnedCatalog{now: s.catalog, manifests: map[string]*connector.Manifest{}, pins: pins}
	for ref, sha := range pins {
		if a, ok := s.catalog.actions[ref]; ok && a.SHA256 == sha {
			continue
		}
		integration, _, _ := strings.Cut(ref, ".")
		m, err := l.manifestOf(ctx, sha)
		if err != nil {
			return nil, err
		}
		c.manifests[integration] = m
	}
	return c, nil
}

// Action finds what the run pinned, else what is in force.
func (c *pinnedCatalog) Action(ref string) (*connector.Action, bool) {
	integration, id, _ := strings.Cut(ref, ".")
	if m, kept := c.manifests[integration]; kept {
		if a := m.Action(id); a != nil {
			return a, true
		}
	}
	if a, ok := c.now.actions[ref]; ok {
		return a, true
	}
	for pinned := range c.pins { // a capability: the action that fulfilled it then
		if a, ok := c.Action(pinned); ok && a.Implements == ref {
			return a, true
		}
	}
	return c.now.Action(ref)
}

// Actions lists what is in force, for suggestions.
func (c *pinnedCatalog) Actions() []string { return c.now.Actions() }

// Connections says nothing: they are live, and one that is gone is said when it is
// needed.
func (c *pinnedCatalog) Connections(string) []string { return nil }

// Fulfilled gives the connection bound to a capability, where it still leads to
// the integration that the run began with.
func (c *pinnedCatalog) Fulfilled(capability string) (string, bool) {
	b, ok := c.now.bindings[capability]
	a, found := c.Action(capability)
	if !ok || !found || a.Integration != b.action.Integration {
		return "", false
	}
	return b.connection, true
}
