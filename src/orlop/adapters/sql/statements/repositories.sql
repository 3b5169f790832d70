-- name: repository_id
SELECT id FROM repositories WHERE name = ?1;

-- name: repository_lock
-- With its namespace and all above that, which are looked for apart from the lock: PostgreSQL, where it waited for a row
-- that was changed meanwhile, computes beside the lock with what it found for another row.
WITH locked AS (SELECT id, namespace_id, cache_root FROM repositories WHERE name = ?1 FOR UPDATE)
SELECT l.id, (
    WITH RECURSIVE above (id, parent_id) AS (
        SELECT n.id, n.parent_id FROM namespaces n WHERE n.id = l.namespace_id
        UNION ALL SELECT n.id, n.parent_id FROM above a JOIN namespaces n ON n.id = a.parent_id)
    SELECT string_agg(CAST(id AS TEXT), ',') FROM above), l.cache_root
FROM locked l;

-- name: repositories_lock
WITH locked AS (
    SELECT id, namespace_id, cache_root FROM repositories
    WHERE id IN (SELECT CAST(value AS BIGINT) FROM json_each(?1) AS wanted) ORDER BY id FOR UPDATE)
SELECT l.id, (
    WITH RECURSIVE above (id, parent_id) AS (
        SELECT n.id, n.parent_id FROM namespaces n WHERE n.id = l.namespace_id
        UNION ALL SELECT n.id, n.parent_id FROM above a JOIN namespaces n ON n.id = a.parent_id)
    SELECT string_agg(CAST(id AS TEXT), ',') FROM above), l.cache_root
FROM locked l;

-- name: repository_create
INSERT INTO repositories (name, namespace_id, created_at, created_by, cache_root) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (name) DO NOTHING RETURNING id;

-- name: repository_count
UPDATE repositories
SET manifest_count = manifest_count + ?2, manifest_bytes = manifest_bytes + ?3, tag_count = tag_count + ?4,
    blob_count = blob_count + ?5, blob_bytes = blob_bytes + ?6, pushed_at = coalesce(?7, pushed_at)
WHERE id = ?1;

-- name: repository_page
-- Those that are hidden come after all others.
SELECT name FROM repositories WHERE name > ?1 AND name < '~' ORDER BY name LIMIT ?2;

-- name: repository_spans
-- Of each span of names, as pairs in ?1, no more is read than fits the page.
SELECT r.name FROM json_each(?1) AS wanted CROSS JOIN repositories r
WHERE r.name IN (
    SELECT w.name FROM repositories w
    WHERE w.name >= wanted.value ->> 0 AND w.name < wanted.value ->> 1 ORDER BY w.name LIMIT ?2)
ORDER BY r.name LIMIT ?2;

-- name: namespace_id
SELECT id FROM namespaces WHERE path = ?1;

-- name: namespace_create
INSERT INTO namespaces (path, parent_id, created_at, created_by) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (path) DO NOTHING RETURNING id;

-- name: totals_add
UPDATE totals
SET repositories = repositories + ?1, manifests = manifests + ?2, tags = tags + ?3, blobs = blobs + ?4,
    blob_bytes = blob_bytes + ?5
WHERE id = 1;

-- name: totals
SELECT CAST(sum(repositories) AS BIGINT), CAST(sum(manifests) AS BIGINT), CAST(sum(tags) AS BIGINT),
       CAST(sum(blobs) AS BIGINT), CAST(sum(blob_bytes) AS BIGINT),
       (SELECT count(*) FROM blobs WHERE state = 'condemned'), (SELECT count(*) FROM uploads),
       (SELECT count(*) FROM trash WHERE expires_at > 0),
       (SELECT coalesce(CAST(sum(size) AS BIGINT), 0) FROM trash WHERE expires_at > 0),
       (SELECT count(*) FROM blobs WHERE rotten_at IS NOT NULL AND state <> 'tombstoned')
FROM totals;

-- name: event
-- ?7 is the place of the event within its transaction: ids that are given out in order have it by themselves.
INSERT INTO outbox (at, kind, actor, repository, digest, tag, credential, address, request, subject, detail)
SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?8, ?9, ?10, ?11, ?12 WHERE ?7 >= 0;

-- name: event_page
-- With the bytes of each event, so that no more are read than may be held.
SELECT id, octet_length(detail) + 1000 FROM outbox WHERE id > ?1 ORDER BY id LIMIT ?2;

-- name: events
SELECT id, at, kind, actor, repository, digest, tag, credential, address, request, subject, detail, times, first_at
FROM outbox WHERE id IN (SELECT CAST(value AS BIGINT) FROM json_each(?1) AS wanted) ORDER BY id;
