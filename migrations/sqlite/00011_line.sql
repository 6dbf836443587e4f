-- +goose Up
-- What is known of a connection from its calls, where not all is well; the name may be
-- that of one in the workspace's files.
CREATE TABLE line (
    connection TEXT    NOT NULL PRIMARY KEY,
    failures   INTEGER NOT NULL,
    away       INTEGER NOT NULL,
    looked     INTEGER NOT NULL CHECK (looked IN (0, 1)),
    error      TEXT    NOT NULL,
    since      INTEGER NOT NULL,
    until      INTEGER,
    version    INTEGER NOT NULL
) STRICT;

-- +goose Down
DROP TABLE line;
