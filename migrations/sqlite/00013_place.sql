-- +goose Up
-- The lines of the playbooks with concurrency: runs at work (held) and those that
-- wait for their turn, in the order of their ids. told: it was asked to end, because
-- newer ones want its place.
CREATE TABLE place (
    run      TEXT    NOT NULL PRIMARY KEY,
    playbook TEXT    NOT NULL,
    key      TEXT    NOT NULL,
    most     INTEGER NOT NULL CHECK (most > 0),
    held     INTEGER NOT NULL CHECK (held IN (0, 1)),
    told     INTEGER NOT NULL CHECK (told IN (0, 1))
) STRICT, WITHOUT ROWID;
CREATE INDEX place_line ON place (playbook, key, run);

-- +goose Down
DROP TABLE place;
