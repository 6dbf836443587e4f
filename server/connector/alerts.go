package connector

import (
	"github.com/tocsin-soar/tocsin/server/alert"
	"github.com/tocsin-soar/tocsin/server/document"
	"github.com/tocsin-soar/tocsin/server/expr"
	"github.com/tocsin-soar/tocsin/server/fault"
)

// Text gives the mapping in the words of server/alert, which compiles it.
func (m AlertMapping) Text() alert.Text {
	return alert.Text{Items: m.Items, When: m.When, Closes: m.Closes, Map: m.Map}
}

// checkAlerts compiles an alert mapping, so that a mistake has its place in the
// file.
func checkAlerts(n *document.Node, m AlertMapping) []fault.Problem {
	_, issues := alert.CompileMapping(m.Text())
	var out []fault.Problem
	place := func(at string, key, value *document.Node) {
		for _, i := range issues[at] {
			if i.Code == "unknown_field" {
				out = append(out, key.Problem(i.Code, i.Message, i.Hint))
				continue
			}
			out = append(out, document.Issues(value, []expr.Issue{i})...)
		}
	}
	for _, at := range []string{"items", "when", "closes"} {
		place(at, n.KeyNode(at), n.Get(at))
	}
	fields := n.Get("map")
	for _, e := range fields.Entries() {
		place("map."+e.Key, e.KeyNode(), e.Value)
	}
	if !fields.Has("title") {
		out = append(out, fields.Problem("missing_key", "an alert needs a title", "title: item.name"))
	}
	return out
}
