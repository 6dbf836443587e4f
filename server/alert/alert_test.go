package alert_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-soar/tocsin/server/alert"
	"github.com/tocsin-soar/tocsin/server/expr"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/ident"
)

var noon = time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)

func decode(t *testing.T, text string) any {
	t.Helper()
	v, err := ident.Decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// alertmanager is the mapping of alerts.md.
func alertmanager(t *testing.T) alert.Mapping {
	t.Helper()
	m, issues := alert.CompileMapping(alert.Text{
		Items: "payload.alerts", Closes: "item.status == 'resolved'", When: "item.status == 'firing'",
		Map: map[string]string{
			"source_id":  "item.fingerprint",
			"title":      "item.labels.alertname",
			"severity":   "{'critical': severity.critical, 'warning': severity.medium}[?item.labels.?severity.orValue('')].orValue(severity.low)",
			"first_seen": "timestamp(item.startsAt)",
			"hosts":      "[{'name': item.labels.instance}]",
			"url":        "item.generatorURL",
		},
	})
	if len(issues) > 0 {
		t.Fatalf("%+v", issues)
	}
	return m
}

func TestAMappingReadsItsVendorsAlerts(t *testing.T) {
	payload := decode(t, `{"alerts": [
		{"status": "firing", "fingerprint": "f1", "startsAt": "2026-01-05T11:00:00.5+01:00", "generatorURL": "http://prom/g", "labels": {"alertname": "DiskFull", "severity": "warning", "instance": "db-1"}},
		{"status": "resolved", "fingerprint": "f2", "startsAt": "2026-01-05T09:00:00Z", "generatorURL": "http://prom/h", "labels": {"alertname": "Down", "instance": "db-2"}},
		{"status": "pending", "fingerprint": "f3", "startsAt": "2026-01-05T09:00:00Z", "generatorURL": "", "labels": {"alertname": "Other", "instance": "db-3"}},
		{"status": "firing", "labels": {"severity": "critical"}}
	]}`)
	got, err := alert.Normalise(alertmanager(t), payload, nil, "prom", noon)
	if err != nil || len(got) != 4 {
		t.Fatalf("%d alerts, %v", len(got), err)
	}
	first := got[0].Alert
	want := alert.Alert{
		Source: "prom", SourceID: "f1", Title: "DiskFull", URL: "http://prom/g", Severity: alert.Medium, Status: alert.New, Count: 1, Mapped: true,
		FirstSeen: time.Date(2026, 1, 5, 10, 0, 0, 500_000_000, time.UTC), LastSeen: noon,
		Hosts: []alert.Host{{Name: "db-1"}}, Users: []alert.User{}, IPs: []string{}, Domains: []string{}, URLs: []string{}, Mails: []alert.Mail{},
		Files: []alert.File{}, Processes: []alert.Process{}, Attack: []string{}, Labels: []string{}, Fields: first.Fields,
	}
	if diff := cmp.Diff(first, want); diff != "" {
		t.Error(diff)
	}
	if first.Fields["fingerprint"] != "f1" {
		t.Error("fields are not the item's own")
	}
	if got[0].Closes || got[0].Ignore || !got[1].Closes || got[1].Ignore || !got[2].Ignore || got[2].Closes {
		t.Errorf("closes and when are mixed up: %+v", got)
	}
	broken := got[3]
	if broken.Alert.Mapped || broken.Ignore || broken.Alert.Severity != alert.Critical || broken.Alert.Title == "" {
		t.Errorf("what cannot be mapped is not kept: %+v", broken)
	}
	if diff := cmp.Diff(broken.Unread, []string{"first_seen", "hosts", "source_id", "title", "url"}); diff != "" {
		t.Error(diff)
	}
}

func TestAPayloadWithoutTheItemsIsOneUnmappedAlert(t *testing.T) {
	for name, payload := range map[string]string{"no list": `{"alerts": "none"}`, "no object": `"text"`, "nothing": `null`, "another": `{"name": "Something else"}`} {
		got, err := alert.Normalise(alertmanager(t), decode(t, payload), nil, "prom", noon)
		if err != nil || len(got) != 1 || got[0].Alert.Mapped || got[0].Alert.Title == "" || got[0].Alert.Fields == nil {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestGenericTakesTheNormalisedNamesAsTheyAre(t *testing.T) {
	payload := decode(t, `{"source_id": "4711", "title": "  Malware  ", "severity": "HIGH", "category": "malware", "confidence": 140.4, "url": "https://x/1",
		"first_seen": 1767607200, "last_seen": "2031-01-01T00:00:00Z", "verdict": "benign", "attack": ["T1486", "T1486", ""],
		"hosts": [{"name": "ws-1", "ip": "::ffff:10.0.0.1"}, "ws-2"], "users": {"name": "anna"}, "ips": "192.0.2.1", "domains": ["Evil.Example."],
		"files": [{"name": "a.exe", "sha256": "ABCD", "size": 12}], "processes": [{"name": "a", "pid": 7, "command_line": "a -b"}],
		"mails": [{"from": "x@y", "to": ["a@b", "c@d"]}], "extra": {"n": 9007199254740993}}`)
	got, err := alert.Normalise(alert.Generic(), payload, nil, "edr", noon)
	if err != nil {
		t.Fatal(err)
	}
	a, benign := got[0].Alert, "benign"
	want := alert.Alert{
		Source: "edr", SourceID: "4711", Title: "Malware", Severity: alert.High, Category: "malware", Confidence: 100, URL: "https://x/1", Verdict: &benign,
		Status: alert.New, Count: 1, Mapped: true, FirstSeen: time.Date(2026, 1, 5, 10, 0, 0, 0, time.UTC), LastSeen: noon,
		Hosts: []alert.Host{{Name: "ws-1", IP: "10.0.0.1"}, {Name: "ws-2"}}, Users: []alert.User{{Name: "anna"}}, IPs: []string{"192.0.2.1"},
		Domains: []string{"evil.example"}, URLs: []string{}, Files: []alert.File{{Name: "a.exe", SHA256: "abcd", Size: 12}},
		Processes: []alert.Process{{Name: "a", PID: 7, CommandLine: "a -b"}}, Mails: []alert.Mail{{From: "x@y", To: []string{"a@b", "c@d"}}},
		Attack: []string{"T1486"}, Labels: []string{}, Fields: a.Fields,
	}
	if diff := cmp.Diff(a, want); diff != "" {
		t.Error(diff)
	}
}

func TestWhatGenericCannotReadIsUnmapped(t *testing.T) {
	for name, tc := range map[string]struct{ payload, unread string }{
		"no title":               {`{"severity": "low"}`, "title"},
		"an unknown severity":    {`{"title": "x", "severity": "apocalyptic"}`, "severity"},
		"a severity beyond five": {`{"title": "x", "severity": 6}`, "severity"},
		"a title that is a list": {`{"title": ["x"]}`, "title"},
		"hosts of numbers":       {`{"title": "x", "hosts": [1, 2]}`, "hosts"},
		"a broken time":          {`{"title": "x", "first_seen": "yesterday"}`, "first_seen"},
		"a time before time":     {`{"title": "x", "first_seen": "0001-01-01T00:00:00Z"}`, "first_seen"},
		"a name that is a map":   {`{"title": "x", "users": [{"name": {}}]}`, "users"},
		"mail to a map":          {`{"title": "x", "mails": [{"to": [{}]}]}`, "mails"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := alert.Normalise(alert.Generic(), decode(t, tc.payload), nil, "edr", noon)
			if err != nil {
				t.Fatal(err)
			}
			if n := got[0]; n.Alert.Mapped || strings.Join(n.Unread, " ") != tc.unread || n.Alert.Severity != alert.Low || n.Alert.Title == "" {
				t.Errorf("%+v", n)
			}
		})
	}
}

func TestAnArrayIsTakenWholeOrNotAtAll(t *testing.T) {
	list := make([]any, alert.MaxItems)
	for i := range list {
		list[i] = map[string]any{"title": "x", "source_id": int64(i)}
	}
	got, err := alert.Normalise(alert.Generic(), list, nil, "edr", noon)
	if err != nil || len(got) != alert.MaxItems {
		t.Fatalf("%d, %v", len(got), err)
	}
	_, err = alert.Normalise(alert.Generic(), slices.Concat(list, list[:1]), nil, "edr", noon)
	if fault.CodeOf(err) != "too_many_alerts" || fault.KindOf(err) != fault.TooLarge {
		t.Errorf("%v", err)
	}
}

func TestTextsAreBoundedAndStayText(t *testing.T) {
	long := strings.Repeat("é", 5_000)
	got, err := alert.Normalise(alert.Generic(), map[string]any{"title": long, "description": "a\x00b <script> ${{ x }}"}, nil, "edr", noon)
	if err != nil {
		t.Fatal(err)
	}
	a := got[0].Alert
	if len(a.Title) > 1000 || !strings.HasPrefix(long, a.Title) || len(a.Title) < 990 {
		t.Errorf("%d bytes of title", len(a.Title))
	}
	if a.Description != "a\uFFFDb <script> ${{ x }}" {
		t.Errorf("%q", a.Description)
	}
}

func TestMistakesOfAMappingAreNamed(t *testing.T) {
	_, issues := alert.CompileMapping(alert.Text{
		Items: "payload.[", Closes: "item.x + ", When: "1 + 2",
		Map: map[string]string{"title": "itme.x", "severty": "1", "url": ""},
	})
	for at, code := range map[string]string{"items": "syntax", "closes": "syntax", "when": "type_mismatch", "map.title": "unknown_name", "map.severty": "unknown_field", "map.url": "syntax"} {
		if len(issues[at]) == 0 || issues[at][0].Code != code {
			t.Errorf("%s: %+v", at, issues[at])
		}
	}
	if hint := issues["map.severty"]; len(hint) > 0 && !strings.Contains(hint[0].Hint, "severity") {
		t.Errorf("%+v", hint)
	}
}

func TestTheKeySaysWhichAlertsAreOne(t *testing.T) {
	key := func(a alert.Alert, e *expr.Expr) string { return alert.DedupKey(a, e) }
	base := alert.Alert{Source: "edr", SourceID: "1", Title: "x"}
	other := alert.Alert{Source: "edr", SourceID: "1", Title: "y", Hosts: []alert.Host{{Name: "h"}}}
	if key(base, nil) != key(other, nil) {
		t.Error("the source's id does not decide")
	}
	if a := base; key(a, nil) == key(alert.Alert{Source: "siem", SourceID: "1"}, nil) {
		t.Error("two sources share a key")
	}
	a := alert.Alert{Source: "edr", Title: "x", IPs: []string{"192.0.2.1", "192.0.2.2"}}
	b := alert.Alert{Source: "edr", Title: "x", IPs: []string{"192.0.2.2", "192.0.2.1"}}
	if key(a, nil) != key(b, nil) {
		t.Error("the order of entities matters")
	}
	b.IPs = append(b.IPs, "192.0.2.3")
	if key(a, nil) == key(b, nil) {
		t.Error("other entities are the same alert")
	}
	own, issues := expr.Compile("alert.title + alert.severity.string()", expr.NewScope().With("alert", expr.AlertType()), expr.Dyn)
	if own != nil {
		t.Fatalf("%+v", issues)
	}
	own, _ = expr.Compile("alert.hosts[0].name", expr.NewScope().With("alert", expr.AlertType()), expr.Dyn)
	if key(base, own) != key(base, nil) {
		t.Error("a key that cannot be read does not fall back")
	}
	if key(other, own) == key(other, nil) {
		t.Error("the source's own key does not decide")
	}
}

func TestAnAlertSurvivesJSON(t *testing.T) {
	got, err := alert.Normalise(alert.Generic(), decode(t, `{"title": "x", "n": 9007199254740993, "f": 1.5, "l": [1]}`), nil, "edr", noon)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(got[0].Alert)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(raw), ":null") && !strings.Contains(string(raw), `"verdict":null`) || strings.Count(string(raw), "null") != 1 {
		t.Errorf("a list is null on the wire: %s", raw)
	}
	var back alert.Alert
	if err := json.Unmarshal(raw, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(back, got[0].Alert); diff != "" {
		t.Error(diff)
	}
}

func TestExpressionsAndPoliciesSeeTheirForms(t *testing.T) {
	a := alert.Alert{Severity: alert.High, FirstSeen: noon, LastSeen: noon}
	forExpr, forPolicy := alert.Value(a, true), alert.Value(a, false)
	if forExpr["severity"] != int64(4) || forPolicy["severity"] != "high" || forExpr["first_seen"] != any(noon) || forPolicy["first_seen"] != "2026-01-05T12:00:00Z" {
		t.Errorf("%v %v", forExpr["severity"], forPolicy["first_seen"])
	}
	if _, err := ident.Canonical(forPolicy); err != nil {
		t.Error(err)
	}
	// every field that the type names is there, and no other
	e, issues := expr.Compile("alert", expr.NewScope().With("alert", expr.AlertType()), expr.AlertType())
	if e == nil {
		t.Fatalf("%+v", issues)
	}
	for name := range forExpr {
		if _, issues := expr.Compile("alert."+name, expr.NewScope().With("alert", expr.AlertType()), expr.Dyn); len(issues) > 0 {
			t.Errorf("the type does not know %s", name)
		}
	}
}
