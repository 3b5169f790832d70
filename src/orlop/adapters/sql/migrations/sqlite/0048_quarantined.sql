-- The previous release may go on running.
-- It knows of no quarantine: what it is pushed meanwhile is seen at once, and what waits it gives to whoever asks for it
-- by its digest.

-- What was pushed into quarantine: at most one row for each manifest, which it hides unless its state is 1. state: 0 it
-- waits, 1 it was let out, 2 it was refused. tags: a JSON object of those that it gets when it is let out, each with what
-- it pointed at when that was pushed, or null. along: 1 where that was decided of an index that names it. pushed_id:
-- the account, which nobody has after it; 0: nobody who has one.
CREATE TABLE quarantined (
    id          INTEGER PRIMARY KEY,
    manifest_id INTEGER NOT NULL UNIQUE REFERENCES manifests (id) ON DELETE CASCADE,
    repository  TEXT NOT NULL,
    digest      TEXT NOT NULL,
    state       INTEGER NOT NULL,
    along       INTEGER NOT NULL,
    tags        TEXT NOT NULL,
    pushed_by   TEXT NOT NULL,
    pushed_id   INTEGER NOT NULL,
    pushed_at   INTEGER NOT NULL,
    decided_by  TEXT NOT NULL,
    decided_at  INTEGER NOT NULL,
    reason      TEXT NOT NULL
) STRICT;
CREATE INDEX quarantined_by_state ON quarantined (state, along, id);
CREATE INDEX quarantined_waiting ON quarantined (repository, id) WHERE state = 0;

-- What hides manifests is little among all that was ever pushed into quarantine.
CREATE INDEX quarantined_hiding ON quarantined (manifest_id) WHERE state <> 1;
