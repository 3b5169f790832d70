-- What was deleted and can be restored. An entry that expires at 0 is being removed, and is not there any more for
-- whoever asks.

-- name: trash_add
INSERT INTO trash (name, kind, digest, subject, holder, size, body, deleted_at, deleted_by, request, expires_at)
VALUES (?1, ?2, ?3, ?4, NULL, 0, ?5, ?6, ?7, ?8, ?9)
RETURNING id;

-- name: trash_hold
UPDATE trash SET holder = ?2, size = ?3 WHERE id = ?1;

-- name: trash_described
SELECT subject_digest, size FROM manifests WHERE id = ?1;

-- name: trash_tag_add
INSERT INTO trash_tags (entry, name, tag) VALUES (?1, ?2, ?3);

-- name: trash_page
SELECT t.id, t.name, t.kind, t.digest, t.size, t.deleted_at, t.deleted_by, t.expires_at
FROM trash t
WHERE (t.name, t.id) > (?1, ?2) AND t.name < ?3 AND t.expires_at > 0 ORDER BY t.name, t.id LIMIT ?4;

-- name: trash_passed
SELECT t.name, t.id FROM trash t
WHERE (t.name, t.id) > (?1, ?2) AND t.name < ?3 AND t.expires_at > 0 ORDER BY t.name, t.id LIMIT ?4;

-- name: trash_get
SELECT id, name, kind, digest, size, deleted_at, deleted_by, expires_at FROM trash WHERE id = ?1 AND expires_at > 0;

-- name: trash_tags_of
SELECT entry, tag FROM trash_tags
WHERE entry IN (SELECT CAST(value AS BIGINT) FROM json_each(?1) AS wanted) ORDER BY entry, tag;

-- name: trash_entry
SELECT id, name, kind, digest, holder, deleted_at, body, left_to FROM trash WHERE id = ?1 AND expires_at > 0;

-- name: trash_whole
-- The newest repository or namespace of that name.
SELECT id, name, kind, digest, holder, deleted_at, body, left_to FROM trash
WHERE name = ?1 AND digest = '' AND expires_at > 0 ORDER BY id DESC LIMIT 1;

-- name: trash_of_tag
-- The newest that had a tag.
SELECT t.id, t.digest, t.deleted_at FROM trash_tags g JOIN trash t ON t.id = g.entry
WHERE g.name = ?1 AND g.tag = ?2 AND t.expires_at > 0 ORDER BY g.entry DESC LIMIT 1;

-- name: trash_of_tag_in_repository
-- The newest repository of that name that had a tag.
SELECT t.id, m.digest, t.deleted_at FROM trash t
JOIN tags g ON g.repository_id = t.holder AND g.name = ?2 JOIN manifests m ON m.id = g.manifest_id
WHERE t.name = ?1 AND t.digest = '' AND t.expires_at > 0 ORDER BY t.id DESC LIMIT 1;

-- name: trash_manifest
-- The newest that lies there by itself.
SELECT t.id, m.id, t.kind, t.holder, t.deleted_at, m.size FROM trash t
JOIN manifests m ON m.repository_id = t.holder AND m.digest = ?2
WHERE t.name = ?1 AND t.digest = ?2 AND t.expires_at > 0 ORDER BY t.id DESC LIMIT 1;

-- name: trash_manifest_in_repository
-- The newest that lies there in a repository as a whole.
SELECT t.id, m.id, t.kind, t.holder, t.deleted_at, m.size FROM trash t
JOIN manifests m ON m.repository_id = t.holder AND m.digest = ?2
WHERE t.name = ?1 AND t.digest = '' AND t.expires_at > 0 ORDER BY t.id DESC LIMIT 1;

-- name: trash_manifest_tags
SELECT tag FROM trash_tags WHERE entry = ?1 ORDER BY tag;

-- name: trash_referrers
SELECT t.digest FROM trash t
WHERE t.name = ?1 AND t.subject = ?2 AND t.subject <> '' AND t.deleted_at >= ?3 AND t.expires_at > 0 ORDER BY t.id;

-- name: trash_referrers_in_repository
SELECT m.digest FROM trash t JOIN manifests m ON m.repository_id = t.holder AND m.subject_digest = ?2
WHERE t.name = ?1 AND t.digest = '' AND t.deleted_at >= ?3 AND t.expires_at > 0;

