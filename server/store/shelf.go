package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/library"
)

// Keep stores bytes under their hash and further names (library.Archive).
func (s *Store) Keep(ctx context.Context, kind library.Kind, raw []byte, names []string) error {
	return s.commit(ctx, func(t *tx) error {
		sum, err := t.keep(raw, s.opt.Clock())
		if err != nil {
			return err
		}
		for _, n := range append([]string{hexOf(sum)}, names...) {
			err := t.exec(`INSERT INTO kept (kind, name, sha256) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`, string(kind), n, sum)
			if err != nil {
				return fmt.Errorf("keep a %s: %w", kind, err)
			}
		}
		return nil
	})
}

// Kept finds bytes by their hash or a further name; fault NotFound.
func (s *Store) Kept(ctx context.Context, kind library.Kind, name string) ([]byte, error) {
	var raw []byte
	found := false
	err := s.each(ctx, `SELECT p.bytes FROM kept k JOIN payload p ON p.sha256 = k.sha256 WHERE k.kind = ? AND k.name = ?`,
		[]any{string(kind), name}, func(scan func(...any) error) error {
			found = true
			return scan(&raw)
		})
	if err == nil && !found {
		err = fault.New(fault.NotFound, "no %s is kept under this name", kind)
	}
	return raw, err
}

// versionText is a version of a playbook as it is stored.
type versionText struct {
	SHA256      string     `json:"sha256"`
	Origin      string     `json:"origin"`
	File        string     `json:"file"`
	Author      string     `json:"author"`
	Authors     []string   `json:"authors"`
	At          time.Time  `json:"at"`
	Reviewed    bool       `json:"reviewed"`
	PublishedBy string     `json:"published_by"`
	PublishedAt *time.Time `json:"published_at"`
}

func writeVersion(v *library.Version) (string, error) {
	if v == nil {
		return "", nil
	}
	raw, err := json.Marshal(versionText{
		v.SHA256, string(v.Origin), v.File, v.Author, v.Authors, v.At, v.Reviewed, v.PublishedBy, v.PublishedAt,
	})
	if err != nil {
		return "", fmt.Errorf("encode a version: %w", err)
	}
	return string(raw), nil
}

func readVersion(text string) (*library.Version, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // there is none, and that is no error
	}
	var v versionText
	if err := readJSON(text, &v); err != nil {
		return nil, err
	}
	return &library.Version{
		SHA256: v.SHA256, Origin: library.Origin(v.Origin), File: v.File, Author: v.Author, Authors: v.Authors, At: v.At,
		Reviewed: v.Reviewed, PublishedBy: v.PublishedBy, PublishedAt: v.PublishedAt,
	}, nil
}

func bookOf(slug, published, draft string, revision int64) (library.Book, error) {
	p, err := readVersion(published)
	d, also := readVersion(draft)
	return library.Book{Slug: slug, Published: p, Draft: d, Revision: revision}, errors.Join(err, also)
}

// Books lists every playbook, by slug (library.Shelf).
func (s *Store) Books(ctx context.Context) ([]library.Book, error) {
	out := []library.Book{}
	err := s.each(ctx, `SELECT slug, published, draft, revision FROM book ORDER BY slug`, nil, func(scan func(...any) error) error {
		var slug, published, draft string
		var revision int64
		if err := scan(&slug, &published, &draft, &revision); err != nil {
			return err
		}
		b, err := bookOf(slug, published, draft, revision)
		out = append(out, b)
		return err
	})
	return out, err
}

// ChangeBook looks at a playbook and writes what change gives (library.Shelf).
func (s *Store) ChangeBook(ctx context.Context, slug string, change func(b library.Book) (library.Book, []audit.Draft, error)) (library.Book, error) {
	var out library.Book
	err := s.commit(ctx, func(t *tx) error {
		out = library.Book{Slug: slug}
		_, err := t.one(`SELECT slug, published, draft, revision FROM book WHERE slug = ?`, func(r row) (err error) {
			out, err = bookOf(r.text(0), r.text(1), r.text(2), r.int(3))
			return err
		}, slug)
		if err != nil {
			return fmt.Errorf("read playbook %s: %w", slug, err)
		}
		b, drafts, err := change(out)
		if err != nil {
			return err
		}
		b.Slug, b.Revision = slug, out.Revision+1
		out = b
		if err := t.saveBook(b); err != nil {
			return err
		}
		return t.link(drafts...)
	})
	return out, err
}

func (t *tx) saveBook(b library.Book) error {
	published, err := writeVersion(b.Published)
	if err != nil {
		return err
	}
	draft, err := writeVersion(b.Draft)
	if err != nil {
		return err
	}
	err = t.exec(`INSERT INTO book (slug, published, draft, revision) VALUES (?, ?, ?, ?)
		ON CONFLICT (slug) DO UPDATE SET published = excluded.published, draft = excluded.draft, revision = excluded.revision`,
		b.Slug, published, draft, b.Revision)
	if err != nil {
		return fmt.Errorf("write a playbook: %w", err)
	}
	for _, v := range []*library.Version{b.Published, b.Draft} {
		if v == nil {
			continue
		}
		if err := t.saveVersion(b, v); err != nil {
			return err
		}
	}
	return t.changed("playbook", b.Slug, b.Revision)
}

func (t *tx) saveVersion(b library.Book, v *library.Version) error {
	sum, err := digestOf(v.SHA256)
	if err != nil || sum == nil {
		return fault.New(fault.Internal, "a version without its digest")
	}
	text, err := writeVersion(v)
	if err != nil {
		return err
	}
	err = t.exec(`INSERT INTO book_version (slug, sha256, place, body) VALUES (?, ?, ?, ?) ON CONFLICT (slug, sha256) DO UPDATE SET body = excluded.body`,
		b.Slug, sum, b.Revision, text)
	if err != nil {
		return fmt.Errorf("write a version: %w", err)
	}
	return nil
}

// BookVersions lists the versions of a playbook, newest first, at most 200.
func (s *Store) BookVersions(ctx context.Context, slug string) ([]library.Version, error) {
	out := []library.Version{}
	err := s.each(ctx, `SELECT body FROM book_version WHERE slug = ? ORDER BY place DESC, sha256 LIMIT 200`, []any{slug}, func(scan func(...any) error) error {
		var text string
		if err := scan(&text); err != nil {
			return err
		}
		v, err := readVersion(text)
		if err != nil {
			return err
		}
		out = append(out, *v)
		return nil
	})
	return out, err
}

// InUse lists the runs that go on with a step through a connection, and the
// effects that are open through it: with them it cannot be removed.
func (s *Store) InUse(ctx context.Context, connection string) (runs, effects []string, err error) {
	runs, err = s.strings(ctx, `SELECT DISTINCT run.id FROM run JOIN step ON step.run = run.id
		WHERE run.status IN ('queued', 'running', 'waiting') AND step.connection = ? ORDER BY run.id LIMIT 100`, connection)
	if err != nil {
		return nil, nil, err
	}
	effects, err = s.strings(ctx, `SELECT id FROM effect WHERE connection = ? AND status <> 'undone' ORDER BY id LIMIT 100`, connection)
	return runs, effects, err
}
