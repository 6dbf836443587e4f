package library

import (
	"maps"
	"slices"

	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/intake"
	"github.com/tocsin-soar/tocsin/server/secret"
	"github.com/tocsin-soar/tocsin/server/trigger"
)

// What use cases ask the library is answered from what is in force at that moment.

// Source finds a source by its name.
func (l *Library) Source(name string) (intake.Source, bool) { return l.Current().Source(name) }

// Triggers lists the alert triggers of every published playbook.
func (l *Library) Triggers() []trigger.Candidate { return l.Current().Triggers() }

// Connection finds a connection by name, or the default one of an integration.
func (l *Library) Connection(name, integration string) (connector.Connection, error) {
	return l.Current().Connection(name, integration)
}

// Tags gives what is known of a target under any of its names.
func (l *Library) Tags(kind, value string) (tags []string, owner string) {
	tags, owner, _ = l.Current().Tags(kind, value)
	return tags, owner
}

// Action finds an action by "integration.action", or by a capability.
func (l *Library) Action(ref string) (*connector.Action, bool) { return l.Current().Action(ref) }

// differing lists the names whose values are not the same.
func differing[T any](before, after map[string]T, same func(a, b T) bool) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if was, had := before[name]; !had || !same(was, after[name]) {
			out = append(out, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if _, still := after[name]; !still {
			out = append(out, name)
		}
	}
	return out
}

// sameConnection compares what can be seen of two connections.
func sameConnection(a, b Connection) bool {
	if (a.Err == nil) != (b.Err == nil) || a.Origin != b.Origin || a.Version != b.Version {
		return false
	}
	x, y := a.Connection, b.Connection
	if !maps.EqualFunc(x.Auth, y.Auth, func(p, q secret.Value) bool { return p.Reveal() == q.Reveal() }) {
		return false
	}
	return x.Name == y.Name && x.Integration == y.Integration && x.Environment == y.Environment &&
		slices.Equal(x.Tags, y.Tags) && x.BaseURL == y.BaseURL && x.AuthType == y.AuthType &&
		x.CredentialVersion == y.CredentialVersion && slices.Equal(x.EgressAllow, y.EgressAllow) &&
		x.Rate == y.Rate && x.Concurrency == y.Concurrency && x.Idempotent == y.Idempotent &&
		x.Default == y.Default && x.Disabled == y.Disabled
}
