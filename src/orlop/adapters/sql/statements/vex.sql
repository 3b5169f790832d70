-- VEX documents that refer to images.

-- name: vex_wait
INSERT INTO vex_documents (manifest_id, repository_id, subject, state, tries, since, body, unread)
SELECT m.id, m.repository_id, coalesce(m.subject_digest, ''), 0, 0, ?3, ?4, ''
FROM repositories r JOIN manifests m ON m.repository_id = r.id WHERE r.name = ?1 AND m.digest = ?2
ON CONFLICT (manifest_id) DO NOTHING;

-- name: vex_waiting
SELECT v.manifest_id, r.name, m.digest, v.tries FROM vex_documents v
JOIN manifests m ON m.id = v.manifest_id JOIN repositories r ON r.id = m.repository_id
WHERE v.state = 0 AND v.since <= ?1 AND r.name < '~' ORDER BY v.since LIMIT ?2;

-- name: vex_read
UPDATE vex_documents SET state = 1, since = ?2, body = ?3, subject = CASE subject WHEN '' THEN ?4 ELSE subject END
WHERE manifest_id = ?1;

-- name: vex_unread
UPDATE vex_documents SET state = ?2, tries = tries + 1, since = ?3, unread = ?4 WHERE manifest_id = ?1;

-- name: vex_none
UPDATE vex_documents SET state = 3 WHERE manifest_id = ?1;

-- name: vex_move
UPDATE vex_documents SET repository_id = ?2 WHERE manifest_id = ?1;

-- name: vex_window
-- Manifests of these types, and whether nothing is known of what they hold.
SELECT m.id, r.name, m.digest,
       m.artifact_type IN (SELECT value FROM json_each(?3) AS wanted) AND r.name < '~'
       AND NOT EXISTS (SELECT 1 FROM vex_documents v WHERE v.manifest_id = m.id)
FROM (SELECT id, repository_id, digest, artifact_type FROM manifests WHERE id > ?1 ORDER BY id LIMIT ?2) AS m
JOIN repositories r ON r.id = m.repository_id ORDER BY m.id;

-- name: vex_of
SELECT v.manifest_id, m.digest, m.pushed_by, v.state, v.unread
FROM repositories r JOIN vex_documents v ON v.repository_id = r.id
JOIN manifests m ON m.id = v.manifest_id AND m.repository_id = v.repository_id
WHERE r.name = ?1 AND v.subject = ?2 AND v.state < 3 ORDER BY v.manifest_id DESC LIMIT ?3;

-- name: vex_referred
SELECT wanted.value FROM repositories r, json_each(?2) AS wanted
WHERE r.name = ?1 AND EXISTS (
    SELECT 1 FROM vex_documents v WHERE v.repository_id = r.id AND v.subject = wanted.value AND v.state < 3
);

-- name: vex_bodies
SELECT v.manifest_id, v.body FROM json_each(?1) AS wanted
JOIN vex_documents v ON v.manifest_id = CAST(wanted.value AS BIGINT) WHERE v.state = 1;
