// Package migrations is the schema of the database, one numbered change after
// the other; a change is never edited after a release.
package migrations

import "embed"

// SQLite holds sqlite/NNNNN_words.sql.
//
//go:embed sqlite/*.sql
var SQLite embed.FS
