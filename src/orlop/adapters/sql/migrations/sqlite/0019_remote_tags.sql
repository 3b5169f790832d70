-- The previous release may go on running.
-- It knows of no upstreams, and what it is pushed where one is shown is the namespace's own.

-- What upstreams last said of their tags; each under the name that its repository has here.
CREATE TABLE remote_tags (
    repository  TEXT    NOT NULL,
    tag         TEXT    NOT NULL,
    digest      TEXT    NOT NULL,
    checked_at  INTEGER NOT NULL,
    moved_at    INTEGER NOT NULL,
    gone_since  INTEGER NOT NULL,  -- 0: it is there
    PRIMARY KEY (repository, tag)
) STRICT, WITHOUT ROWID;
CREATE INDEX remote_tags_by_digest ON remote_tags (repository, digest, tag);
CREATE INDEX remote_tags_gone ON remote_tags (gone_since, repository, tag) WHERE gone_since <> 0;
