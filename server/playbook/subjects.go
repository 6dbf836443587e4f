package playbook

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tocsin-soar/tocsin/server/document"
	"github.com/tocsin-soar/tocsin/server/expr"
	"github.com/tocsin-soar/tocsin/server/fault"
)

// Subject is a kind of event of the platform.
type Subject struct {
	Name string
	Doc  string // what happened, and what the event's data has
}

// Subjects are the platform's events, by name.
func Subjects() []Subject {
	return []Subject{
		{"alert.closed", "An alert was closed, by a person or its source: id, source, title, severity, verdict, reason."},
		{"connection.broken", "A connection does not answer its health check any more: name, integration, error."},
		{"connection.restored", "It answers again: name, integration."},
		{"effect.undo_failed", "What should be taken back could not be: id, action, connection, run, why."},
		{"effect.undone", "An effect is not in force any more: id, action, connection, run, ended_by (expiry, person, run, policy)."},
		{"run.cancelled", "A run was cancelled: id, playbook, alert."},
		{"run.failed", "A run failed: id, playbook, alert, error (kind, message, step)."},
		{"run.succeeded", "A run ended well: id, playbook, alert, partial."},
	}
}

func subjectNames() []string {
	var out []string
	for _, s := range Subjects() {
		out = append(out, s.Name)
	}
	return out
}

// EventType is the type of event in a condition.
func EventType() expr.Type {
	return expr.Object(map[string]expr.Type{"subject": expr.String, "at": expr.Timestamp, "data": expr.Map(expr.Dyn)})
}

// subject reads the name of a kind of event.
func (k *compiler) subject(n *document.Node) string {
	names := subjectNames()
	if n.Kind == document.Text && slices.Contains(names, n.Scalar()) {
		return n.Scalar()
	}
	hint := "one of: " + strings.Join(names, ", ")
	if near := fault.Suggest(n.Scalar(), names); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	k.add(n.Problem("unknown_subject", fmt.Sprintf("there is no event %q", n.Scalar()), hint))
	return ""
}