-- name: trash_children
SELECT kind, child_digest, optional FROM edges WHERE manifest_id = ?1 ORDER BY position;

-- name: trash_links
SELECT l.digest, l.blob_id, b.size FROM blob_links l JOIN blobs b ON b.id = l.blob_id
WHERE l.repository_id = ?1 AND l.digest IN (SELECT value FROM json_each(?2) AS wanted) ORDER BY l.digest;

-- name: trash_link_copy
-- The blobs that a manifest names, as another repository holds them, tightly.
INSERT INTO blob_links (repository_id, digest, blob_id, linked_at, linked_by, loose_since)
SELECT ?1, l.digest, l.blob_id, l.linked_at, l.linked_by, NULL FROM blob_links l
WHERE l.repository_id = ?2 AND l.digest IN (SELECT value FROM json_each(?3) AS wanted);

-- name: trash_manifest_move
UPDATE manifests SET repository_id = ?2 WHERE id = ?1;

-- name: trash_edges_move
UPDATE edges SET repository_id = ?2 WHERE manifest_id = ?1;

-- name: trash_manifest_copy
INSERT INTO manifests (repository_id, digest, media_type, artifact_type, subject_digest, size, content_size, pushed_at,
                       pushed_by, annotations, content)
SELECT ?2, digest, media_type, artifact_type, subject_digest, size, content_size, pushed_at, pushed_by, annotations,
       content
FROM manifests WHERE id = ?1
RETURNING id;

-- name: trash_edges_copy
INSERT INTO edges (manifest_id, position, repository_id, kind, child_digest, child_size, media_type, optional)
SELECT ?2, position, ?3, kind, child_digest, child_size, media_type, optional FROM edges WHERE manifest_id = ?1;

-- name: repository_rename
UPDATE repositories SET name = ?2, namespace_id = ?3 WHERE id = ?1;

-- name: repository_place
-- Where it counts, whatever it is called.
UPDATE repositories SET namespace_id = ?2, cache_root = NULL WHERE id = ?1;

-- name: repository_hide
UPDATE repositories SET name = ?2 WHERE id = ?1;

-- name: trash_leaves
UPDATE trash SET left_to = ?2, returns_until = ?3 WHERE id = ?1;

-- name: trash_leaving
-- Repositories that are on their way out of their namespaces, and that nobody brings back at ?1, where a lease ends by ?2
-- at the latest; but not those that are removed where they are.
SELECT id, holder FROM trash
WHERE left_to IS NOT NULL AND (expires_at > 0 OR left_to <> '') AND (returns_until <= ?1 OR returns_until > ?2)
ORDER BY id LIMIT ?3;

-- name: trash_leaving_from
-- One that was in a namespace, and counts there still.
SELECT t.id, t.holder, t.expires_at, t.left_to, t.returns_until FROM namespaces n
JOIN repositories r ON r.namespace_id = n.id AND r.name >= '~' JOIN trash t ON t.holder = r.id
WHERE n.path = ?1 AND t.left_to IS NOT NULL LIMIT 1;

-- name: trash_left_to
SELECT holder, left_to, returns_until, expires_at FROM trash WHERE id = ?1 FOR UPDATE;

-- name: trash_links_after
SELECT l.digest, l.blob_id, b.size FROM blob_links l JOIN blobs b ON b.id = l.blob_id
WHERE l.repository_id = ?1 AND l.digest > ?2 ORDER BY l.digest LIMIT ?3;

-- name: trash_links_until
SELECT l.digest, l.blob_id, b.size FROM blob_links l JOIN blobs b ON b.id = l.blob_id
WHERE l.repository_id = ?1 AND l.digest <= ?2 ORDER BY l.digest DESC LIMIT ?3;

-- name: trash_due
-- But not what has left its namespace in part: it leaves that first.
SELECT id, name, kind, digest, holder, expires_at FROM trash
WHERE expires_at <= ?1 AND (left_to IS NULL OR left_to = '') ORDER BY expires_at LIMIT ?2;

