-- The previous release may go on running.
-- It does what this one has as jobs on its own, and leaves the jobs alone.

-- Work that was asked for, see domain.queue.
CREATE TABLE queue (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    kind        TEXT    NOT NULL,
    arguments   TEXT    NOT NULL,
    place       TEXT    NOT NULL,
    asked_by    TEXT    NOT NULL,
    asked_at    INTEGER NOT NULL,
    priority    INTEGER NOT NULL,
    not_before  INTEGER NOT NULL,
    state       TEXT    NOT NULL,
    attempts    INTEGER NOT NULL DEFAULT 0,
    started_at  INTEGER NOT NULL DEFAULT 0,
    ended_at    INTEGER NOT NULL DEFAULT 0,
    owner       TEXT    NOT NULL DEFAULT '',
    fence       INTEGER NOT NULL DEFAULT 0,
    lease_until INTEGER NOT NULL DEFAULT 0,
    beat_at     INTEGER NOT NULL DEFAULT 0,
    done        INTEGER NOT NULL DEFAULT 0,
    total       INTEGER NOT NULL DEFAULT 0,
    unit        TEXT    NOT NULL DEFAULT '',
    text        TEXT    NOT NULL DEFAULT '',
    result      TEXT    NOT NULL DEFAULT '',
    error       TEXT    NOT NULL DEFAULT '',
    unwanted    INTEGER NOT NULL DEFAULT 0,
    once        TEXT    NOT NULL DEFAULT ''
) STRICT;
-- In the order in which they are taken.
CREATE INDEX queue_waiting ON queue (state, priority DESC, not_before, id) WHERE state = 'waiting';
CREATE INDEX queue_waiting_until ON queue (state, not_before, kind) WHERE state = 'waiting';
-- Not by their leases: what each sign of life changes shall be in no index.
CREATE INDEX queue_running ON queue (state, kind, place) WHERE state = 'running';
CREATE UNIQUE INDEX queue_once ON queue (once) WHERE once <> '' AND state IN ('waiting', 'running');
CREATE INDEX queue_by_state ON queue (state, id);
CREATE INDEX queue_by_kind ON queue (kind, id);
CREATE INDEX queue_ended ON queue (ended_at) WHERE ended_at > 0;
CREATE INDEX queue_done ON queue (state, kind, ended_at) WHERE state = 'done';

-- When kinds of jobs run by themselves.
CREATE TABLE queue_plan (
    kind      TEXT    PRIMARY KEY,
    schedule  TEXT    NOT NULL,
    next_at   INTEGER NOT NULL,
    last_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- One row: whoever takes a job locks it, and every change that others are to hear of raises its version.
CREATE TABLE queue_state (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    version  INTEGER NOT NULL
) STRICT;
INSERT INTO queue_state (id, version) VALUES (1, 1);
