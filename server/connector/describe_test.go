package connector

import (
	"strings"
	"testing"

	"github.com/tocsin-soar/tocsin/server/document"
)

func TestTheSchemaOfManifestsTakesGoodOnesAndRefusesMisspeltOnes(t *testing.T) {
	schema, err := CompileSchema(Schema())
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		old, now string
		good     bool
	}{
		"the skeleton":          {"", "", true},
		"an unknown key":        {"title:", "titel:", false},
		"an unknown impact":     {"impact: read", "impact: raed", false},
		"an unknown method":     {"method: GET", "method: FETCH", false},
		"no impact":             {"    impact: read\n", "", false},
		"a name with a dash":    {"get_item:", "get-item:", false},
		"an odd tested":         {"tested: documented", "tested: surely", false},
		"a mapping":             {"health:", "alerts: { map: { title: item.name } }\nhealth:", true},
		"a misspelt field":      {"health:", "alerts: { map: { titel: item.name } }\nhealth:", false},
		"no idempotency":        {"    impact: read\n", "    impact: read\n    idempotency: none\n", true},
		"an idempotency header": {"    impact: read\n", "    impact: read\n    idempotency: { header: Idempotency-Key }\n", true},
		"an idempotency word":   {"    impact: read\n", "    impact: read\n    idempotency: some\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			text := New("acme")
			if tc.old != "" && !strings.Contains(text, tc.old) {
				t.Fatalf("the skeleton has no %q", tc.old)
			}
			n, ps := document.Parse("manifest.yaml", []byte(strings.Replace(text, tc.old, tc.now, 1)))
			if n == nil {
				t.Fatal(ps)
			}
			if err := schema.Validate(n.Plain()); (err == nil) != tc.good {
				t.Errorf("taken: got %v, want %v (%v)", err == nil, tc.good, err)
			}
		})
	}
}
