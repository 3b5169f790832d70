-- Whole tables, for a move to another catalog: pages of rows in the order of their keys, which come first in each row, and
-- what takes such rows. Nothing here is on the way of a request.

-- name: rows_namespaces
SELECT id, path, parent_id, created_at, created_by
FROM namespaces WHERE id > ?1 ORDER BY id LIMIT ?2;

-- name: row_namespaces
INSERT INTO namespaces (id, path, parent_id, created_at, created_by)
VALUES (?1, ?2, ?3, ?4, ?5);

-- name: last_namespaces
SELECT id FROM namespaces ORDER BY id DESC LIMIT 1;

-- name: inspect_count_namespaces
SELECT count(*) FROM namespaces;

-- name: clear_namespaces
DELETE FROM namespaces WHERE id > 1;

-- name: rows_repositories
SELECT id, name, namespace_id, created_at, created_by, pushed_at, pulled_at, pulls, manifest_count, manifest_bytes,
       tag_count, blob_count, blob_bytes
FROM repositories WHERE id > ?1 ORDER BY id LIMIT ?2;

-- name: row_repositories
INSERT INTO repositories (id, name, namespace_id, created_at, created_by, pushed_at, pulled_at, pulls, manifest_count,
    manifest_bytes, tag_count, blob_count, blob_bytes)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13);

-- name: last_repositories
SELECT id FROM repositories ORDER BY id DESC LIMIT 1;

-- name: inspect_count_repositories
SELECT count(*) FROM repositories;

-- name: clear_repositories
DELETE FROM repositories;

-- name: rows_blobs
SELECT id, digest, copy, size, state, state_at, created_at, created_by, verified_at
FROM blobs WHERE id > ?1 ORDER BY id LIMIT ?2;

-- name: row_blobs
INSERT INTO blobs (id, digest, copy, size, state, state_at, created_at, created_by, verified_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9);

-- name: last_blobs
SELECT id FROM blobs ORDER BY id DESC LIMIT 1;

-- name: inspect_count_blobs
SELECT count(*) FROM blobs;

-- name: clear_blobs
DELETE FROM blobs;

-- name: rows_blob_links
SELECT repository_id, digest, blob_id, linked_at, linked_by, loose_since
FROM blob_links WHERE (repository_id, digest) > (?1, ?2) ORDER BY repository_id, digest LIMIT ?3;

-- name: row_blob_links
INSERT INTO blob_links (repository_id, digest, blob_id, linked_at, linked_by, loose_since)
VALUES (?1, ?2, ?3, ?4, ?5, ?6);

-- name: last_blob_links
SELECT repository_id, digest FROM blob_links ORDER BY repository_id DESC, digest DESC LIMIT 1;

-- name: inspect_count_blob_links
SELECT count(*) FROM blob_links;

-- name: clear_blob_links
DELETE FROM blob_links;

-- name: rows_manifests
SELECT id, repository_id, digest, media_type, artifact_type, subject_digest, size, content_size, pushed_at, pushed_by,
       annotations, content
FROM manifests WHERE id > ?1 ORDER BY id LIMIT ?2;

-- name: weigh_manifests
SELECT octet_length(annotations) + octet_length(content) + 500 FROM manifests WHERE id > ?1 ORDER BY id LIMIT ?2;

-- name: row_manifests
INSERT INTO manifests (id, repository_id, digest, media_type, artifact_type, subject_digest, size, content_size,
    pushed_at, pushed_by, annotations, content)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12);

-- name: last_manifests
SELECT id FROM manifests ORDER BY id DESC LIMIT 1;

-- name: inspect_count_manifests
SELECT count(*) FROM manifests;

-- name: clear_manifests
DELETE FROM manifests;

-- name: rows_edges
SELECT manifest_id, position, repository_id, kind, child_digest, child_size, media_type, optional
FROM edges WHERE (manifest_id, position) > (?1, ?2) ORDER BY manifest_id, position LIMIT ?3;

