package library

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/ident"
	"github.com/tocsin-soar/tocsin/server/playbook"
)

// Check compiles a text under a name, as a save would. The playbook is given
// beside errors too, to be drawn; it is nil where the text is no YAML.
func (l *Library) Check(name string, src []byte) (*playbook.Playbook, []fault.Problem) {
	return playbook.Sketch(name, name+".yaml", src, l.Current().catalog)
}

// SaveDraft makes a draft of a playbook. Seen is the version (sha256 hex) that the
// author began with, "" for any. Faults: conflict with the codes managed_by_files
// and changed_meanwhile; invalid_input with every mistake and its place.
func (l *Library) SaveDraft(ctx context.Context, by audit.Actor, slug string, src []byte, seen string) (Entry, error) {
	if e, ok := l.Current().Playbook(slug); ok && e.Managed {
		return Entry{}, fault.New(fault.Conflict, "the playbook %s comes from %s; change it there", slug, e.File).WithCode("managed_by_files")
	}
	p, err := l.compileOrSay(slug, src)
	if err != nil {
		return Entry{}, err
	}
	if err := l.o.Archive.Keep(ctx, KindPlaybook, src, nil); err != nil {
		return Entry{}, fmt.Errorf("keep playbook %s: %w", slug, err)
	}
	_, err = l.o.Shelf.ChangeBook(ctx, slug, func(b Book) (Book, []audit.Draft, error) {
		before := current(b)
		if seen != "" && seen != before {
			return b, nil, fault.New(fault.Conflict, "somebody has changed the playbook %s meanwhile", slug).WithCode("changed_meanwhile")
		}
		out := b
		out.Draft = &Version{SHA256: p.SHA256, Origin: Database, Author: by.Name, Authors: authors(b, by.Name), At: l.o.Clock()}
		if b.Published != nil && b.Published.SHA256 == p.SHA256 {
			out.Draft = nil // nothing is left to be published
		}
		return out, []audit.Draft{l.draft(by, "playbook.edit", "playbook", slug, before, p.SHA256)}, nil
	})
	if err != nil {
		return Entry{}, err
	}
	return l.reloaded(ctx, slug)
}

// authors are those who edited since the version in force: a draft of two people
// may be published by neither.
func authors(b Book, name string) []string {
	var out []string
	if b.Draft != nil {
		out = slices.Clone(b.Draft.Authors)
	}
	if !slices.ContainsFunc(out, func(a string) bool { return strings.EqualFold(a, name) }) {
		out = append(out, name)
	}
	return out
}

// current is the version that an editor sees: the draft, else what is in force.
func current(b Book) string {
	switch {
	case b.Draft != nil:
		return b.Draft.SHA256
	case b.Published != nil:
		return b.Published.SHA256
	}
	return ""
}

// compileOrSay compiles; every mistake becomes a place of the fault.
func (l *Library) compileOrSay(slug string, src []byte) (*playbook.Playbook, error) {
	p, ps := playbook.Compile(slug, slug+".yaml", src, l.Current().catalog)
	if p != nil {
		return p, nil
	}
	err := fault.New(fault.InvalidInput, "the playbook has mistakes").WithCode("playbook_broken")
	for _, m := range ps {
		if m.Severity == fault.SeverityError {
			err.Places = append(err.Places, fault.Place{At: fmt.Sprintf("%d:%d", m.Line, m.Column), Message: m.Message})
		}
	}
	return nil, err
}

// Publish puts the draft of a playbook in force. Version (sha256 hex) is the draft
// that the publisher saw, "" for the present one. Nobody who edited it may publish
// it: fault forbidden, code not_entitled. Further faults: not_found; conflict with
// the codes no_draft and changed_meanwhile; invalid_input.
func (l *Library) Publish(ctx context.Context, by audit.Actor, slug, version string) (Entry, error) {
	version = strings.TrimPrefix(version, "sha256:")
	e, ok := l.Current().Playbook(slug)
	switch {
	case !ok:
		return Entry{}, fault.New(fault.NotFound, "there is no playbook %s", slug)
	case e.Book.Draft == nil:
		return Entry{}, fault.New(fault.Conflict, "the playbook %s has no draft", slug).WithCode("no_draft")
	}
	raw, err := l.o.Archive.Kept(ctx, KindPlaybook, e.Book.Draft.SHA256)
	if err != nil {
		return Entry{}, fmt.Errorf("read the draft of %s: %w", slug, err)
	}
	p, err := l.compileOrSay(slug, raw)
	if err != nil {
		return Entry{}, err
	}
	_, err = l.o.Shelf.ChangeBook(ctx, slug, func(b Book) (Book, []audit.Draft, error) {
		if err := mayPublish(b, by.Name, p.SHA256, version); err != nil {
			return b, nil, err
		}
		at := l.o.Clock()
		v := *b.Draft
		v.Reviewed, v.PublishedBy, v.PublishedAt = true, by.Name, &at
		before := ""
		if b.Published != nil {
			before = b.Published.SHA256
		}
		out := b
		out.Published, out.Draft = &v, nil
		return out, []audit.Draft{l.draft(by, "playbook.publish", "playbook", slug, before, v.SHA256)}, nil
	})
	if err != nil {
		return Entry{}, err
	}
	return l.reloaded(ctx, slug)
}

func mayPublish(b Book, name, compiled, version string) error {
	switch d := b.Draft; {
	case d == nil:
		return fault.New(fault.Conflict, "the playbook %s has no draft", b.Slug).WithCode("no_draft")
	case d.SHA256 != compiled, version != "" && d.SHA256 != version:
		return fault.New(fault.Conflict, "the draft of %s has been changed meanwhile", b.Slug).WithCode("changed_meanwhile")
	case slices.ContainsFunc(append([]string{d.Author}, d.Authors...), func(a string) bool { return a != "" && strings.EqualFold(a, name) }):
		return fault.New(fault.Forbidden, "who wrote a draft may not publish it: a second person does").WithCode("not_entitled")
	}
	return nil
}

func (l *Library) reloaded(ctx context.Context, slug string) (Entry, error) {
	if _, err := l.Reload(ctx); err != nil {
		return Entry{}, err
	}
	e, ok := l.Current().Playbook(slug)
	if !ok {
		return Entry{}, fault.New(fault.NotFound, "there is no playbook %s", slug)
	}
	return e, nil
}

// Text gives the bytes of a version of a playbook (sha256 hex, with or without
// "sha256:" before it); fault NotFound.
func (l *Library) Text(ctx context.Context, version string) ([]byte, error) {
	sha := strings.TrimPrefix(version, "sha256:")
	raw, err := l.o.Archive.Kept(ctx, KindPlaybook, sha)
	if err != nil {
		return nil, err
	}
	if ident.Sum(raw) != sha {
		return nil, fault.New(fault.Internal, "the archive gave other bytes than were asked for")
	}
	return raw, nil
}

// Versions lists the versions of a playbook, newest first.
func (l *Library) Versions(ctx context.Context, slug string) ([]Version, error) {
	return l.o.Shelf.BookVersions(ctx, slug)
}
