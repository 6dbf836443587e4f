package library

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/ident"
	"github.com/tocsin-soar/tocsin/server/intake"
	"github.com/tocsin-soar/tocsin/server/playbook"
	"github.com/tocsin-soar/tocsin/server/schedule"
	"github.com/tocsin-soar/tocsin/server/trigger"
)

// Snapshot is what is in force at one moment. It never changes.
type Snapshot struct {
	manifestsByID     map[string]Manifest
	connectionsByName map[string]Connection
	defaults          map[string]string // integration → connection
	byIntegration     map[string][]string
	bindings          map[string]binding // capability → connection and action
	sourcesByName     map[string]Source
	entries           map[string]Entry
	persons           []Person
	things            *estate
	policyFiles       map[string]string // path → sha256
	policyProblems    []fault.Problem
	policyCount       int // how often a tree was put in force
	loaded            bool
	peopleSHA         string
	estateSHA         string
	catalog           *catalog
	triggers          []trigger.Candidate
	plans             []Plan
	events            []trigger.EventCandidate
	moments           []Moment
	booksKey          string // changes with every playbook in force
	problems          []fault.Problem
}

func newSnapshot() *Snapshot {
	s := &Snapshot{
		manifestsByID: map[string]Manifest{}, connectionsByName: map[string]Connection{},
		defaults: map[string]string{}, byIntegration: map[string][]string{}, bindings: map[string]binding{},
		sourcesByName: map[string]Source{}, entries: map[string]Entry{}, things: newEstate(), policyFiles: map[string]string{},
	}
	s.catalog = s.newCatalog()
	return s
}

// Manifest is an integration with where it comes from.
type Manifest struct {
	*connector.Manifest
	Origin Origin
	File   string

	problems []fault.Problem // warnings
}

// Source is a source with where it comes from.
type Source struct {
	intake.Source
	MappingName string // generic, an integration, or "" for one of its own
	AuthName    string // hmac/tocsin, bearer or basic
	File        string // that brings it, or ""
	Version     int64  // of one made in the app
	Spec        SourceSpec
	sha256      string
}

// Person is one of the workspace's people.yaml.
type Person struct {
	Name  string
	Email string
	Roles []string
	Teams []string
}

// Problems lists what is wrong with the files.
func (s *Snapshot) Problems() []fault.Problem { return slices.Clone(s.problems) }

// Manifests lists the integrations, by id.
func (s *Snapshot) Manifests() []Manifest { return sortedValues(s.manifestsByID) }

// Manifest finds an integration by its id.
func (s *Snapshot) Manifest(id string) (Manifest, bool) { m, ok := s.manifestsByID[id]; return m, ok }

// Action finds an action by "integration.action", or the action that fulfils a
// capability.
func (s *Snapshot) Action(ref string) (*connector.Action, bool) { return s.catalog.Action(ref) }

// Catalog is what a playbook is checked against.
func (s *Snapshot) Catalog() Catalog { return s.catalog }

// Sources lists the sources, by name.
func (s *Snapshot) Sources() []Source { return sortedValues(s.sourcesByName) }

// Source finds a source by its name.
func (s *Snapshot) Source(name string) (intake.Source, bool) {
	src, ok := s.sourcesByName[name]
	return src.Source, ok
}

// Connections lists the connections, by name.
func (s *Snapshot) Connections() []Connection { return sortedValues(s.connectionsByName) }

// People lists the people of the workspace's file.
func (s *Snapshot) People() []Person { return slices.Clone(s.persons) }

// Playbooks lists the playbooks that are in force or drafts, by slug.
func (s *Snapshot) Playbooks() []Entry { return sortedValues(s.entries) }

// Playbook finds one by its slug.
func (s *Snapshot) Playbook(slug string) (Entry, bool) { e, ok := s.entries[slug]; return e, ok }

// Triggers lists the alert triggers of all playbooks in force.
func (s *Snapshot) Triggers() []trigger.Candidate { return s.triggers }

// Events lists the event triggers of all playbooks in force.
func (s *Snapshot) Events() []trigger.EventCandidate { return s.events }

