-- name: blob_rot
UPDATE blobs SET rotten_at = ?4, rot = ?3
WHERE digest = ?1 AND copy = ?2 AND state <> 'tombstoned' AND rotten_at IS NULL RETURNING id;

-- name: blob_whole
UPDATE blobs SET rotten_at = NULL, rot = NULL
WHERE digest = ?1 AND copy = ?2 AND state <> 'tombstoned' AND rotten_at IS NOT NULL RETURNING id;

-- name: blob_replace
-- Every link stays, so that one push heals it in all repositories.
UPDATE blobs SET copy = ?2, rotten_at = NULL, rot = NULL, verified_at = ?3 WHERE id = ?1;

-- name: blobs_rotten
SELECT id, digest, copy, size, rot, rotten_at FROM blobs WHERE rotten_at IS NOT NULL AND state <> 'tombstoned' AND id > ?1
ORDER BY id LIMIT ?2;

-- name: blob_rotten_count
SELECT count(*) FROM blobs WHERE rotten_at IS NOT NULL AND state <> 'tombstoned';

-- name: blob_holders
SELECT r.name FROM blob_links l JOIN repositories r ON r.id = l.repository_id WHERE l.blob_id = ?1 AND r.name < '~' ORDER BY l.repository_id LIMIT ?2;

-- name: scrub_next
-- What is due of the next rows, and of each whether it is.
SELECT id, digest, copy, size, state <> 'tombstoned' AND rotten_at IS NULL AND coalesce(verified_at, created_at) < ?2
FROM blobs WHERE id > ?1 ORDER BY id LIMIT ?3;

-- name: scrub_verified
UPDATE blobs SET verified_at = ?2
WHERE id IN (SELECT CAST(value AS BIGINT) FROM json_each(?1) AS wanted);

-- name: scrub_pass
SELECT started_at, finished_at, read_up_to, blobs, bytes, rotten, failed FROM scrub WHERE id = 1;

-- name: scrub_record
INSERT INTO scrub (id, started_at, finished_at, read_up_to, blobs, bytes, rotten, failed) VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7)
ON CONFLICT (id) DO UPDATE SET started_at = ?1, finished_at = ?2, read_up_to = ?3, blobs = ?4, bytes = ?5, rotten = ?6,
    failed = ?7;

-- name: orphan_find
SELECT found_at FROM orphans WHERE name = ?1;

-- name: orphan_add
INSERT INTO orphans (name, size, found_at) VALUES (?1, ?2, ?3) ON CONFLICT (name) DO NOTHING;

-- name: orphan_page
SELECT name, size, found_at FROM orphans WHERE name > ?1 ORDER BY name LIMIT ?2;

-- name: orphan_forget
DELETE FROM orphans WHERE name = ?1;
