package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"

	"github.com/tocsin-soar/tocsin/server/app"
	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/fault"
)

func operateCommands() []command {
	return []command{
		{name: "halt on", args: "--reason TEXT [--data DIR]", short: "Stop every new side effect at once; reads go on", example: `tocsin halt on --reason "the EDR misbehaves"`, run: halting("halt.on")},
		{name: "halt off", args: "--reason TEXT [--data DIR]", short: "Lift the halt, or ask a second person to", example: `tocsin halt off --reason "the EDR is repaired"`, run: halting("halt.off")},
		{name: "halt status", args: "[--data DIR]", short: "Say whether the halt is on", example: "tocsin halt status --json", run: halting("halt.status")},
		{name: "backup", args: "FILE [--data DIR]", short: "Copy the database, also while a server runs", example: "tocsin backup /backup/tocsin-2026-01-05.db", run: backup},
		{
			name: "restore", args: "FILE [--data DIR]", short: "Put a backup in place of no database, quarantined",
			example: "tocsin restore /backup/tocsin-2026-01-05.db --data /var/lib/tocsin", run: restore,
		},
		{
			name: "audit verify", args: "[FILE] [--key KEY] [--data DIR]", short: "Check the audit log, of a data folder or in an exported file",
			example: `tocsin audit verify
			tocsin audit verify audit.jsonl --key ed25519:…`,
			run: verifyAudit,
		},
		{name: "audit export", args: "[--out FILE] [--data DIR]", short: "Write the audit log as JSON Lines", example: "tocsin audit export --out audit.jsonl", run: exportAudit},
	}
}

func halting(do string) func(context.Context, *shell, *flag.FlagSet, []string) error {
	return func(ctx context.Context, sh *shell, fl *flag.FlagSet, args []string) error {
		reason := ""
		if do != "halt.status" {
			fl.StringVar(&reason, "reason", "", "why, in `words`; it stands in the audit log")
		}
		cfg, _, err := sh.folder(fl, args, 0, 0)
		if err != nil {
			return err
		}
		if do != "halt.status" && reason == "" {
			return misuse{"--reason is missing"}
		}
		r, err := sh.order(ctx, cfg, app.Order{Do: do, Reason: reason})
		if err != nil {
			return err
		}
		h := r.Halt
		switch {
		case sh.json:
			sh.print(h)
			return nil
		case !h.On:
			sh.say("the halt is off")
			return nil
		}
		sh.say("the halt is on since %s, by %s: %s", when(h.Since), h.By, h.Reason)
		if h.Quarantine {
			sh.say("this database is a copy in quarantine: lifting the halt says that the original does not run")
		}
		if h.Approval != "" {
			sh.say("a second person lifts it by approving %s", h.Approval)
		}
		return nil
	}
}

func backup(ctx context.Context, sh *shell, fl *flag.FlagSet, args []string) error {
	cfg, rest, err := sh.folder(fl, args, 1, 1)
	if err != nil {
		return err
	}
	dest, err := filepath.Abs(rest[0]) // the server that writes it stands in another folder
	if err != nil {
		return fault.Wrap(err, fault.InvalidInput, "%s is no path", rest[0])
	}
	r, err := sh.order(ctx, cfg, app.Order{Do: "backup", Dest: dest})
	if err != nil {
		return err
	}
	if sh.json {
		sh.print(r.Backup)
		return nil
	}
	sh.say("%s holds %d bytes, with %s.json beside it", dest, r.Backup.Bytes, dest)
	sh.say("No key is in it. %s", r.Backup.Keys)
	return nil
}

func restore(ctx context.Context, sh *shell, fl *flag.FlagSet, args []string) error {
	cfg, rest, err := sh.folder(fl, args, 1, 1)
	if err != nil {
		return err
	}
	r, err := app.Restore(ctx, cfg, rest[0], sh.err)
	if err != nil {
		return err
	}
	if sh.json {
		sh.print(map[string]any{"instance": r.Instance, "was": r.Was, "doubtful_runs": r.Doubtful, "void_approvals": r.Void})
		return nil
	}
	sh.say("%s is restored as %s; it was %s", cfg.DB, r.Instance, r.Was)
	sh.say("%d runs are in doubt where an attempt was under way, %d approvals no longer hold", r.Doubtful, r.Void)
	sh.say("It starts in quarantine: nothing is sent until somebody lifts the halt. Put the key of the original at %s first.", cfg.KeyFile)
	return nil
}

func verifyAudit(ctx context.Context, sh *shell, fl *flag.FlagSet, args []string) error {
	key := fl.String("key", "", "the public `key` that was written down elsewhere; without it the log's own, which proves order only")
	cfg, rest, err := sh.folder(fl, args, 0, 1)
	if err != nil {
		return err
	}
	var report audit.Report
	if len(rest) == 1 {
		report, err = verifyFile(rest[0], *key)
	} else {
		var r app.Result
		r, err = sh.order(ctx, cfg, app.Order{Do: "audit.verify", Key: *key})
		if r.Audit != nil {
			report = *r.Audit
		}
	}
	if err != nil {
		return err
	}
	if sh.json {
		sh.print(report)
	} else {
		sh.auditReport(report)
	}
	if report.First != nil {
		return errFound
	}
	return nil
}

func verifyFile(name, text string) (audit.Report, error) {
	var key ed25519.PublicKey
	if text != "" {
		var err error
		if key, err = audit.ParseKey(text); err != nil {
			return audit.Report{}, misuse{"--key is ed25519: and base64"}
		}
	}
	f, err := os.Open(name) //nolint:gosec // whoever types names their own files
	if err != nil {
		return audit.Report{}, unreadable(err, name)
	}
	defer func() { _ = f.Close() }() // only read
	rows, checks, err := audit.Import(f)
	if err != nil {
		return audit.Report{}, err
	}
	return audit.Verify(audit.Rows(rows), key, checks)
}

func (sh *shell) auditReport(r audit.Report) {
	if r.First != nil {
		sh.say("entry %d: %s: %s", r.First.Seq, string(r.First.Damage), r.First.Why)
		return
	}
	sh.say("%d entries of %s hold, with %d signed checkpoints", r.Entries, r.Instance, r.Checkpoints)
	sh.say("root %s", r.Root.String())
	sh.say("key  %s", r.Key)
}

func exportAudit(ctx context.Context, sh *shell, fl *flag.FlagSet, args []string) error {
	out := fl.String("out", "", "write to this `file`, which must not be there yet; without it to standard output")
	cfg, _, err := sh.folder(fl, args, 0, 0)
	if err != nil {
		return err
	}
	desk, err := app.OpenOperator(ctx, cfg, sh.err)
	if err != nil {
		return err
	}
	defer desk.Close(ctx)
	if *out == "" {
		return desk.ExportAudit(ctx, sh.out)
	}
	f, err := os.OpenFile(*out, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fault.Wrap(err, fault.Unavailable, "%s cannot be written, or is there already", *out)
	}
	lines := &lineCount{w: f}
	if err := errors.Join(desk.ExportAudit(ctx, lines), f.Sync(), f.Close()); err != nil {
		_ = os.Remove(*out) // half a log is worse than none
		return err
	}
	if sh.json {
		sh.print(map[string]any{"file": *out, "lines": lines.n})
		return nil
	}
	sh.say("%s holds %d lines", *out, lines.n)
	return nil
}

type lineCount struct {
	w io.Writer
	n int
}

// Write counts the lines that pass.
func (l *lineCount) Write(p []byte) (int, error) {
	l.n += bytes.Count(p, []byte("\n"))
	return l.w.Write(p) //nolint:wrapcheck // the file's own, handed on
}
