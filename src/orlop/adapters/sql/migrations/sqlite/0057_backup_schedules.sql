-- The previous release may go on running.
-- It knows of no schedules of backups, and makes none.

-- How backups (`backup`) and drills (`drill`) of a schedule went: the last try, and what ended well last.
CREATE TABLE backup_runs (
    schedule  TEXT NOT NULL,
    work      TEXT NOT NULL,
    target    TEXT NOT NULL,
    job       INTEGER NOT NULL,
    tried_at  INTEGER NOT NULL,
    done_at   INTEGER NOT NULL,
    backup    TEXT NOT NULL,
    blobs     INTEGER NOT NULL,
    bytes     INTEGER NOT NULL,
    new_bytes INTEGER NOT NULL,
    lasted    INTEGER NOT NULL,
    failures  INTEGER NOT NULL,
    error     TEXT NOT NULL,
    PRIMARY KEY (schedule, work)
) STRICT;

-- What lay at the target of a schedule when it was looked at last. A name begins with its time.
CREATE TABLE backups (
    schedule    TEXT NOT NULL,
    name        TEXT NOT NULL,
    at          INTEGER NOT NULL,
    ended_at    INTEGER NOT NULL,
    engine      TEXT NOT NULL,
    program     TEXT NOT NULL,
    blobs       INTEGER NOT NULL,
    bytes       INTEGER NOT NULL,
    damaged     INTEGER NOT NULL,
    drilled_at  INTEGER NOT NULL,
    drill_error TEXT NOT NULL,
    PRIMARY KEY (schedule, name)
) STRICT;
