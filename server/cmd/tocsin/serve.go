package main

import (
	"context"
	"errors"
	"flag"
	"runtime/debug"

	"github.com/tocsin-soar/tocsin/server/account"
	"github.com/tocsin-soar/tocsin/server/app"
	"github.com/tocsin-soar/tocsin/server/config"
	"github.com/tocsin-soar/tocsin/server/fault"
)

func serveCommand() command {
	return command{
		name: "serve", args: "[--config FILE] [--data DIR] [--addr HOST:PORT] [--demo] [--workspace DIR] [--print-config]",
		short: "Start the server",
		example: `tocsin serve --data ./data --demo
		tocsin serve --data /var/lib/tocsin --workspace /etc/tocsin/workspace --addr 127.0.0.1:8080`,
		run: serve,
	}
}

// settings reads flags, environment and file.
func (sh *shell) settings(fs *flag.FlagSet, args []string) (*config.Config, error) {
	file := fs.String("config", "", "the settings `file` (YAML)")
	for _, s := range config.Settings() {
		if s.Flag == "" || fs.Lookup(s.Flag) != nil {
			continue
		}
		if s.Bool {
			fs.Bool(s.Flag, false, s.Why)
		} else {
			fs.String(s.Flag, "", s.Why)
		}
	}
	if _, err := parse(fs, args, 0, 0); err != nil {
		return nil, err
	}
	return sh.load(fs, *file)
}

// load joins the flags that were given with environment and file.
func (sh *shell) load(fs *flag.FlagSet, file string) (*config.Config, error) {
	in := config.Input{Flags: map[string]string{}, Env: sh.env}
	for _, s := range config.Settings() {
		fs.Visit(func(f *flag.Flag) {
			if f.Name == s.Flag {
				in.Flags[f.Name] = f.Value.String()
			}
		})
	}
	if file != "" {
		raw, err := readFile(file)
		if err != nil {
			return nil, err
		}
		in.FileName, in.File = file, raw
	}
	cfg, problems := config.Load(in)
	for _, p := range problems {
		sh.problem(p)
	}
	if fault.Broken(problems) {
		return nil, fault.New(fault.InvalidInput, "the settings are not right; nothing was started")
	}
	return cfg, nil
}

// collectAt is how much the heap may grow, in percent of what is in use, before the
// garbage is collected. Little is in use and much is made under load, so the standard
// 100 would spend a tenth of the processor on it; GOGC overrides this.
const collectAt = 250

func serve(ctx context.Context, sh *shell, fs *flag.FlagSet, args []string) error {
	show := fs.Bool("print-config", false, "show the settings with their origins and end")
	cfg, err := sh.settings(fs, args)
	if err != nil {
		return err
	}
	if *show {
		if sh.json {
			sh.print(cfg.Origins())
			return nil
		}
		put(sh.out, "%s", cfg.Print())
		return nil
	}
	a, err := app.New(ctx, cfg, sh.err)
	if err != nil {
		return err
	}
	if err := a.Start(ctx); err != nil {
		return errors.Join(err, stop(ctx, a))
	}
	debug.FreeOSMemory() // what only the start needed, above all of the policies
	if sh.env["GOGC"] == "" {
		debug.SetGCPercent(collectAt)
	}
	put(sh.out, "listening on %s\n", a.Address())
	if url := a.RangeURL(); url != "" {
		put(sh.out, "demo range on %s\n", url)
	}
	if err := greet(ctx, sh, a, cfg); err != nil {
		return errors.Join(err, stop(ctx, a))
	}
	select {
	case <-ctx.Done():
		return stop(ctx, a)
	case err := <-a.Wait():
		return errors.Join(err, stop(ctx, a))
	}
}

// greet prints a way in: with the demo at every start, else on an empty database
// without a password.
func greet(ctx context.Context, sh *shell, a *app.App, cfg *config.Config) error {
	if !cfg.Demo && (!a.First() || !cfg.AdminPassword.Empty()) {
		return nil
	}
	link, err := a.Link(ctx, account.FirstName)
	if err != nil {
		return err
	}
	put(sh.out, "log in once with %s\n", link)
	return nil
}

// stop stops the server, also when what ends it is that the context is over.
func stop(ctx context.Context, a *app.App) error { return a.Stop(context.WithoutCancel(ctx)) }
