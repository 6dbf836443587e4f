// Package jira_test looks at what differs between Jira's products.
package jira_test

import (
	"os"
	"testing"

	"github.com/tocsin-soar/tocsin/server/connector"
)

func TestTheCloudAndTheDataCenterAreAskedEachInItsWay(t *testing.T) {
	src, err := os.ReadFile("manifest.yaml")
	if err != nil {
		t.Fatal(err)
	}
	m, problems := connector.Parse("manifest.yaml", src)
	if m == nil {
		t.Fatal(problems)
	}
	for base, want := range map[string]struct{ search, done string }{
		"https://example.atlassian.net":                  {"/rest/api/2/search/jql", "31"},
		"https://example.atlassian.net/":                 {"/rest/api/2/search/jql", "31"},
		"https://api.atlassian.com/ex/jira/11223344":     {"/rest/api/2/search/jql", "31"},
		"https://jira.example.org/jira":                  {"/rest/api/2/search", "2"},
		"https://example.atlassian.net.evil.example/":    {"/rest/api/2/search", "2"},
		"https://evil.example/https://api.atlassian.com": {"/rest/api/2/search", "2"},
	} {
		conn := connector.Connection{BaseURL: base}
		for _, id := range []string{"search", "find_by_label"} {
			a := m.Action(id)
			r, err := a.Render(a.ExampleInput, "k", conn)
			if err != nil || r.Path != want.search {
				t.Errorf("%s at %s: got %q, %v; want %q", id, base, r.Path, err, want.search)
			}
		}
		r, err := m.Action("close_issue").Render(map[string]any{"key": "SEC-1"}, "k", conn)
		if err != nil || string(r.Body) != `{"transition":{"id":"`+want.done+`"}}` {
			t.Errorf("closing at %s: got %s, %v; want the transition %s", base, r.Body, err, want.done)
		}
	}
}
