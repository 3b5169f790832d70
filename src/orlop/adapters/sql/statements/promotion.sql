-- name: promotion_add
INSERT INTO promotions (path, pipeline, source, stage, bundle, state, asked_by, asked_id, asked_at, needed, expires_at,
                        ended_at, ended_by, why, once, due_at, automatic)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)
ON CONFLICT (once) WHERE state = 0 DO NOTHING
RETURNING id;

-- name: promotion_waiting
SELECT id FROM promotions WHERE once = ?1 AND state = 0;

-- name: promotion_image_add
INSERT INTO promotion_images (promotion_id, number, repository, tag, digest, target, target_tag, previous, moved)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9);

-- name: promotion_image_done
UPDATE promotion_images SET previous = ?3, moved = ?4 WHERE promotion_id = ?1 AND number = ?2;

-- name: promotion_gates_add
INSERT INTO promotion_gates (promotion_id, number, said) VALUES (?1, ?2, ?3);

-- name: promotion_gates_of
SELECT number, said FROM promotion_gates WHERE promotion_id = ?1 ORDER BY number;

-- name: promotion_get
SELECT id, path, pipeline, source, stage, bundle, state, asked_by, asked_id, asked_at, needed, expires_at, ended_at,
       ended_by, why, due_at, automatic
FROM promotions WHERE id = ?1;

-- name: promotion_lock
SELECT state FROM promotions WHERE id = ?1 FOR UPDATE;

-- name: promotion_page
SELECT id, path, pipeline, source, stage, bundle, state, asked_by, asked_id, asked_at, needed, expires_at, ended_at,
       ended_by, why, due_at, automatic
FROM promotions WHERE id < ?1 ORDER BY id DESC LIMIT ?2;

-- name: promotion_page_in
SELECT id, path, pipeline, source, stage, bundle, state, asked_by, asked_id, asked_at, needed, expires_at, ended_at,
       ended_by, why, due_at, automatic
FROM promotions WHERE state = ?3 AND id < ?1 ORDER BY id DESC LIMIT ?2;

-- name: promotion_page_of
SELECT p.id, p.path, p.pipeline, p.source, p.stage, p.bundle, p.state, p.asked_by, p.asked_id, p.asked_at, p.needed,
       p.expires_at, p.ended_at, p.ended_by, p.why, p.due_at, p.automatic
FROM promotions p
WHERE p.id IN (SELECT i.promotion_id FROM promotion_images i WHERE i.digest = ?3 AND i.promotion_id < ?1)
  AND (?4 < 0 OR p.state = ?4)
  AND (?5 = 0 OR (p.path = ?6 AND p.pipeline = ?7 AND (?8 = '' OR p.stage = ?8)))
ORDER BY p.id DESC LIMIT ?2;

-- name: promotion_page_along
SELECT id, path, pipeline, source, stage, bundle, state, asked_by, asked_id, asked_at, needed, expires_at, ended_at,
       ended_by, why, due_at, automatic
FROM promotions WHERE path = ?3 AND pipeline = ?4 AND id < ?1 ORDER BY id DESC LIMIT ?2;

-- name: promotion_page_along_in
SELECT id, path, pipeline, source, stage, bundle, state, asked_by, asked_id, asked_at, needed, expires_at, ended_at,
       ended_by, why, due_at, automatic
FROM promotions WHERE path = ?3 AND pipeline = ?4 AND state = ?5 AND id < ?1 ORDER BY id DESC LIMIT ?2;

-- name: promotion_page_into
SELECT id, path, pipeline, source, stage, bundle, state, asked_by, asked_id, asked_at, needed, expires_at, ended_at,
       ended_by, why, due_at, automatic
FROM promotions WHERE path = ?3 AND pipeline = ?4 AND stage = ?5 AND id < ?1 ORDER BY id DESC LIMIT ?2;

-- name: promotion_page_into_in
SELECT id, path, pipeline, source, stage, bundle, state, asked_by, asked_id, asked_at, needed, expires_at, ended_at,
       ended_by, why, due_at, automatic
FROM promotions WHERE path = ?3 AND pipeline = ?4 AND stage = ?5 AND state = ?6 AND id < ?1 ORDER BY id DESC LIMIT ?2;

-- name: promotion_images_of
SELECT promotion_id, repository, tag, digest, target, target_tag, previous, moved FROM promotion_images
WHERE promotion_id IN (SELECT CAST(value AS BIGINT) FROM json_each(?1) AS wanted) ORDER BY promotion_id, number;

-- name: promotion_approvals_of
SELECT promotion_id, account_id, name, at FROM promotion_approvals
WHERE promotion_id IN (SELECT CAST(value AS BIGINT) FROM json_each(?1) AS wanted) ORDER BY promotion_id, account_id;

-- name: promotion_newest_into
SELECT i.promotion_id FROM promotion_images i JOIN promotions p ON p.id = i.promotion_id
WHERE i.target = ?1 AND p.state = 1 ORDER BY i.promotion_id DESC LIMIT 1;

-- name: promotion_approve
INSERT INTO promotion_approvals (promotion_id, account_id, name, at) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (promotion_id, account_id) DO NOTHING RETURNING account_id;

-- name: promotion_end
UPDATE promotions SET state = ?2, ended_at = ?3, ended_by = ?4, why = ?5 WHERE id = ?1;

