-- +goose Up
-- Deliveries with an identity, kept for a day: the same one again gets the same answer.
CREATE TABLE delivery (
    source   TEXT    NOT NULL,
    identity TEXT    NOT NULL,
    id       TEXT    NOT NULL,
    sha256   BLOB    NOT NULL CHECK (length(sha256) = 32),
    at       INTEGER NOT NULL,
    answer   TEXT    NOT NULL CHECK (json_valid(answer)),
    PRIMARY KEY (source, identity)
) STRICT, WITHOUT ROWID;
CREATE INDEX delivery_at ON delivery (at);

-- severity is the rank, 0 to 5. body is the alert without its fields, which stand
-- in fields, or in payload by fields_sha256 where they are large. search is lower case.
CREATE TABLE alert (
    id            TEXT    NOT NULL PRIMARY KEY,
    source        TEXT    NOT NULL,
    dedup         TEXT    NOT NULL,
    status        TEXT    NOT NULL,
    severity      INTEGER NOT NULL CHECK (severity BETWEEN 0 AND 5),
    owner         TEXT    NOT NULL,
    count         INTEGER NOT NULL,
    last_seen     INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    version       INTEGER NOT NULL,
    search        TEXT    NOT NULL,
    body          TEXT    NOT NULL CHECK (json_valid(body)),
    fields        TEXT    NOT NULL,
    fields_sha256 BLOB
) STRICT;
CREATE INDEX alert_dedup ON alert (source, dedup, last_seen);
CREATE INDEX alert_status ON alert (status, id);
CREATE INDEX alert_last_seen ON alert (last_seen, id);
CREATE INDEX alert_severity ON alert (severity, id);

-- Which alerts name the same things.
CREATE TABLE entity (
    kind  TEXT NOT NULL,
    value TEXT NOT NULL,
    alert TEXT NOT NULL,
    PRIMARY KEY (kind, value, alert)
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE entity;
DROP TABLE alert;
DROP TABLE delivery;
