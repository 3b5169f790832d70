-- The previous release may go on running.

-- Keys that sign what the registry attests. `private` is empty where a command signs, and once a key is retired;
-- `retired_at` 0: it signs now, which one key does at most.
CREATE TABLE attestation_keys (
    id          TEXT   PRIMARY KEY,
    public      BLOB    NOT NULL,
    private     BLOB    NOT NULL,
    created_at  INTEGER NOT NULL,
    retired_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX attestation_keys_by_age ON attestation_keys (created_at, id);
CREATE UNIQUE INDEX attestation_keys_signing ON attestation_keys (retired_at) WHERE retired_at = 0;
