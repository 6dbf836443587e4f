package demo

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/tocsin-soar/tocsin/server/alert"
	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/ident"
	"github.com/tocsin-soar/tocsin/server/library"
	"github.com/tocsin-soar/tocsin/server/secret"
)

// desk is what a library needs of the rest of the product, kept in memory.
type desk struct {
	secrets string
	books   map[string]library.Book
	kept    map[string][]byte
}

func (d *desk) Keep(_ context.Context, _ library.Kind, raw []byte, _ []string) error {
	d.kept[ident.Sum(raw)] = raw
	return nil
}

func (d *desk) Kept(_ context.Context, _ library.Kind, name string) ([]byte, error) {
	if raw, ok := d.kept[name]; ok {
		return raw, nil
	}
	return nil, fault.New(fault.NotFound, "nothing is kept under that name")
}

func (d *desk) Books(context.Context) ([]library.Book, error) { return nil, nil }

func (d *desk) ChangeBook(_ context.Context, slug string, change func(library.Book) (library.Book, []audit.Draft, error)) (library.Book, error) {
	b := d.books[slug]
	b.Slug = slug
	b, _, err := change(b)
	if err == nil {
		d.books[slug] = b
	}
	return b, err
}

func (d *desk) BookVersions(context.Context, string) ([]library.Version, error) { return nil, nil }

func (d *desk) Swap(context.Context, map[string][]byte) []fault.Problem { return nil }

func (d *desk) Resolve(text string) (secret.Value, error) {
	ref, ok := secret.ParseRef(text)
	if !ok {
		return secret.Of(text), nil // a user name, or a literal, which would be a warning
	}
	if ref.Scheme != "file" {
		return secret.Value{}, errors.New("the range's workspace names files of secrets and nothing else")
	}
	raw, err := read(d.secrets, ref.Name)
	return secret.Of(string(raw)), err
}

// load reads the workspace that a range wrote, as the product does.
func load(t *testing.T, r *Range) *library.Snapshot {
	t.Helper()
	d := &desk{secrets: r.Secrets(), books: map[string]library.Book{}, kept: map[string][]byte{}}
	manifests := fstest.MapFS{}
	root := os.DirFS("../../integrations")
	names, err := fs.Glob(root, "range-*/manifest.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		raw, err := fs.ReadFile(root, n)
		if err != nil {
			t.Fatal(err)
		}
		manifests[n] = &fstest.MapFile{Data: raw}
	}
	l := library.New(library.Options{
		Playbooks: fstest.MapFS{}, Integrations: manifests, Workspaces: []library.Folder{{Name: "demo", FS: os.DirFS(r.Workspace())}},
		Archive: d, Shelf: d, Policies: d, Secrets: d, Clock: newClock().now,
	})
	if _, err := l.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	return l.Current()
}

func TestTheWorkspaceOfTheRangeHasNoProblem(t *testing.T) {
	r := open(t, t.TempDir(), newClock())
	s := load(t, r)
	for _, p := range s.Problems() {
		t.Errorf("%s:%d:%d %s %s", p.File, p.Line, p.Column, p.Severity, p.Message)
	}
	if n := len(s.Connections()); n != 7 {
		t.Errorf("connections: got %d, want 7", n)
	}
	if n := len(s.Sources()); n != 3 {
		t.Errorf("sources: got %d, want 3", n)
	}
	for value, tag := range map[string]string{"SRV-DC-01": "protected", "srv-file-02.example.test": "critical"} {
		if tags, _, _ := s.Tags("host", value); !slices.Contains(tags, tag) {
			t.Errorf("%s: got %v, want %s among them", value, tags, tag)
		}
	}
}

func TestEverySampleDetectionIsMapped(t *testing.T) {
	c := newClock()
	r := open(t, t.TempDir(), c)
	s := load(t, r)
	severities := map[alert.Severity]bool{}
	for _, d := range detections(1, func(string) bool { return false }) {
		src, ok := s.Source(d.Source)
		if !ok {
			t.Fatalf("%s: no source %s", d.ID, d.Source)
		}
		raw, err := json.Marshal(d.body(c.now()))
		if err != nil {
			t.Fatal(err)
		}
		payload, err := ident.Decode(raw)
		if err != nil {
			t.Fatalf("%s: %v", d.ID, err)
		}
		out, err := alert.Normalise(src.Mapping, payload, map[string]string{}, d.Source, c.now())
		if err != nil || len(out) != 1 || len(out[0].Unread) > 0 || !out[0].Alert.Mapped {
			t.Errorf("%s: got %+v, %v; want one alert that is mapped", d.ID, out, err)
			continue
		}
		a := out[0].Alert
		severities[a.Severity] = true
		if strings.HasPrefix(d.ID, "edr-1-") && (a.Category != "malware" || len(a.Hosts) != 1 || len(a.Files) != 1 || a.Files[0].SHA256 != shaMalware) {
			t.Errorf("%s: got %+v", d.ID, a)
		}
		if d.ID == "siem-1" && (a.Category != "brute_force" || a.Severity != alert.High || len(a.IPs) != 1 || a.IPs[0] != bruteIP) {
			t.Errorf("%s: got %+v", d.ID, a)
		}
	}
	if len(severities) < 4 {
		t.Errorf("got the severities %v, want nearly all", severities)
	}
}
