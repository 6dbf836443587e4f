package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"

	"github.com/tocsin-soar/tocsin/migrations"
)

// pageSize is that of new databases: what a savepoint remembers and what a commit
// writes are whole pages.
const pageSize = "4096"

// migrate brings the schema up to date. A damaged database and one that a newer
// version has moved on are refused before anything is written.
func migrate(ctx context.Context, path string, fresh bool) error {
	pragmas := durable()
	if fresh { // only before the first table
		pragmas = append([]pragma{{"page_size", pageSize, pageSize}}, pragmas...)
	}
	c, err := newOpener(path, pragmas)
	if err != nil {
		return err
	}
	db := sql.OpenDB(c)
	db.SetMaxOpenConns(1)
	err = migrateOn(ctx, db, fresh)
	return errors.Join(err, db.Close())
}

func migrateOn(ctx context.Context, db *sql.DB, fresh bool) error {
	if !fresh {
		if err := quickCheck(ctx, db); err != nil {
			return err
		}
	}
	files, err := fs.Sub(migrations.SQLite, "sqlite")
	if err != nil {
		return fmt.Errorf("find the schema: %w", err)
	}
	p, err := goose.NewProvider(database.DialectSQLite3, db, files, goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return fmt.Errorf("read the schema's changes: %w", err)
	}
	now, known, err := p.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("read the schema's version: %w", err)
	}
	if now > known {
		return fmt.Errorf("the database has schema %d; this version of Tocsin knows %d at most: start the newer version, or restore a backup made before it", now, known)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("move the schema from %d to %d: %w", now, known, err)
	}
	return nil
}

// quickCheck refuses a database whose pages are damaged.
func quickCheck(ctx context.Context, db *sql.DB) error {
	var found []string
	rows, err := db.QueryContext(ctx, "PRAGMA quick_check(3)")
	if err != nil {
		return fmt.Errorf("check the database: %w", err)
	}
	defer func() { _ = rows.Close() }() // its error is that of Err
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			return fmt.Errorf("check the database: %w", err)
		}
		found = append(found, line)
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("check the database: %w", err)
	}
	if len(found) != 1 || found[0] != "ok" {
		return fmt.Errorf("the database is damaged; restore a backup: %s", strings.Join(found, "; "))
	}
	return nil
}
