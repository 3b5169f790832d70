-- name: follower_move
UPDATE readers SET position = ?4 WHERE stream = ?1 AND name = ?2 AND position = ?3 RETURNING position;

-- name: follower_stumble
INSERT INTO follower_troubles (stream, name, position, failures, since, at, error)
VALUES (?1, ?2, ?3, 1, ?4, ?4, ?5)
ON CONFLICT (stream, name) DO UPDATE SET failures = follower_troubles.failures + 1, position = excluded.position,
    at = excluded.at, error = excluded.error;

-- name: follower_recover
DELETE FROM follower_troubles WHERE stream = ?1 AND name = ?2;

-- name: follower_trouble
SELECT position, failures, since, at, error FROM follower_troubles WHERE stream = ?1 AND name = ?2;

-- name: follower_behind_outbox
SELECT count(*), coalesce(min(at), 0) FROM (SELECT at FROM outbox WHERE id > ?1 ORDER BY id LIMIT ?2) AS later;

-- name: follower_behind_audit
SELECT count(*), coalesce(min(at), 0)
FROM (SELECT at FROM audit WHERE sequence > ?1 ORDER BY sequence LIMIT ?2) AS later;
