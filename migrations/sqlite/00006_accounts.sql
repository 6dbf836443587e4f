-- +goose Up
CREATE TABLE user (
    id         TEXT    NOT NULL PRIMARY KEY,
    name       TEXT    NOT NULL UNIQUE,
    email      TEXT    NOT NULL,
    kind       TEXT    NOT NULL CHECK (kind IN ('person', 'service')),
    roles      TEXT    NOT NULL CHECK (json_valid(roles)),
    teams      TEXT    NOT NULL CHECK (json_valid(teams)),
    disabled   INTEGER NOT NULL CHECK (disabled IN (0, 1)),
    managed_by TEXT    NOT NULL,
    version    INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    last_login INTEGER,
    password   TEXT    NOT NULL
) STRICT;

CREATE TABLE link (
    hash       BLOB    NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
    user       TEXT    NOT NULL REFERENCES user (id),
    purpose    TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used       INTEGER NOT NULL CHECK (used IN (0, 1))
) STRICT;
CREATE INDEX link_user ON link (user);

CREATE TABLE session (
    hash       BLOB    NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
    user       TEXT    NOT NULL REFERENCES user (id),
    auth       TEXT    NOT NULL,
    ip         TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    seen_at    INTEGER NOT NULL
) STRICT;
CREATE INDEX session_user ON session (user);

CREATE TABLE token (
    id         TEXT    NOT NULL PRIMARY KEY,
    name       TEXT    NOT NULL,
    owner      TEXT    NOT NULL REFERENCES user (id),
    scopes     TEXT    NOT NULL CHECK (json_valid(scopes)),
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER,
    last_used  INTEGER,
    hash       BLOB    NOT NULL UNIQUE CHECK (length(hash) = 32)
) STRICT;
CREATE INDEX token_owner ON token (owner, id);

-- +goose Down
DROP TABLE token;
DROP TABLE session;
DROP TABLE link;
DROP TABLE user;
