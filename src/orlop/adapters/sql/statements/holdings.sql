-- name: repository_holding
-- What waits in quarantine is not counted, though its bytes are.
SELECT r.tag_count,
       r.manifest_count - (SELECT count(*) FROM quarantined q JOIN manifests m ON m.id = q.manifest_id
                           WHERE q.repository = r.name AND q.state = 0 AND m.repository_id = r.id),
       r.manifest_bytes + r.blob_bytes, r.pushed_at, r.pulled_at,
       (SELECT coalesce(CAST(sum(t.size) AS BIGINT), 0) FROM trash t WHERE t.name = r.name AND t.expires_at > 0)
FROM repositories r WHERE r.name = ?1;

-- name: untagged_page
-- What no tag leads to: by itself, through an index that lists it, or as what refers to something that is there; and
-- does not wait in quarantine.
SELECT m.digest, m.media_type, m.artifact_type, m.size + m.content_size, m.pushed_at
FROM manifests m
WHERE m.repository_id = ?1 AND m.digest > ?2
  AND NOT EXISTS (SELECT 1 FROM tags t WHERE t.manifest_id = m.id)
  AND NOT EXISTS (SELECT 1 FROM edges e
                  WHERE e.repository_id = m.repository_id AND e.child_digest = m.digest AND e.kind = 'manifest')
  AND NOT EXISTS (SELECT 1 FROM manifests s WHERE s.repository_id = m.repository_id AND s.digest = m.subject_digest)
  AND NOT EXISTS (SELECT 1 FROM quarantined q WHERE q.manifest_id = m.id AND q.state <> 1)
ORDER BY m.digest LIMIT ?3;

-- name: held_manifest
SELECT m.id, m.repository_id, m.pushed_at, m.pushed_by,
       (SELECT coalesce(CAST(sum(p.pulls) AS BIGINT), 0) FROM pulls p WHERE p.manifest_id = m.id),
       (SELECT max(p.pulled_at) FROM pulls p WHERE p.manifest_id = m.id)
FROM repositories r JOIN manifests m ON m.repository_id = r.id AND m.digest = ?2
WHERE r.name = ?1;

-- name: held_manifest_tags
SELECT name FROM tags WHERE manifest_id = ?1 AND repository_id = ?2 ORDER BY name LIMIT ?3;

-- name: held_indexes
SELECT m.digest
FROM repositories r
JOIN edges e ON e.repository_id = r.id AND e.child_digest = ?2 AND e.kind = 'manifest'
JOIN manifests m ON m.id = e.manifest_id
WHERE r.name = ?1 ORDER BY e.manifest_id LIMIT ?3;
