-- name: read_only_told
SELECT version, holds, changed_at, reason FROM read_only_told WHERE cause = ?1;

-- name: read_only_tell
INSERT INTO read_only_told (cause, version, holds, changed_at, reason) VALUES (?1, ?2 + 1, ?3, ?4, ?5)
ON CONFLICT (cause) DO UPDATE SET
    version = excluded.version, holds = excluded.holds, changed_at = excluded.changed_at, reason = excluded.reason
WHERE read_only_told.version = ?2
RETURNING version;