-- name: row_edges
INSERT INTO edges (manifest_id, position, repository_id, kind, child_digest, child_size, media_type, optional)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8);

-- name: last_edges
SELECT manifest_id, position FROM edges ORDER BY manifest_id DESC, position DESC LIMIT 1;

-- name: inspect_count_edges
SELECT count(*) FROM edges;

-- name: clear_edges
DELETE FROM edges;

-- name: rows_tags
SELECT repository_id, name, manifest_id, created_at, updated_at, updated_by
FROM tags WHERE (repository_id, name) > (?1, ?2) ORDER BY repository_id, name LIMIT ?3;

-- name: row_tags
INSERT INTO tags (repository_id, name, manifest_id, created_at, updated_at, updated_by)
VALUES (?1, ?2, ?3, ?4, ?5, ?6);

-- name: last_tags
SELECT repository_id, name FROM tags ORDER BY repository_id DESC, name DESC LIMIT 1;

-- name: inspect_count_tags
SELECT count(*) FROM tags;

-- name: clear_tags
DELETE FROM tags;

-- name: rows_pulls
SELECT manifest_id, tag, pulls, pulled_at
FROM pulls WHERE (manifest_id, tag) > (?1, ?2) ORDER BY manifest_id, tag LIMIT ?3;

-- name: row_pulls
INSERT INTO pulls (manifest_id, tag, pulls, pulled_at)
VALUES (?1, ?2, ?3, ?4);

-- name: last_pulls
SELECT manifest_id, tag FROM pulls ORDER BY manifest_id DESC, tag DESC LIMIT 1;

-- name: inspect_count_pulls
SELECT count(*) FROM pulls;

-- name: clear_pulls
DELETE FROM pulls;

-- name: rows_tag_history
SELECT id, repository_id, tag, at, actor, digest, previous
FROM tag_history WHERE id > ?1 ORDER BY id LIMIT ?2;

-- name: row_tag_history
INSERT INTO tag_history (id, repository_id, tag, at, actor, digest, previous)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7);

-- name: last_tag_history
SELECT id FROM tag_history ORDER BY id DESC LIMIT 1;

-- name: inspect_count_tag_history
SELECT count(*) FROM tag_history;

-- name: clear_tag_history
DELETE FROM tag_history;

-- name: rows_outbox
SELECT id, at, kind, actor, repository, digest, tag, credential, address, request, subject, detail, times, first_at
FROM outbox WHERE id > ?1 ORDER BY id LIMIT ?2;

-- name: weigh_outbox
SELECT octet_length(detail) + 1000 FROM outbox WHERE id > ?1 ORDER BY id LIMIT ?2;

-- name: row_outbox
INSERT INTO outbox (id, at, kind, actor, repository, digest, tag, credential, address, request, subject, detail, times,
    first_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14);

-- name: last_outbox
SELECT id FROM outbox ORDER BY id DESC LIMIT 1;

-- name: inspect_count_outbox
SELECT count(*) FROM outbox;

-- name: clear_outbox
DELETE FROM outbox;

-- name: rows_readers
SELECT stream, name, position
FROM readers WHERE (stream, name) > (?1, ?2) ORDER BY stream, name LIMIT ?3;

-- name: row_readers
INSERT INTO readers (stream, name, position)
VALUES (?1, ?2, ?3);

-- name: last_readers
SELECT stream, name FROM readers ORDER BY stream DESC, name DESC LIMIT 1;

-- name: inspect_count_readers
SELECT count(*) FROM readers;

-- name: clear_readers
DELETE FROM readers;

-- name: rows_audit
SELECT sequence, event, at, kind, actor, credential, address, request, repository, digest, tag, subject, detail,
       times, first_at, hash, refused
FROM audit WHERE sequence > ?1 ORDER BY sequence LIMIT ?2;

