// Package app puts the pieces together: New, Start, Stop. It is the only place that
// names concrete types; hands meet here and nowhere else.
package app

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/tocsin-soar/tocsin/server/account"
	"github.com/tocsin-soar/tocsin/server/config"
	"github.com/tocsin-soar/tocsin/server/control"
	"github.com/tocsin-soar/tocsin/server/cron"
	"github.com/tocsin-soar/tocsin/server/demo"
	"github.com/tocsin-soar/tocsin/server/health"
	"github.com/tocsin-soar/tocsin/server/host/embedded"
	"github.com/tocsin-soar/tocsin/server/httpapi"
	"github.com/tocsin-soar/tocsin/server/httpcall"
	"github.com/tocsin-soar/tocsin/server/hunt"
	"github.com/tocsin-soar/tocsin/server/ident"
	"github.com/tocsin-soar/tocsin/server/inbox"
	"github.com/tocsin-soar/tocsin/server/intake"
	"github.com/tocsin-soar/tocsin/server/library"
	"github.com/tocsin-soar/tocsin/server/observe"
	"github.com/tocsin-soar/tocsin/server/opa"
	"github.com/tocsin-soar/tocsin/server/perform"
	"github.com/tocsin-soar/tocsin/server/store"
	"github.com/tocsin-soar/tocsin/server/trigger"
	"github.com/tocsin-soar/tocsin/server/vault"
)

// Version is set by the build.
var Version = "dev" //nolint:gochecknoglobals // set by the linker

// App is a server.
type App struct {
	cfg   *config.Config
	log   *slog.Logger
	scrub *observe.Scrubber
	num   *observe.Metrics

	store   *store.Store
	vault   *vault.Vault
	keyPath string
	opa     *opa.Engine
	lib     *library.Library
	caller  *httpcall.Caller
	perform *perform.Performer
	host    *embedded.Host
	control *control.Control
	inbox   *inbox.Inbox
	intake  *intake.Intake
	desk    *account.Desk
	events  *hunt.Events
	hunts   *hunt.Hunts
	heart   *cron.Heart
	api     *httpapi.Server
	rang    *demo.Range
	lines   *health.Health
	health  *checks

	listener net.Listener
	base     *url.URL
	socket   *socket
	watch    *watch
	cancels  []func()
	served   chan error
}

// New opens the data folder and puts the server together. It listens, but answers
// only after Start.
func New(ctx context.Context, cfg *config.Config, logTo io.Writer) (*App, error) {
	a := newApp(cfg, logTo)
	for _, step := range []func(context.Context) error{
		a.listen, a.openDemo, a.openStore, a.openPolicies, a.openLibrary, a.openEngine, a.openPeople, a.openAPI,
	} {
		if err := step(ctx); err != nil {
			a.close(ctx)
			return nil, err
		}
	}
	return a, nil
}

func newApp(cfg *config.Config, logTo io.Writer) *App {
	a := &App{cfg: cfg, scrub: &observe.Scrubber{}, num: observe.NewMetrics(Version), served: make(chan error, 1)}
	a.log = observe.NewLogger(logTo, cfg.LogLevel, a.scrub)
	return a
}

// clock is the process's only one.
func (a *App) clock() time.Time { return time.Now().UTC() }

func (a *App) sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

func (a *App) newID(p ident.Prefix) string {
	var r [10]byte
	_, _ = rand.Read(r[:]) // never fails
	return ident.New(p, a.clock(), r)
}

// listen takes the port first: the address is in links, egress rules and the log.
func (a *App) listen(ctx context.Context) error {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", a.cfg.Addr)
	if err != nil {
		return fmt.Errorf("listen on %s: %w; choose another address with --addr", a.cfg.Addr, err)
	}
	a.listener = l
	if a.cfg.TLSCert != "" {
		cert, err := tls.LoadX509KeyPair(a.cfg.TLSCert, a.cfg.TLSKey)
		if err != nil {
			return fmt.Errorf("read the TLS certificate and key: %w", err)
		}
		a.listener = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12})
	}
	a.cfg.Listening(l.Addr().String())
	a.base = a.cfg.BaseURL
	return nil
}

// openDemo starts the demo range where it is wanted.
func (a *App) openDemo(ctx context.Context) error {
	if !a.cfg.Demo {
		return nil
	}
	r, err := demo.Start(ctx, demo.Options{
		Addr: a.cfg.DemoAddr, Dir: filepath.Join(a.cfg.Data, "demo"), Clock: a.clock, Log: a.log,
	})
	if err != nil {
		return fmt.Errorf("start the demo range: %w", err)
	}
	a.rang = r
	return nil
}

func (a *App) openStore(ctx context.Context) error {
	if err := os.MkdirAll(a.cfg.Data, 0o700); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	fresh, err := absent(a.cfg.DB)
	if err != nil {
		return err
	}
	key, path, err := vault.LoadKey(a.keyOptions(fresh))
	if err != nil {
		return err
	}
	if a.vault, err = vault.New(key); err != nil {
		return err
	}
	a.keyPath = path
	a.store, err = store.Open(ctx, store.Options{
		Path: a.cfg.DB, Clock: a.clock, Log: a.log, Random: rand.Reader, Instance: a.cfg.Instance,
		Committed: a.num.Commit,
	})
	return err
}

