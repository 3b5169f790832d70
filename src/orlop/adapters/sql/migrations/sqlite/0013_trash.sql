-- The previous release may go on running.
-- What it deletes is gone, as before. It counts the repositories that hold what lies in the trash, lists them to those who
-- see everything, by names that begin with ~, and its orlop verify takes what they lack for damage.

-- What was deleted and can be restored. It is held by a repository whose name nobody can ask for; see
-- docs/adr/033-what-is-deleted-lies-in-hidden-repositories.md.
CREATE TABLE trash (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    name        TEXT    NOT NULL,  -- of the repository, or the path of the namespace with a / behind it
    kind        TEXT    NOT NULL CHECK (kind IN ('manifest', 'tag', 'repository', 'namespace')),
    digest      TEXT    NOT NULL,  -- of the manifest, or what the tag pointed at; '': neither
    subject     TEXT    NOT NULL,  -- what the manifest refers to; '': nothing
    holder      INTEGER REFERENCES repositories (id),  -- the hidden repository; NULL: there is none
    size        INTEGER NOT NULL,  -- of what the hidden repository holds
    body        BLOB    NOT NULL,  -- what a namespace had, as JSON
    deleted_at  INTEGER NOT NULL,
    deleted_by  TEXT    NOT NULL,
    request     TEXT    NOT NULL,
    expires_at  INTEGER NOT NULL   -- 0: it is being removed
) STRICT;
CREATE INDEX trash_by_name ON trash (name, id);
CREATE INDEX trash_by_digest ON trash (name, digest, id);
CREATE INDEX trash_by_subject ON trash (name, subject, id) WHERE subject <> '';
CREATE INDEX trash_by_holder ON trash (holder) WHERE holder IS NOT NULL;
CREATE INDEX trash_by_expiry ON trash (expires_at, id, size);

-- The tags that went with an entry.
CREATE TABLE trash_tags (
    entry  INTEGER NOT NULL REFERENCES trash (id),
    name   TEXT    NOT NULL,  -- of the repository
    tag    TEXT    NOT NULL,
    PRIMARY KEY (entry, tag)
) STRICT, WITHOUT ROWID;
CREATE INDEX trash_tags_by_tag ON trash_tags (name, tag, entry);
