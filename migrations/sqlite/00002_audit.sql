-- +goose Up
-- The audit log. entry holds the exact bytes; the columns behind chain repeat
-- parts of them for filters and prove nothing.
CREATE TABLE audit (
    seq    INTEGER PRIMARY KEY,
    entry  BLOB    NOT NULL,
    leaf   BLOB    NOT NULL CHECK (length(leaf) = 32),
    chain  BLOB    NOT NULL CHECK (length(chain) = 32),
    at     INTEGER NOT NULL,
    actor  TEXT    NOT NULL,
    verb   TEXT    NOT NULL,
    object TEXT    NOT NULL,
    run    TEXT    NOT NULL
) STRICT;
CREATE INDEX audit_object ON audit (object) WHERE object <> '';
CREATE INDEX audit_run ON audit (run) WHERE run <> '';

-- +goose StatementBegin
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
-- +goose StatementEnd

-- Signed states of the log.
CREATE TABLE checkpoint (
    size      INTEGER PRIMARY KEY,
    instance  TEXT    NOT NULL,
    root      BLOB    NOT NULL CHECK (length(root) = 32),
    chain     BLOB    NOT NULL CHECK (length(chain) = 32),
    at        INTEGER NOT NULL,
    key       TEXT    NOT NULL,
    signature BLOB    NOT NULL
) STRICT;
-- +goose StatementBegin
CREATE TRIGGER checkpoint_no_update BEFORE UPDATE ON checkpoint BEGIN
    SELECT RAISE(ABORT, 'checkpoints are append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER checkpoint_no_delete BEFORE DELETE ON checkpoint BEGIN
    SELECT RAISE(ABORT, 'checkpoints are append-only');
END;
-- +goose StatementEnd

-- +goose Down
DROP TABLE checkpoint;
DROP TABLE audit;
