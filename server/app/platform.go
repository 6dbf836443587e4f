package app

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/tocsin-soar/tocsin/integrations/all"
	"github.com/tocsin-soar/tocsin/integrations/tocsin"
	"github.com/tocsin-soar/tocsin/server/account"
	"github.com/tocsin-soar/tocsin/server/alert"
	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/intake"
	"github.com/tocsin-soar/tocsin/server/lookup"
	"github.com/tocsin-soar/tocsin/server/native"
	"github.com/tocsin-soar/tocsin/server/notification"
)

// native lists the integrations that act through Go code; the platform itself is
// one of them.
func (a *App) native() []native.Integration {
	return append(all.Native(), tocsin.New(tocsin.Platform{Alerts: platform{a}, Lookup: platform{a}, People: platform{a}}))
}

// platform is what the integration tocsin acts on.
type platform struct{ a *App }

// Create raises an alert from a run.
func (p platform) Create(ctx context.Context, from native.Origin, key string, fields map[string]any) (string, bool, error) {
	ans, err := p.a.intake.Create(ctx, intake.Creation{Run: from.Run, Depth: from.Depth, Key: key, Fields: fields})
	if err != nil {
		return "", false, err
	}
	if len(ans.Alerts) == 0 {
		return "", false, fault.New(fault.Internal, "the alert was not stored")
	}
	return ans.Alerts[0].ID, ans.Alerts[0].New, nil
}

// Change updates an alert.
func (p platform) Change(ctx context.Context, from native.Origin, _ string, c tocsin.Change) (string, error) {
	after, err := p.a.store.UpdateAlert(ctx, c.Alert, func(x alert.Alert, _ int64) (alert.Alert, []audit.Draft, error) {
		if c.Severity != nil {
			if alert.Severity(*c.Severity).Rank() == 0 {
				return x, nil, fault.New(fault.InvalidInput, "severity is informational, low, medium, high or critical")
			}
			x.Severity = alert.Severity(*c.Severity)
		}
		if c.Status != nil {
			x.Status = alert.Status(*c.Status)
		}
		if c.Verdict != nil {
			x.Verdict = c.Verdict
		}
		if c.Owner != nil {
			x.Owner = *c.Owner
		}
		if c.Reason != nil {
			x.Reason = *c.Reason
		}
		x.Labels = merged(x.Labels, c.Labels)
		return x, p.audited(from, account.AlertEdit, c.Alert, ""), nil
	})
	return string(after.Status), err
}

func merged(have, more []string) []string {
	out := append([]string{}, have...)
	for _, l := range more {
		found := false
		for _, h := range out {
			found = found || h == l
		}
		if !found {
			out = append(out, l)
		}
	}
	return out
}

// Note writes a note into the audit log, about the alert.
func (p platform) Note(ctx context.Context, from native.Origin, _, id, text string) error {
	if _, err := p.a.store.Alert(ctx, id); err != nil {
		return err
	}
	return p.a.store.LogAudit(ctx, p.audited(from, account.NoteAdd, id, text))
}

// Notify tells people something, once for a step's key.
func (p platform) Notify(ctx context.Context, from native.Origin, key string, n tocsin.Notice) (int, error) {
	d := notification.Draft{
		Key: "note/" + key, Kind: notification.Note, At: p.a.clock(), Title: n.Title, Text: n.Text,
		Object: notification.Object{Kind: "run", ID: from.Run}, Run: from.Run, Step: from.Step, Alert: n.Alert,
		To: notification.Everyone(n.To...),
	}
	if n.Alert != "" {
		if _, err := p.a.store.Alert(ctx, n.Alert); err != nil {
			return 0, err
		}
		d.Object = notification.Object{Kind: "alert", ID: n.Alert}
	}
	told, err := p.a.store.Tell(ctx, d, audit.Draft{
		At: d.At, Actor: audit.Actor{Kind: "system", Name: "run"}, Verb: "notify", Object: audit.Object{Kind: d.Object.Kind, ID: d.Object.ID},
		Run: from.Run, Step: from.Step, Reason: strings.Join(n.To, ", "), Outcome: audit.Done,
	})
	return int(told), err
}

func (p platform) audited(from native.Origin, verb, id, reason string) []audit.Draft {
	return []audit.Draft{{
		At: p.a.clock(), Actor: audit.Actor{Kind: "system", Name: "run"}, Verb: verb,
		Object: audit.Object{Kind: "alert", ID: id}, Run: from.Run, Step: from.Step, Reason: reason, Outcome: audit.Done,
	}}
}

// Alerts searches alerts.
func (p platform) Alerts(ctx context.Context, q tocsin.AlertQuery) ([]map[string]any, bool, error) {
	list, err := p.a.store.Alerts(ctx, lookup.Alerts{
		Q: q.Q, Severity: q.Severity, Status: q.Status, Source: q.Source, Since: q.Since,
	}, lookup.Page{Limit: q.Limit})
	if err != nil {
		return nil, false, err
	}
	items, err := objects(list.Items)
	return items, list.Next != nil, err
}

// Runs searches runs.
func (p platform) Runs(ctx context.Context, q tocsin.RunQuery) ([]map[string]any, bool, error) {
	list, err := p.a.store.Runs(ctx, lookup.Runs{
		Playbook: q.Playbook, Status: q.Status, Alert: q.Alert, Since: q.Since,
	}, lookup.Page{Limit: q.Limit})
	if err != nil {
		return nil, false, err
	}
	items, err := objects(list.Items)
	return items, list.Next != nil, err
}

// objects turns nouns into JSON objects as the API shows them.
func objects[T any](list []T) ([]map[string]any, error) {
	out := make([]map[string]any, len(list))
	for i, x := range list {
		raw, err := json.Marshal(x)
		if err != nil {
			return nil, fmt.Errorf("show a result: %w", err)
		}
		d := json.NewDecoder(strings.NewReader(string(raw)))
		if err := d.Decode(&out[i]); err != nil {
			return nil, fmt.Errorf("show a result: %w", err)
		}
	}
	return out, nil
}

func hexOf(revision string) string { return strings.TrimPrefix(revision, "sha256:") }