-- name: weigh_audit
SELECT octet_length(detail) + 1000 FROM audit WHERE sequence > ?1 ORDER BY sequence LIMIT ?2;

-- name: row_audit
INSERT INTO audit (sequence, event, at, kind, actor, credential, address, request, repository, digest, tag, subject,
    detail, times, first_at, hash, refused)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17);

-- name: last_audit
SELECT sequence FROM audit ORDER BY sequence DESC LIMIT 1;

-- name: inspect_count_audit
SELECT count(*) FROM audit;

-- name: clear_audit
DELETE FROM audit;

-- name: rows_audit_places
SELECT path, sequence
FROM audit_places WHERE (path, sequence) > (?1, ?2) ORDER BY path, sequence LIMIT ?3;

-- name: row_audit_places
INSERT INTO audit_places (path, sequence)
VALUES (?1, ?2);

-- name: last_audit_places
SELECT path, sequence FROM audit_places ORDER BY path DESC, sequence DESC LIMIT 1;

-- name: inspect_count_audit_places
SELECT count(*) FROM audit_places;

-- name: clear_audit_places
DELETE FROM audit_places;

-- name: rows_audit_segments
SELECT number, day, first, last, opening, closing, from_at, until_at, appended_at, dropped_at
FROM audit_segments WHERE number > ?1 ORDER BY number LIMIT ?2;

-- name: row_audit_segments
INSERT INTO audit_segments (number, day, first, last, opening, closing, from_at, until_at, appended_at, dropped_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10);

-- name: last_audit_segments
SELECT number FROM audit_segments ORDER BY number DESC LIMIT 1;

-- name: inspect_count_audit_segments
SELECT count(*) FROM audit_segments;

-- name: clear_audit_segments
DELETE FROM audit_segments;

-- name: rows_audit_heads
SELECT sequence, hash, at, key, signature
FROM audit_heads WHERE sequence > ?1 ORDER BY sequence LIMIT ?2;

-- name: row_audit_heads
INSERT INTO audit_heads (sequence, hash, at, key, signature)
VALUES (?1, ?2, ?3, ?4, ?5);

-- name: last_audit_heads
SELECT sequence FROM audit_heads ORDER BY sequence DESC LIMIT 1;

-- name: inspect_count_audit_heads
SELECT count(*) FROM audit_heads;

-- name: clear_audit_heads
DELETE FROM audit_heads;

-- name: rows_audit_keys
SELECT id, public, private, created_at
FROM audit_keys WHERE id > ?1 ORDER BY id LIMIT ?2;

-- name: row_audit_keys
INSERT INTO audit_keys (id, public, private, created_at)
VALUES (?1, ?2, ?3, ?4);

-- name: last_audit_keys
SELECT id FROM audit_keys ORDER BY id DESC LIMIT 1;

-- name: inspect_count_audit_keys
SELECT count(*) FROM audit_keys;

-- name: clear_audit_keys
DELETE FROM audit_keys;

-- name: rows_jobs
SELECT name, owner, fence, lease_until, started_at, finished_at, outcome
FROM jobs WHERE name > ?1 ORDER BY name LIMIT ?2;

-- name: row_jobs
INSERT INTO jobs (name, owner, fence, lease_until, started_at, finished_at, outcome)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7);

-- name: last_jobs
SELECT name FROM jobs ORDER BY name DESC LIMIT 1;

-- name: inspect_count_jobs
SELECT count(*) FROM jobs;

-- name: clear_jobs
DELETE FROM jobs;

-- name: clear_uploads
DELETE FROM uploads;

-- name: clear_totals
UPDATE totals SET repositories = 0, manifests = 0, tags = 0, blobs = 0, blob_bytes = 0;

-- name: ids_settle
-- New ids go on behind the greatest by themselves. Tokens name accounts and secrets by theirs, so those of the last that
-- were removed before the move are left out, too.
UPDATE sqlite_sequence SET seq = seq + 1000 WHERE name IN ('accounts', 'secrets');
