package library

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/ident"
	"github.com/tocsin-soar/tocsin/server/secret"
)

// memory is a database in maps.
type memory struct {
	mu       sync.Mutex
	kept     map[string][]byte
	books    map[string]Book
	versions map[string][]Version
	stored   map[Drawer]map[string]Stored
	audit    []audit.Draft
	writes   int
}

func newMemory() *memory {
	return &memory{kept: map[string][]byte{}, books: map[string]Book{}, versions: map[string][]Version{}, stored: map[Drawer]map[string]Stored{Connections: {}, Sources: {}}}
}

func (m *memory) Keep(_ context.Context, kind Kind, raw []byte, names []string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, n := range append([]string{ident.Sum(raw)}, names...) {
		if _, there := m.kept[string(kind)+n]; !there {
			m.kept[string(kind)+n] = slices.Clone(raw)
		}
	}
	return nil
}

func (m *memory) Kept(_ context.Context, kind Kind, name string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	raw, ok := m.kept[string(kind)+name]
	if !ok {
		return nil, fault.New(fault.NotFound, "nothing is kept under %s", name)
	}
	return raw, nil
}

func (m *memory) Books(context.Context) ([]Book, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Collect(maps.Values(m.books)), nil
}

func (m *memory) ChangeBook(_ context.Context, slug string, change func(b Book) (Book, []audit.Draft, error)) (Book, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	old, ok := m.books[slug]
	if !ok {
		old = Book{Slug: slug}
	}
	b, drafts, err := change(old)
	if err != nil {
		return old, err
	}
	b.Revision = old.Revision + 1
	m.books[slug] = b
	m.audit = append(m.audit, drafts...)
	m.writes++
	for _, v := range []*Version{b.Published, b.Draft} {
		if v == nil {
			continue
		}
		at := slices.IndexFunc(m.versions[slug], func(o Version) bool { return o.SHA256 == v.SHA256 })
		if at >= 0 {
			m.versions[slug][at] = *v
		} else {
			m.versions[slug] = append([]Version{*v}, m.versions[slug]...)
		}
	}
	return b, nil
}

func (m *memory) BookVersions(_ context.Context, slug string) ([]Version, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.versions[slug]), nil
}

func (m *memory) Stored(_ context.Context, in Drawer) ([]Stored, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return sortedValues(m.stored[in]), nil
}

func (m *memory) ChangeStored(_ context.Context, in Drawer, name string, change func(old *Stored) (*Stored, []audit.Draft, error)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	var old *Stored
	if s, ok := m.stored[in][name]; ok {
		old = &s
	}
	next, drafts, err := change(old)
	if err != nil {
		return err
	}
	m.audit = append(m.audit, drafts...)
	delete(m.stored[in], name)
	if next != nil {
		m.stored[in][name] = *next
	}
	return nil
}

// keyring resolves env://NAME from a map; sealing turns a text round and binds it
// to its place.
type keyring struct{ env map[string]string }

func (k keyring) Resolve(text string) (secret.Value, error) {
	ref, ok := secret.ParseRef(text)
	if !ok {
		return secret.Of(text), nil
	}
	v, listed := k.env[ref.Name]
	switch {
	case !listed:
		return secret.Value{}, fault.New(fault.Forbidden, "this environment variable is not one that secrets may be read from").WithCode("secret_reference_not_allowed")
	case v == "":
		return secret.Value{}, fault.New(fault.NotFound, "the secret's environment variable is not set").WithCode("secret_missing")
	}
	return secret.Of(v), nil
}

func place(connection, field string, version int64) string {
	return connection + "/" + field + "/" + time.Duration(version).String() + ":"
}

func (keyring) SealSecret(connection, field string, version int64, plain string) ([]byte, error) {
	out := []byte(place(connection, field, version) + plain)
	slices.Reverse(out)
	return out, nil
}

func (keyring) OpenSecret(connection, field string, version int64, sealed []byte) (secret.Value, error) {
	out := slices.Clone(sealed)
	slices.Reverse(out)
	text, ok := strings.CutPrefix(string(out), place(connection, field, version))
	if !ok {
		return secret.Value{}, fault.New(fault.Internal, "sealed for another place")
	}
	return secret.Of(text), nil
}

// rules is a policy engine that refuses a tree with the word broken in it.
type rules struct {
	inForce map[string][]byte
	swaps   int
}

func (r *rules) Swap(_ context.Context, files map[string][]byte) []fault.Problem {
	r.swaps++
	for path, raw := range files {
		if strings.Contains(string(raw), "broken") {
			return []fault.Problem{{File: path, Line: 1, Severity: fault.SeverityError, Code: "rego", Message: "it does not compile"}}
		}
	}
	r.inForce = maps.Clone(files)
	return nil
}

