package store

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/library"
)

// StoredSources lists the sources that people have made (library.Cabinet).
func (s *Store) StoredSources(ctx context.Context) ([]library.StoredSource, error) {
	out := []library.StoredSource{}
	err := s.each(ctx, `SELECT name, text, sealed, version, by, at FROM source ORDER BY name`, nil, func(scan func(...any) error) error {
		var c library.StoredSource
		var sealed string
		var at int64
		if err := scan(&c.Name, &c.Text, &sealed, &c.Version, &c.By, &at); err != nil {
			return err
		}
		c.At = micro(at)
		out = append(out, c)
		return readJSON(sealed, &out[len(out)-1].Sealed)
	})
	return out, err
}

// ChangeSource looks at a source and writes what change gives
// (library.Cabinet).
func (s *Store) ChangeSource(ctx context.Context, name string, change func(c *library.StoredSource) (*library.StoredSource, []audit.Draft, error)) error {
	return s.commit(ctx, func(t *tx) error {
		var old *library.StoredSource
		_, err := t.one(`SELECT name, text, sealed, version, by, at FROM source WHERE name = ?`, func(r row) error {
			old = &library.StoredSource{Name: r.text(0), Text: r.blob(1), Version: r.int(3), By: r.text(4), At: r.time(5)}
			return readJSON(r.text(2), &old.Sealed)
		}, name)
		if err != nil {
			return fmt.Errorf("read source %s: %w", name, err)
		}
		next, drafts, err := change(old)
		if err != nil {
			return err
		}
		if err := t.saveSource(name, old, next); err != nil {
			return err
		}
		return t.link(drafts...)
	})
}

func (t *tx) saveSource(name string, old, next *library.StoredSource) error {
	if next == nil {
		if old == nil {
			return nil
		}
		if err := t.exec(`DELETE FROM source WHERE name = ?`, name); err != nil {
			return fmt.Errorf("remove a source: %w", err)
		}
		return t.changed("source", name, old.Version+1)
	}
	sealed, err := json.Marshal(next.Sealed)
	if err != nil {
		return fmt.Errorf("encode sealed secrets: %w", err)
	}
	err = t.exec(`INSERT INTO source (name, text, sealed, version, by, at) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (name) DO UPDATE SET text = excluded.text, sealed = excluded.sealed, version = excluded.version, by = excluded.by, at = excluded.at`,
		name, next.Text, string(sealed), next.Version, next.By, next.At)
	if err != nil {
		return fmt.Errorf("write a source: %w", err)
	}
	return t.changed("source", name, next.Version)
}
