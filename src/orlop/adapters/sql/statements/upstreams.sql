-- name: remote_tag
SELECT digest, checked_at, moved_at, gone_since FROM remote_tags WHERE repository = ?1 AND tag = ?2;

-- name: remote_tags_leading_to
SELECT tag FROM remote_tags WHERE repository = ?1 AND digest = ?2 AND gone_since = 0 ORDER BY tag LIMIT ?3;

-- name: remote_tag_keep
INSERT INTO remote_tags (repository, tag, digest, checked_at, moved_at, gone_since) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (repository, tag) DO UPDATE
SET digest = excluded.digest, checked_at = excluded.checked_at, moved_at = excluded.moved_at,
    gone_since = excluded.gone_since
WHERE remote_tags.checked_at <= excluded.checked_at;

-- name: remote_tag_forget
DELETE FROM remote_tags WHERE repository = ?1 AND tag = ?2;

-- name: remote_blob_size
SELECT e.child_size FROM repositories r JOIN edges e ON e.repository_id = r.id
WHERE r.name = ?1 AND e.child_digest = ?2 AND e.kind IN ('config', 'layer', 'blob') LIMIT 1;

-- name: link_holder
-- Some repository that holds a blob, and is not hidden.
SELECT r.name FROM blob_links l JOIN repositories r ON r.id = l.repository_id JOIN blobs b ON b.id = l.blob_id
WHERE l.digest = ?1 AND r.name < '~' AND b.rotten_at IS NULL LIMIT 1;

-- name: cached_holder
-- Some repository that holds a blob and caches what the upstream of the node ?2 has.
SELECT r.name FROM blob_links l JOIN repositories r ON r.id = l.repository_id JOIN blobs b ON b.id = l.blob_id
WHERE l.digest = ?1 AND r.cache_root = (SELECT n.id FROM namespaces n WHERE n.path = ?2) AND r.name < '~'
  AND b.rotten_at IS NULL
LIMIT 1;

-- name: repository_is_cache
SELECT CASE WHEN cache_root IS NULL THEN 0 ELSE 1 END FROM repositories WHERE name = ?1;
