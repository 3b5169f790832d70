-- The previous release may go on running.
-- It knows of no plans, and leaves them alone; retention waits for this release.

-- Since when nothing has pointed at a manifest.
CREATE INDEX tag_history_by_previous ON tag_history (repository_id, previous, at) WHERE previous IS NOT NULL;

-- What rules would delete, as it was shown; see ports/retention.py.
CREATE TABLE retention_plans (
    id                 INTEGER PRIMARY KEY AUTOINCREMENT,
    path               TEXT    NOT NULL,
    asked_by           TEXT    NOT NULL,
    asked_at           INTEGER NOT NULL,
    state              TEXT    NOT NULL,
    rules              TEXT    NOT NULL,  -- JSON: the rules by which it was made, with their versions
    brake              INTEGER NOT NULL DEFAULT 0,
    repositories       INTEGER NOT NULL DEFAULT 0,
    tags               INTEGER NOT NULL DEFAULT 0,
    manifests          INTEGER NOT NULL DEFAULT 0,
    deleted_tags       INTEGER NOT NULL DEFAULT 0,
    deleted_manifests  INTEGER NOT NULL DEFAULT 0,
    bytes              INTEGER NOT NULL DEFAULT 0,
    job                INTEGER NOT NULL DEFAULT 0,
    applied_by         TEXT    NOT NULL DEFAULT '',
    applied_at         INTEGER NOT NULL DEFAULT 0,
    ended_at           INTEGER NOT NULL DEFAULT 0,
    done               INTEGER NOT NULL DEFAULT 0,
    skipped            INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX retention_plans_by_path ON retention_plans (path, id);
CREATE INDEX retention_plans_by_age ON retention_plans (asked_at);

-- Up to a thousand items of a repository. open: how many of them are to be deleted and were not looked at yet.
CREATE TABLE retention_pages (
    plan_id     INTEGER NOT NULL,
    repository  TEXT    NOT NULL,
    number      INTEGER NOT NULL,
    items       BLOB    NOT NULL,
    deletes     INTEGER NOT NULL,
    open        INTEGER NOT NULL,
    PRIMARY KEY (plan_id, repository, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX retention_pages_open ON retention_pages (plan_id, repository, number) WHERE open > 0;

-- Digests that clusters and scripts say they run, until then.
CREATE TABLE in_use (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    path        TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    digests     INTEGER NOT NULL,
    posted_at   INTEGER NOT NULL,
    posted_by   TEXT    NOT NULL,
    expires_at  INTEGER NOT NULL,
    UNIQUE (path, name)
) STRICT;
CREATE INDEX in_use_by_expiry ON in_use (expires_at);
CREATE TABLE in_use_digests (
    in_use_id  INTEGER NOT NULL,
    digest     TEXT    NOT NULL,
    PRIMARY KEY (in_use_id, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX in_use_by_digest ON in_use_digests (digest);
