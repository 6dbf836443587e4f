package integrations_test

import (
	"io/fs"
	"path"
	"strings"
	"testing"

	"github.com/tocsin-soar/tocsin/integrations"
	"github.com/tocsin-soar/tocsin/server/connector"
	"github.com/tocsin-soar/tocsin/server/fault"
)

// manifests reads every shipped manifest.
func manifests(t *testing.T) map[string]*connector.Manifest {
	t.Helper()
	files, err := fs.Glob(integrations.FS, "*/manifest.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no manifest is carried: %v", err)
	}
	out := map[string]*connector.Manifest{}
	for _, f := range files {
		src, err := fs.ReadFile(integrations.FS, f)
		if err != nil {
			t.Fatal(err)
		}
		m, problems := connector.Parse("integrations/"+f, src)
		for _, p := range problems {
			if p.Severity == fault.SeverityError {
				t.Errorf("%s:%d:%d: %s (%s) %s", p.File, p.Line, p.Column, p.Message, p.Code, p.Hint)
			} else {
				t.Logf("%s:%d:%d: %s: %s", p.File, p.Line, p.Column, p.Severity, p.Message)
			}
		}
		if m != nil {
			out[path.Dir(f)] = m
		}
	}
	return out
}

func TestEveryShippedManifestIsSound(t *testing.T) {
	for dir, m := range manifests(t) {
		if m.ID != dir {
			t.Errorf("%s: its id is %q; want the folder's name", dir, m.ID)
		}
		if m.Tested == "" || strings.TrimSpace(m.Name) == "" {
			t.Errorf("%s: says neither its name nor how it was tested", dir)
		}
	}
}
