-- The previous release may go on running.
-- It knows of no labels, and leaves those of what it deletes.

-- What happened to all tags of a repository is told newest first.
CREATE INDEX tag_history_by_repository ON tag_history (repository_id, id);

-- Of a manifest, or of the repository itself, whose digest is empty.
CREATE TABLE labels (
    repository_id  BIGINT NOT NULL,
    digest         TEXT COLLATE "C" NOT NULL,
    key            TEXT COLLATE "C" NOT NULL,
    value          TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (repository_id, digest, key)
);

CREATE INDEX labels_by_value ON labels (repository_id, key, value, digest);
