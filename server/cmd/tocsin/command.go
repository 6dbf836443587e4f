package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/tocsin-soar/tocsin/server/fault"
)

// The exit codes of every command.
const (
	done    = 0
	failed  = 1 // or found something
	misused = 2
)

// stdio is where a command reads and writes.
type stdio struct {
	in       io.Reader
	out, err io.Writer
}

// shell is what a command works with.
type shell struct {
	stdio
	env  map[string]string
	json bool
}

// command is one of the words after tocsin.
type command struct {
	name    string // "user add"
	args    string // as help shows them
	short   string
	example string
	run     func(ctx context.Context, sh *shell, fs *flag.FlagSet, args []string) error
}

// misuse is an error of whoever typed.
type misuse struct{ text string }

func (m misuse) Error() string { return m.text }

// found says that a command did its work and found something: exit code 1, nothing
// more to print.
var errFound = errors.New("found something")

func run(ctx context.Context, args []string, std stdio, environ []string) int {
	out := &sink{w: std.out}
	code := dispatch(ctx, args, stdio{in: std.in, out: out, err: std.err}, environ)
	if out.err != nil && code == done {
		put(std.err, "tocsin: the output cannot be written: %s\n", out.err)
		return failed
	}
	return code
}

func dispatch(ctx context.Context, args []string, std stdio, environ []string) int {
	sh := &shell{stdio: std, env: map[string]string{}}
	for _, e := range environ {
		if k, v, ok := strings.Cut(e, "="); ok {
			sh.env[k] = v
		}
	}
	cmds := commands()
	if len(args) == 0 || args[0] == "help" || args[0] == "--help" || args[0] == "-h" {
		overview(sh, cmds)
		if len(args) == 0 {
			return misused
		}
		return done
	}
	c, rest, ok := find(cmds, args)
	if !ok {
		return unknown(sh, cmds, args)
	}
	return sh.carry(ctx, c, rest)
}

// find takes the longest name that the arguments begin with.
func find(cmds []command, args []string) (command, []string, bool) {
	for n := min(2, len(args)); n > 0; n-- {
		name := strings.Join(args[:n], " ")
		for _, c := range cmds {
			if c.name == name {
				return c, args[n:], true
			}
		}
	}
	return command{}, nil, false
}

func (sh *shell) carry(ctx context.Context, c command, args []string) int {
	fs := flag.NewFlagSet("tocsin "+c.name, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.BoolVar(&sh.json, "json", false, "print JSON for machines")
	err := c.run(ctx, sh, fs, args)
	if _, wrong := errors.AsType[misuse](err); wrong || errors.Is(err, flag.ErrHelp) {
		if errors.Is(err, flag.ErrHelp) {
			usage(sh.out, c, fs)
			return done
		}
		put(sh.err, "tocsin %s: %s\n\n", c.name, printable(err.Error()))
		usage(sh.err, c, fs)
		return misused
	}
	switch {
	case err == nil:
		return done
	case errors.Is(err, errFound):
		return failed
	}
	sh.complain(c, err)
	return failed
}

// complain prints an error with its places.
func (sh *shell) complain(c command, err error) {
	if r, ok := errors.AsType[*refusal](err); ok && sh.json {
		sh.printRaw(r.raw)
		return
	}
	f, known := errors.AsType[*fault.Error](err)
	if sh.json && known {
		sh.print(map[string]any{"code": fault.CodeOf(err), "detail": f.Message, "errors": append([]fault.Place{}, f.Places...)})
		return
	}
	put(sh.err, "tocsin %s: %s\n", c.name, printable(err.Error()))
	if known {
		sh.places(f.Places)
	}
	if r, ok := errors.AsType[*refusal](err); ok {
		sh.places(r.Errors)
	}
}

func (sh *shell) places(list []fault.Place) {
	for _, p := range list {
		put(sh.err, "  %s: %s\n", printable(p.At), printable(p.Message))
	}
}

// parse reads the flags; they may stand before, between and behind the arguments.
// least and most bound how many arguments there are, most < 0 for any number.
func parse(fs *flag.FlagSet, args []string, least, most int) ([]string, error) {
	var rest []string
	for {
		if err := fs.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return nil, flag.ErrHelp
			}
			return nil, misuse{err.Error()}
		}
		if fs.NArg() == 0 {
			break
		}
		rest = append(rest, fs.Arg(0))
		args = fs.Args()[1:]
	}
	switch {
	case len(rest) < least:
		return nil, misuse{"an argument is missing"}
	case most >= 0 && len(rest) > most:
		return nil, misuse{fmt.Sprintf("%q is one argument too many", rest[most])}
	}
	return rest, nil
}

func usage(w io.Writer, c command, fs *flag.FlagSet) {
	put(w, "%s\n\nUsage:\n  tocsin %s %s\n\nExample:\n", c.short, c.name, c.args)
	for line := range strings.SplitSeq(strings.TrimSpace(c.example), "\n") {
		put(w, "  %s\n", strings.TrimSpace(line))
	}
	put(w, "\nFlags:\n")
	fs.VisitAll(func(f *flag.Flag) {
		name, text := flag.UnquoteUsage(f)
		put(w, "  --%-22s %s\n", strings.TrimSpace(f.Name+" "+strings.ToUpper(name)), text)
	})
}

func overview(sh *shell, cmds []command) {
	put(sh.out, "Tocsin takes alerts, answers them with playbooks under a policy, and can undo what it did.\n\nUsage:\n  tocsin COMMAND [flags]\n\nCommands:\n")
	for _, c := range cmds {
		put(sh.out, "  %-22s %s\n", c.name, c.short)
	}
	put(sh.out, "\nEach command has --help with an example, and --json. Exit codes: 0 done, 1 failed or found something, 2 misused.\n")
}

func unknown(sh *shell, cmds []command, args []string) int {
	name := args[0]
	var names []string
	for _, c := range cmds {
		names = append(names, c.name)
		first, _, _ := strings.Cut(c.name, " ")
		if first == name && !slices.Contains(names, name) {
			put(sh.err, "tocsin %s: which one?\n", name)
			for _, c := range cmds {
				if strings.HasPrefix(c.name, name+" ") {
					put(sh.err, "  tocsin %-22s %s\n", c.name, c.short)
				}
			}
			if len(args) > 1 && (args[1] == "--help" || args[1] == "-h") {
				return done
			}
			return misused
		}
	}
	put(sh.err, "tocsin: there is no command %q", printable(strings.Join(args[:min(2, len(args))], " ")))
	if near := fault.Suggest(strings.Join(args[:min(2, len(args))], " "), names); near != "" {
		put(sh.err, "; did you mean %q?", near)
	}
	put(sh.err, "\nRun tocsin help.\n")
	return misused
}
