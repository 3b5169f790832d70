-- The previous release may go on running.
-- It removes no event that a follower of this release has not read.

-- What followers fail at; see ports/following.py.
CREATE TABLE follower_troubles (
    stream    TEXT    NOT NULL,
    name      TEXT    NOT NULL,
    position  INTEGER NOT NULL,
    failures  INTEGER NOT NULL,
    since     INTEGER NOT NULL,
    at        INTEGER NOT NULL,
    error     TEXT    NOT NULL,
    PRIMARY KEY (stream, name)
) STRICT, WITHOUT ROWID;

-- Events for webhooks, by their path and name with a colon between; see ports/webhooks.py.
CREATE TABLE deliveries (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    hook        TEXT    NOT NULL,
    lane        TEXT    NOT NULL,  -- those of one lane are delivered in order
    event       INTEGER NOT NULL,
    kind        TEXT    NOT NULL,
    facts       BLOB    NOT NULL,
    state       TEXT    NOT NULL CHECK (state IN ('pending', 'delivered', 'dead')),
    created_at  INTEGER NOT NULL,
    due_at      INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    attempts    INTEGER NOT NULL DEFAULT 0,
    tried_at    INTEGER NOT NULL DEFAULT 0,
    status      INTEGER NOT NULL DEFAULT 0,
    error       TEXT    NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX deliveries_pending ON deliveries (hook, lane, id) WHERE state = 'pending';
CREATE INDEX deliveries_expiring ON deliveries (expires_at) WHERE state = 'pending';
CREATE INDEX deliveries_by_hook ON deliveries (hook, id);
CREATE INDEX deliveries_dead ON deliveries (hook, id) WHERE state = 'dead';
CREATE INDEX deliveries_over ON deliveries (created_at) WHERE state <> 'pending';

CREATE TABLE delivery_attempts (
    delivery_id  INTEGER NOT NULL,
    number       INTEGER NOT NULL,
    at           INTEGER NOT NULL,
    took         INTEGER NOT NULL,
    status       INTEGER NOT NULL,
    answer       TEXT    NOT NULL,
    error        TEXT    NOT NULL,
    PRIMARY KEY (delivery_id, number)
) STRICT, WITHOUT ROWID;

-- Webhooks whose last delivery failed; none: it did not.
CREATE TABLE webhook_health (
    hook           TEXT    PRIMARY KEY,
    failures       INTEGER NOT NULL,
    failing_since  INTEGER NOT NULL,
    resting_until  INTEGER NOT NULL,
    paused_at      INTEGER NOT NULL,
    error          TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX webhook_health_paused ON webhook_health (hook) WHERE paused_at > 0;
