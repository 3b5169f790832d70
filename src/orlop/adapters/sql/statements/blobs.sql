-- name: link_find
SELECT b.copy, b.size, l.loose_since
FROM repositories r
JOIN blob_links l ON l.repository_id = r.id
JOIN blobs b ON b.id = l.blob_id
WHERE r.name = ?1 AND l.digest = ?2 AND b.rotten_at IS NULL;

-- name: link_row
SELECT b.size, l.loose_since, l.blob_id, b.rotten_at FROM blob_links l JOIN blobs b ON b.id = l.blob_id
WHERE l.repository_id = ?1 AND l.digest = ?2;

-- name: link_sizes
SELECT l.digest, b.size
FROM blob_links l JOIN blobs b ON b.id = l.blob_id
WHERE l.repository_id = ?1 AND l.digest IN (SELECT value FROM json_each(?2) AS wanted) AND b.rotten_at IS NULL;

-- name: link_anywhere
SELECT b.id FROM blob_links l JOIN blobs b ON b.id = l.blob_id WHERE l.digest = ?1 AND b.rotten_at IS NULL LIMIT 1;

-- name: link_holders
-- Each of those wanted is looked for by itself: a join might begin with everybody who holds it.
SELECT wanted.value FROM json_each(?2) AS wanted
WHERE (SELECT l.blob_id FROM repositories r JOIN blob_links l ON l.repository_id = r.id AND l.digest = ?1
       WHERE r.name = wanted.value) IS NOT NULL;

-- name: link_in
SELECT b.id
FROM repositories r JOIN blob_links l ON l.repository_id = r.id JOIN blobs b ON b.id = l.blob_id
WHERE r.name = ?2 AND l.digest = ?1 AND b.rotten_at IS NULL;

-- name: link_insert
-- Loose, unless a manifest names the blob already.
INSERT INTO blob_links (repository_id, digest, blob_id, linked_at, linked_by, loose_since)
VALUES (?1, ?2, ?3, ?4, ?5, CASE WHEN EXISTS (
    SELECT 1 FROM edges e WHERE e.repository_id = ?1 AND e.child_digest = ?2 AND e.kind IN ('config', 'layer', 'blob')
) THEN NULL ELSE CAST(?4 AS BIGINT) END);

-- name: link_delete
DELETE FROM blob_links WHERE repository_id = ?1 AND digest = ?2;

-- name: link_loosen
UPDATE blob_links SET loose_since = ?3 WHERE repository_id = ?1 AND digest = ?2;

-- name: links_loosen
-- Those that no manifest of the repository names any more.
UPDATE blob_links SET loose_since = ?3
WHERE repository_id = ?1 AND digest IN (SELECT value FROM json_each(?2) AS wanted) AND NOT EXISTS (
    SELECT 1 FROM edges e
    WHERE e.repository_id = ?1 AND e.child_digest = blob_links.digest AND e.kind IN ('config', 'layer', 'blob'));

-- name: links_tighten
UPDATE blob_links SET loose_since = NULL
WHERE repository_id = ?1 AND digest IN (SELECT value FROM json_each(?2) AS wanted) AND loose_since IS NOT NULL;

-- name: links_loose
-- But those of a repository that leaves its namespace, which counts them in a way of its own.
SELECT l.repository_id, r.name, l.digest, l.blob_id, b.size, EXISTS (
    SELECT 1 FROM edges e
    WHERE e.repository_id = l.repository_id AND e.child_digest = l.digest AND e.kind IN ('config', 'layer', 'blob'))
FROM blob_links l JOIN repositories r ON r.id = l.repository_id JOIN blobs b ON b.id = l.blob_id
WHERE l.loose_since < ?1
  AND (r.name < '~' OR NOT EXISTS (SELECT 1 FROM trash t WHERE t.holder = r.id AND t.left_to IS NOT NULL))
ORDER BY l.loose_since LIMIT ?2;

