// Package library says which playbooks, manifests and policies are in force, by
// digest.
package library

import (
	"context"
	"time"

	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/ident"
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

// Drawer is a kind of thing that people make in the app and the database keeps.
type Drawer string

// The drawers; each is the word of its kind in the outbox and the audit log too.
const (
	Connections Drawer = "connection"
	Sources     Drawer = "source"
)

// Cabinet keeps connections and sources that people have made in the app.
type Cabinet interface {
	// Stored lists all of a drawer, by name.
	Stored(ctx context.Context, in Drawer) ([]Stored, error)
	// ChangeStored is one atomic act: it reads the thing (nil where there is none),
	// calls change and writes what it gave (nil: it is removed) with the audit drafts
	// and a change of the drawer's kind in the outbox. An error of change is given
	// back, and nothing is written.
	ChangeStored(ctx context.Context, in Drawer, name string, change func(old *Stored) (*Stored, []audit.Draft, error)) error
}

// Stored is a connection or a source as the database keeps it: its text (canonical
// JSON; a source has a mark where a secret belongs, a connection leaves it out) and
// its sealed secrets.
type Stored struct {
	Name    string
	Text    []byte
	Sealed  map[string][]byte // a connection's by field of auth (password, token, …), a source's by number, the newest as "0"
	Version int64             // raised by each change; part of the place that secrets are sealed to
	By      string
	At      time.Time
}

// seenAs refuses a change of something that is not what the editor saw; seen is the
// version they saw, 0 for any. With create it must be new. Faults: conflict with the
// codes exists and changed_meanwhile; not_found.
func (s *Stored) seenAs(in Drawer, name string, create bool, seen int64) error {
	switch {
	case create && s != nil:
		return fault.New(fault.Conflict, "there is a %s %s already", in, name).WithCode("exists")
	case !create && s == nil:
		return fault.New(fault.NotFound, "there is no %s %s", in, name)
	case s != nil && seen != 0 && seen != s.Version:
		return fault.New(fault.Conflict, "somebody has changed the %s %s meanwhile", in, name).WithCode("changed_meanwhile")
	}
	return nil
}

// digest is what the audit log says of it; "" of nothing.
func (s *Stored) digest() string {
	if s == nil {
		return ""
	}
	return ident.Sum(s.Text)
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
