-- +goose Up
-- One row: who this database is, and whether it may act.
CREATE TABLE instance (
    one           INTEGER PRIMARY KEY CHECK (one = 1),
    id            TEXT    NOT NULL,
    audit_key     TEXT    NOT NULL,
    created_at    INTEGER NOT NULL,
    halted        INTEGER NOT NULL CHECK (halted IN (0, 1)),
    halt_reason   TEXT    NOT NULL,
    halt_by       TEXT    NOT NULL,
    halt_since    INTEGER,
    halt_approval TEXT    NOT NULL,
    quarantine    INTEGER NOT NULL CHECK (quarantine IN (0, 1)),
    restored_at   INTEGER
) STRICT;

-- One row: the last batch that was committed. After a COMMIT that returned an
-- error it tells whether the batch is there.
CREATE TABLE batch (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    id  INTEGER NOT NULL
) STRICT;
INSERT INTO batch (one, id) VALUES (1, 0);

-- Bytes by their hash: raw deliveries, alerts as runs saw them, programs, large values.
CREATE TABLE payload (
    sha256 BLOB    NOT NULL PRIMARY KEY CHECK (length(sha256) = 32),
    bytes  BLOB    NOT NULL CHECK (length(bytes) <= 16777216),
    at     INTEGER NOT NULL
) STRICT;

-- What changed, for the event stream and for waking runs.
CREATE TABLE outbox (
    seq     INTEGER PRIMARY KEY AUTOINCREMENT,
    kind    TEXT    NOT NULL,
    id      TEXT    NOT NULL,
    version INTEGER NOT NULL
) STRICT;

-- +goose Down
DROP TABLE outbox;
DROP TABLE payload;
DROP TABLE batch;
DROP TABLE instance;
