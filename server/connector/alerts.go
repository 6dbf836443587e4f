package connector

import (
	"github.com/tocsin-soar/tocsin/server/document"
	"github.com/tocsin-soar/tocsin/server/expr"
	"github.com/tocsin-soar/tocsin/server/fault"
)

// fields are those of an alert that a mapping may give (alerts.md).
var alertFields = []string{ //nolint:gochecknoglobals // a constant table
	"source_id", "url", "title", "description", "category", "severity", "confidence", "first_seen", "last_seen",
	"hosts", "users", "ips", "domains", "urls", "mails", "files", "processes", "attack", "labels",
}

// checkAlerts compiles the CEL of an alert mapping, so that a mistake has its
// place in the file.
func checkAlerts(n *document.Node) []fault.Problem {
	scope := expr.NewScope().With("payload", expr.Dyn).With("item", expr.Dyn).With("headers", expr.Map(expr.String))
	var out []fault.Problem
	check := func(n *document.Node, want expr.Type) {
		if n == nil {
			return
		}
		_, ps := document.Expression(n, scope, want)
		out = append(out, ps...)
	}
	check(n.Get("items"), expr.Dyn)
	check(n.Get("when"), expr.Bool)
	check(n.Get("closes"), expr.Bool)
	known := map[string]bool{}
	for _, f := range alertFields {
		known[f] = true
	}
	for _, e := range n.Get("map").Entries() {
		if !known[e.Key] {
			out = append(out, document.UnknownKey(e, alertFields))
			continue
		}
		check(e.Value, expr.Dyn)
	}
	if !n.Get("map").Has("title") {
		out = append(out, n.Get("map").Problem("missing_key", "an alert needs a title", ""))
	}
	return out
}