-- name: blob_present
SELECT id, copy, size FROM blobs WHERE digest = ?1 AND state <> 'tombstoned' AND rotten_at IS NULL;

-- name: blob_present_lock
SELECT id, copy, size, state, rotten_at FROM blobs WHERE digest = ?1 AND state <> 'tombstoned' FOR UPDATE;

-- name: blob_lock
SELECT id, copy, size, state FROM blobs WHERE id = ?1 AND state <> 'tombstoned' AND rotten_at IS NULL FOR UPDATE;

-- name: blobs_lock
SELECT id FROM blobs WHERE id IN (SELECT CAST(value AS BIGINT) FROM json_each(?1) AS wanted) ORDER BY id FOR UPDATE;

-- name: blob_insert
INSERT INTO blobs (digest, copy, size, state, state_at, created_at, created_by) VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6)
RETURNING id;

-- name: blobs_condemn
-- Those that no repository holds any more.
UPDATE blobs SET state = 'condemned', state_at = ?2
WHERE id IN (SELECT CAST(value AS BIGINT) FROM json_each(?1) AS wanted) AND state = 'live'
  AND NOT EXISTS (SELECT 1 FROM blob_links l WHERE l.blob_id = blobs.id)
RETURNING id;

-- name: blobs_tombstone
UPDATE blobs SET state = 'tombstoned', state_at = ?3
WHERE id IN (SELECT CAST(value AS BIGINT) FROM json_each(?1) AS wanted) AND state = 'condemned' AND state_at < ?2
  AND NOT EXISTS (SELECT 1 FROM blob_links l WHERE l.blob_id = blobs.id)
RETURNING id;

-- name: blobs_revive
-- Those that a repository holds: they should not have been condemned.
UPDATE blobs SET state = 'live', state_at = ?2
WHERE id IN (SELECT CAST(value AS BIGINT) FROM json_each(?1) AS wanted) AND state = 'condemned'
  AND EXISTS (SELECT 1 FROM blob_links l WHERE l.blob_id = blobs.id);

-- name: blob_revive
UPDATE blobs SET state = 'live', state_at = ?2 WHERE id = ?1 AND state = 'condemned';

-- name: blobs_condemned
SELECT id, digest, size FROM blobs WHERE state = 'condemned' AND state_at < ?1 ORDER BY state_at LIMIT ?2;

-- name: blobs_tombstoned
SELECT id, digest, copy, size FROM blobs WHERE state = 'tombstoned' AND id > ?1 ORDER BY id LIMIT ?2;

-- name: blobs_gone
DELETE FROM blobs WHERE id IN (SELECT CAST(value AS BIGINT) FROM json_each(?1) AS wanted) AND state = 'tombstoned'
RETURNING id, digest;

-- name: doomed_links
-- Loose links that no manifest needs, from one on, and of each whether its blob then has none any more. Of several that go
-- together one counts. Not those of what goes out of the trash as a whole, nor of what comes back from there at ?1, by a
-- lease that ends by ?2 at the latest: a collection lets what leaves its namespace leave first, and takes its links then.
SELECT l.loose_since, l.repository_id, l.digest, r.name, b.size, NOT EXISTS (
    SELECT 1 FROM blob_links o
    WHERE o.blob_id = l.blob_id AND o.repository_id <> l.repository_id
      AND (o.loose_since IS NULL OR o.loose_since >= ?3 OR o.repository_id < l.repository_id
           OR EXISTS (SELECT 1 FROM trash t
                      WHERE t.holder = o.repository_id
                        AND (t.expires_at <= ?1 OR t.left_to IS NOT NULL AND t.returns_until > ?1 AND t.returns_until <= ?2))
           OR EXISTS (SELECT 1 FROM edges e
                      WHERE e.repository_id = o.repository_id AND e.child_digest = o.digest
                        AND e.kind IN ('config', 'layer', 'blob'))))
