package vault_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/vault"
)

func TestReferencesReadOnlyWhatTheSettingsList(t *testing.T) {
	outside, dir := t.TempDir(), filepath.Join(t.TempDir(), "secrets")
	write := func(path, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(outside, "shadow"), canary)
	write(filepath.Join(dir, "edr"), "s3cret\n")
	write(filepath.Join(dir, "sub", "deep"), "deep")
	write(filepath.Join(dir, "empty"), "\n")
	write(filepath.Join(dir, "binary"), "\xff\xfe")
	write(filepath.Join(dir, "huge"), strings.Repeat("x", 70_000))
	for name, to := range map[string]string{"link": filepath.Join(outside, "shadow"), "up": "../../shadow", "inner": "edr"} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	env := map[string]string{"EDR": "from-env", "OTHER": canary, "TOCSIN_KEY": canary, "EMPTY": ""}
	r := vault.NewResolver([]string{"EDR", "TOCSIN_KEY", "EMPTY", "UNSET"}, dir, func(k string) (string, bool) { v, ok := env[k]; return v, ok })

	for ref, want := range map[string]string{ // the text, or a code
		"plain text":                    "plain text",
		"env://EDR":                     "from-env",
		"env://OTHER":                   "secret_reference_not_allowed",
		"env://edr":                     "secret_reference_not_allowed",
		"env://TOCSIN_KEY":              "secret_reference_not_allowed",
		"env://tocsin_key":              "secret_reference_not_allowed",
		"env://":                        "secret_reference_not_allowed",
		"env://EDR ":                    "secret_reference_not_allowed",
		"env://EMPTY":                   "secret_missing",
		"env://UNSET":                   "secret_missing",
		"file://edr":                    "s3cret",
		"file://sub/deep":               "deep",
		"file://inner":                  "s3cret",
		"file://" + dir + "/edr":        "s3cret",
		"file://gone":                   "secret_missing",
		"file://empty":                  "secret_missing",
		"file://link":                   "secret_reference_not_allowed",
		"file://up":                     "secret_reference_not_allowed",
		"file://sub":                    "secret_reference_not_allowed",
		"file://":                       "secret_reference_not_allowed",
		"file://../shadow":              "secret_reference_not_allowed",
		"file://sub/../../shadow":       "secret_reference_not_allowed",
		"file:///etc/passwd":            "secret_reference_not_allowed",
		"file://..\\shadow":             "secret_reference_not_allowed",
		"file://" + outside + "/shadow": "secret_reference_not_allowed",
		"file://binary":                 "invalid_input",
		"file://huge":                   "invalid_input",
		"vault://kv/edr":                "secret_reference_unsupported",
		"sealed://1":                    "secret_reference_unsupported",
	} {
		t.Run(ref, func(t *testing.T) {
			v, err := r.Resolve(ref)
			got := v.Reveal()
			if err != nil {
				got = fault.CodeOf(err)
			}
			if got != want {
				t.Errorf("got %q (%v); want %q", got, err, want)
			}
			if s := fmt.Sprintf("%v %+v %#v %s", v, v, v, err); strings.Contains(s, canary) || strings.Contains(s, "s3cret") {
				t.Errorf("a secret was printed: %s", s)
			}
		})
	}
}

func TestWithoutSettingsNoReferenceIsRead(t *testing.T) {
	r := vault.NewResolver(nil, "", func(string) (string, bool) { return canary, true })
	for _, ref := range []string{"env://HOME", "env://PATH", "file://etc/passwd", "file:///etc/passwd", "file://./x"} {
		if _, err := r.Resolve(ref); fault.CodeOf(err) != "secret_reference_not_allowed" {
			t.Errorf("%s: got %v", ref, err)
		}
	}
}
