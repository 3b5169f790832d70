-- name: retention_tags
SELECT name, manifest_id, updated_at FROM tags WHERE repository_id = ?1 AND name > ?2 ORDER BY name LIMIT ?3;

-- name: retention_manifests
SELECT m.id, m.digest, m.media_type, m.artifact_type, COALESCE(m.subject_digest, ''), m.pushed_at, m.size,
       COALESCE((SELECT max(p.pulled_at) FROM pulls p WHERE p.manifest_id = m.id), 0)
FROM manifests m
WHERE m.repository_id = ?1 AND m.digest > ?2 ORDER BY m.digest LIMIT ?3;

-- name: retention_children
SELECT manifest_id, child_digest FROM edges
WHERE manifest_id IN (SELECT CAST(value AS BIGINT) FROM json_each(?1) AS wanted) AND kind = 'manifest'
ORDER BY manifest_id, position;

-- name: retention_blobs
SELECT child_digest FROM edges
WHERE manifest_id IN (SELECT CAST(value AS BIGINT) FROM json_each(?1) AS wanted) AND kind <> 'manifest';

-- name: retention_links
SELECT l.digest, b.size, (SELECT count(*) FROM blob_links o WHERE o.blob_id = l.blob_id)
FROM blob_links l JOIN blobs b ON b.id = l.blob_id
WHERE l.repository_id = ?1 AND l.digest IN (SELECT value FROM json_each(?2) AS wanted);

-- name: retention_rows
SELECT id FROM manifests WHERE repository_id = ?1 AND digest IN (SELECT value FROM json_each(?2) AS wanted);

-- name: retention_contents
SELECT digest, content FROM manifests WHERE id IN (SELECT CAST(value AS BIGINT) FROM json_each(?1) AS wanted);

-- name: retention_untagged_since
SELECT previous, max(at) FROM tag_history
WHERE repository_id = ?1 AND previous IN (SELECT value FROM json_each(?2) AS wanted)
GROUP BY previous;

-- name: retention_locks
SELECT digest, reason FROM locks WHERE repository_id = ?1;

-- name: retention_waiting
SELECT m.digest FROM repositories r JOIN quarantined q ON q.repository = r.name AND q.state = 0
JOIN manifests m ON m.id = q.manifest_id AND m.repository_id = r.id
WHERE r.id = ?1;

-- name: retention_labels
SELECT digest, key, value FROM labels WHERE repository_id = ?1 AND digest > '';

-- name: retention_plan_add
INSERT INTO retention_plans (path, asked_by, asked_at, state, rules) VALUES (?1, ?2, ?3, 'planning', '[]') RETURNING id;

-- name: retention_plan_get
SELECT id, path, asked_by, asked_at, state, rules, brake, repositories, tags, manifests, deleted_tags, deleted_manifests,
       bytes, shared, job, applied_by, applied_at, ended_at, done, skipped
FROM retention_plans WHERE id = ?1;

-- name: retention_plan_lock
SELECT state FROM retention_plans WHERE id = ?1 FOR UPDATE;

-- name: retention_plan_page
SELECT id, path, asked_by, asked_at, state, rules, brake, repositories, tags, manifests, deleted_tags, deleted_manifests,
       bytes, shared, job, applied_by, applied_at, ended_at, done, skipped
FROM retention_plans WHERE id < ?1 ORDER BY id DESC LIMIT ?2;

-- name: retention_plan_page_of
SELECT id, path, asked_by, asked_at, state, rules, brake, repositories, tags, manifests, deleted_tags, deleted_manifests,
       bytes, shared, job, applied_by, applied_at, ended_at, done, skipped
FROM retention_plans WHERE id < ?1 AND path = ?3 ORDER BY id DESC LIMIT ?2;

-- name: retention_plan_job
UPDATE retention_plans SET job = ?2 WHERE id = ?1;

-- name: retention_plan_made
UPDATE retention_plans
SET state = 'planned', rules = ?2, brake = ?3, repositories = ?4, tags = ?5, manifests = ?6, deleted_tags = ?7,
    deleted_manifests = ?8, bytes = ?9, shared = ?10
WHERE id = ?1;

-- name: retention_plan_applying
UPDATE retention_plans SET state = 'applying', applied_by = ?2, applied_at = ?3 WHERE id = ?1;

-- name: retention_plan_did
UPDATE retention_plans SET done = done + ?2, skipped = skipped + ?3 WHERE id = ?1;

-- name: retention_plan_applied
UPDATE retention_plans SET state = 'applied', ended_at = ?2 WHERE id = ?1;

-- name: retention_plans_old
SELECT id FROM retention_plans WHERE asked_at < ?1 ORDER BY asked_at LIMIT ?2;

-- name: retention_plan_delete
DELETE FROM retention_plans WHERE id = ?1;

-- name: retention_page_add
INSERT INTO retention_pages (plan_id, repository, number, items, deletes, open) VALUES (?1, ?2, ?3, ?4, ?5, ?5);

-- name: retention_page_did
UPDATE retention_pages SET items = ?4, open = 0 WHERE plan_id = ?1 AND repository = ?2 AND number = ?3 AND open > 0
RETURNING number;

-- name: retention_pages_all
SELECT repository, number, items FROM retention_pages
WHERE plan_id = ?1 AND (repository, number) > (?2, ?3) ORDER BY repository, number LIMIT ?4;

-- name: retention_pages_deleting
SELECT repository, number, items FROM retention_pages
WHERE plan_id = ?1 AND (repository, number) > (?2, ?3) AND deletes > 0 ORDER BY repository, number LIMIT ?4;

-- name: retention_pages_open
SELECT repository, number, items FROM retention_pages
WHERE plan_id = ?1 AND open > 0 ORDER BY repository, number LIMIT ?2;

-- name: retention_pages_clear
DELETE FROM retention_pages WHERE plan_id = ?1;

-- name: in_use_get
SELECT path, name, digests, posted_at, posted_by, expires_at, id FROM in_use WHERE path = ?1 AND name = ?2;

-- name: in_use_put
INSERT INTO in_use (path, name, digests, posted_at, posted_by, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (path, name) DO UPDATE SET digests = excluded.digests, posted_at = excluded.posted_at,
    posted_by = excluded.posted_by, expires_at = excluded.expires_at
RETURNING id;

-- name: in_use_digest_add
INSERT INTO in_use_digests (in_use_id, digest) VALUES (?1, ?2);

-- name: in_use_digests_delete
DELETE FROM in_use_digests WHERE in_use_id = ?1;

-- name: in_use_delete
DELETE FROM in_use WHERE id = ?1;

-- name: in_use_expired
SELECT id FROM in_use WHERE expires_at < ?1 ORDER BY expires_at LIMIT ?2;

-- name: in_use_page
SELECT path, name, digests, posted_at, posted_by, expires_at FROM in_use
WHERE (path, name) > (?1, ?2) ORDER BY path, name LIMIT ?3;

-- name: in_use_page_of
SELECT path, name, digests, posted_at, posted_by, expires_at FROM in_use
WHERE path = ?1 AND name > ?2 ORDER BY name LIMIT ?3;

-- name: in_use_some
SELECT id FROM in_use WHERE expires_at > ?1 LIMIT 1;

-- name: in_use_among
SELECT d.digest, u.path, u.name
FROM in_use_digests d JOIN in_use u ON u.id = d.in_use_id
WHERE d.digest IN (SELECT value FROM json_each(?1) AS wanted) AND u.expires_at > ?2;
