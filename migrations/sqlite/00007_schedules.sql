-- +goose Up
-- due is the stored due time, wake the same with its jitter; body holds the rest.
CREATE TABLE schedule (
    slug   TEXT    NOT NULL PRIMARY KEY,
    due    INTEGER NOT NULL,
    wake   INTEGER NOT NULL,
    paused INTEGER NOT NULL CHECK (paused IN (0, 1)),
    body   TEXT    NOT NULL CHECK (json_valid(body))
) STRICT;

-- A time of a schedule starts one run, once and for all.
CREATE TABLE schedule_tick (
    slug    TEXT    NOT NULL,
    planned INTEGER NOT NULL,
    run     TEXT    NOT NULL,
    PRIMARY KEY (slug, planned)
) STRICT, WITHOUT ROWID;

-- Answers of requests that carried an Idempotency-Key, for a day. status 0: it is
-- under way.
CREATE TABLE reply (
    key    BLOB    NOT NULL PRIMARY KEY CHECK (length(key) = 32),
    digest BLOB    NOT NULL CHECK (length(digest) = 32),
    status INTEGER NOT NULL,
    body   BLOB    NOT NULL,
    at     INTEGER NOT NULL
) STRICT;
CREATE INDEX reply_at ON reply (at);

-- +goose Down
DROP TABLE reply;
DROP TABLE schedule_tick;
DROP TABLE schedule;
