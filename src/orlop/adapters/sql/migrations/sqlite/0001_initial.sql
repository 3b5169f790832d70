-- The previous release must have stopped.
-- The catalog. Times are microseconds since 1970, UTC; digests are written `<algorithm>:<hex>`.

CREATE TABLE namespaces (
    id          INTEGER PRIMARY KEY,
    path        TEXT    NOT NULL UNIQUE,             -- '' is the root
    parent_id   INTEGER REFERENCES namespaces (id),  -- NULL for the root alone
    created_at  INTEGER NOT NULL,
    created_by  TEXT    NOT NULL
) STRICT;

CREATE TABLE repositories (
    id              INTEGER PRIMARY KEY,
    name            TEXT    NOT NULL UNIQUE,
    namespace_id    INTEGER NOT NULL REFERENCES namespaces (id),
    created_at      INTEGER NOT NULL,
    created_by      TEXT    NOT NULL,
    pushed_at       INTEGER,
    pulled_at       INTEGER,
    pulls           INTEGER NOT NULL DEFAULT 0,
    manifest_count  INTEGER NOT NULL DEFAULT 0,
    manifest_bytes  INTEGER NOT NULL DEFAULT 0,
    tag_count       INTEGER NOT NULL DEFAULT 0,
    blob_count      INTEGER NOT NULL DEFAULT 0,
    blob_bytes      INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX repositories_by_namespace ON repositories (namespace_id, name);

-- A row is a stored copy. A digest has at most one that is not tombstoned.
CREATE TABLE blobs (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    digest       TEXT    NOT NULL,
    copy         TEXT    NOT NULL,
    size         INTEGER NOT NULL CHECK (size >= 0),
    state        TEXT    NOT NULL CHECK (state IN ('live', 'condemned', 'tombstoned')),
    state_at     INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    created_by   TEXT    NOT NULL,
    verified_at  INTEGER,
    UNIQUE (digest, copy)
) STRICT;
CREATE UNIQUE INDEX blobs_present ON blobs (digest) WHERE state <> 'tombstoned';
CREATE INDEX blobs_condemned ON blobs (state_at) WHERE state = 'condemned';
CREATE INDEX blobs_tombstoned ON blobs (id) WHERE state = 'tombstoned';

-- A link makes a blob visible in a repository. It is loose while no manifest of the repository names the blob.
CREATE TABLE blob_links (
    repository_id  INTEGER NOT NULL REFERENCES repositories (id),
    digest         TEXT    NOT NULL,
    blob_id        INTEGER NOT NULL REFERENCES blobs (id),
    linked_at      INTEGER NOT NULL,
    linked_by      TEXT    NOT NULL,
    loose_since    INTEGER,
    PRIMARY KEY (repository_id, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX blob_links_by_blob ON blob_links (blob_id);
CREATE INDEX blob_links_by_digest ON blob_links (digest);
CREATE INDEX blob_links_loose ON blob_links (loose_since) WHERE loose_since IS NOT NULL;

CREATE TABLE manifests (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    repository_id   INTEGER NOT NULL REFERENCES repositories (id),
    digest          TEXT    NOT NULL,
    media_type      TEXT    NOT NULL,
    artifact_type   TEXT    NOT NULL,
    subject_digest  TEXT,
    size            INTEGER NOT NULL,
    content_size    INTEGER NOT NULL,  -- of everything it names directly
    pushed_at       INTEGER NOT NULL,
    pushed_by       TEXT    NOT NULL,
    annotations     TEXT    NOT NULL,  -- JSON object
    content         BLOB    NOT NULL,
    UNIQUE (repository_id, digest)
) STRICT;
CREATE INDEX manifests_by_subject ON manifests (repository_id, subject_digest, digest) WHERE subject_digest IS NOT NULL;
CREATE INDEX manifests_by_subject_and_type ON manifests (repository_id, subject_digest, artifact_type, digest)
    WHERE subject_digest IS NOT NULL;

CREATE TABLE edges (
    manifest_id    INTEGER NOT NULL REFERENCES manifests (id),
    position       INTEGER NOT NULL,
    repository_id  INTEGER NOT NULL,
    kind           TEXT    NOT NULL CHECK (kind IN ('config', 'layer', 'manifest', 'blob')),
    child_digest   TEXT    NOT NULL,
    child_size     INTEGER NOT NULL,
    media_type     TEXT    NOT NULL,
    optional       INTEGER NOT NULL,  -- 1: a foreign layer or a sparse index's entry, which may be missing
    PRIMARY KEY (manifest_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX edges_by_child ON edges (repository_id, child_digest, kind);

CREATE TABLE tags (
    repository_id  INTEGER NOT NULL REFERENCES repositories (id),
    name           TEXT    NOT NULL,
    manifest_id    INTEGER NOT NULL REFERENCES manifests (id),
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL,
    updated_by     TEXT    NOT NULL,
    PRIMARY KEY (repository_id, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX tags_by_manifest ON tags (manifest_id);

-- How often and when last a manifest was pulled through each name. These rows change all the time, so they are small and
-- apart from those that hold content: a page of them counts a hundred pulls where a page of manifests would count three.
CREATE TABLE pulls (
    manifest_id  INTEGER NOT NULL REFERENCES manifests (id),
    tag          TEXT    NOT NULL,  -- '' for its digest
    pulls        INTEGER NOT NULL,
    pulled_at    INTEGER NOT NULL,
    PRIMARY KEY (manifest_id, tag)
) STRICT, WITHOUT ROWID;

CREATE TABLE tag_history (
    id             INTEGER PRIMARY KEY,
    repository_id  INTEGER NOT NULL REFERENCES repositories (id),
    tag            TEXT    NOT NULL,
    at             INTEGER NOT NULL,
    actor          TEXT    NOT NULL,
    digest         TEXT,  -- NULL: deleted
    previous       TEXT   -- NULL: there was none
) STRICT;
CREATE INDEX tag_history_by_tag ON tag_history (repository_id, tag, id);

CREATE TABLE uploads (
    id           TEXT    PRIMARY KEY,
    repository   TEXT    NOT NULL,
    created_by   TEXT    NOT NULL,
    algorithm    TEXT    NOT NULL,
    "offset"     INTEGER NOT NULL DEFAULT 0,
    digest       TEXT,              -- of bytes [0, offset); NULL: not known without reading them again
    place        TEXT    NOT NULL DEFAULT '',  -- how the blob store finds those bytes again, in its own words
    target       TEXT,              -- the digest it was last about to become
    fence        INTEGER NOT NULL DEFAULT 0,
    lease_until  INTEGER NOT NULL DEFAULT 0,
    started_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX uploads_by_expiry ON uploads (expires_at);

CREATE TABLE outbox (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    at          INTEGER NOT NULL,
    kind        TEXT    NOT NULL,
    actor       TEXT    NOT NULL,
    repository  TEXT    NOT NULL,
    digest      TEXT    NOT NULL,
    tag         TEXT    NOT NULL
) STRICT;

CREATE TABLE jobs (
    name         TEXT    PRIMARY KEY,
    owner        TEXT    NOT NULL,
    fence        INTEGER NOT NULL,
    lease_until  INTEGER NOT NULL,
    started_at   INTEGER NOT NULL,
    finished_at  INTEGER,
    outcome      TEXT
) STRICT, WITHOUT ROWID;

-- One row: sizes that metrics ask for, kept by the transactions that change them.
CREATE TABLE totals (
    id            INTEGER PRIMARY KEY CHECK (id = 1),
    repositories  INTEGER NOT NULL DEFAULT 0,
    manifests     INTEGER NOT NULL DEFAULT 0,
    tags          INTEGER NOT NULL DEFAULT 0,
    blobs         INTEGER NOT NULL DEFAULT 0,
    blob_bytes    INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO totals (id) VALUES (1);
INSERT INTO namespaces (id, path, created_at, created_by) VALUES (1, '', 0, 'orlop');

-- One row: whether the catalog is moving to another place, or was filled from one; see domain/moving.py.
CREATE TABLE moving (
    id     INTEGER PRIMARY KEY CHECK (id = 1),
    state  TEXT NOT NULL DEFAULT 'settled',
    move   TEXT NOT NULL DEFAULT '',  -- its id, the same in both catalogs
    run    TEXT NOT NULL DEFAULT '',  -- of the command, which one process at a time may go on with
    other  TEXT NOT NULL DEFAULT '',  -- the place at the other end, for people
    peer   TEXT NOT NULL DEFAULT '',  -- the id of the catalog at the other end
    blobs  TEXT NOT NULL DEFAULT '',  -- the blob store that the blobs were moved to; '': they never were
    gate   TEXT                       -- the ticket of those who may write; NULL: everybody
) STRICT;
INSERT INTO moving (id) VALUES (1);
