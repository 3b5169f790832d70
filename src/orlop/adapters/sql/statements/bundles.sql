-- name: bundle_add
INSERT INTO bundles (path, name, created_by, account_id, created_at) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (name, path) DO NOTHING RETURNING id;

-- name: bundle_image_add
INSERT INTO bundle_images (bundle_id, number, repository, tag, digest) VALUES (?1, ?2, ?3, ?4, ?5);

-- name: bundle_maker_lock
-- So that whoever makes several at once has no more of them than they may.
SELECT id FROM accounts WHERE id = ?1 FOR UPDATE;

-- name: bundles_of_account
SELECT count(*) FROM bundles WHERE account_id = ?1;

-- name: bundle_get
SELECT id, path, name, created_by, account_id, created_at FROM bundles WHERE name = ?1 AND path = ?2;

-- name: bundles_named
SELECT id, path, name, created_by, account_id, created_at FROM bundles WHERE name = ?1 ORDER BY path LIMIT ?2;

-- name: bundle_page
SELECT id, path, name, created_by, account_id, created_at FROM bundles
WHERE (name, path) > (?1, ?2) ORDER BY name, path LIMIT ?3;

-- name: bundle_images_of
SELECT bundle_id, repository, tag, digest FROM bundle_images
WHERE bundle_id IN (SELECT CAST(value AS BIGINT) FROM json_each(?1) AS wanted) ORDER BY bundle_id, number;

-- name: bundle_remove
DELETE FROM bundles WHERE id = ?1;
