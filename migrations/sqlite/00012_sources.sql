-- +goose Up
-- Sources that people have made in the app; kept as connections are.
CREATE TABLE source (
    name    TEXT    NOT NULL PRIMARY KEY,
    text    BLOB    NOT NULL,
    sealed  TEXT    NOT NULL CHECK (json_valid(sealed)),
    version INTEGER NOT NULL,
    by      TEXT    NOT NULL,
    at      INTEGER NOT NULL
) STRICT;

-- +goose Down
DROP TABLE source;