// keyOptions says where the key lies; its default place is no file that somebody
// named.
func (a *App) keyOptions(fresh bool) vault.KeyOptions {
	o := vault.KeyOptions{Key: a.cfg.Key.Reveal(), File: a.cfg.KeyFile, Data: a.cfg.Data, NewDatabase: fresh}
	if filepath.Clean(o.File) == filepath.Join(a.cfg.Data, "key") {
		o.File = ""
	}
	return o
}

func absent(path string) (bool, error) {
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("look at the database: %w", err)
	}
	return false, nil
}

func (a *App) openPolicies(ctx context.Context) (err error) {
	a.opa, err = opa.NewEngine(ctx, a.clock)
	return err
}

// openEngine joins policy, configuration and the guarded way out to the host that
// runs what the journal holds.
func (a *App) openEngine(ctx context.Context) error {
	a.caller = httpcall.New(httpcall.Options{
		Clock: a.clock, Log: a.log, Own: a.own, OwnURL: a.base.String(), Native: a.native(),
		Meter: meter{a.num}, Version: Version,
	})
	a.perform = &perform.Performer{Gate: newJudge(a.opa, a.num), Estate: a.lib, Caller: watched{a}, Instance: a.store.Instance}
	a.lines = health.New(a.store, a.clock, func() { a.host.Reopen() })
	a.host = embedded.New(embedded.Options{
		Journal: a.store, Performer: a.perform, Programs: a.lib, Requests: a.store,
		Clock: a.clock, Sleep: a.sleep, Log: a.log, Panicked: func() { a.num.Panic("engine") },
		Workers: a.cfg.Workers, Lines: a.lines, Wrote: a.count,
		Seed: func(run string) string { return a.vault.Word("callbacks of " + run) },
	})
	a.control = &control.Control{Store: a.store, Actions: a.lib, Clock: a.clock, NewID: a.newID}
	a.inbox = &inbox.Inbox{Store: a.store, Policy: a.opa, Now: a.clock}
	a.intake = intake.New(intake.Options{
		Store: a.store, Catalog: a.lib, Now: a.clock, NewID: a.newID, Count: a.num.Alert,
	})
	a.hunts = &hunt.Hunts{Store: a.store, Clock: a.clock, NewID: a.newID, Log: a.log}
	a.events = &hunt.Events{
		Store: a.store, Triggers: func() []trigger.EventCandidate { return a.lib.Current().Events() }, Moments: a.moments, Clock: a.clock,
	}
	a.health = newChecks(a)
	a.num.Queue("connections", func() float64 { steps, _ := a.host.Lengths(); return float64(steps) })
	a.num.Queue("runs", func() float64 { _, messages := a.host.Lengths(); return float64(messages) })
	return a.lines.Load(ctx)
}

// count tells the metrics what a record ended.
func (a *App) count(rec perform.Record) {
	for _, st := range rec.Steps {
		if st.Status.Settled() {
			a.num.Step(string(st.Status))
		}
	}
	if rec.View != nil && rec.View.Status.Final() {
		a.num.Run(rec.View.Playbook, string(rec.View.Status))
	}
}

// own lists the addresses the product itself listens on.
func (a *App) own() []netip.AddrPort {
	if t, ok := a.listener.Addr().(*net.TCPAddr); ok {
		return []netip.AddrPort{t.AddrPort()}
	}
	return nil
}

func (a *App) openPeople(ctx context.Context) error {
	a.desk = account.New(account.Options{
		Users: a.store, Links: a.store, Sessions: a.store, Tokens: a.store, Log: a.store,
		Clock: a.clock, Random: rand.Reader,
	})
	added, err := a.desk.Bootstrap(ctx, operator, a.cfg.AdminPassword.Reveal())
	if err != nil {
		return fmt.Errorf("make the first person: %w", err)
	}
	if added {
		a.log.LogAttrs(ctx, slog.LevelInfo, "the first person is "+account.FirstName) //nolint:sloglint // a constant
	}
	return a.syncPeople(ctx)
}

// Address is where the server listens, as a URL.
func (a *App) Address() string { return a.base.String() }

// RangeURL is the demo range's page, "" without one.
func (a *App) RangeURL() string {
	if a.rang == nil {
		return ""
	}
	return a.rang.URL()
}

// Link makes a one-time log-in link for a person and gives its URL.
func (a *App) Link(ctx context.Context, name string) (string, error) {
	text, _, err := a.desk.NewLink(ctx, operator, name)
	if err != nil {
		return "", err
	}
	return a.base.JoinPath("/link").String() + "#" + text, nil
}

// First says whether this start made the database.
func (a *App) First() bool { return a.store.Fresh() }
