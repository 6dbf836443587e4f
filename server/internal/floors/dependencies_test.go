package floors_test

import (
	"encoding/json"
	"maps"
	"os"
	"regexp"
	"strings"
	"testing"
)

// rowText is a row of the page's tables: name, version, licence, reason.
var rowText = regexp.MustCompile(`(?m)^\| ([^|]+) \| (v?[0-9][^|]*) \| ([^|]+) \| ([^|]+) \|$`)

// named gives what go.mod (direct ones) and web/package.json ask for, with versions.
func named(t *testing.T) map[string]string {
	t.Helper()
	want := map[string]string{}
	mod, err := os.ReadFile("../../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mod)) {
		f := strings.Fields(line)
		if len(f) == 2 && strings.HasPrefix(line, "\t") && strings.HasPrefix(f[1], "v") {
			want[f[0]] = f[1]
		}
	}
	raw, err := os.ReadFile("../../../web/package.json")
	if err != nil {
		t.Fatal(err)
	}
	var web struct{ Dependencies, DevDependencies map[string]string }
	if err := json.Unmarshal(raw, &web); err != nil {
		t.Fatal(err)
	}
	for _, deps := range []map[string]string{web.Dependencies, web.DevDependencies} {
		maps.Copy(want, deps)
	}
	return want
}

func TestEveryDependencyIsNamedWithLicenceAndReason(t *testing.T) {
	page, err := os.ReadFile("../../../docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, m := range rowText.FindAllStringSubmatch(string(page), -1) {
		got[m[1]] = m[2]
	}
	want := named(t)
	for name, version := range want {
		if got[name] != version {
			t.Errorf("docs/dependencies.md: %s is %q there, %q is used", name, got[name], version)
		}
	}
	for name := range got {
		if want[name] == "" {
			t.Errorf("docs/dependencies.md: %s is used no more", name)
		}
	}
}