-- name: promotion_hold
UPDATE promotions SET due_at = ?2, expires_at = CASE WHEN expires_at < ?3 THEN ?3 ELSE expires_at END WHERE id = ?1;

-- name: promotion_put_off
UPDATE promotions SET due_at = ?3, why = ?4 WHERE id = ?1 AND state = 0 AND due_at = ?2;

-- name: promotion_was_asked
SELECT i.promotion_id FROM promotion_images i JOIN promotions p ON p.id = i.promotion_id
WHERE i.digest = ?1 AND i.target = ?2 AND i.target_tag = ?3 AND p.stage = ?4 AND p.state <> 3 LIMIT 1;

-- name: promotions_outdated
SELECT p.id FROM promotions p JOIN promotion_images i ON i.promotion_id = p.id
WHERE p.state = 0 AND p.automatic = 1 AND p.path = ?1 AND p.pipeline = ?2
  AND i.repository = ?3 AND i.tag = ?4 AND i.digest <> ?5
ORDER BY p.id LIMIT 1000;

-- name: promotions_automatic
SELECT id FROM promotions WHERE state = 0 AND automatic = 1 LIMIT 1;

-- name: promotions_hasten
-- One that is due already stays due since then, as its stage may have opened for it alone; it is another to put_off.
UPDATE promotions SET due_at = CASE WHEN due_at > 0 AND due_at <= ?1 THEN due_at - 1 ELSE ?1 END
WHERE state = 0 AND automatic = 1 AND due_at <> ?1 RETURNING id;

-- name: promotions_hasten_out_of
UPDATE promotions SET due_at = CASE WHEN due_at > 0 AND due_at <= ?1 THEN due_at - 1 ELSE ?1 END
WHERE state = 0 AND automatic = 1 AND due_at <> ?1
  AND EXISTS (SELECT 1 FROM promotion_images i WHERE i.promotion_id = promotions.id
              AND i.repository IN (SELECT value FROM json_each(?2) AS wanted))
RETURNING id;

-- name: promotions_waiting
SELECT count(CASE WHEN due_at = 0 THEN 1 END), count(CASE WHEN due_at > 0 THEN 1 END) FROM promotions WHERE state = 0;

-- name: promotions_due
SELECT id FROM promotions WHERE state < 1 AND due_at > 0 AND due_at <= ?1 ORDER BY due_at LIMIT ?2;

-- name: promotions_over
SELECT id FROM promotions WHERE state < 1 AND expires_at <= ?1 ORDER BY expires_at LIMIT ?2;

-- name: promoted_manifests
-- Those that are there, and whether each is hidden in quarantine.
SELECT m.id, m.digest, EXISTS (SELECT 1 FROM quarantined q WHERE q.manifest_id = m.id AND q.state <> 1)
FROM manifests m WHERE m.repository_id = ?1 AND m.digest IN (SELECT value FROM json_each(?2) AS wanted);

-- name: promoted_children
SELECT e.child_digest, e.kind, e.optional, e.child_size FROM json_each(?1) AS wanted
CROSS JOIN edges e WHERE e.manifest_id = CAST(wanted.value AS BIGINT);

-- name: promoted_referrers
SELECT m.digest FROM json_each(?2) AS wanted
CROSS JOIN manifests m WHERE m.repository_id = ?1 AND m.subject_digest = wanted.value;

-- name: promoted_tags
SELECT t.name, m.digest, m.id FROM json_each(?2) AS wanted
CROSS JOIN tags t JOIN manifests m ON m.id = t.manifest_id
WHERE t.repository_id = ?1 AND t.name = wanted.value;

-- name: promoted_tag_was
SELECT 1 FROM tag_history WHERE repository_id = ?1 AND tag = ?2 AND digest = ?3 LIMIT 1;

-- name: promoted_insert
INSERT INTO manifests (repository_id, digest, media_type, artifact_type, subject_digest, size, content_size, pushed_at,
                       pushed_by, annotations, content)
SELECT ?1, m.digest, m.media_type, m.artifact_type, m.subject_digest, m.size, m.content_size, CAST(?3 AS BIGINT), ?4,
       m.annotations, m.content
FROM json_each(?2) AS wanted CROSS JOIN manifests m WHERE m.id = CAST(wanted.value AS BIGINT)
RETURNING id, digest, size;

-- name: promoted_edges
INSERT INTO edges (manifest_id, position, repository_id, kind, child_digest, child_size, media_type, optional)
SELECT CAST(?2 AS BIGINT), e.position, CAST(?3 AS BIGINT), e.kind, e.child_digest, e.child_size, e.media_type,
       e.optional
FROM edges e WHERE e.manifest_id = ?1;

-- name: promoted_annotations
INSERT INTO annotations (manifest_id, key, value)
SELECT CAST(?2 AS BIGINT), a.key, a.value FROM annotations a WHERE a.manifest_id = ?1;

-- name: promoted_links
SELECT l.digest, l.blob_id, b.size FROM json_each(?2) AS wanted
CROSS JOIN blob_links l JOIN blobs b ON b.id = l.blob_id
WHERE l.repository_id = ?1 AND l.digest = wanted.value AND b.rotten_at IS NULL;

-- name: promoted_link_insert
INSERT INTO blob_links (repository_id, digest, blob_id, linked_at, linked_by, loose_since)
VALUES (?1, ?2, ?3, ?4, ?5, NULL);