-- name: trash_doomed
-- What a collection purges, and the bytes that nothing else holds but what goes as well; of several entries that hold a
-- blob the last one counts it.
SELECT t.expires_at, t.id, t.name, t.digest, t.size, CAST(coalesce((
    SELECT sum(b.size) FROM blob_links l JOIN blobs b ON b.id = l.blob_id
    WHERE l.repository_id = t.holder AND NOT EXISTS (
        SELECT 1 FROM blob_links o
        WHERE o.blob_id = l.blob_id AND o.repository_id <> l.repository_id
          AND (o.loose_since IS NULL OR o.loose_since >= ?2) AND NOT EXISTS (
            SELECT 1 FROM trash d
            WHERE d.holder = o.repository_id AND d.expires_at <= ?1 AND (d.expires_at, d.id) < (t.expires_at, t.id)))
), 0) AS BIGINT)
FROM trash t WHERE t.expires_at <= ?1 AND (t.expires_at, t.id) > (?3, ?4)
ORDER BY t.expires_at, t.id LIMIT ?5;

-- name: trash_due_again
SELECT id, name, kind, digest, holder, expires_at, left_to FROM trash
WHERE id IN (SELECT CAST(value AS BIGINT) FROM json_each(?1) AS wanted) AND expires_at <= ?2
  AND (left_to IS NULL OR left_to = '')
ORDER BY id FOR UPDATE;

-- name: trash_within
SELECT id FROM trash WHERE name >= ?1 AND name < ?2 AND expires_at > 0 ORDER BY name, id LIMIT ?3;

-- name: trash_discard
UPDATE trash SET expires_at = 0
WHERE id IN (SELECT CAST(value AS BIGINT) FROM json_each(?1) AS wanted) AND expires_at > 0
RETURNING id, name, kind, digest, size;

-- name: trash_held
SELECT id, digest, size FROM manifests WHERE repository_id = ?1 LIMIT ?2;

-- name: trash_held_tags
SELECT count(*) FROM tags WHERE manifest_id IN (SELECT CAST(value AS BIGINT) FROM json_each(?1) AS wanted);

-- name: trash_held_children
SELECT child_digest FROM edges
WHERE manifest_id IN (SELECT CAST(value AS BIGINT) FROM json_each(?1) AS wanted) AND kind <> 'manifest';

-- name: trash_links_unnamed
-- Of these, the links that no manifest of the repository names any more.
SELECT l.digest, l.blob_id, b.size FROM blob_links l JOIN blobs b ON b.id = l.blob_id
WHERE l.repository_id = ?1 AND l.digest IN (SELECT value FROM json_each(?2) AS wanted) AND NOT EXISTS (
    SELECT 1 FROM edges e
    WHERE e.repository_id = ?1 AND e.child_digest = l.digest AND e.kind IN ('config', 'layer', 'blob'))
ORDER BY l.digest;

-- name: trash_links_left
SELECT l.digest, l.blob_id, b.size FROM blob_links l JOIN blobs b ON b.id = l.blob_id
WHERE l.repository_id = ?1 ORDER BY l.digest LIMIT ?2;

-- name: trash_history_drop
DELETE FROM tag_history
WHERE id IN (SELECT h.id FROM tag_history h WHERE h.repository_id = ?1 ORDER BY h.id LIMIT ?2)
RETURNING id;

-- name: trash_restoring
UPDATE trash SET restoring_since = ?2 WHERE id = ?1 AND restoring_since = 0;

-- name: trash_restored
-- An image is back whole, whichever entry it was asked for by.
UPDATE trash SET restoring_since = 0 WHERE name = ?1 AND restoring_since <> 0 AND (id = ?2 OR digest = ?3);

-- name: trash_restores
-- Whether a part of an image is back in a repository of that name, and the rest is not.
SELECT id FROM trash WHERE name = ?1 AND restoring_since <> 0 AND expires_at > 0 LIMIT 1;

-- name: trash_referrers_there
-- What refers to a manifest in the repository that it comes back to.
SELECT digest FROM manifests WHERE repository_id = ?1 AND subject_digest = ?2 ORDER BY digest;

-- name: trash_tags_forget
DELETE FROM trash_tags WHERE entry = ?1;

-- name: trash_forget
DELETE FROM trash WHERE id = ?1;
