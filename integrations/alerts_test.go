package integrations_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-soar/tocsin/server/alert"
	"github.com/tocsin-soar/tocsin/server/ident"
)

// delivery is one documented payload of testdata/alerts.json.
type delivery struct {
	Name    string           `json:"name"`
	Source  string           `json:"source"`
	Payload json.RawMessage  `json:"payload"`
	Want    []map[string]any `json:"want"` // the parts that matter
}

func TestEachAlertMappingReadsWhatItsProductSends(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for dir, m := range manifests(t) {
		if m.Alerts == nil {
			continue
		}
		mapping, issues := alert.CompileMapping(m.Alerts.Text())
		if len(issues) > 0 {
			t.Errorf("%s: %v", dir, issues)
		}
		raw, err := fs.ReadFile(os.DirFS("."), dir+"/testdata/alerts.json")
		if err != nil {
			t.Errorf("%s maps alerts, but shows none: %v", dir, err)
			continue
		}
		var cases []delivery
		strict(t, raw, &cases)
		for _, c := range cases {
			t.Run(dir+"/"+c.Name, func(t *testing.T) {
				payload, err := ident.Decode(c.Payload)
				if err != nil {
					t.Fatal(err)
				}
				got, err := alert.Normalise(mapping, payload, nil, dir, now)
				if err != nil || len(got) != len(c.Want) {
					t.Fatalf("got %d alerts, %v; want %d", len(got), err, len(c.Want))
				}
				for i, want := range c.Want {
					have := told(got[i])
					for k := range have {
						if _, asked := want[k]; !asked {
							delete(have, k)
						}
					}
					if d := cmp.Diff(jsonOf(t, want), jsonOf(t, have)); d != "" {
						t.Errorf("alert %d: %s (unread: %v)", i, d, got[i].Unread)
					}
				}
			})
		}
	}
}

// told names the parts of an alert as the recordings do: entities by what they are
// known by.
func told(n alert.Normalised) map[string]any {
	a := n.Alert
	names := func(count int, name func(i int) string) []string {
		out := []string{}
		for i := range count {
			out = append(out, name(i))
		}
		return out
	}
	return map[string]any{
		"mapped": a.Mapped, "closes": n.Closes, "ignore": n.Ignore, "source_id": a.SourceID, "title": a.Title, "description": a.Description,
		"severity": a.Severity, "confidence": a.Confidence, "category": a.Category, "url": a.URL,
		"first_seen": a.FirstSeen.UTC(), "last_seen": a.LastSeen.UTC(),
		"hosts": names(len(a.Hosts), func(i int) string { return a.Hosts[i].Name }), "users": names(len(a.Users), func(i int) string { return a.Users[i].Name }),
		"ips": a.IPs, "domains": a.Domains, "urls": a.URLs, "attack": a.Attack, "labels": slices.Sorted(slices.Values(a.Labels)),
		"files":     names(len(a.Files), func(i int) string { return a.Files[i].SHA256 }),
		"processes": names(len(a.Processes), func(i int) string { return a.Processes[i].Name }),
	}
}
