package opa_test

import (
	"encoding/json"
	"testing"

	"github.com/tocsin-soar/tocsin/server/alert"
	"github.com/tocsin-soar/tocsin/server/gate"
	"github.com/tocsin-soar/tocsin/server/ident"
)

// wholeAlert is an alert with something in every field, as JSON reads it.
func wholeAlert(tb testing.TB) map[string]any {
	tb.Helper()
	verdict := "benign"
	raw, err := json.Marshal(alert.Alert{
		ID: "alr_0", Source: "edr", SourceID: "1", Title: "malware", Status: alert.New, Verdict: &verdict, Severity: alert.High, Confidence: 80,
		FirstSeen: noon, LastSeen: noon, Count: 1, Mapped: true,
		Hosts: []alert.Host{{Name: "ws-117"}}, Users: []alert.User{{Name: "zoe"}}, IPs: []string{"10.0.0.1"}, Domains: []string{"example.org"},
		URLs: []string{"https://example.org"}, Mails: []alert.Mail{{From: "a@example.org", To: []string{"b@example.org"}}},
		Files: []alert.File{{Name: "x.exe", Size: 9}}, Processes: []alert.Process{{Name: "x", PID: 1}}, Attack: []string{"T1486"}, Labels: []string{"l"},
		Fields: map[string]any{"vendor": map[string]any{"deep": []any{1, 2.5, "x", nil}}}, Raw: alert.Raw{SHA256: "00", Bytes: 12},
	})
	if err != nil {
		tb.Fatal(err)
	}
	v, err := ident.Decode(raw)
	if err != nil {
		tb.Fatal(err)
	}
	m, ok := v.(map[string]any)
	if !ok {
		tb.Fatal("an alert is no object")
	}
	return m
}

func TestAnAlertAsTheHouseGivesItFitsTheInput(t *testing.T) {
	p := compile(t, nil)
	for name, a := range map[string]alert.Alert{
		"an empty one": {Status: alert.New, Severity: alert.Low},
		"one with hosts": {
			Status: alert.Closed, Severity: alert.Critical, FirstSeen: noon, Hosts: []alert.Host{{Name: "ws-117"}},
			Mails: []alert.Mail{{From: "a@example.org"}}, Processes: []alert.Process{{PID: 7}}, Fields: map[string]any{"a": 1.5},
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := p.Judge(t.Context(), question("read", func(q *gate.Question) { q.Alert = alert.Value(a, false) }))
			if a.Outcome != gate.Allow {
				t.Errorf("got %s: %v", a.Outcome, a.Reasons)
			}
		})
	}
}
