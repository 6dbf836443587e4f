package vault

import (
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/secret"
)

// Resolver reads references to secrets, and only those that the server's own
// settings list (secrets.env, secrets.dir).
type Resolver struct {
	env    []string
	dir    string
	lookup func(string) (string, bool)
}

// maxSecretFile bounds a file that holds a secret.
const maxSecretFile = 64 << 10

// NewResolver allows the named environment variables, read by lookup, and the
// files below dir ("" allows none). Names that begin with TOCSIN_ are the
// product's own and are refused even where they are listed.
func NewResolver(env []string, dir string, lookup func(string) (string, bool)) *Resolver {
	return &Resolver{env: slices.Clone(env), dir: dir, lookup: lookup}
}

// Resolve gives the secret that a text refers to; a text that is no reference
// (secret.ParseRef) is itself the secret. What is not listed is forbidden with the
// code secret_reference_not_allowed, and whether it exists is not told.
func (r *Resolver) Resolve(text string) (secret.Value, error) {
	ref, ok := secret.ParseRef(text)
	if !ok {
		return secret.Of(text), nil
	}
	switch ref.Scheme {
	case "env":
		return r.fromEnv(ref.Name)
	case "file":
		return r.fromFile(ref.Name)
	}
	return secret.Value{}, fault.New(fault.InvalidInput, "secrets by %s:// are not available", ref.Scheme).WithCode("secret_reference_unsupported")
}

func notAllowed(what, setting string) error {
	return fault.New(fault.Forbidden, "this %s is not one that secrets may be read from; the server's setting %s lists them", what, setting).
		WithCode("secret_reference_not_allowed")
}

func missing(what string) error {
	return fault.New(fault.NotFound, "the secret's %s is not set or is empty", what).WithCode("secret_missing")
}

func (r *Resolver) fromEnv(name string) (secret.Value, error) {
	if strings.HasPrefix(strings.ToUpper(name), "TOCSIN_") || !slices.Contains(r.env, name) {
		return secret.Value{}, notAllowed("environment variable", "secrets.env")
	}
	text, ok := r.lookup(name)
	if !ok || text == "" {
		return secret.Value{}, missing("environment variable")
	}
	return secret.Of(text), nil
}

// fromFile reads a file below the directory; os.Root keeps a name, and every link
// on the way, inside of it. A line break at the end is not part of the secret.
func (r *Resolver) fromFile(name string) (secret.Value, error) {
	if r.dir != "" {
		name = strings.TrimPrefix(name, strings.TrimRight(r.dir, "/")+"/")
	}
	if r.dir == "" || name == "" || strings.ContainsAny(name, "\x00\\") || strings.HasPrefix(name, "/") || slices.Contains(strings.Split(name, "/"), "..") {
		return secret.Value{}, notAllowed("file", "secrets.dir")
	}
	root, err := os.OpenRoot(r.dir)
	if err != nil {
		return secret.Value{}, fault.Wrap(err, fault.NotFound, "the directory that secrets.dir names cannot be opened").WithCode("secret_missing")
	}
	defer func() { _ = root.Close() }()
	info, err := root.Stat(name)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return secret.Value{}, missing("file")
	case err != nil || !info.Mode().IsRegular(): // a link that leads outside, a folder, a pipe
		return secret.Value{}, notAllowed("file", "secrets.dir")
	}
	f, err := root.Open(name)
	if err != nil {
		return secret.Value{}, fault.Wrap(err, fault.Unavailable, "the secret's file cannot be opened")
	}
	defer func() { _ = f.Close() }()
	raw, err := io.ReadAll(io.LimitReader(f, maxSecretFile+1))
	switch {
	case err != nil:
		return secret.Value{}, fault.Wrap(err, fault.Unavailable, "the secret's file cannot be read")
	case len(raw) > maxSecretFile || !utf8.Valid(raw):
		return secret.Value{}, fault.New(fault.InvalidInput, "the secret's file is too large or not text")
	}
	text := strings.TrimRight(string(raw), "\r\n")
	if text == "" {
		return secret.Value{}, missing("file")
	}
	return secret.Of(text), nil
}
