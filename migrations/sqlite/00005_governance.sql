-- +goose Up
-- input is the canonical JSON of the question with alert null; together with the
-- alert it gives the exact bytes again, whose hash is input_sha256.
CREATE TABLE decision (
    id           TEXT    NOT NULL PRIMARY KEY,
    run          TEXT    NOT NULL,
    action       TEXT    NOT NULL,
    outcome      TEXT    NOT NULL,
    plain        INTEGER NOT NULL CHECK (plain IN (0, 1)),
    at           INTEGER NOT NULL,
    body         TEXT    NOT NULL CHECK (json_valid(body)),
    input        BLOB    NOT NULL,
    input_sha256 BLOB    NOT NULL CHECK (length(input_sha256) = 32),
    alert_sha256 BLOB
) STRICT;
CREATE INDEX decision_run ON decision (run, id);
CREATE INDEX decision_outcome ON decision (outcome, id) WHERE outcome <> 'allow';
CREATE INDEX decision_at ON decision (plain, at);

-- What the counters count. A freed one is gone.
CREATE TABLE reservation (
    decision     TEXT    NOT NULL PRIMARY KEY,
    run          TEXT    NOT NULL,
    step         TEXT    NOT NULL,
    occurrence   INTEGER NOT NULL,
    action       TEXT    NOT NULL,
    impact       TEXT    NOT NULL,
    target_kinds TEXT    NOT NULL CHECK (json_valid(target_kinds)),
    playbook     TEXT    NOT NULL,
    at           INTEGER NOT NULL
) STRICT;
CREATE INDEX reservation_at ON reservation (at);
CREATE INDEX reservation_run ON reservation (run);

CREATE TABLE approval (
    id         TEXT    NOT NULL PRIMARY KEY,
    kind       TEXT    NOT NULL,
    status     TEXT    NOT NULL,
    run        TEXT    NOT NULL,
    deadline   INTEGER NOT NULL,
    held_until INTEGER,
    version    INTEGER NOT NULL,
    body       TEXT    NOT NULL CHECK (json_valid(body))
) STRICT;
CREATE INDEX approval_status ON approval (status, id);
CREATE INDEX approval_run ON approval (run, id);

-- due is when a hold ends next.
CREATE TABLE effect (
    id         TEXT    NOT NULL PRIMARY KEY,
    key        TEXT    NOT NULL,
    status     TEXT    NOT NULL,
    connection TEXT    NOT NULL,
    playbook   TEXT    NOT NULL,
    run        TEXT    NOT NULL,
    since      INTEGER NOT NULL,
    due        INTEGER,
    version    INTEGER NOT NULL,
    body       TEXT    NOT NULL CHECK (json_valid(body))
) STRICT;
CREATE UNIQUE INDEX effect_open ON effect (key) WHERE status <> 'undone';
CREATE INDEX effect_status ON effect (status, id);
CREATE INDEX effect_due ON effect (due) WHERE due IS NOT NULL;

-- Who holds or held an effect, and on what it is: for filters.
CREATE TABLE effect_run (
    run    TEXT NOT NULL,
    effect TEXT NOT NULL,
    PRIMARY KEY (run, effect)
) STRICT, WITHOUT ROWID;
CREATE TABLE effect_target (
    value  TEXT NOT NULL,
    kind   TEXT NOT NULL,
    effect TEXT NOT NULL,
    PRIMARY KEY (value, kind, effect)
) STRICT, WITHOUT ROWID;
-- Names that runs gave an effect that was in force already under another one.
CREATE TABLE effect_alias (
    alias  TEXT NOT NULL PRIMARY KEY,
    effect TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE effect_alias;
DROP TABLE effect_target;
DROP TABLE effect_run;
DROP TABLE effect;
DROP TABLE approval;
DROP TABLE reservation;
DROP TABLE decision;
