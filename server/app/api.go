package app

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"slices"

	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/httpapi"
	"github.com/tocsin-soar/tocsin/server/library"
	"github.com/tocsin-soar/tocsin/server/opa"
	"github.com/tocsin-soar/tocsin/server/playbook"
	"github.com/tocsin-soar/tocsin/web"
)

// openAPI puts the API on top of everything.
func (a *App) openAPI(ctx context.Context) error {
	st := steering{a}
	api, err := httpapi.New(ctx, httpapi.Deps{
		Gatekeeper: a.desk, Access: a.opa, Log: a.log, AuditLog: a.store, Hooks: hooks{a.intake}, Callbacks: a.store,
		Alerts: a.store, Runs: runs{a.store, a}, RunControl: st, Approvals: a.store, Inbox: voices{a.inbox},
		Effects: effects{a.store}, EffectControl: st, Decisions: decisions{a.store},
		Playbooks: books{a.lib}, Authors: authors{books{a.lib}, a}, Policies: policies{a}, Connections: links{a}, Sources: doors{a},
		Catalogue: catalogue{a}, Schedules: plans{a}, Halt: st, Audit: a.store, People: a.desk, Tokens: a.desk,
		Notifications: a.store, Changes: a.store, Numbers: a.num, State: st, Replays: a.store.Replays(),
		About: httpapi.About{Version: Version, Instance: a.store.Instance(), DemoURL: a.RangeURL()},
		Bound: a.intake.MaxBody, App: web.Dist, Clock: a.clock, Random: func(p []byte) { _, _ = rand.Read(p) },
		BaseURL: a.base, Secure: a.cfg.Secure(), Proxies: a.cfg.Proxies, MetricsPublic: a.cfg.MetricsPublic,
		Delivery: a.cfg.Delivery, Connected: a.cfg.Connections, Streams: a.cfg.Streams,
	})
	if err != nil {
		return err
	}
	a.api = api
	return nil
}

// Schema gives a JSON Schema by its name: of the language, the workspace's files or
// the policies' input.
func Schema(name string) (json.RawMessage, bool) {
	var doc map[string]any
	switch name {
	case "playbook":
		doc = playbook.Schema()
	case "playbook-test":
		doc = playbook.TestSchema()
	case "manifest":
		doc = connector.Schema()
	default:
		if raw, ok := opa.Schema(name); ok {
			return raw, true
		}
		var ok bool
		if doc, ok = library.Schema(name); !ok {
			return nil, false
		}
	}
	raw, err := json.MarshalIndent(doc, "", "  ")
	return raw, err == nil
}

// Schemas lists the names that Schema knows.
func Schemas() []string {
	names := append([]string{"playbook", "playbook-test", "manifest"}, opa.Schemas()...)
	names = append(names, library.Schemas()...)
	slices.Sort(names)
	return slices.Compact(names)
}
