-- name: link_find
SELECT b.copy, b.size, l.loose_since
FROM repositories r
JOIN blob_links l ON l.repository_id = r.id
JOIN blobs b ON b.id = l.blob_id
WHERE r.name = ?1 AND l.digest = ?2;

-- name: link_row
SELECT b.size, l.loose_since, l.blob_id FROM blob_links l JOIN blobs b ON b.id = l.blob_id
WHERE l.repository_id = ?1 AND l.digest = ?2;

-- name: link_anywhere
SELECT b.id, b.copy, b.size FROM blob_links l JOIN blobs b ON b.id = l.blob_id WHERE l.digest = ?1 LIMIT 1;

-- name: link_in
SELECT b.id, b.copy, b.size
FROM repositories r JOIN blob_links l ON l.repository_id = r.id JOIN blobs b ON b.id = l.blob_id
WHERE r.name = ?2 AND l.digest = ?1;

-- name: link_insert
INSERT INTO blob_links (repository_id, digest, blob_id, linked_at, linked_by, loose_since) VALUES (?1, ?2, ?3, ?4, ?5, ?4);

-- name: link_delete
DELETE FROM blob_links WHERE repository_id = ?1 AND digest = ?2;

-- name: link_loosen
UPDATE blob_links SET loose_since = ?3 WHERE repository_id = ?1 AND digest = ?2;

-- name: link_tighten
UPDATE blob_links SET loose_since = NULL WHERE repository_id = ?1 AND digest = ?2 AND loose_since IS NOT NULL;

-- name: links_loose
SELECT l.repository_id, r.name, l.digest, l.blob_id, b.size
FROM blob_links l JOIN repositories r ON r.id = l.repository_id JOIN blobs b ON b.id = l.blob_id
WHERE l.loose_since < ?1 ORDER BY l.loose_since LIMIT ?2;

-- name: link_of_blob
SELECT 1 FROM blob_links WHERE blob_id = ?1 LIMIT 1;

-- name: blob_present
SELECT id, copy, size, state FROM blobs WHERE digest = ?1 AND state <> 'tombstoned';

-- name: blob_insert
INSERT INTO blobs (digest, copy, size, state, state_at, created_at, created_by) VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6)
RETURNING id;

-- name: blob_state
UPDATE blobs SET state = ?3, state_at = ?4 WHERE id = ?1 AND state = ?2;

-- name: blobs_condemned
SELECT id, digest, size FROM blobs WHERE state = 'condemned' AND state_at < ?1 ORDER BY state_at LIMIT ?2;

-- name: blobs_tombstoned
SELECT id, digest, copy, size FROM blobs WHERE state = 'tombstoned' AND id > ?1 ORDER BY id LIMIT ?2;

-- name: blob_gone
DELETE FROM blobs WHERE id = ?1 AND state = 'tombstoned' RETURNING digest;

-- name: blob_revive
UPDATE blobs SET state = 'live', state_at = ?2 WHERE id = ?1 AND state = 'condemned' RETURNING id;
