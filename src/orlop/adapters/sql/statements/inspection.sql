-- name: inspect_manifests
SELECT m.id, r.name, m.digest, m.media_type, m.artifact_type, m.subject_digest, m.annotations, m.size,
       m.content
FROM manifests m JOIN repositories r ON r.id = m.repository_id
WHERE m.id > ?1 ORDER BY m.id LIMIT ?2;

-- name: inspect_edges
SELECT manifest_id, kind, child_digest, child_size FROM edges
WHERE manifest_id IN (SELECT CAST(value AS BIGINT) FROM json_each(?1) AS wanted) ORDER BY manifest_id, position;

-- name: inspect_blobs
SELECT id, digest, copy, size, state FROM blobs WHERE id > ?1 ORDER BY id LIMIT ?2;

-- name: inspect_copy
SELECT EXISTS (SELECT 1 FROM blobs WHERE digest = ?1 AND copy = ?2)
    OR EXISTS (SELECT 1 FROM uploads WHERE replace(id, '-', '') = ?2);

-- name: inspect_upload
SELECT EXISTS (SELECT 1 FROM uploads WHERE id = ?1);

-- name: finding_edge_to_blob
SELECT r.name || '@' || m.digest, e.kind || ' ' || e.child_digest || ' is not in the repository'
FROM edges e JOIN manifests m ON m.id = e.manifest_id JOIN repositories r ON r.id = m.repository_id
WHERE e.kind <> 'manifest' AND e.optional = 0
  AND NOT EXISTS (SELECT 1 FROM blob_links l WHERE l.repository_id = m.repository_id AND l.digest = e.child_digest);

-- name: finding_edge_to_manifest
-- What an index in the trash lists need not lie beside it.
SELECT r.name || '@' || m.digest, 'manifest ' || e.child_digest || ' is not in the repository'
FROM edges e JOIN manifests m ON m.id = e.manifest_id JOIN repositories r ON r.id = m.repository_id
WHERE e.kind = 'manifest' AND e.optional = 0 AND r.name < '~'
  AND NOT EXISTS (SELECT 1 FROM manifests c WHERE c.repository_id = m.repository_id AND c.digest = e.child_digest);

-- name: finding_edge_size
SELECT r.name || '@' || m.digest, e.kind || ' ' || e.child_digest || ' has another size'
FROM edges e JOIN manifests m ON m.id = e.manifest_id JOIN repositories r ON r.id = m.repository_id
LEFT JOIN blob_links l ON e.kind <> 'manifest' AND l.repository_id = m.repository_id AND l.digest = e.child_digest
LEFT JOIN blobs b ON b.id = l.blob_id
LEFT JOIN manifests c ON e.kind = 'manifest' AND c.repository_id = m.repository_id AND c.digest = e.child_digest
WHERE e.child_size <> coalesce(b.size, c.size);

-- name: finding_rotten
SELECT r.name || '@' || m.digest, e.kind || ' ' || e.child_digest || ' is in quarantine: ' || coalesce(b.rot, '')
FROM blobs b JOIN blob_links l ON l.blob_id = b.id
JOIN edges e ON e.repository_id = l.repository_id AND e.child_digest = l.digest AND e.kind <> 'manifest'
JOIN manifests m ON m.id = e.manifest_id JOIN repositories r ON r.id = m.repository_id
WHERE b.rotten_at IS NOT NULL AND b.state <> 'tombstoned';

-- name: finding_tag
SELECT r.name || ':' || t.name, 'the tag points at no manifest of its repository'
FROM tags t JOIN repositories r ON r.id = t.repository_id
WHERE NOT EXISTS (SELECT 1 FROM manifests m WHERE m.id = t.manifest_id AND m.repository_id = t.repository_id);

-- name: finding_tag_history
SELECT r.name || ':' || t.name, 'the newest entry of the history is not what the tag points at'
FROM tags t JOIN repositories r ON r.id = t.repository_id JOIN manifests m ON m.id = t.manifest_id
WHERE m.digest IS DISTINCT FROM (SELECT h.digest FROM tag_history h
                                 WHERE h.repository_id = t.repository_id AND h.tag = t.name ORDER BY h.id DESC LIMIT 1);

-- name: finding_lock
SELECT coalesce(r.name, 'a repository that is gone') || '@' || l.digest, 'the manifest was locked, and is gone'
FROM locks l LEFT JOIN repositories r ON r.id = l.repository_id
WHERE NOT EXISTS (SELECT 1 FROM manifests m WHERE m.repository_id = l.repository_id AND m.digest = l.digest);

-- name: finding_label
SELECT coalesce(r.name, 'a repository that is gone') || CASE WHEN l.digest = '' THEN '' ELSE '@' || l.digest END,
       'what the label ' || l.key || ' is on is gone'
