-- The previous release may go on running.
-- It knows of no advisories: what it does changes nothing that is known of them.

-- Where advisories come from, and how the last import of each source went.
CREATE TABLE advisory_sources (
    name         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    origin       TEXT COLLATE "C" NOT NULL,              -- what an update was fetched from, in words; empty: somebody gave it
    etag         TEXT COLLATE "C" NOT NULL DEFAULT '',
    tried_at     BIGINT NOT NULL DEFAULT 0,
    imported_at  BIGINT NOT NULL DEFAULT 0,
    records      BIGINT NOT NULL DEFAULT 0,    -- of the last import: all, those that were new or others, those refused
    changed      BIGINT NOT NULL DEFAULT 0,
    refused      BIGINT NOT NULL DEFAULT 0,
    refusals     TEXT COLLATE "C" NOT NULL DEFAULT '[]', -- the first of these with their reasons, as JSON
    error        TEXT COLLATE "C" NOT NULL DEFAULT ''
);

-- A record of OSV. One name may have several, which differ in what they say.
CREATE TABLE advisories (
    id         BIGINT PRIMARY KEY,           -- from advisory_changes
    name       TEXT COLLATE "C" NOT NULL,
    hash       TEXT COLLATE "C" NOT NULL,
    source     TEXT COLLATE "C" NOT NULL,
    modified   BIGINT NOT NULL,                -- microseconds since 1970; less than 0 where nobody knows
    withdrawn  BIGINT NOT NULL DEFAULT 0,
    severity   TEXT COLLATE "C" NOT NULL,
    summary    TEXT COLLATE "C" NOT NULL,
    body       BYTEA    NOT NULL,                -- JSON, compressed by zlib
    matched    BIGINT NOT NULL DEFAULT 0       -- by which matcher packages were looked up for it; 0: not yet
);
CREATE UNIQUE INDEX advisories_by_name ON advisories (name, hash);
CREATE INDEX advisories_in_order ON advisories (name, id);
CREATE INDEX advisories_of_source ON advisories (source, name, id);
CREATE INDEX advisories_unmatched ON advisories (id) WHERE matched = 0;

-- The packages that it is about, with as much of it as the matcher reads.
CREATE TABLE advisory_packages (
    ecosystem    TEXT COLLATE "C" NOT NULL,
    name         TEXT COLLATE "C" NOT NULL,
    advisory_id  BIGINT NOT NULL REFERENCES advisories (id) ON DELETE CASCADE,
    entry        BYTEA    NOT NULL,
    PRIMARY KEY (ecosystem, name, advisory_id)
);
CREATE INDEX advisory_packages_of ON advisory_packages (advisory_id);

-- Other names of it: those that mean the same, and those that a distribution gathers in one.
CREATE TABLE advisory_aliases (
    alias        TEXT COLLATE "C" NOT NULL,
    advisory_id  BIGINT NOT NULL REFERENCES advisories (id) ON DELETE CASCADE,
    PRIMARY KEY (alias, advisory_id)
);
CREATE INDEX advisory_aliases_of ON advisory_aliases (advisory_id);

-- What is known to be exploited, and how likely that is within a month, both by CVE.
CREATE TABLE exploited (
    cve         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    added       TEXT COLLATE "C" NOT NULL,
    due         TEXT COLLATE "C" NOT NULL,
    ransomware  BIGINT NOT NULL
);
CREATE TABLE exploit_scores (
    cve         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    score       DOUBLE PRECISION NOT NULL,
    percentile  DOUBLE PRECISION NOT NULL
);

-- Which advisory hits which package, whatever images hold it.
CREATE TABLE findings (
    package_id   BIGINT NOT NULL REFERENCES packages (id) ON DELETE CASCADE,
    advisory_id  BIGINT NOT NULL REFERENCES advisories (id) ON DELETE CASCADE,
    fixed        TEXT COLLATE "C" NOT NULL,              -- the first version that it does not hit; empty: there is none
    severity     TEXT COLLATE "C" NOT NULL,
    source       TEXT COLLATE "C" NOT NULL,     -- whose word that is
    how          TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (package_id, advisory_id)
);
CREATE INDEX findings_of ON findings (advisory_id);

-- Raised by every change of an advisory: what was matched beside one is matched again.
CREATE TABLE advisory_changes (
    id       BIGINT PRIMARY KEY,
    version  BIGINT NOT NULL,
    last     BIGINT NOT NULL                   -- the greatest number of an advisory
);
INSERT INTO advisory_changes (id, version, last) VALUES (1, 0, 0);
