-- The previous release may go on running.
-- It tells nobody that it is there.

-- The servers on this catalog, which tell each half a minute that they are there.
CREATE TABLE replicas (
    id          TEXT PRIMARY KEY,
    host        TEXT NOT NULL,
    version     TEXT NOT NULL,
    workers     INTEGER NOT NULL,
    started_at  INTEGER NOT NULL,
    seen_at     INTEGER NOT NULL
) STRICT;
CREATE INDEX replicas_by_sight ON replicas (seen_at);
