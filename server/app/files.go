package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/tocsin-soar/tocsin/integrations"
	"github.com/tocsin-soar/tocsin/playbooks"
	"github.com/tocsin-soar/tocsin/server/account"
	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/config"
	"github.com/tocsin-soar/tocsin/server/library"
	"github.com/tocsin-soar/tocsin/server/lookup"
	"github.com/tocsin-soar/tocsin/server/secret"
	"github.com/tocsin-soar/tocsin/server/vault"
)

// operator is who holds the machine.
var operator = audit.Actor{Kind: "system", ID: "operator", Name: "operator", Auth: "socket"} //nolint:gochecknoglobals // a constant

// openLibrary loads what is shipped and what the workspace brings.
func (a *App) openLibrary(ctx context.Context) error {
	var folders []library.Folder
	if a.cfg.Workspace != "" {
		root, err := os.OpenRoot(a.cfg.Workspace) // a link in it leads nowhere outside
		if err != nil {
			return fmt.Errorf("open the workspace: %w", err)
		}
		folders = append(folders, library.Folder{FS: root.FS()})
	}
	secrets := resolvers{vault.NewResolver(a.cfg.SecretsEnv, a.cfg.SecretsDir, os.LookupEnv)}
	if a.rang != nil {
		folders = append(folders, library.Folder{Name: "demo", FS: os.DirFS(a.rang.Workspace())})
		secrets = append(secrets, vault.NewResolver(nil, a.rang.Secrets(), os.LookupEnv))
	}
	a.lib = library.New(library.Options{
		Playbooks: playbooks.FS, Integrations: integrations.FS, Workspaces: folders,
		Archive: a.store, Shelf: a.store, Cabinet: a.store, Policies: a.opa,
		Secrets: known{secrets, a.scrub}, Sealer: sealer{a.vault}, Clock: a.clock,
		ReviewFiles: a.cfg.Review == config.ReviewFiles,
	})
	_, err := a.lib.Reload(ctx)
	a.countProblems()
	return err
}

// resolvers asks one after the other: the settings' own, then the demo range's.
type resolvers []*vault.Resolver

// Resolve gives the first answer, else the first error.
func (rs resolvers) Resolve(text string) (secret.Value, error) {
	var first error
	for _, r := range rs {
		v, err := r.Resolve(text)
		if err == nil {
			return v, nil
		}
		if first == nil {
			first = err
		}
	}
	return secret.Value{}, first
}

// known tells the log's scrubber every secret that is resolved.
type known struct {
	library.Secrets
	scrub interface{ Know(values ...secret.Value) }
}

// Resolve resolves and remembers.
func (k known) Resolve(text string) (secret.Value, error) {
	v, err := k.Secrets.Resolve(text)
	if err == nil {
		k.scrub.Know(v)
	}
	return v, err
}

// sealer seals a connection's secrets to their row.
type sealer struct{ v *vault.Vault }

func place(connection, field string, version int64) vault.Place {
	return vault.Place{Table: "connection", Row: connection, Column: field, Version: version}
}

// SealSecret seals one field.
func (s sealer) SealSecret(connection, field string, version int64, plain string) ([]byte, error) {
	return s.v.Seal(place(connection, field, version), []byte(plain))
}

// OpenSecret opens one field.
func (s sealer) OpenSecret(connection, field string, version int64, sealed []byte) (secret.Value, error) {
	raw, err := s.v.Open(place(connection, field, version), sealed)
	if err != nil {
		return secret.Value{}, err
	}
	return secret.Of(string(raw)), nil
}

// reload reads the folders again and tells everyone concerned.
func (a *App) reload(ctx context.Context) {
	before := a.opa.Revision()
	changes, err := a.lib.Reload(ctx)
	if err != nil {
		a.log.LogAttrs(ctx, slog.LevelError, "the workspace was not loaded; what was in force stays", slog.Any("error", err))
		return
	}
	a.countProblems()
	if changes.People {
		if err := a.syncPeople(ctx); err != nil {
			a.log.LogAttrs(ctx, slog.LevelError, "people were not taken over", slog.Any("error", err))
		}
	}
	for _, name := range changes.Connections {
		a.health.forget(ctx, name)
	}
	if len(changes.Connections) > 0 {
		a.host.Reopen()
	}
	if err := a.syncSchedules(ctx); err != nil {
		a.log.LogAttrs(ctx, slog.LevelError, "schedules were not taken over", slog.Any("error", err))
	}
	if after := a.opa.Revision(); after != before {
		a.policyChanged(ctx, before, after)
	}
	if !changes.Empty() {
		a.log.LogAttrs(ctx, slog.LevelInfo, "the workspace was loaded", slog.Int("problems", len(changes.Problems)))
	}
}