FROM labels l LEFT JOIN repositories r ON r.id = l.repository_id
WHERE r.id IS NULL OR (l.digest <> '' AND NOT EXISTS (
    SELECT 1 FROM manifests m WHERE m.repository_id = l.repository_id AND m.digest = l.digest));

-- name: finding_annotation
SELECT 'manifest ' || CAST(a.manifest_id AS TEXT), 'it is gone, and would be found by its annotation ' || a.key
FROM annotations a WHERE NOT EXISTS (SELECT 1 FROM manifests m WHERE m.id = a.manifest_id);

-- name: finding_in_use
SELECT u.name || ' of ' || u.path || '/', 'other digests are in use than were counted' FROM in_use u
WHERE u.digests <> (SELECT count(*) FROM in_use_digests d WHERE d.in_use_id = u.id);

-- name: finding_plan
SELECT DISTINCT 'plan ' || p.plan_id || ' of retention', 'the plan is gone, and what it shows is not'
FROM retention_pages p WHERE NOT EXISTS (SELECT 1 FROM retention_plans o WHERE o.id = p.plan_id);

-- name: finding_link
SELECT r.name || '@' || l.digest, 'the link leads to no live blob of that digest'
FROM blob_links l JOIN repositories r ON r.id = l.repository_id
WHERE NOT EXISTS (SELECT 1 FROM blobs b WHERE b.id = l.blob_id AND b.digest = l.digest AND b.state = 'live');

-- name: finding_loose
SELECT r.name || '@' || l.digest, 'a manifest names the blob, but its link counts as loose, or the reverse'
FROM blob_links l JOIN repositories r ON r.id = l.repository_id
WHERE (l.loose_since IS NULL) <> EXISTS (
    SELECT 1 FROM edges e
    WHERE e.repository_id = l.repository_id AND e.child_digest = l.digest AND e.kind <> 'manifest');

-- name: finding_unlinked
SELECT b.digest, 'the blob is live, but no repository holds it'
FROM blobs b WHERE b.state = 'live' AND NOT EXISTS (SELECT 1 FROM blob_links l WHERE l.blob_id = b.id);

-- name: finding_repository_count
SELECT r.name, 'the counters of the repository differ from a recount'
FROM repositories r
WHERE r.manifest_count <> (SELECT count(*) FROM manifests m WHERE m.repository_id = r.id)
   OR r.manifest_bytes <> (SELECT coalesce(sum(m.size), 0) FROM manifests m WHERE m.repository_id = r.id)
   OR r.tag_count <> (SELECT count(*) FROM tags t WHERE t.repository_id = r.id)
   OR r.blob_count <> (SELECT count(*) FROM blob_links l WHERE l.repository_id = r.id)
   OR r.blob_bytes <> (SELECT coalesce(sum(b.size), 0) FROM blob_links l JOIN blobs b ON b.id = l.blob_id
                       WHERE l.repository_id = r.id);

-- name: finding_totals
SELECT 'totals', 'the totals differ from a recount'
FROM (SELECT sum(repositories) AS repositories, sum(manifests) AS manifests, sum(tags) AS tags, sum(blobs) AS blobs,
             sum(blob_bytes) AS blob_bytes FROM totals) t
WHERE t.repositories <> (SELECT count(*) FROM repositories WHERE name < '~')
   OR t.manifests <> (SELECT count(*) FROM manifests m JOIN repositories r ON r.id = m.repository_id WHERE r.name < '~')
   OR t.tags <> (SELECT count(*) FROM tags g JOIN repositories r ON r.id = g.repository_id WHERE r.name < '~')
   OR t.blobs <> (SELECT count(*) FROM blobs WHERE state <> 'tombstoned')
   OR t.blob_bytes <> (SELECT coalesce(sum(size), 0) FROM blobs WHERE state <> 'tombstoned');

-- name: finding_trash
SELECT t.name || ' in the trash (' || t.id || ')', 'what was deleted is not held'
FROM trash t LEFT JOIN repositories r ON r.id = t.holder
WHERE t.expires_at > 0 AND (t.kind IN ('manifest', 'repository')) <> (r.id IS NOT NULL AND r.name >= '~')
   OR t.kind = 'manifest' AND t.expires_at > 0
      AND NOT EXISTS (SELECT 1 FROM manifests m WHERE m.repository_id = t.holder AND m.digest = t.digest);

-- name: finding_hidden
SELECT r.name, 'nothing in the trash is held by the repository'
FROM repositories r WHERE r.name >= '~' AND NOT EXISTS (SELECT 1 FROM trash t WHERE t.holder = r.id);

-- name: finding_upload
-- A session that was cancelled expired at 0; it is as old as its beginning.
SELECT id, 'the upload should have expired long ago' FROM uploads
WHERE expires_at < ?1 AND started_at < ?1 AND lease_until < ?1;

-- name: finding_tombstone
SELECT digest || '/' || copy, 'the tombstoned copy should be gone long ago' FROM blobs
WHERE state = 'tombstoned' AND state_at < ?1;
