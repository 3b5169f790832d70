-- name: replica_seen
INSERT INTO replicas (id, host, version, workers, started_at, seen_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (id) DO UPDATE SET
    host = excluded.host, version = excluded.version, workers = excluded.workers, started_at = excluded.started_at,
    seen_at = excluded.seen_at;

-- name: replicas_forget
DELETE FROM replicas WHERE id IN (SELECT r.id FROM replicas r WHERE r.seen_at < ?1 ORDER BY r.seen_at LIMIT 1000);

-- name: replica_left
DELETE FROM replicas WHERE id = ?1;

-- name: replicas_since
SELECT id, host, version, workers, started_at, seen_at FROM replicas WHERE seen_at >= ?1
ORDER BY seen_at DESC LIMIT ?2;

-- name: schema_taken
SELECT coalesce(max(number), 0) FROM migrations;

-- name: clear_replicas
DELETE FROM replicas;
