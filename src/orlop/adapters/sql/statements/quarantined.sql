-- What was pushed into quarantine, and what became of it.

-- name: quarantined_of
SELECT q.id, q.repository, q.digest, q.tags, q.pushed_by, q.pushed_id, q.pushed_at, q.state, q.decided_by, q.decided_at, q.reason
FROM repositories r JOIN manifests m ON m.repository_id = r.id JOIN quarantined q ON q.manifest_id = m.id
WHERE r.name = ?1 AND m.digest = ?2 AND q.state <> 1;

-- name: quarantined_released
SELECT q.id, q.repository, q.digest, q.tags, q.pushed_by, q.pushed_id, q.pushed_at, q.state, q.decided_by, q.decided_at, q.reason
FROM repositories r JOIN manifests m ON m.repository_id = r.id JOIN quarantined q ON q.manifest_id = m.id
WHERE r.name = ?1 AND m.digest = ?2 AND q.state = 1;

-- name: quarantined_get
SELECT q.id, q.repository, q.digest, q.tags, q.pushed_by, q.pushed_id, q.pushed_at, q.state, q.decided_by, q.decided_at, q.reason
FROM quarantined q WHERE q.id = ?1;

-- name: quarantined_row
SELECT q.id, q.state, q.tags, q.pushed_at FROM quarantined q WHERE q.manifest_id = ?1;

-- name: quarantined_page
SELECT q.id, q.repository, q.digest, q.tags, q.pushed_by, q.pushed_id, q.pushed_at, q.state, q.decided_by, q.decided_at, q.reason
FROM quarantined q JOIN manifests m ON m.id = q.manifest_id
WHERE q.state = ?2 AND q.along = 0 AND q.id < ?3
  AND (q.state <> 0 OR EXISTS (SELECT 1 FROM repositories r WHERE r.id = m.repository_id AND r.name = q.repository))
  AND EXISTS (SELECT 1 FROM json_each(?1) AS spans
              WHERE q.repository >= spans.value ->> 0 AND q.repository < spans.value ->> 1)
  AND (q.tags <> '{}' OR NOT EXISTS (
      SELECT 1 FROM edges e JOIN quarantined i ON i.manifest_id = e.manifest_id
      WHERE e.repository_id = m.repository_id AND e.child_digest = q.digest AND e.kind = 'manifest' AND i.state = 0))
ORDER BY q.id DESC LIMIT ?4;

-- name: quarantined_depth
-- Not what is in the trash, where it has another name.
SELECT count(*), coalesce(min(q.pushed_at), 0) FROM quarantined q
WHERE q.state = 0 AND q.along = 0
  AND EXISTS (SELECT 1 FROM manifests m JOIN repositories r ON r.id = m.repository_id
              WHERE m.id = q.manifest_id AND r.name = q.repository);

-- name: quarantined_waiting_in
SELECT q.id, q.tags FROM quarantined q WHERE q.repository = ?1 AND q.state = 0 AND q.tags <> '{}' ORDER BY q.id;

-- name: quarantined_children
-- What an index names that is hidden: how far it is, and the tags of its own that it gets.
SELECT q.id, q.digest, m.id, q.tags, q.state FROM edges e
JOIN manifests m ON m.repository_id = e.repository_id AND m.digest = e.child_digest
JOIN quarantined q ON q.manifest_id = m.id
WHERE e.manifest_id = ?1 AND e.kind = 'manifest' AND q.state <> 1;

-- name: quarantined_put
INSERT INTO quarantined
    (manifest_id, repository, digest, state, along, tags, pushed_by, pushed_id, pushed_at, decided_by, decided_at,
     reason)
VALUES (?1, ?2, ?3, 0, 0, ?4, ?5, ?6, ?7, '', 0, '')
ON CONFLICT (manifest_id) DO UPDATE SET state = 0, along = 0, tags = excluded.tags, pushed_by = excluded.pushed_by,
    pushed_id = excluded.pushed_id, pushed_at = excluded.pushed_at, decided_by = '', decided_at = 0, reason = '';

-- name: quarantined_copy
-- Of a manifest that is copied what hides it.
INSERT INTO quarantined
    (manifest_id, repository, digest, state, along, tags, pushed_by, pushed_id, pushed_at, decided_by, decided_at,
     reason)
SELECT ?2, repository, digest, state, along, tags, pushed_by, pushed_id, pushed_at, decided_by, decided_at, reason
FROM quarantined WHERE manifest_id = ?1 AND state <> 1;

-- name: quarantined_tags_set
UPDATE quarantined SET tags = ?2 WHERE id = ?1;

-- name: quarantined_decide
UPDATE quarantined SET state = ?2, decided_by = ?3, decided_at = ?4, reason = ?5, along = ?6 WHERE id = ?1 AND state <> 1
RETURNING id;
