-- +goose Up
-- start holds what the run was queued with, view what the page shows of it
-- besides the columns; large ones lie in payload by hash. waits are the words of
-- what it waits for. parked: only people or timers can move it on. lost: attempts
-- dispatched up to this sequence whose result is not there come out of a restored copy.
CREATE TABLE run (
    id            TEXT    NOT NULL PRIMARY KEY,
    start_key     TEXT    NOT NULL UNIQUE,
    playbook      TEXT    NOT NULL,
    digest        TEXT    NOT NULL,
    program       BLOB,
    alert         TEXT    NOT NULL,
    alert_sha256  BLOB,
    priority      INTEGER NOT NULL,
    start         TEXT    NOT NULL,
    start_sha256  BLOB,
    status        TEXT    NOT NULL CHECK (status IN ('queued', 'running', 'waiting', 'succeeded', 'failed', 'cancelled')),
    waits         TEXT    NOT NULL,
    parked        INTEGER NOT NULL CHECK (parked IN (0, 1)),
    view          TEXT    NOT NULL,
    view_sha256   BLOB,
    created_at    INTEGER NOT NULL,
    started_at    INTEGER,
    ended_at      INTEGER,
    head          INTEGER NOT NULL,
    chain         BLOB    NOT NULL CHECK (length(chain) = 32),
    lost          INTEGER NOT NULL,
    version       INTEGER NOT NULL
) STRICT;
CREATE INDEX run_open ON run (priority DESC, id) WHERE status IN ('queued', 'running', 'waiting');
CREATE INDEX run_status ON run (status, id);
CREATE INDEX run_playbook ON run (playbook, id);
CREATE INDEX run_alert ON run (alert, id) WHERE alert <> '';
CREATE INDEX run_ended ON run (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE step (
    run         TEXT    NOT NULL,
    path        TEXT    NOT NULL,
    place       INTEGER NOT NULL,
    status      TEXT    NOT NULL,
    action      TEXT    NOT NULL,
    connection  TEXT    NOT NULL,
    body        TEXT    NOT NULL,
    body_sha256 BLOB,
    PRIMARY KEY (run, path)
) STRICT, WITHOUT ROWID;

-- The journal: the truth about a run. chain = SHA-256(chain before ‖ SHA-256(0x00 ‖ event)).
CREATE TABLE journal (
    run         TEXT    NOT NULL,
    seq         INTEGER NOT NULL,
    at          INTEGER NOT NULL,
    kind        TEXT    NOT NULL,
    body        TEXT    NOT NULL,
    body_sha256 BLOB,
    chain       BLOB    NOT NULL CHECK (length(chain) = 32),
    PRIMARY KEY (run, seq)
) STRICT, WITHOUT ROWID;
-- +goose StatementBegin
CREATE TRIGGER journal_no_update BEFORE UPDATE ON journal BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only');
END;
-- +goose StatementEnd

-- Journals of runs that ended long ago, compressed; only what lies here may
-- leave the journal.
CREATE TABLE archive (
    run   TEXT    NOT NULL PRIMARY KEY,
    at    INTEGER NOT NULL,
    head  INTEGER NOT NULL,
    chain BLOB    NOT NULL CHECK (length(chain) = 32),
    bytes BLOB    NOT NULL
) STRICT;
-- +goose StatementBegin
CREATE TRIGGER journal_no_delete BEFORE DELETE ON journal
WHEN NOT EXISTS (SELECT 1 FROM archive WHERE archive.run = OLD.run) BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only');
END;
-- +goose StatementEnd

CREATE TABLE timer (
    run  TEXT    NOT NULL,
    path TEXT    NOT NULL,
    kind TEXT    NOT NULL,
    due  INTEGER NOT NULL,
    PRIMARY KEY (run, path, kind)
) STRICT, WITHOUT ROWID;
CREATE INDEX timer_due ON timer (due);

-- What reaches a run from outside, until the run has consumed it.
CREATE TABLE signal (
    id   INTEGER PRIMARY KEY AUTOINCREMENT,
    run  TEXT    NOT NULL,
    kind TEXT    NOT NULL,
    body TEXT    NOT NULL,
    at   INTEGER NOT NULL
) STRICT;
CREATE INDEX signal_run ON signal (run, id);

-- +goose Down
DROP TABLE signal;
DROP TABLE timer;
DROP TABLE archive;
DROP TABLE journal;
DROP TABLE step;
DROP TABLE run;
