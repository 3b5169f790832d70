-- name: upload_start
INSERT INTO uploads
    (id, repository, created_by, algorithm, "offset", digest, place, fence, lease_until, started_at, expires_at, target,
     ticket, owner_id, reserved)
SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?14, ?15, ?16
WHERE ?13 = 0 OR ?13 > (
    SELECT count(*)
    FROM (SELECT 1 FROM uploads u WHERE u.created_by = ?3 AND coalesce(u.owner_id, ?15) = ?15 AND u.expires_at > ?10 LIMIT ?13) AS held
)
ON CONFLICT DO NOTHING
RETURNING id;

-- name: upload_begun
SELECT id, repository, created_by, algorithm, "offset", digest, place, fence, lease_until, started_at, expires_at,
       owner_id
FROM uploads WHERE ticket = ?1;

-- name: upload_give_up
UPDATE uploads SET ticket = NULL WHERE ticket = ?1 AND expires_at <= ?2 AND lease_until <= ?2;

-- name: upload_get
SELECT id, repository, created_by, algorithm, "offset", digest, place, fence, lease_until, started_at, expires_at,
       owner_id
FROM uploads WHERE id = ?1 AND repository = ?2 AND (expires_at > ?3 OR lease_until > ?3);

-- name: upload_claim
UPDATE uploads SET fence = fence + 1, lease_until = ?4, target = coalesce(?5, target), reserved = ?6
WHERE id = ?1 AND repository = ?2 AND expires_at > ?3 AND lease_until <= ?3
RETURNING id, repository, created_by, algorithm, "offset", digest, place, fence, lease_until, started_at, expires_at,
          owner_id;

-- name: upload_advance
UPDATE uploads SET "offset" = ?3, digest = ?4, place = ?5, lease_until = ?6, expires_at = ?7
WHERE id = ?1 AND fence = ?2
RETURNING id, repository, created_by, algorithm, "offset", digest, place, fence, lease_until, started_at, expires_at,
          owner_id;

-- name: upload_hold_none
UPDATE uploads SET reserved = -1 WHERE id = ?1;

-- name: upload_end
DELETE FROM uploads WHERE id = ?1 AND fence = ?2 RETURNING id;

-- name: upload_over
UPDATE uploads SET expires_at = 0, lease_until = 0, fence = fence + 1 WHERE id = ?1 AND fence = ?2 RETURNING id;

-- name: upload_cancel
UPDATE uploads SET expires_at = 0, lease_until = 0, fence = fence + 1
WHERE id = ?1 AND repository = ?2 AND (expires_at > ?3 OR lease_until > ?3)
RETURNING id;

-- name: uploads_expired
SELECT id FROM uploads WHERE expires_at <= ?1 AND lease_until <= ?1 ORDER BY expires_at LIMIT ?2 FOR UPDATE;

-- name: uploads_fence
UPDATE uploads SET fence = fence + 1, expires_at = 0, lease_until = 0
WHERE id IN (SELECT value FROM json_each(?1) AS wanted);

-- name: uploads_strays
-- What it was to become was said, or was what it had been so far.
SELECT u.id, coalesce(u.target, u.digest),
       EXISTS (SELECT 1 FROM blobs b WHERE b.digest = coalesce(u.target, u.digest) AND b.copy = replace(u.id, '-', ''))
FROM uploads u WHERE u.id IN (SELECT value FROM json_each(?1) AS wanted);

-- name: upload_forget
DELETE FROM uploads WHERE id = ?1 AND expires_at <= ?2 AND lease_until <= ?2;

-- name: job_get
SELECT owner, fence, lease_until FROM jobs WHERE name = ?1 FOR UPDATE;

-- name: job_create
INSERT INTO jobs (name, owner, fence, lease_until, started_at) VALUES (?1, '', 0, 0, 0) ON CONFLICT (name) DO NOTHING;

-- name: job_lease
UPDATE jobs SET owner = ?2, fence = ?3, lease_until = ?4, started_at = ?5 WHERE name = ?1;

-- name: job_renew
UPDATE jobs SET lease_until = ?4 WHERE name = ?1 AND owner = ?2 AND fence = ?3 AND lease_until > 0 RETURNING fence;

-- name: job_release
UPDATE jobs SET lease_until = 0, finished_at = ?4, outcome = ?5
WHERE name = ?1 AND owner = ?2 AND fence = ?3 AND lease_until > 0 RETURNING fence;

-- name: uploads_doomed
SELECT expires_at, id, repository, "offset" FROM uploads
WHERE expires_at <= ?1 AND lease_until <= ?1 AND (expires_at, id) > (?2, ?3) ORDER BY expires_at, id LIMIT ?4;