// Moments lists the triggers by the clock, once, of all playbooks in force.
func (s *Snapshot) Moments() []Moment { return s.moments }

// Plans lists the schedules of all playbooks in force.
func (s *Snapshot) Plans() []Plan { return s.plans }

// Tags gives what the workspace says of a thing under any of its names, and its
// first name. Kinds are not held apart: an address that belongs to a protected
// host is protected.
func (s *Snapshot) Tags(kind, value string) (tags []string, owner, canonical string) {
	return s.things.find(kind, value)
}

// PolicyFiles lists the workspace's policy files.
func (s *Snapshot) PolicyFiles() []string { return slices.Sorted(maps.Keys(s.policyFiles)) }

func sortedValues[T any](m map[string]T) []T {
	out := make([]T, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, m[k])
	}
	return out
}

// catalog is a snapshot as the checker of playbooks sees it.
type catalog struct {
	actions     map[string]*connector.Action
	refs        []string
	connections map[string][]string
	bindings    map[string]binding
	key         string // changes with everything that a check depends on, other playbooks apart
	books       map[string]text
}

// text is a playbook in force as its callers see it.
type text struct {
	raw     []byte
	sha256  string
	outline func() (playbook.Outline, bool) // read once
}

func textOf(slug string, raw []byte) text {
	return text{raw, ident.Sum(raw), sync.OnceValues(func() (playbook.Outline, bool) { return playbook.OutlineOf(slug, raw) })}
}

// Outline says what one must know of a playbook to call it.
func (c *catalog) Outline(slug string) (playbook.Outline, bool) {
	t, ok := c.books[slug]
	if !ok {
		return playbook.Outline{}, false
	}
	return t.outline()
}

// Slugs lists the playbooks that may be called.
func (c *catalog) Slugs() []string { return slices.Sorted(maps.Keys(c.books)) }

// Text gives the bytes of a playbook that may be called.
func (c *catalog) Text(slug string) ([]byte, bool) {
	t, ok := c.books[slug]
	return t.raw, ok
}

// Catalog is what playbooks are checked against.
type Catalog interface {
	Action(ref string) (*connector.Action, bool)
	Actions() []string
	Connections(integration string) []string
	CheckSchedule(cron, timezone string) error
	Fulfilled(capability string) (connection string, ok bool)
	Outline(slug string) (playbook.Outline, bool)
	Slugs() []string
	Text(slug string) ([]byte, bool)
}

type binding struct {
	connection string
	action     *connector.Action
}

func (s *Snapshot) newCatalog() *catalog {
	c := &catalog{actions: map[string]*connector.Action{}, connections: s.byIntegration, bindings: s.bindings}
	var parts []string
	for _, m := range s.Manifests() {
		parts = append(parts, m.SHA256)
		for _, a := range m.Actions {
			c.actions[a.Ref()] = a
		}
	}
	for _, id := range slices.Sorted(maps.Keys(s.byIntegration)) {
		parts = append(parts, id+"="+strings.Join(s.byIntegration[id], ","))
	}
	for _, name := range slices.Sorted(maps.Keys(s.bindings)) {
		parts = append(parts, name+">"+s.bindings[name].connection)
	}
	c.refs = append(slices.Sorted(maps.Keys(c.actions)), slices.Sorted(maps.Keys(s.bindings))...)
	c.key = ident.Sum([]byte(strings.Join(parts, "\n")))
	return c
}

func (c *catalog) Action(ref string) (*connector.Action, bool) {
	if a, ok := c.actions[ref]; ok {
		return a, true
	}
	b, ok := c.bindings[ref]
	return b.action, ok
}

func (c *catalog) Actions() []string { return c.refs }

func (c *catalog) Connections(integration string) []string { return c.connections[integration] }

func (c *catalog) Fulfilled(capability string) (string, bool) {
	b, ok := c.bindings[capability]
	return b.connection, ok
}

func (c *catalog) CheckSchedule(cron, timezone string) error {
	_, err := schedule.Parse(cron, timezone)
	return err
}
