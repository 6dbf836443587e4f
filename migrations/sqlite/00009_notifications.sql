-- +goose Up
-- What people are told, written in the act that it tells of. Whom is kept in the
-- words of the policy (notification_to) and resolved when somebody looks: so it is
-- right also after roles have changed, and an event is one row however many people
-- it reaches. asks: it asks for something; over: that is done. delivered_at is for
-- what passes it on by mail or chat; nothing does yet.
CREATE TABLE notification (
    id           TEXT    NOT NULL PRIMARY KEY,
    key          TEXT    NOT NULL UNIQUE,
    kind         TEXT    NOT NULL,
    object       TEXT    NOT NULL,
    run          TEXT    NOT NULL,
    at           INTEGER NOT NULL,
    asks         INTEGER NOT NULL CHECK (asks IN (0, 1)),
    over         INTEGER NOT NULL CHECK (over IN (0, 1)),
    delivered_at INTEGER,
    body         TEXT    NOT NULL CHECK (json_valid(body))
) STRICT;
CREATE INDEX notification_open ON notification (object) WHERE asks = 1 AND over = 0;
CREATE INDEX notification_run ON notification (run) WHERE asks = 1 AND over = 0;
CREATE INDEX notification_at ON notification (at);

-- word: role:x, team:y or user:z. nots: log-in names that this word does not mean.
CREATE TABLE notification_to (
    word         TEXT NOT NULL,
    notification TEXT NOT NULL,
    nots         TEXT NOT NULL CHECK (json_valid(nots)),
    PRIMARY KEY (word, notification, nots)
) STRICT, WITHOUT ROWID;
CREATE INDEX notification_to_whom ON notification_to (notification);

CREATE TABLE notification_read (
    user         TEXT    NOT NULL,
    notification TEXT    NOT NULL,
    at           INTEGER NOT NULL,
    PRIMARY KEY (user, notification)
) STRICT, WITHOUT ROWID;
CREATE INDEX notification_read_of ON notification_read (notification);

-- +goose Down
DROP TABLE notification_read;
DROP TABLE notification_to;
DROP TABLE notification;
