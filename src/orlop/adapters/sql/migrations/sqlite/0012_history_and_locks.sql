-- The previous release may go on running.
-- It knows of no locks, and deletes a manifest that has one.

-- What a tag pointed at at a time is asked of tags that moved a hundred thousand times.
CREATE INDEX tag_history_by_time ON tag_history (repository_id, tag, at);

-- A manifest that has a lock is not deleted, whoever asks.
CREATE TABLE locks (
    repository_id  INTEGER NOT NULL,
    digest         TEXT    NOT NULL,
    reason         TEXT    NOT NULL,
    locked_at      INTEGER NOT NULL,
    locked_by      TEXT    NOT NULL,
    PRIMARY KEY (repository_id, digest)
) STRICT, WITHOUT ROWID;
