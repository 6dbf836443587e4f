// Package library says which playbooks, manifests and policies are in force, by
// digest.
package library

import (
	"context"
	"time"

	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/secret"
)

// Archive keeps bytes for as long as something may refer to them: versions of
// playbooks, and manifests that runs and effects have pinned.
type Archive interface {
	// Keep stores bytes under the hex SHA-256 of them, and under further names (the
	// digests of a manifest's actions). What is there already stays as it is.
	Keep(ctx context.Context, kind Kind, raw []byte, names []string) error
	// Kept finds bytes by their SHA-256 or a further name; fault NotFound.
	Kept(ctx context.Context, kind Kind, name string) ([]byte, error)
}

// Kind of kept bytes.
type Kind string

// The kinds.
const (
	KindPlaybook Kind = "playbook"
	KindManifest Kind = "manifest"
)

// Shelf keeps which versions of a playbook there are and which one is in force.
type Shelf interface {
	// Books lists every playbook that was ever in force or a draft, by slug.
	Books(ctx context.Context) ([]Book, error)
	// ChangeBook is one atomic act: it reads the book (the zero Book with its Slug
	// where there is none), calls change and writes what it gave, with every version
	// in it that is not known yet, the audit drafts, and a change of kind playbook
	// with id Slug in the outbox. An error of change writes nothing but comes back.
	ChangeBook(ctx context.Context, slug string, change func(b Book) (Book, []audit.Draft, error)) (Book, error)
	// BookVersions lists the versions of a playbook, newest first, at most 200.
	BookVersions(ctx context.Context, slug string) ([]Version, error)
}

// Book is a playbook with what is in force of it.
type Book struct {
	Slug      string
	Published *Version // nil: nothing is in force
	Draft     *Version // nil: nothing waits to be published
	Revision  int64    // counts the changes; the store raises it
}

// Version is one text of a playbook. The bytes lie in the archive.
type Version struct {
	SHA256      string // hex
	Origin      Origin
	File        string   // that brought it, or ""
	Author      string   // log-in name, or "" where a file brought it
	Authors     []string // everyone who edited since the version in force before
	At          time.Time
	Reviewed    bool // a second person published it, or it is shipped, or files are reviewed
	PublishedBy string
	PublishedAt *time.Time
}

// Origin says where something comes from.
type Origin string

// The origins, the strongest first.
const (
	Workspace Origin = "workspace"
	Database  Origin = "database"
	Shipped   Origin = "shipped"
)

// Cabinet keeps connections and sources that people have made in the app.
type Cabinet interface {
	// StoredConnections lists all, by name.
	StoredConnections(ctx context.Context) ([]StoredConnection, error)
	// ChangeConnection is one atomic act: it reads the connection (nil where there
	// is none), calls change and writes what it gave (nil: it is removed) with the
	// audit drafts and a change of kind connection in the outbox.
	ChangeConnection(ctx context.Context, name string, change func(c *StoredConnection) (*StoredConnection, []audit.Draft, error)) error
	// StoredSources and ChangeSource do the same for sources.
	StoredSources(ctx context.Context) ([]StoredSource, error)
	ChangeSource(ctx context.Context, name string, change func(s *StoredSource) (*StoredSource, []audit.Draft, error)) error
}

// StoredSource is a source as the database keeps it: its text (canonical JSON, with
// a mark where a secret belongs) and its sealed secrets, the newest as "0".
type StoredSource struct {
	Name    string
	Text    []byte
	Sealed  map[string][]byte
	Version int64
	By      string
	At      time.Time
}

// StoredConnection is a connection as the database keeps it: its text (canonical
// JSON without secrets) and its sealed secrets by field.
type StoredConnection struct {
	Name    string
	Text    []byte
	Sealed  map[string][]byte // by field of auth: password, token, …
	Version int64             // raised by each change; part of the place that secrets are sealed to
	By      string
	At      time.Time
}

// Secrets resolves references (env://, file://); a text that is none is itself
// the secret. server/vault's Resolver does.
type Secrets interface {
	Resolve(text string) (secret.Value, error)
}

// Sealer seals secrets to their place, so that they open nowhere else. The place is
// a connection's name, or "source/" and that of a source, which no connection can
// have.
type Sealer interface {
	SealSecret(connection, field string, version int64, plain string) ([]byte, error)
	OpenSecret(connection, field string, version int64, sealed []byte) (secret.Value, error)
}

// Policies compiles a policy tree and puts it in force, whole or not at all.
// server/opa's Engine does.
type Policies interface {
	Swap(ctx context.Context, files map[string][]byte) []fault.Problem
}
