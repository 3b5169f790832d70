-- The previous release may go on running.
-- Who there is and what they may do. Times of 0 are never; JSON is written as text.

CREATE TABLE accounts (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    kind          TEXT    NOT NULL CHECK (kind IN ('user', 'robot')),
    name          TEXT    NOT NULL UNIQUE,
    display       TEXT    NOT NULL,
    email         TEXT    NOT NULL,
    source        TEXT    NOT NULL,  -- 'local', or the sign-on provider that vouches for it
    external      TEXT    NOT NULL,  -- the provider's own name for it
    namespace     TEXT    NOT NULL,  -- of a robot: whose administrators manage it
    password      TEXT,              -- a hash, as a PHC string
    must_change   INTEGER NOT NULL,
    factors       BLOB    NOT NULL,
    factor_kinds  TEXT    NOT NULL DEFAULT '[]',  -- JSON array
    disabled      TEXT    NOT NULL,  -- why; '': it is not
    expires_at    INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    created_by    TEXT    NOT NULL,
    used_at       INTEGER NOT NULL DEFAULT 0,
    used_from     TEXT    NOT NULL DEFAULT '',
    version       INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE INDEX accounts_by_kind ON accounts (kind, name);
CREATE INDEX accounts_robots ON accounts (namespace, name) WHERE kind = 'robot';
CREATE INDEX accounts_of_providers ON accounts (source, name) WHERE source <> 'local';
CREATE UNIQUE INDEX accounts_by_external ON accounts (source, external) WHERE external <> '';

CREATE TABLE secrets (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id  INTEGER NOT NULL REFERENCES accounts (id),
    kind        TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    lookup      TEXT    NOT NULL UNIQUE,
    hash        TEXT    NOT NULL,
    limits      TEXT,               -- JSON array; NULL: as much as its owner
    created_at  INTEGER NOT NULL,
    created_by  TEXT    NOT NULL,
    expires_at  INTEGER NOT NULL,
    warned_at   INTEGER NOT NULL DEFAULT 0,
    used_at     INTEGER NOT NULL DEFAULT 0,
    used_from   TEXT    NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX secrets_by_account ON secrets (account_id, id);
CREATE INDEX secrets_unwarned ON secrets (expires_at) WHERE expires_at > 0 AND warned_at = 0 AND kind <> 'refresh';

CREATE TABLE groups (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    name         TEXT    NOT NULL UNIQUE,
    source       TEXT    NOT NULL,
    description  TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    created_by   TEXT    NOT NULL,
    version      INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE INDEX groups_of_providers ON groups (source) WHERE source <> 'local';

-- By the names of accounts, which never change, so that lists are in their order.
CREATE TABLE members (
    group_id  INTEGER NOT NULL REFERENCES groups (id),
    account   TEXT    NOT NULL REFERENCES accounts (name),
    PRIMARY KEY (group_id, account)
) STRICT, WITHOUT ROWID;
CREATE INDEX members_by_account ON members (account, group_id);

CREATE TABLE grants (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    effect      TEXT    NOT NULL CHECK (effect IN ('allow', 'deny')),
    account_id  INTEGER REFERENCES accounts (id),
    group_id    INTEGER REFERENCES groups (id),
    role        TEXT    NOT NULL,
    place_kind  TEXT    NOT NULL CHECK (place_kind IN ('registry', 'namespace', 'repositories')),
    path        TEXT    NOT NULL,
    tags        TEXT    NOT NULL,
    conditions  TEXT    NOT NULL,  -- JSON object
    expires_at  INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    created_by  TEXT    NOT NULL,
    CHECK ((account_id IS NULL) <> (group_id IS NULL))
) STRICT;
CREATE INDEX grants_by_account ON grants (account_id, id) WHERE account_id IS NOT NULL;
CREATE INDEX grants_by_group ON grants (group_id, id) WHERE group_id IS NOT NULL;
CREATE INDEX grants_by_place ON grants (place_kind, path, id);
CREATE INDEX grants_by_role ON grants (role, id);

-- Namespaces can be removed from now on.
CREATE INDEX namespaces_by_parent ON namespaces (parent_id);

-- What was set on a namespace; most have no row. Visibility NULL: what the nearest above says.
CREATE TABLE namespace_settings (
    namespace_id  INTEGER PRIMARY KEY REFERENCES namespaces (id),
    path          TEXT    NOT NULL UNIQUE,  -- that of the namespace, which never changes
    visibility    TEXT    CHECK (visibility IN ('public', 'internal', 'private')),
    description   TEXT    NOT NULL,
    version       INTEGER NOT NULL
) STRICT;
-- In the order of the repositories below: `a-b/app` comes before `a/app`.
CREATE INDEX namespace_settings_visible ON namespace_settings (path || '/') WHERE visibility IS NOT NULL;

CREATE TABLE documents (
    kind        TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    body        BLOB    NOT NULL,
    version     INTEGER NOT NULL,
    changed_at  INTEGER NOT NULL,
    changed_by  TEXT    NOT NULL,
    PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;

-- At most one row: the version of who may do what, which every change of that raises; none: 1.
CREATE TABLE access_state (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    version  INTEGER NOT NULL
) STRICT;

-- At which version of who may do what a repository of that name was last deleted.
CREATE TABLE repository_deletions (
    name     TEXT    PRIMARY KEY,
    version  INTEGER NOT NULL,
    at       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE signing_keys (
    id          TEXT    PRIMARY KEY,
    algorithm   TEXT    NOT NULL,
    private     BLOB    NOT NULL,
    created_at  INTEGER NOT NULL,
    active_at   INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Failures to prove who somebody is, by hashes of whom or what they are counted for.
CREATE TABLE attempts (
    key       TEXT    PRIMARY KEY,
    failures  INTEGER NOT NULL,
    last_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX attempts_by_age ON attempts (last_at);

-- Browsers that are signed in.
CREATE TABLE sessions (
    id                TEXT    PRIMARY KEY,  -- a hash of what the cookie holds
    account_id        INTEGER NOT NULL REFERENCES accounts (id),
    provider          TEXT    NOT NULL,
    provider_session  TEXT    NOT NULL,
    created_at        INTEGER NOT NULL,
    expires_at        INTEGER NOT NULL,
    address           TEXT    NOT NULL,
    agent             TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_account ON sessions (account_id);
CREATE INDEX sessions_by_provider ON sessions (provider, provider_session);
CREATE INDEX sessions_by_provider_session ON sessions (provider_session) WHERE provider_session <> '';
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- Where an event came from, and what it was about beside content. The previous release writes none of these.
ALTER TABLE outbox ADD COLUMN credential TEXT NOT NULL DEFAULT '';
ALTER TABLE outbox ADD COLUMN address TEXT NOT NULL DEFAULT '';
ALTER TABLE outbox ADD COLUMN request TEXT NOT NULL DEFAULT '';
ALTER TABLE outbox ADD COLUMN subject TEXT NOT NULL DEFAULT '';
ALTER TABLE outbox ADD COLUMN detail TEXT NOT NULL DEFAULT '';

-- The audit log, and who reads the outbox; see domain/audit.py.
-- Refusals and pulls are told together: how often, and since when (0: once).
ALTER TABLE outbox ADD COLUMN times INTEGER NOT NULL DEFAULT 1;
ALTER TABLE outbox ADD COLUMN first_at INTEGER NOT NULL DEFAULT 0;

-- How far everybody has read: 'outbox' by ids of events, which go behind the slowest; 'audit' by entries and heads.
CREATE TABLE readers (
    stream    TEXT    NOT NULL CHECK (stream IN ('outbox', 'audit')),
    name      TEXT    NOT NULL,
    position  INTEGER NOT NULL,
    PRIMARY KEY (stream, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
    sequence    INTEGER PRIMARY KEY,
    event       INTEGER NOT NULL,  -- 0: of the log itself
    at          INTEGER NOT NULL,
    kind        TEXT    NOT NULL,
    actor       TEXT    NOT NULL,
    credential  TEXT    NOT NULL,
    address     TEXT    NOT NULL,
    request     TEXT    NOT NULL,
    repository  TEXT    NOT NULL,
    digest      TEXT    NOT NULL,
    tag         TEXT    NOT NULL,
    subject     TEXT    NOT NULL,
    detail      TEXT    NOT NULL,
    times       INTEGER NOT NULL,
    first_at    INTEGER NOT NULL,
    hash        TEXT    NOT NULL,
    refused     INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX audit_by_event ON audit (event) WHERE event > 0;
CREATE INDEX audit_by_actor ON audit (actor, sequence);
CREATE INDEX audit_by_kind ON audit (kind, sequence);
CREATE INDEX audit_by_subject ON audit (subject, sequence) WHERE subject <> '';
CREATE INDEX audit_by_address ON audit (address, sequence) WHERE address <> '';
CREATE INDEX audit_by_refused ON audit (sequence) WHERE refused = 1;

-- The repository or namespace that an entry is about, and every namespace above it.
CREATE TABLE audit_places (
    path      TEXT    NOT NULL,
    sequence  INTEGER NOT NULL,
    PRIMARY KEY (path, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit_segments (
    number       INTEGER PRIMARY KEY,
    day          TEXT    NOT NULL,
    first        INTEGER NOT NULL,
    last         INTEGER NOT NULL,
    opening      TEXT    NOT NULL,
    closing      TEXT    NOT NULL,
    from_at      INTEGER NOT NULL,
    until_at     INTEGER NOT NULL,
    appended_at  INTEGER NOT NULL,
    dropped_at   INTEGER NOT NULL
) STRICT;

CREATE TABLE audit_heads (
    sequence   INTEGER PRIMARY KEY,
    hash       TEXT    NOT NULL,
    at         INTEGER NOT NULL,
    key        TEXT    NOT NULL,
    signature  TEXT    NOT NULL
) STRICT;

CREATE TABLE audit_keys (
    id          TEXT    PRIMARY KEY,
    public      BLOB    NOT NULL,
    private     BLOB    NOT NULL,  -- empty: it is kept elsewhere
    created_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What was begun in a browser and is to be ended there, once.
CREATE TABLE sign_in_steps (
    id          TEXT    PRIMARY KEY,  -- a hash of what the browser holds
    kind        TEXT    NOT NULL,
    body        BLOB    NOT NULL,
    address     TEXT    NOT NULL,
    expires_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sign_in_steps_by_address ON sign_in_steps (address, expires_at);
CREATE INDEX sign_in_steps_by_expiry ON sign_in_steps (expires_at);

-- Who signed in through a provider that lets us ask whether they are still known there.
CREATE TABLE sign_ons (
    provider       TEXT    NOT NULL,
    external       TEXT    NOT NULL,
    account_id     INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    refresh_token  TEXT    NOT NULL,
    checked_at     INTEGER NOT NULL,
    PRIMARY KEY (provider, external)
) STRICT, WITHOUT ROWID;
CREATE INDEX sign_ons_by_account ON sign_ons (account_id);
CREATE INDEX sign_ons_by_check ON sign_ons (provider, checked_at, external);

-- Answers that are given again to a request that is sent again. They are sealed under a key that is not kept.
CREATE TABLE kept_answers (
    account_id   INTEGER NOT NULL,
    key          TEXT NOT NULL,
    fingerprint  TEXT NOT NULL,
    begun_at     INTEGER NOT NULL,
    answer       BLOB,
    PRIMARY KEY (account_id, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX kept_answers_by_age ON kept_answers (begun_at);
