-- The previous release may go on running.
-- It knows of no locks, and deletes a manifest that has one.

-- What a tag pointed at at a time is asked of tags that moved a hundred thousand times.
CREATE INDEX tag_history_by_time ON tag_history (repository_id, tag, at);

-- A manifest that has a lock is not deleted, whoever asks.
CREATE TABLE locks (
    repository_id  BIGINT NOT NULL,
    digest         TEXT COLLATE "C" NOT NULL,
    reason         TEXT COLLATE "C" NOT NULL,
    locked_at      BIGINT NOT NULL,
    locked_by      TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (repository_id, digest)
);
