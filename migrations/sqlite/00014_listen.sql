-- +goose Up
-- What runs wait to hear of: every event of a subject, or the one call with a token
-- (hash is its SHA-256).
CREATE TABLE listen (
    run     TEXT NOT NULL,
    path    TEXT NOT NULL,
    subject TEXT NOT NULL,
    hash    BLOB CHECK (hash IS NULL OR length(hash) = 32),
    PRIMARY KEY (run, path)
) STRICT, WITHOUT ROWID;
CREATE INDEX listen_subject ON listen (subject) WHERE subject <> '';
CREATE UNIQUE INDEX listen_hash ON listen (hash) WHERE hash IS NOT NULL;

-- Events of the platform that somebody may want to hear of, until they were handed on.
CREATE TABLE event (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    subject TEXT    NOT NULL,
    at      INTEGER NOT NULL,
    depth   INTEGER NOT NULL,
    data    TEXT    NOT NULL CHECK (json_valid(data))
) STRICT;

-- +goose Down
DROP TABLE event;
DROP TABLE listen;
