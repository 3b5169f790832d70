-- name: lock_add
INSERT INTO locks (repository_id, digest, reason, locked_at, locked_by) VALUES (?1, ?2, ?3, ?4, ?5);

-- name: lock_get
SELECT digest, reason, locked_at, locked_by FROM locks WHERE repository_id = ?1 AND digest = ?2;

-- name: lock_first
SELECT digest, reason, locked_at, locked_by FROM locks WHERE repository_id = ?1 ORDER BY digest LIMIT 1;

-- name: lock_page
SELECT digest, reason, locked_at, locked_by FROM locks
WHERE repository_id = ?1 AND digest > ?2 ORDER BY digest LIMIT ?3;

-- name: lock_delete
DELETE FROM locks WHERE repository_id = ?1 AND digest = ?2;