FROM blob_links l JOIN repositories r ON r.id = l.repository_id JOIN blobs b ON b.id = l.blob_id
WHERE l.loose_since < ?3 AND (l.loose_since, l.repository_id, l.digest) > (?4, ?5, ?6)
  AND (r.name < '~' OR NOT EXISTS (
    SELECT 1 FROM trash t
    WHERE t.holder = r.id
      AND (t.expires_at <= ?1 OR t.left_to IS NOT NULL AND t.returns_until > ?1 AND t.returns_until <= ?2)))
  AND NOT EXISTS (
    SELECT 1 FROM edges e
    WHERE e.repository_id = l.repository_id AND e.child_digest = l.digest AND e.kind IN ('config', 'layer', 'blob'))
ORDER BY l.loose_since, l.repository_id, l.digest LIMIT ?7;

-- name: doomed_blobs
SELECT state_at, id, digest, size FROM blobs
WHERE state = 'condemned' AND state_at < ?1 AND (state_at, id) > (?2, ?3)
  AND NOT EXISTS (SELECT 1 FROM blob_links l WHERE l.blob_id = blobs.id)
ORDER BY state_at, id LIMIT ?4;

-- name: repositories_empty
-- Those that are hidden are none. And since when: what was pushed last, or deleted last.
SELECT r.name, coalesce((SELECT max(h.at) FROM tag_history h WHERE h.repository_id = r.id), 0),
       coalesce(r.pushed_at, 0), r.created_at
FROM repositories r
WHERE r.name > ?1 AND r.name < '~' AND r.manifest_count = 0 AND r.tag_count = 0 AND r.blob_count = 0 ORDER BY r.name LIMIT ?2;

-- name: mark_links
SELECT l.repository_id, l.digest, r.name, l.loose_since IS NOT NULL, EXISTS (
    SELECT 1 FROM edges e
    WHERE e.repository_id = l.repository_id AND e.child_digest = l.digest AND e.kind IN ('config', 'layer', 'blob'))
FROM blob_links l JOIN repositories r ON r.id = l.repository_id
WHERE (l.repository_id, l.digest) > (?1, ?2) ORDER BY l.repository_id, l.digest LIMIT ?3;

-- name: mark_link
SELECT r.name, l.loose_since IS NOT NULL, EXISTS (
    SELECT 1 FROM edges e
    WHERE e.repository_id = l.repository_id AND e.child_digest = l.digest AND e.kind IN ('config', 'layer', 'blob'))
FROM blob_links l JOIN repositories r ON r.id = l.repository_id WHERE l.repository_id = ?1 AND l.digest = ?2;

-- name: mark_blobs
SELECT b.id, b.digest, b.size, b.state, EXISTS (SELECT 1 FROM blob_links l WHERE l.blob_id = b.id)
FROM blobs b WHERE b.id > ?1 ORDER BY b.id LIMIT ?2;

-- name: mark_manifest
SELECT repository_id FROM manifests WHERE id = ?1;

-- name: mark_held
SELECT l.digest FROM blob_links l
WHERE l.repository_id = ?1 AND l.digest IN (SELECT value FROM json_each(?2) AS wanted)
UNION SELECT m.digest FROM manifests m
WHERE m.repository_id = ?1 AND m.digest IN (SELECT value FROM json_each(?2) AS wanted);

-- name: mark_digests
SELECT id, digest FROM blobs WHERE id IN (SELECT CAST(value AS BIGINT) FROM json_each(?1) AS wanted);

-- name: links_tighten_named
-- Those that a manifest of the repository names.
UPDATE blob_links SET loose_since = NULL
WHERE repository_id = ?1 AND digest IN (SELECT value FROM json_each(?2) AS wanted) AND loose_since IS NOT NULL AND EXISTS (
    SELECT 1 FROM edges e
    WHERE e.repository_id = ?1 AND e.child_digest = blob_links.digest AND e.kind IN ('config', 'layer', 'blob'));
