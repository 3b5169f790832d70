-- The previous release may go on running.

-- Keys that sign what the registry attests. `private` is empty where a command signs, and once a key is retired;
-- `retired_at` 0: it signs now, which one key does at most.
CREATE TABLE attestation_keys (
    id          TEXT    PRIMARY KEY,
    public      BLOB    NOT NULL,
    private     BLOB    NOT NULL,
    created_at  INTEGER NOT NULL,
    retired_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX attestation_keys_by_age ON attestation_keys (created_at, id);
CREATE UNIQUE INDEX attestation_keys_signing ON attestation_keys (retired_at) WHERE retired_at = 0;

-- What the registry is to say of manifests and has not attached yet. `key` and `signature` are empty until it is signed.
CREATE TABLE attestations_waiting (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    repository      TEXT    NOT NULL,
    digest          TEXT    NOT NULL,
    predicate_type  TEXT    NOT NULL,
    predicate       BLOB    NOT NULL,
    key             TEXT    NOT NULL,
    signature       BLOB    NOT NULL,
    asked_at        INTEGER NOT NULL,
    due_at          INTEGER NOT NULL,
    tries           INTEGER NOT NULL,
    error           TEXT    NOT NULL
) STRICT;
CREATE INDEX attestations_waiting_due ON attestations_waiting (due_at, id);

-- What gates said of each image of a promotion that was carried out, as JSON; no row: none was looked at.
CREATE TABLE promotion_gates (
    promotion_id  INTEGER NOT NULL REFERENCES promotions (id) ON DELETE CASCADE,
    number        INTEGER NOT NULL,
    said          TEXT    NOT NULL,
    PRIMARY KEY (promotion_id, number)
) STRICT, WITHOUT ROWID;
