package alert_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"unicode/utf8"

	"github.com/tocsin-soar/tocsin/server/alert"
	"github.com/tocsin-soar/tocsin/server/ident"
)

// FuzzNormalise holds that every payload becomes alerts that can be stored,
// shown and matched.
func FuzzNormalise(f *testing.F) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		f.Fatal("no samples", err)
	}
	for _, name := range files {
		raw, err := fs.ReadFile(os.DirFS("."), filepath.ToSlash(name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add([]byte(`[{"title": "x", "severity": "high", "hosts": [{"name": "a"}], "mails": [{"to": "x"}]}, null, 3, "text"]`))
	f.Add([]byte(`{"alerts": [{"status": "firing", "labels": {"alertname": "x"}}]}`))
	f.Add([]byte(`{"title": 1.5, "confidence": -3, "first_seen": 1e300, "last_seen": -5, "files": [{"size": "x"}]}`))
	own, _ := alert.CompileMapping(alert.Text{Items: "payload.alerts", Map: map[string]string{"title": "item.labels.alertname", "hosts": "[{'name': item.?host.orValue('')}]"}})
	f.Fuzz(func(t *testing.T, raw []byte) {
		payload, err := ident.Decode(raw)
		if err != nil {
			return
		}
		for _, m := range []alert.Mapping{alert.Generic(), own, {}} {
			got, err := alert.Normalise(m, payload, map[string]string{"x": "y"}, "edr", noon)
			if err != nil {
				continue
			}
			for _, n := range got {
				checkAlert(t, n.Alert)
			}
		}
	})
}

func checkAlert(t *testing.T, a alert.Alert) {
	t.Helper()
	switch {
	case a.Title == "" || !utf8.ValidString(a.Title):
		t.Errorf("title %q", a.Title)
	case a.Severity.Rank() == 0:
		t.Errorf("severity %q", a.Severity)
	case a.Confidence < 0 || a.Confidence > 100:
		t.Errorf("confidence %d", a.Confidence)
	case a.LastSeen.After(noon) || a.FirstSeen.After(a.LastSeen):
		t.Errorf("seen from %v to %v", a.FirstSeen, a.LastSeen)
	case a.Hosts == nil || a.Users == nil || a.IPs == nil || a.Domains == nil || a.URLs == nil || a.Mails == nil || a.Files == nil || a.Processes == nil || a.Attack == nil || a.Labels == nil || a.Fields == nil:
		t.Error("a list is null")
	}
	raw, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	var back alert.Alert
	if err := json.Unmarshal(raw, &back); err != nil {
		t.Fatal(err)
	}
	if alert.DedupKey(back, nil) != alert.DedupKey(a, nil) {
		t.Error("the key does not survive JSON")
	}
}
