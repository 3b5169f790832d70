-- The previous release may go on running.
-- It tells nobody of read-only mode.

-- What was told last of each cause of read-only mode: once for all processes on this catalog.
CREATE TABLE read_only_told (
    cause       TEXT PRIMARY KEY,
    version     INTEGER NOT NULL,
    holds       INTEGER NOT NULL,
    changed_at  INTEGER NOT NULL,
    reason      TEXT NOT NULL
) STRICT;
