-- The previous release may go on running.
-- It knows of no schedules of backups, and makes none.

-- How backups (`backup`) and drills (`drill`) of a schedule went: the last try, and what ended well last.
CREATE TABLE backup_runs (
    schedule  TEXT COLLATE "C" NOT NULL,
    work      TEXT COLLATE "C" NOT NULL,
    target    TEXT COLLATE "C" NOT NULL,
    job       BIGINT NOT NULL,
    tried_at  BIGINT NOT NULL,
    done_at   BIGINT NOT NULL,
    backup    TEXT COLLATE "C" NOT NULL,
    blobs     BIGINT NOT NULL,
    bytes     BIGINT NOT NULL,
    new_bytes BIGINT NOT NULL,
    lasted    BIGINT NOT NULL,
    failures  BIGINT NOT NULL,
    error     TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (schedule, work)
);

-- What lay at the target of a schedule when it was looked at last. A name begins with its time.
CREATE TABLE backups (
    schedule    TEXT COLLATE "C" NOT NULL,
    name        TEXT COLLATE "C" NOT NULL,
    at          BIGINT NOT NULL,
    ended_at    BIGINT NOT NULL,
    engine      TEXT COLLATE "C" NOT NULL,
    program     TEXT COLLATE "C" NOT NULL,
    blobs       BIGINT NOT NULL,
    bytes       BIGINT NOT NULL,
    damaged     BIGINT NOT NULL,
    drilled_at  BIGINT NOT NULL,
    drill_error TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (schedule, name)
);
