-- +goose Up
-- Bytes that something may refer to, by the hash and by further names; the bytes
-- themselves lie in payload.
CREATE TABLE kept (
    kind   TEXT    NOT NULL CHECK (kind IN ('playbook', 'manifest')),
    name   TEXT    NOT NULL,
    sha256 BLOB    NOT NULL CHECK (length(sha256) = 32),
    PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE book (
    slug      TEXT    NOT NULL PRIMARY KEY,
    published TEXT    NOT NULL,
    draft     TEXT    NOT NULL,
    revision  INTEGER NOT NULL
) STRICT;

CREATE TABLE book_version (
    slug   TEXT    NOT NULL,
    sha256 BLOB    NOT NULL CHECK (length(sha256) = 32),
    place  INTEGER NOT NULL,
    body   TEXT    NOT NULL CHECK (json_valid(body)),
    PRIMARY KEY (slug, sha256)
) STRICT, WITHOUT ROWID;
CREATE INDEX book_version_place ON book_version (slug, place);

-- text holds no secret; sealed holds them by field, each sealed to this row.
CREATE TABLE connection (
    name    TEXT    NOT NULL PRIMARY KEY,
    text    BLOB    NOT NULL,
    sealed  TEXT    NOT NULL CHECK (json_valid(sealed)),
    version INTEGER NOT NULL,
    by      TEXT    NOT NULL,
    at      INTEGER NOT NULL
) STRICT;

-- +goose Down
DROP TABLE connection;
DROP TABLE book_version;
DROP TABLE book;
DROP TABLE kept;
