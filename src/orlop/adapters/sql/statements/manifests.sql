-- name: manifest_by_tag
SELECT m.digest, m.media_type, m.content, m.id
FROM repositories r
JOIN tags t ON t.repository_id = r.id
JOIN manifests m ON m.id = t.manifest_id
WHERE r.name = ?1 AND t.name = ?2;

-- name: manifest_by_digest
SELECT m.digest, m.media_type, m.content, m.id
FROM repositories r
JOIN manifests m ON m.repository_id = r.id
WHERE r.name = ?1 AND m.digest = ?2;

-- name: manifest_row
-- Whether it is hidden comes along: a push that moves a tag must not ask for that by itself.
SELECT m.id, m.size, m.subject_digest,
       EXISTS (SELECT 1 FROM quarantined q WHERE q.manifest_id = m.id AND q.state <> 1)
FROM manifests m WHERE m.repository_id = ?1 AND m.digest = ?2;

-- name: manifest_sizes
SELECT digest, size FROM manifests
WHERE repository_id = ?1 AND digest IN (SELECT value FROM json_each(?2) AS wanted);

-- name: manifest_insert
INSERT INTO manifests (repository_id, digest, media_type, artifact_type, subject_digest, size, content_size, pushed_at,
                       pushed_by, annotations, content)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
RETURNING id;

-- name: manifest_delete
DELETE FROM manifests WHERE id = ?1;

-- name: edge_insert
INSERT INTO edges (manifest_id, position, repository_id, kind, child_digest, child_size, media_type, optional)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8);

-- name: edges_delete
DELETE FROM edges WHERE manifest_id = ?1;

-- name: edge_blob_children
SELECT DISTINCT child_digest FROM edges WHERE manifest_id = ?1 AND kind <> 'manifest';

-- name: edge_from_index
SELECT m.digest FROM edges e JOIN manifests m ON m.id = e.manifest_id
WHERE e.repository_id = ?1 AND e.child_digest = ?2 AND e.kind = 'manifest' LIMIT 1;

-- name: edge_to_blob
SELECT m.digest FROM edges e JOIN manifests m ON m.id = e.manifest_id
WHERE e.repository_id = ?1 AND e.child_digest = ?2 AND e.kind IN ('config', 'layer', 'blob') LIMIT 1;

-- name: referrer_page
-- What waits in quarantine is not listed. With the bytes of each entry, but annotations of more than ?5 bytes: of those no
-- more are read than may be held.
SELECT id, digest, media_type, size, artifact_type, octet_length(annotations) + octet_length(artifact_type) + 256,
       CASE WHEN octet_length(annotations) <= ?5 THEN annotations END
FROM manifests m
WHERE repository_id = ?1 AND subject_digest = ?2 AND digest > ?3
  AND NOT EXISTS (SELECT 1 FROM quarantined q WHERE q.manifest_id = m.id AND q.state <> 1)
ORDER BY digest LIMIT ?4;

-- name: referrer_page_of_type
SELECT id, digest, media_type, size, artifact_type, octet_length(annotations) + octet_length(artifact_type) + 256,
       CASE WHEN octet_length(annotations) <= ?5 THEN annotations END
FROM manifests m
WHERE repository_id = ?1 AND subject_digest = ?2 AND artifact_type = ?6 AND digest > ?3
  AND NOT EXISTS (SELECT 1 FROM quarantined q WHERE q.manifest_id = m.id AND q.state <> 1)
ORDER BY digest LIMIT ?4;

-- name: manifest_annotations
SELECT id, annotations FROM manifests WHERE id IN (SELECT CAST(value AS BIGINT) FROM json_each(?1) AS wanted);

-- name: tag_target
SELECT m.id, m.digest FROM tags t JOIN manifests m ON m.id = t.manifest_id
WHERE t.repository_id = ?1 AND t.name = ?2;

-- name: tag_set
INSERT INTO tags (repository_id, name, manifest_id, created_at, updated_at, updated_by)
VALUES (?1, ?2, ?3, ?4, ?4, ?5)
ON CONFLICT (repository_id, name)
DO UPDATE SET manifest_id = excluded.manifest_id, updated_at = excluded.updated_at, updated_by = excluded.updated_by;

