package app

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/tocsin-soar/tocsin/integrations"
	"github.com/tocsin-soar/tocsin/playbooks"
	"github.com/tocsin-soar/tocsin/server/alert"
	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/config"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/httpapi"
	"github.com/tocsin-soar/tocsin/server/ident"
	"github.com/tocsin-soar/tocsin/server/library"
	"github.com/tocsin-soar/tocsin/server/opa"
	"github.com/tocsin-soar/tocsin/server/secret"
	"github.com/tocsin-soar/tocsin/server/store"
)

// Bench is what commands without a server work on: what is shipped and a workspace
// folder, with nothing stored and no secret looked up.
type Bench struct {
	Library *library.Library
	Policy  *opa.Engine // the workspace's own beside the shipped one; nil unless asked for
}

// Offline reads a workspace folder, "" for none. The product's own source folder is
// read in place of what is shipped. With rules the policies are compiled as well: an
// error says that they cannot be.
func Offline(ctx context.Context, workspace string, rules bool) (*Bench, error) {
	clock := func() time.Time { return time.Now().UTC() }
	b := &Bench{}
	shelf := newShelf()
	o := library.Options{
		Playbooks: playbooks.FS, Integrations: integrations.FS, Archive: shelf, Shelf: shelf,
		Policies: unruled{}, Secrets: unopened{}, Clock: clock, ReviewFiles: true,
	}
	if rules {
		engine, err := opa.NewEngine(ctx, clock)
		if err != nil {
			return nil, err
		}
		b.Policy, o.Policies = engine, engine
	}
	if workspace != "" {
		root, err := os.OpenRoot(workspace) // a link in it leads nowhere outside
		if err != nil {
			return nil, fault.Wrap(err, fault.NotFound, "the workspace %s is not a folder that can be read", workspace)
		}
		if own, err := ownSource(root.FS()); err != nil {
			return nil, err
		} else if own != nil {
			o.Playbooks, o.Integrations = own[0], own[1]
		} else {
			o.Workspaces = []library.Folder{{FS: root.FS()}}
		}
	}
	b.Library = library.New(o)
	if _, err := b.Library.Reload(ctx); err != nil {
		return nil, err
	}
	return b, nil
}

// ownSource gives the folders playbooks and integrations of the product's source,
// nil where the folder is none.
func ownSource(from fs.FS) ([]fs.FS, error) {
	var out []fs.FS
	for _, name := range []string{"playbooks", "integrations"} {
		if _, err := fs.Stat(from, name+"/embed.go"); err != nil {
			return nil, nil //nolint:nilerr // a workspace, which has none
		}
		sub, err := fs.Sub(from, name)
		if err != nil {
			return nil, fmt.Errorf("open %s: %w", name, err)
		}
		out = append(out, sub)
	}
	return out, nil
}

// Mapping finds an alert mapping: generic, or an integration's.
func (b *Bench) Mapping(name string) (alert.Mapping, bool) {
	if name == "generic" {
		return alert.Generic(), true
	}
	m, ok := b.Library.Current().Manifest(name)
	if !ok || m.Alerts == nil {
		return alert.Mapping{}, false
	}
	mapping, issues := alert.CompileMapping(m.Alerts.Text())
	return mapping, len(issues) == 0
}

// Integrations lists the integrations in the API's words.
func (b *Bench) Integrations(ctx context.Context) ([]httpapi.Integration, error) {
	return catalogue{&App{lib: b.Library}}.Integrations(ctx)
}

// unruled takes any policies: nothing is asked of them.
type unruled struct{}

// Swap finds nothing wrong.
func (unruled) Swap(context.Context, map[string][]byte) []fault.Problem { return nil }

// unopened stands in for secrets, which need not be there to check a file.
type unopened struct{}

// Resolve accepts every reference.
func (unopened) Resolve(string) (secret.Value, error) { return secret.Of("unopened"), nil }

// shelf keeps in memory what a library stores.
type shelf struct {
	mu    sync.Mutex
	kept  map[string][]byte
	books map[string]library.Book
}

func newShelf() *shelf { return &shelf{kept: map[string][]byte{}, books: map[string]library.Book{}} }

// Keep stores bytes.
func (s *shelf) Keep(_ context.Context, kind library.Kind, raw []byte, names []string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range append([]string{ident.Sum(raw)}, names...) {
		if _, there := s.kept[string(kind)+n]; !there {
			s.kept[string(kind)+n] = slices.Clone(raw)
		}
	}
	return nil
}

// Kept finds them.
func (s *shelf) Kept(_ context.Context, kind library.Kind, name string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	raw, ok := s.kept[string(kind)+name]
	if !ok {
		return nil, fault.New(fault.NotFound, "nothing is kept under %s", name)
	}
	return raw, nil
}

// Books lists none: every command begins anew.
func (s *shelf) Books(context.Context) ([]library.Book, error) { return nil, nil }

// ChangeBook changes a book.
func (s *shelf) ChangeBook(_ context.Context, slug string, change func(library.Book) (library.Book, []audit.Draft, error)) (library.Book, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.books[slug]
	old.Slug = slug
	b, _, err := change(old)
	if err != nil {
		return old, err
	}
	b.Revision = old.Revision + 1
	s.books[slug] = b
	return b, nil
}

// BookVersions lists none.
func (s *shelf) BookVersions(context.Context, string) ([]library.Version, error) { return nil, nil }

// Restore puts a backup in place as the database of a data folder on which no server
// runs.
func Restore(ctx context.Context, cfg *config.Config, src string, logTo io.Writer) (store.Restored, error) {
	if answers(ctx, filepath.Join(cfg.Data, "tocsin.sock")) {
		return store.Restored{}, fault.New(fault.Conflict, "a server runs on %s; stop it first", cfg.Data)
	}
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return store.Restored{}, fault.Wrap(err, fault.Unavailable, "the data folder %s cannot be made", cfg.Data)
	}
	a := newApp(cfg, logTo)
	return store.Restore(ctx, src, store.Options{Path: cfg.DB, Clock: a.clock, Log: a.log, Random: rand.Reader, Instance: cfg.Instance})
}

// answers says whether somebody listens on a socket.
func answers(ctx context.Context, path string) bool {
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "unix", path)
	if err != nil {
		return false
	}
	_ = conn.Close() // it only had to answer
	return true
}
