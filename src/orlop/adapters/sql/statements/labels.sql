-- name: labels
SELECT key, value FROM labels WHERE repository_id = ?1 AND digest = ?2 ORDER BY key;

-- name: label_set
INSERT INTO labels (repository_id, digest, key, value) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (repository_id, digest, key) DO UPDATE SET value = excluded.value;

-- name: label_delete
DELETE FROM labels WHERE repository_id = ?1 AND digest = ?2 AND key = ?3;

-- name: labels_of_manifest_delete
DELETE FROM labels WHERE repository_id = ?1 AND digest = ?2;

-- name: labels_of_row_delete
DELETE FROM labels WHERE (repository_id, digest) IN (SELECT repository_id, digest FROM manifests WHERE id = ?1);

-- name: labels_move
UPDATE labels SET repository_id = ?3 WHERE repository_id = ?1 AND digest = ?2;

-- name: labels_copy
INSERT INTO labels (repository_id, digest, key, value)
SELECT ?3, digest, key, value FROM labels WHERE repository_id = ?1 AND digest = ?2;

-- name: repository_delete_labels
DELETE FROM labels WHERE repository_id = ?1;

-- name: labelled_repositories
-- Each repository of the span that has labels, with all of them.
SELECT r.name, (SELECT json_group_object(a.key, a.value) FROM labels a WHERE a.repository_id = r.id AND a.digest = '')
FROM repositories r
WHERE r.name >= ?1 AND r.name < ?2
  AND EXISTS (SELECT 1 FROM labels l WHERE l.repository_id = r.id AND l.digest = '')
ORDER BY r.name LIMIT ?3;

-- name: labelled_by_value
-- ?6: what else each has, as pairs of a key and a value, or null for any.
SELECT r.name, l.digest
FROM repositories r CROSS JOIN labels l
WHERE r.name >= ?1 AND r.name < ?2 AND r.name >= ?3 AND l.repository_id = r.id AND l.key = ?7 AND l.value = ?8
  AND (r.name, l.digest) > (?3, ?4)
  AND NOT EXISTS (SELECT 1 FROM manifests h JOIN quarantined q ON q.manifest_id = h.id
                  WHERE h.repository_id = l.repository_id AND h.digest = l.digest AND q.state <> 1)
  AND NOT EXISTS (
      SELECT 1 FROM json_each(?6) AS wanted WHERE NOT EXISTS (
          SELECT 1 FROM labels o
          WHERE o.repository_id = l.repository_id AND o.digest = l.digest AND o.key = wanted.value ->> 0
            AND o.value = coalesce(wanted.value ->> 1, o.value)))
ORDER BY r.name, l.digest LIMIT ?5;

-- name: labelled_by_key
SELECT r.name, l.digest
FROM repositories r CROSS JOIN labels l
WHERE r.name >= ?1 AND r.name < ?2 AND r.name >= ?3 AND l.repository_id = r.id AND l.key = ?7
  AND (r.name, l.digest) > (?3, ?4)
  AND NOT EXISTS (SELECT 1 FROM manifests h JOIN quarantined q ON q.manifest_id = h.id
                  WHERE h.repository_id = l.repository_id AND h.digest = l.digest AND q.state <> 1)
  AND NOT EXISTS (
      SELECT 1 FROM json_each(?6) AS wanted WHERE NOT EXISTS (
          SELECT 1 FROM labels o
          WHERE o.repository_id = l.repository_id AND o.digest = l.digest AND o.key = wanted.value ->> 0
            AND o.value = coalesce(wanted.value ->> 1, o.value)))
ORDER BY r.name, l.digest LIMIT ?5;