// world is a library with everything that it stands on, in a test's hand.
type world struct {
	t      *testing.T
	fs     fstest.MapFS
	store  *memory
	rules  *rules
	keys   keyring
	now    time.Time
	lib    *Library
	review bool // review: files
}

const edrManifest = `id: edr
name: An EDR
category: edr
version: "1"
connection:
  base_url: { required: true }
  auth: [ { type: bearer, token: access token } ]
actions:
  get_host:
    title: Look at a host
    impact: read
    input: { type: object, required: [host], additionalProperties: false, properties: { host: { type: string } } }
    request: { method: GET, path: "/hosts/${{ input.host }}" }
    output: { schema: { type: object, properties: { isolated: { type: boolean } } } }
    example: { input: { host: a }, output: { isolated: false } }
  isolate_host:
    title: Isolate a host
    implements: edr.isolate_host
    impact: contain
    targets: [ { kind: host, value: "${{ input.host }}" } ]
    input: { type: object, required: [host], additionalProperties: false, properties: { host: { type: string } } }
    request: { method: POST, path: "/hosts/${{ input.host }}/isolate" }
    idempotency: { header: Idempotency-Key }
    output: { schema: { type: object } }
    inverse: { action: release_host, with: { host: "${{ input.host }}" } }
    example: { input: { host: a }, output: {} }
  release_host:
    title: Release a host
    implements: edr.release_host
    impact: release
    targets: [ { kind: host, value: "${{ input.host }}" } ]
    input: { type: object, required: [host], additionalProperties: false, properties: { host: { type: string } } }
    request: { method: POST, path: "/hosts/${{ input.host }}/release" }
    idempotency: { header: Idempotency-Key }
    output: { schema: { type: object } }
    example: { input: { host: a }, output: {} }
alerts:
  map: { title: item.name, source_id: item.id }
`

const edrConnection = `name: edr
integration: edr
environment: test
base_url: https://edr.example.test
auth: { type: bearer, token: "env://EDR_TOKEN" }
default: true
`

const edrSource = `name: edr
mapping: edr
auth: { hmac: { style: tocsin, secret: "env://EDR_SECRET" } }
delivery: X-Delivery-Id
dedup: { key: "alert.source_id", window: 12h }
limit: { per_second: 5, body: 64KiB }
`

const look = `name: Look
on: [ { alert: "true", priority: 3 } ]
steps:
  - action: edr.get_host
    with: { host: "${{ alert.title }}" }
`

const isolate = `name: Isolate
on:
  - alert: alert.severity >= severity.high
  - schedule: { cron: "0 6 * * *", timezone: Europe/Vienna }
  - schedule: { cron: "@hourly" }
inputs: { host: { type: string, default: "${{ alert.?title.orValue('x') }}" } }
steps:
  - action: edr.isolate_host
    with: { host: "${{ inputs.host }}" }
    for: 4h
`

func newWorld(t *testing.T, files map[string]string) *world {
	t.Helper()
	w := &world{
		t: t, fs: fstest.MapFS{}, store: newMemory(), rules: &rules{}, now: time.Date(2026, 1, 5, 10, 0, 0, 0, time.UTC),
		keys: keyring{map[string]string{"EDR_TOKEN": "t0ken", "EDR_SECRET": "s3cret", "UNSET": ""}},
	}
	w.write("integrations/edr/manifest.yaml", edrManifest)
	w.write("connections/edr.yaml", edrConnection)
	for name, text := range files {
		w.write(name, text)
	}
	w.fresh()
	return w
}

func (w *world) write(name, text string) { w.fs[name] = &fstest.MapFile{Data: []byte(text)} }

// fresh starts a new process over the same folder and database.
func (w *world) fresh() {
	w.lib = New(Options{
		Workspaces: []Folder{{Name: "team", FS: w.fs}}, Archive: w.store, Shelf: w.store, Cabinet: w.store,
		Policies: w.rules, Secrets: w.keys, Sealer: w.keys, Clock: func() time.Time { return w.now }, ReviewFiles: w.review,
	})
}

func (w *world) reload() Changes {
	w.t.Helper()
	c, err := w.lib.Reload(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// mistakes gives the codes of the errors with their files.
func (w *world) mistakes() []string {
	var out []string
	for _, p := range w.lib.Problems() {
		if p.Severity == fault.SeverityError {
			out = append(out, p.File+": "+p.Code)
		}
	}
	return out
}