-- name: tag_delete
DELETE FROM tags WHERE repository_id = ?1 AND name = ?2;

-- name: tags_delete
DELETE FROM tags WHERE manifest_id = ?1;

-- name: tags_of_manifest
SELECT name FROM tags WHERE manifest_id = ?1 ORDER BY name;

-- name: tag_page
SELECT name FROM tags WHERE repository_id = ?1 AND name > ?2 ORDER BY name LIMIT ?3;

-- name: tag_history_add
INSERT INTO tag_history (repository_id, tag, at, actor, digest, previous) VALUES (?1, ?2, ?3, ?4, ?5, ?6);

-- name: tag_history_told
INSERT INTO tag_history (repository_id, tag, at, actor, digest, previous, detail)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7);

-- name: tag_history_page
SELECT h.at, h.actor, h.digest, h.previous, h.id,
       CASE WHEN EXISTS (SELECT 1 FROM manifests m WHERE m.repository_id = h.repository_id AND m.digest = h.digest)
            THEN 1 ELSE 0 END, h.detail
FROM repositories r JOIN tag_history h ON h.repository_id = r.id
WHERE r.name = ?1 AND h.tag = ?2 AND h.id < ?4
ORDER BY h.id DESC LIMIT ?3;

-- name: tag_history_of_all
SELECT h.tag, h.at, h.actor, h.digest, h.previous, h.id,
       CASE WHEN EXISTS (SELECT 1 FROM manifests m WHERE m.repository_id = h.repository_id AND m.digest = h.digest)
            THEN 1 ELSE 0 END, h.detail
FROM repositories r JOIN tag_history h ON h.repository_id = r.id
WHERE r.name = ?1 AND h.id < ?3
ORDER BY h.id DESC LIMIT ?2;

-- name: tag_history_of
-- Of changes, as triples of a repository, a tag and a time in ?1, those that the repositories of these names have.
SELECT r.name, h.tag, h.at FROM json_each(?1) AS spans CROSS JOIN repositories r CROSS JOIN tag_history h
WHERE r.name = spans.value ->> 0 AND h.repository_id = r.id AND h.tag = spans.value ->> 1
  AND h.at = CAST(spans.value ->> 2 AS BIGINT) AND h.digest IS NOT NULL;

-- name: tag_history_at
-- Of what the clocks of several servers say happened within the last minute before, the last that did: by its number,
-- which no index is to be read along.
SELECT h.at, h.actor, h.digest, h.previous, h.id,
       CASE WHEN EXISTS (SELECT 1 FROM manifests m WHERE m.repository_id = h.repository_id AND m.digest = h.digest)
            THEN 1 ELSE 0 END, h.detail
FROM tag_history h
WHERE h.repository_id = (SELECT id FROM repositories WHERE name = ?1) AND h.tag = ?2 AND h.at <= ?3
  AND h.at > (SELECT max(n.at) - 60000000 FROM tag_history n
              WHERE n.repository_id = (SELECT id FROM repositories WHERE name = ?1) AND n.tag = ?2 AND n.at <= ?3)
ORDER BY h.id + 0 DESC LIMIT 1;

-- name: manifest_pulled
INSERT INTO pulls (manifest_id, tag, pulls, pulled_at)
SELECT m.id, ?2, ?3, ?4
FROM manifests m
WHERE m.id = ?1
ON CONFLICT (manifest_id, tag)
DO UPDATE SET pulls = pulls.pulls + excluded.pulls,
    pulled_at = CASE WHEN pulls.pulled_at > excluded.pulled_at THEN pulls.pulled_at ELSE excluded.pulled_at END;

-- name: repository_pulled
UPDATE repositories SET pulls = pulls + ?2, pulled_at = CASE WHEN pulled_at > ?3 THEN pulled_at ELSE ?3 END
WHERE name = ?1;

-- name: pulls_delete
DELETE FROM pulls WHERE manifest_id = ?1;
