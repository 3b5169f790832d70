-- The previous release may go on running.
-- It knows of no advisories: what it does changes nothing that is known of them.

-- Where advisories come from, and how the last import of each source went.
CREATE TABLE advisory_sources (
    name         TEXT    NOT NULL PRIMARY KEY,
    origin       TEXT    NOT NULL,              -- what an update was fetched from, in words; empty: somebody gave it
    etag         TEXT    NOT NULL DEFAULT '',
    tried_at     INTEGER NOT NULL DEFAULT 0,
    imported_at  INTEGER NOT NULL DEFAULT 0,
    records      INTEGER NOT NULL DEFAULT 0,    -- of the last import: all, those that were new or others, those refused
    changed      INTEGER NOT NULL DEFAULT 0,
    refused      INTEGER NOT NULL DEFAULT 0,
    refusals     TEXT    NOT NULL DEFAULT '[]', -- the first of these with their reasons, as JSON
    error        TEXT    NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;

-- A record of OSV. One name may have several, which differ in what they say.
CREATE TABLE advisories (
    id         INTEGER PRIMARY KEY,           -- from advisory_changes
    name       TEXT    NOT NULL,
    hash       TEXT    NOT NULL,
    source     TEXT    NOT NULL,
    modified   INTEGER NOT NULL,                -- microseconds since 1970; less than 0 where nobody knows
    withdrawn  INTEGER NOT NULL DEFAULT 0,
    severity   TEXT    NOT NULL,
    summary    TEXT    NOT NULL,
    body       BLOB    NOT NULL,                -- JSON, compressed by zlib
    matched    INTEGER NOT NULL DEFAULT 0       -- by which matcher packages were looked up for it; 0: not yet
) STRICT;
CREATE UNIQUE INDEX advisories_by_name ON advisories (name, hash);
CREATE INDEX advisories_in_order ON advisories (name, id);
CREATE INDEX advisories_of_source ON advisories (source, name, id);
CREATE INDEX advisories_unmatched ON advisories (id) WHERE matched = 0;

-- The packages that it is about, with as much of it as the matcher reads.
CREATE TABLE advisory_packages (
    ecosystem    TEXT    NOT NULL,
    name         TEXT    NOT NULL,
    advisory_id  INTEGER NOT NULL REFERENCES advisories (id) ON DELETE CASCADE,
    entry        BLOB    NOT NULL,
    PRIMARY KEY (ecosystem, name, advisory_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX advisory_packages_of ON advisory_packages (advisory_id);

-- Other names of it: those that mean the same, and those that a distribution gathers in one.
CREATE TABLE advisory_aliases (
    alias        TEXT    NOT NULL,
    advisory_id  INTEGER NOT NULL REFERENCES advisories (id) ON DELETE CASCADE,
    PRIMARY KEY (alias, advisory_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX advisory_aliases_of ON advisory_aliases (advisory_id);

-- What is known to be exploited, and how likely that is within a month, both by CVE.
CREATE TABLE exploited (
    cve         TEXT NOT NULL PRIMARY KEY,
    added       TEXT NOT NULL,
    due         TEXT NOT NULL,
    ransomware  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE exploit_scores (
    cve         TEXT NOT NULL PRIMARY KEY,
    score       REAL NOT NULL,
    percentile  REAL NOT NULL
) STRICT, WITHOUT ROWID;

-- Which advisory hits which package, whatever images hold it.
CREATE TABLE findings (
    package_id   INTEGER NOT NULL REFERENCES packages (id) ON DELETE CASCADE,
    advisory_id  INTEGER NOT NULL REFERENCES advisories (id) ON DELETE CASCADE,
    fixed        TEXT    NOT NULL,              -- the first version that it does not hit; empty: there is none
    severity     TEXT    NOT NULL,
    source       TEXT    NOT NULL,              -- whose word that is
    how          TEXT    NOT NULL,
    PRIMARY KEY (package_id, advisory_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX findings_of ON findings (advisory_id);

-- Raised by every change of an advisory: what was matched beside one is matched again.
CREATE TABLE advisory_changes (
    id       INTEGER PRIMARY KEY,
    version  INTEGER NOT NULL,
    last     INTEGER NOT NULL                   -- the greatest number of an advisory
) STRICT;
INSERT INTO advisory_changes (id, version, last) VALUES (1, 0, 0);
