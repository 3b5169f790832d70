-- Each thing that is looked for has two statements. sought_*: every one that there is, wherever, up to ?1 of them.
-- within_*: those in spans of names, which are pairs in ?1, behind (?2, ?3) and up to ?4 of them.

-- name: search_window
SELECT max(n.name), count(*) FROM (
    SELECT r.name FROM repositories r WHERE r.name >= ?1 AND r.name < '~' ORDER BY r.name LIMIT ?2) n;

-- name: search_names
-- ?4: the pattern of LIKE that most names do not match; ?2: those that have to hold, too.
SELECT r.name FROM json_each(?1) AS spans CROSS JOIN repositories r
WHERE r.name >= spans.value ->> 0 AND r.name < spans.value ->> 1
  AND CASE WHEN r.name LIKE ?4 ESCAPE '!'
           THEN NOT EXISTS (SELECT 1 FROM json_each(?2) AS word WHERE r.name NOT LIKE word.value ESCAPE '!')
           ELSE 1 = 0 END
ORDER BY r.name LIMIT ?3;

-- name: sought_tag
SELECT r.name, f.name, m.digest, m.media_type, m.artifact_type,
       CASE WHEN EXISTS (SELECT 1 FROM edges b WHERE b.manifest_id = m.id
                         AND b.media_type = 'application/vnd.buildkit.cacheconfig.v0') THEN 1 ELSE 0 END
FROM (SELECT t.name, t.repository_id, t.manifest_id FROM tags t
      WHERE t.name >= ?2 AND t.name < ?3 ORDER BY t.name LIMIT ?1) f
JOIN repositories r ON r.id = f.repository_id JOIN manifests m ON m.id = f.manifest_id;

-- name: within_tag
SELECT r.name, t.name, m.digest, m.media_type, m.artifact_type,
       CASE WHEN EXISTS (SELECT 1 FROM edges b WHERE b.manifest_id = m.id
                         AND b.media_type = 'application/vnd.buildkit.cacheconfig.v0') THEN 1 ELSE 0 END
FROM json_each(?1) AS spans CROSS JOIN repositories r CROSS JOIN tags t JOIN manifests m ON m.id = t.manifest_id
WHERE r.name >= spans.value ->> 0 AND r.name < spans.value ->> 1 AND r.name >= ?2
  AND t.repository_id = r.id AND t.name >= ?5 AND t.name < ?6 AND (r.name, t.name) > (?2, ?3)
ORDER BY r.name, t.name LIMIT ?4;

-- name: sought_manifest
SELECT r.name, '', f.digest, f.media_type, f.artifact_type, 0
FROM (SELECT m.digest, m.media_type, m.artifact_type, m.repository_id FROM manifests m
      WHERE m.digest >= ?2 AND m.digest < ?3
        AND NOT EXISTS (SELECT 1 FROM quarantined q WHERE q.manifest_id = m.id AND q.state <> 1)
      ORDER BY m.digest LIMIT ?1) f
JOIN repositories r ON r.id = f.repository_id;

-- name: within_manifest
SELECT r.name, '', m.digest, m.media_type, m.artifact_type, 0
FROM json_each(?1) AS spans CROSS JOIN repositories r CROSS JOIN manifests m
WHERE r.name >= spans.value ->> 0 AND r.name < spans.value ->> 1 AND r.name >= ?2
  AND m.repository_id = r.id AND m.digest >= ?5 AND m.digest < ?6 AND (r.name, m.digest) > (?2, ?3)
  AND NOT EXISTS (SELECT 1 FROM quarantined q WHERE q.manifest_id = m.id AND q.state <> 1)
ORDER BY r.name, m.digest LIMIT ?4;

-- name: sought_blob
SELECT r.name, '', f.digest, '', '', 0
FROM (SELECT l.digest, l.repository_id FROM blob_links l
      WHERE l.digest >= ?2 AND l.digest < ?3 ORDER BY l.digest LIMIT ?1) f
JOIN repositories r ON r.id = f.repository_id;

-- name: within_blob
SELECT r.name, '', l.digest, '', '', 0
FROM json_each(?1) AS spans CROSS JOIN repositories r CROSS JOIN blob_links l
WHERE r.name >= spans.value ->> 0 AND r.name < spans.value ->> 1 AND r.name >= ?2
  AND l.repository_id = r.id AND l.digest >= ?5 AND l.digest < ?6 AND (r.name, l.digest) > (?2, ?3)
ORDER BY r.name, l.digest LIMIT ?4;

-- name: sought_label
SELECT r.name, '', f.digest, '', '', 0
FROM (SELECT l.digest, l.repository_id FROM labels l WHERE l.key = ?2 AND l.value = ?3
        AND NOT EXISTS (SELECT 1 FROM manifests h JOIN quarantined q ON q.manifest_id = h.id
                  WHERE h.repository_id = l.repository_id AND h.digest = l.digest AND q.state <> 1)
      ORDER BY l.repository_id LIMIT ?1) f
JOIN repositories r ON r.id = f.repository_id;

-- name: within_label
SELECT r.name, '', l.digest, '', '', 0
FROM json_each(?1) AS spans CROSS JOIN repositories r CROSS JOIN labels l
WHERE r.name >= spans.value ->> 0 AND r.name < spans.value ->> 1 AND r.name >= ?2
  AND l.repository_id = r.id AND l.key = ?5 AND l.value = ?6 AND (r.name, l.digest) > (?2, ?3)
  AND NOT EXISTS (SELECT 1 FROM manifests h JOIN quarantined q ON q.manifest_id = h.id
                  WHERE h.repository_id = l.repository_id AND h.digest = l.digest AND q.state <> 1)
ORDER BY r.name, l.digest LIMIT ?4;

-- name: sought_annotation
SELECT r.name, '', m.digest, m.media_type, m.artifact_type, 0
FROM (SELECT a.manifest_id FROM annotations a WHERE a.key = ?2 AND a.value = ?3
        AND NOT EXISTS (SELECT 1 FROM quarantined q WHERE q.manifest_id = a.manifest_id AND q.state <> 1)
      ORDER BY a.manifest_id LIMIT ?1) f
JOIN manifests m ON m.id = f.manifest_id JOIN repositories r ON r.id = m.repository_id;

-- name: within_annotation
SELECT r.name, '', m.digest, m.media_type, m.artifact_type, 0
FROM json_each(?1) AS spans CROSS JOIN repositories r CROSS JOIN manifests m CROSS JOIN annotations a
WHERE r.name >= spans.value ->> 0 AND r.name < spans.value ->> 1 AND r.name >= ?2 AND m.repository_id = r.id
  AND a.manifest_id = m.id AND a.key = ?5 AND a.value = ?6 AND (r.name, m.digest) > (?2, ?3)
  AND NOT EXISTS (SELECT 1 FROM quarantined q WHERE q.manifest_id = m.id AND q.state <> 1)
ORDER BY r.name, m.digest LIMIT ?4;

-- name: annotation_add
INSERT INTO annotations (manifest_id, key, value) VALUES (?1, ?2, ?3);

-- name: annotations_delete
DELETE FROM annotations WHERE manifest_id = ?1;

-- name: annotations_copy
INSERT INTO annotations (manifest_id, key, value) SELECT ?2, key, value FROM annotations WHERE manifest_id = ?1;

