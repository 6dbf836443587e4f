package store

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/tocsin-soar/tocsin/server/audit"
	"github.com/tocsin-soar/tocsin/server/fault"
	"github.com/tocsin-soar/tocsin/server/library"
)

// drawer is what is said to the table of a kind of things that people make in the
// app; the tables are alike.
type drawer struct{ list, read, save, remove string }

func drawerOf(in library.Drawer) (drawer, error) {
	switch in {
	case library.Connections, library.Sources: // no text of a caller becomes part of a statement
	default:
		return drawer{}, fault.New(fault.Internal, "there is no drawer %q", in)
	}
	const columns = `name, text, sealed, version, by, at`
	table := string(in)
	return drawer{
		list: `SELECT ` + columns + ` FROM ` + table + ` ORDER BY name`,
		read: `SELECT ` + columns + ` FROM ` + table + ` WHERE name = ?`,
		save: `INSERT INTO ` + table + ` (` + columns + `) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (name) DO UPDATE SET text = excluded.text, sealed = excluded.sealed, version = excluded.version, by = excluded.by, at = excluded.at`,
		remove: `DELETE FROM ` + table + ` WHERE name = ?`,
	}, nil
}

// Stored lists the connections or sources that people have made (library.Cabinet).
func (s *Store) Stored(ctx context.Context, in library.Drawer) ([]library.Stored, error) {
	d, err := drawerOf(in)
	if err != nil {
		return nil, err
	}
	out := []library.Stored{}
	err = s.each(ctx, d.list, nil, func(scan func(...any) error) error {
		var c library.Stored
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

// ChangeStored looks at one of them and writes what change gives (library.Cabinet).
func (s *Store) ChangeStored(ctx context.Context, in library.Drawer, name string, change func(old *library.Stored) (*library.Stored, []audit.Draft, error)) error {
	d, err := drawerOf(in)
	if err != nil {
		return err
	}
	return s.commit(ctx, func(t *tx) error {
		var old *library.Stored
		_, err := t.one(d.read, func(r row) error {
			old = &library.Stored{Name: r.text(0), Text: r.blob(1), Version: r.int(3), By: r.text(4), At: r.time(5)}
			return readJSON(r.text(2), &old.Sealed)
		}, name)
		if err != nil {
			return fmt.Errorf("read %s %s: %w", in, name, err)
		}
		next, drafts, err := change(old)
		if err != nil {
			return err
		}
		if err := t.put(d, in, name, old, next); err != nil {
			return err
		}
		return t.link(drafts...)
	})
}

func (t *tx) put(d drawer, in library.Drawer, name string, old, next *library.Stored) error {
	if next == nil {
		if old == nil {
			return nil
		}
		if err := t.exec(d.remove, name); err != nil {
			return fmt.Errorf("remove %s %s: %w", in, name, err)
		}
		return t.changed(string(in), name, old.Version+1)
	}
	sealed, err := json.Marshal(next.Sealed)
	if err != nil {
		return fmt.Errorf("encode sealed secrets: %w", err)
	}
	if err := t.exec(d.save, name, next.Text, string(sealed), next.Version, next.By, next.At); err != nil {
		return fmt.Errorf("write %s %s: %w", in, name, err)
	}
	return t.changed(string(in), name, next.Version)
}