// policyChanged asks the new policy about every request that waits.
func (a *App) policyChanged(ctx context.Context, before, after string) {
	err := a.store.LogAudit(ctx, []audit.Draft{{
		At: a.clock(), Actor: audit.Actor{Kind: "system", Name: "library"}, Verb: account.PolicyActivate,
		Object: audit.Object{Kind: "policy", ID: "workspace"}, Before: hexOf(before), After: hexOf(after), Outcome: audit.Done,
	}})
	if err != nil {
		a.log.LogAttrs(ctx, slog.LevelError, "a change of policy was not audited", slog.Any("error", err))
	}
	page := lookup.Page{Limit: 200}
	for {
		list, err := a.store.Approvals(ctx, lookup.Approvals{Status: "pending"}, page)
		if err != nil {
			a.log.LogAttrs(ctx, slog.LevelError, "waiting requests were not asked again", slog.Any("error", err))
			return
		}
		for _, q := range list.Items {
			if q.Run != "" {
				a.host.Reask(q.Run, q.Step)
			}
		}
		if list.Next == nil {
			return
		}
		page.Cursor = *list.Next
	}
}

func (a *App) countProblems() {
	bad, warn := 0, 0
	for _, p := range a.lib.Problems() {
		if p.Severity == "error" {
			bad++
		} else {
			warn++
		}
	}
	a.num.Problems(bad, warn)
}

// syncPeople makes the accounts of the workspace's people file.
func (a *App) syncPeople(ctx context.Context) error {
	people := a.lib.Current().People()
	entries := make([]account.Entry, len(people))
	for i, p := range people {
		entries[i] = account.Entry{Name: p.Name, Email: p.Email, Roles: p.Roles, Teams: p.Teams}
	}
	problems, err := a.desk.Sync(ctx, audit.Actor{Kind: "system", Name: "library"}, "people.yaml", entries)
	if err != nil {
		return fmt.Errorf("take over people.yaml: %w", err)
	}
	for _, p := range problems {
		a.log.LogAttrs(ctx, slog.LevelWarn, "a person of people.yaml was not taken over", slog.String("why", p))
	}
	return nil
}

// watch looks at a folder and tells when something in it has changed and come to
// rest.
type watch struct {
	w    *fsnotify.Watcher
	once sync.Once
}

func (w *watch) close() { w.once.Do(func() { _ = w.w.Close() }) } // nothing is lost by it

const settle = 200 * time.Millisecond

// watchFiles reloads the workspace when it changes. Where the system cannot watch,
// the log says so; the files are then read at the next start.
func (a *App) watchFiles(ctx context.Context) {
	if a.cfg.Workspace == "" {
		return
	}
	w, err := fsnotify.NewWatcher()
	if err == nil {
		err = addAll(w, a.cfg.Workspace)
	}
	if err != nil {
		a.log.LogAttrs(ctx, slog.LevelWarn, "the workspace cannot be watched", slog.Any("error", err))
		return
	}
	a.watch = &watch{w: w}
	go a.follow(ctx, w)
}

func addAll(w *fsnotify.Watcher, root string) error {
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist): // gone again
			return nil
		case err != nil:
			return err
		case d.IsDir():
			return w.Add(p)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("watch the workspace: %w", err)
	}
	return nil
}

func (a *App) follow(ctx context.Context, w *fsnotify.Watcher) {
	rest := time.NewTimer(time.Hour)
	rest.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case e, ok := <-w.Events:
			if !ok {
				return
			}
			if e.Has(fsnotify.Create) {
				if st, err := os.Stat(e.Name); err == nil && st.IsDir() {
					_ = addAll(w, e.Name) // gone again already, or full: the next look finds it
				}
			}
			rest.Reset(settle)
		case _, ok := <-w.Errors:
			if !ok {
				return
			}
			rest.Reset(settle) // events were lost: look at everything
		case <-rest.C:
			a.reload(ctx)
		}
	}
}
