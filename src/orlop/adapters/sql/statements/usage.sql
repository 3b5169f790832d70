-- name: nodes_above
-- Of a namespace: itself and all above it.
WITH RECURSIVE above (id, parent_id) AS (
    SELECT n.id, n.parent_id FROM namespaces n WHERE n.id = ?1
    UNION ALL SELECT n.id, n.parent_id FROM above a JOIN namespaces n ON n.id = a.parent_id)
SELECT string_agg(CAST(id AS TEXT), ',') FROM above;

-- name: usage_add
INSERT INTO node_usage (namespace_id, part, stored_bytes, logical_bytes, tags, manifests, repositories, cached_bytes)
VALUES (?1, 0, ?2, ?3, ?4, ?5, ?6, ?7)
ON CONFLICT (namespace_id, part) DO UPDATE
SET stored_bytes = node_usage.stored_bytes + excluded.stored_bytes,
    logical_bytes = node_usage.logical_bytes + excluded.logical_bytes,
    tags = node_usage.tags + excluded.tags, manifests = node_usage.manifests + excluded.manifests,
    repositories = node_usage.repositories + excluded.repositories,
    cached_bytes = node_usage.cached_bytes + excluded.cached_bytes;

-- name: usage_mend
INSERT INTO node_usage (namespace_id, part, stored_bytes, logical_bytes, tags, manifests, repositories, cached_bytes)
VALUES (?1, 0, ?2, ?3, ?4, ?5, ?6, ?7)
ON CONFLICT (namespace_id, part) DO UPDATE
SET stored_bytes = node_usage.stored_bytes + excluded.stored_bytes,
    logical_bytes = node_usage.logical_bytes + excluded.logical_bytes,
    tags = node_usage.tags + excluded.tags, manifests = node_usage.manifests + excluded.manifests,
    repositories = node_usage.repositories + excluded.repositories,
    cached_bytes = node_usage.cached_bytes + excluded.cached_bytes;

-- name: usage_forget
DELETE FROM node_usage WHERE namespace_id = ?1;

-- name: usage_days_forget
DELETE FROM usage_days WHERE namespace_id = ?1;

-- name: inspect_usage
-- By how much the numbers of each node differ from a recount; of what is hidden bytes count alone. What is cached counts
-- for the root and for what is at or below the node of the upstream, whose row is older than theirs. All in one statement:
-- what commits meanwhile changes both.
WITH RECURSIVE above (leaf, id, parent_id) AS (
    SELECT id, id, parent_id FROM namespaces
    UNION ALL SELECT a.leaf, n.id, n.parent_id FROM above a JOIN namespaces n ON n.id = a.parent_id),
held (id, bytes) AS (
    SELECT nb.namespace_id, sum(b.size) FROM node_blobs nb JOIN blobs b ON b.id = nb.blob_id GROUP BY nb.namespace_id
    UNION ALL
    SELECT n.id, coalesce(sum(b.size), 0) FROM namespaces n CROSS JOIN blobs b
    WHERE n.parent_id IS NULL AND EXISTS (SELECT 1 FROM blob_links l WHERE l.blob_id = b.id) GROUP BY n.id),
cached (id, bytes) AS (
    SELECT nc.namespace_id, sum(b.size) FROM node_cached nc JOIN blobs b ON b.id = nc.blob_id GROUP BY nc.namespace_id),
placed (id, counts, name, cache_root, manifest_bytes, blob_bytes, tag_count, manifest_count) AS (
    SELECT a.id, CASE WHEN r.cache_root IS NULL OR a.parent_id IS NULL OR a.id >= r.cache_root THEN 1 ELSE 0 END,
           r.name, r.cache_root, r.manifest_bytes, r.blob_bytes, r.tag_count, r.manifest_count
    FROM repositories r JOIN above a ON a.leaf = r.namespace_id),
there (id, manifest_bytes, logical_bytes, tags, manifests, repositories, cached_bytes) AS (
    SELECT p.id, sum(p.counts * p.manifest_bytes), sum(p.counts * (p.manifest_bytes + p.blob_bytes)),
           sum(CASE WHEN p.name < '~' THEN p.counts * p.tag_count ELSE 0 END),
           sum(CASE WHEN p.name < '~' THEN p.counts * p.manifest_count ELSE 0 END),
           sum(CASE WHEN p.name < '~' THEN p.counts ELSE 0 END),
           sum(CASE WHEN p.cache_root IS NULL THEN 0 ELSE p.manifest_bytes END)
    FROM placed p GROUP BY p.id),
counted (id, stored_bytes, logical_bytes, tags, manifests, repositories, cached_bytes) AS (
    SELECT namespace_id, sum(stored_bytes), sum(logical_bytes), sum(tags), sum(manifests), sum(repositories),
           sum(cached_bytes)
    FROM node_usage GROUP BY namespace_id),
differing (id, path, stored_bytes, logical_bytes, tags, manifests, repositories, cached_bytes) AS (
    SELECT n.id, n.path,
           coalesce(t.manifest_bytes, 0) + coalesce(h.bytes, 0) - coalesce(c.stored_bytes, 0),
           coalesce(t.logical_bytes, 0) - coalesce(c.logical_bytes, 0), coalesce(t.tags, 0) - coalesce(c.tags, 0),
           coalesce(t.manifests, 0) - coalesce(c.manifests, 0),
           coalesce(t.repositories, 0) - coalesce(c.repositories, 0),
           coalesce(t.cached_bytes, 0) + coalesce(k.bytes, 0) - coalesce(c.cached_bytes, 0)
    FROM namespaces n LEFT JOIN there t ON t.id = n.id LEFT JOIN held h ON h.id = n.id
    LEFT JOIN cached k ON k.id = n.id LEFT JOIN counted c ON c.id = n.id)
SELECT id, path, CAST(stored_bytes AS BIGINT), CAST(logical_bytes AS BIGINT), CAST(tags AS BIGINT),
       CAST(manifests AS BIGINT), CAST(repositories AS BIGINT), CAST(cached_bytes AS BIGINT)
FROM differing
WHERE stored_bytes <> 0 OR logical_bytes <> 0 OR tags <> 0 OR manifests <> 0 OR repositories <> 0 OR cached_bytes <> 0
ORDER BY id;

-- name: inspect_holders
-- Of blobs with ids from ?1 up to below ?2: where a node has another number of holders than a recount finds. A repository
-- that leaves its namespace holds there what has not left.
WITH RECURSIVE above (leaf, id, parent_id) AS (
    SELECT id, id, parent_id FROM namespaces
    UNION ALL SELECT a.leaf, n.id, n.parent_id FROM above a JOIN namespaces n ON n.id = a.parent_id),
there (blob_id, namespace_id, holders) AS (
    SELECT l.blob_id, a.id, count(*)
    FROM blob_links l JOIN repositories r ON r.id = l.repository_id JOIN above a ON a.leaf = r.namespace_id
    WHERE a.parent_id IS NOT NULL AND (r.cache_root IS NULL OR a.id >= r.cache_root)
      AND l.blob_id >= ?1 AND l.blob_id < ?2
      AND (r.name < '~' OR NOT EXISTS (SELECT 1 FROM trash t WHERE t.holder = r.id AND t.left_to >= l.digest))
    GROUP BY l.blob_id, a.id),
counted (blob_id, namespace_id, holders) AS (
    SELECT blob_id, namespace_id, holders FROM node_blobs WHERE blob_id >= ?1 AND blob_id < ?2)
SELECT coalesce(t.blob_id, c.blob_id), coalesce(t.namespace_id, c.namespace_id), coalesce(t.holders, 0), b.digest, n.path
FROM there t FULL JOIN counted c ON c.blob_id = t.blob_id AND c.namespace_id = t.namespace_id
LEFT JOIN blobs b ON b.id = coalesce(t.blob_id, c.blob_id)
LEFT JOIN namespaces n ON n.id = coalesce(t.namespace_id, c.namespace_id)
WHERE coalesce(t.holders, 0) <> coalesce(c.holders, 0)
ORDER BY 1, 2;

-- name: inspect_cached
-- The same of how many cache it.
WITH RECURSIVE above (leaf, id, parent_id) AS (
    SELECT id, id, parent_id FROM namespaces
    UNION ALL SELECT a.leaf, n.id, n.parent_id FROM above a JOIN namespaces n ON n.id = a.parent_id),
there (blob_id, namespace_id, holders) AS (
    SELECT l.blob_id, a.id, count(*)
    FROM blob_links l JOIN repositories r ON r.id = l.repository_id JOIN above a ON a.leaf = r.namespace_id
    WHERE r.cache_root IS NOT NULL AND l.blob_id >= ?1 AND l.blob_id < ?2
      AND (r.name < '~' OR NOT EXISTS (SELECT 1 FROM trash t WHERE t.holder = r.id AND t.left_to >= l.digest))
    GROUP BY l.blob_id, a.id),
counted (blob_id, namespace_id, holders) AS (
    SELECT blob_id, namespace_id, holders FROM node_cached WHERE blob_id >= ?1 AND blob_id < ?2)
SELECT coalesce(t.blob_id, c.blob_id), coalesce(t.namespace_id, c.namespace_id), coalesce(t.holders, 0), b.digest, n.path
FROM there t FULL JOIN counted c ON c.blob_id = t.blob_id AND c.namespace_id = t.namespace_id
LEFT JOIN blobs b ON b.id = coalesce(t.blob_id, c.blob_id)
LEFT JOIN namespaces n ON n.id = coalesce(t.namespace_id, c.namespace_id)
WHERE coalesce(t.holders, 0) <> coalesce(c.holders, 0)
ORDER BY 1, 2;

-- name: inspect_blobs_lock
SELECT id FROM blobs WHERE id >= ?1 AND id < ?2 ORDER BY id FOR UPDATE;

-- name: inspect_last_blob
SELECT coalesce(max(id), 0) FROM (
    SELECT max(id) AS id FROM blobs UNION ALL SELECT max(blob_id) FROM node_blobs
    UNION ALL SELECT max(blob_id) FROM node_cached) AS every_table;

-- name: room_in_use
-- At each path: parts of what lies there, to be added up.
SELECT wanted.value, u.stored_bytes, u.logical_bytes, u.tags, u.manifests, u.repositories, u.cached_bytes
FROM json_each(?1) AS wanted JOIN namespaces n ON n.path = wanted.value JOIN node_usage u ON u.namespace_id = n.id
UNION ALL
SELECT wanted.value, r.manifest_bytes + r.blob_bytes, r.manifest_bytes + r.blob_bytes, r.tag_count, r.manifest_count, 1,
       CASE WHEN r.cache_root IS NULL THEN 0 ELSE r.manifest_bytes + r.blob_bytes END
FROM json_each(?1) AS wanted JOIN repositories r ON r.name = wanted.value;

-- name: room_held
-- At each path: what uploads under way hold, beside the session ?2.
SELECT path, CAST(sum(bytes) AS BIGINT)
FROM (
    SELECT wanted.value AS path, CASE WHEN s.lease_until > ?3 AND s.reserved > s."offset" THEN s.reserved
                                      ELSE s."offset" END AS bytes
    FROM json_each(?1) AS wanted JOIN uploads s ON s.repository = wanted.value
    WHERE s.id <> ?2 AND s.reserved >= 0 AND (s.reserved > 0 OR s."offset" > 0)
      AND (s.expires_at > ?3 OR s.lease_until > ?3)
    UNION ALL
    SELECT wanted.value, CASE WHEN s.lease_until > ?3 AND s.reserved > s."offset" THEN s.reserved ELSE s."offset" END
    FROM json_each(?1) AS wanted JOIN uploads s
    ON s.repository >= CASE WHEN wanted.value = '' THEN '' ELSE wanted.value || '/' END
       AND s.repository < CASE WHEN wanted.value = '' THEN '~' ELSE wanted.value || '0' END
    WHERE s.id <> ?2 AND s.reserved >= 0 AND (s.reserved > 0 OR s."offset" > 0)
      AND (s.expires_at > ?3 OR s.lease_until > ?3)) AS held
GROUP BY path;

-- name: room_guard
-- Transactions take turns by themselves.
SELECT NULL WHERE ?1 = '' AND ?2 < 0;

-- name: usage_places
SELECT wanted.value FROM json_each(?1) AS wanted
WHERE EXISTS (SELECT 1 FROM namespaces n WHERE n.path = wanted.value)
   OR EXISTS (SELECT 1 FROM repositories r WHERE r.name = wanted.value);

-- name: usage_below
-- Of a namespace, by size, or where ?3 is 1 by growth since day ?2.
SELECT path, stored_bytes, logical_bytes, tags, manifests, repositories, cached_bytes, before
FROM (
    SELECT n.path || '/' AS path, CAST(coalesce(sum(u.stored_bytes), 0) AS BIGINT) AS stored_bytes,
           CAST(coalesce(sum(u.logical_bytes), 0) AS BIGINT) AS logical_bytes,
           CAST(coalesce(sum(u.tags), 0) AS BIGINT) AS tags, CAST(coalesce(sum(u.manifests), 0) AS BIGINT) AS manifests,
           CAST(coalesce(sum(u.repositories), 0) AS BIGINT) AS repositories,
           CAST(coalesce(sum(u.cached_bytes), 0) AS BIGINT) AS cached_bytes,
           (SELECT d.stored_bytes FROM usage_days d WHERE d.namespace_id = n.id AND d.day >= ?2 ORDER BY d.day LIMIT 1)
               AS before
    FROM namespaces p JOIN namespaces n ON n.parent_id = p.id LEFT JOIN node_usage u ON u.namespace_id = n.id
    WHERE p.path = ?1 GROUP BY n.id, n.path
    UNION ALL
    SELECT r.name, r.manifest_bytes + r.blob_bytes, r.manifest_bytes + r.blob_bytes, r.tag_count, r.manifest_count, 1,
           CASE WHEN r.cache_root IS NULL THEN 0 ELSE r.manifest_bytes + r.blob_bytes END, NULL
    FROM namespaces p JOIN repositories r ON r.namespace_id = p.id AND r.name < '~'
    WHERE p.path = ?1) AS children
WHERE ?3 = 0 OR before IS NOT NULL
ORDER BY CASE WHEN ?3 = 1 THEN stored_bytes - before ELSE stored_bytes END DESC, path
LIMIT ?4;

-- name: usage_history
SELECT d.day, d.stored_bytes, d.logical_bytes, d.tags, d.manifests, d.repositories, d.cached_bytes
FROM namespaces n JOIN usage_days d ON d.namespace_id = n.id
WHERE n.path = ?1 AND d.day >= ?2 ORDER BY d.day;

-- name: usage_held
-- Up to ?4 blobs of repositories from ?1 up to below ?2, or of the name ?3.
SELECT DISTINCT l.blob_id
FROM repositories r JOIN blob_links l ON l.repository_id = r.id
WHERE (r.name >= ?1 AND r.name < ?2) OR r.name = ?3
LIMIT ?4;

-- name: usage_sharing
-- Of the blobs ?4, by namespace: those that repositories elsewhere hold, as far as up to ?5 links tell.
SELECT path, count(*), CAST(sum(size) AS BIGINT)
FROM (
    SELECT DISTINCT n.path AS path, b.id AS blob_id, b.size AS size
    FROM json_each(?4) AS wanted JOIN blobs b ON b.id = CAST(wanted.value AS BIGINT)
    JOIN blob_links o ON o.blob_id = b.id JOIN repositories e ON e.id = o.repository_id
    JOIN namespaces n ON n.id = e.namespace_id
    WHERE NOT (e.name >= ?1 AND e.name < ?2) AND e.name <> ?3 AND e.name < '~'
    LIMIT ?5) AS shared
GROUP BY path;

-- name: usage_day_write
INSERT INTO usage_days (namespace_id, day, stored_bytes, logical_bytes, tags, manifests, repositories, cached_bytes)
SELECT u.namespace_id, ?1, sum(u.stored_bytes), sum(u.logical_bytes), sum(u.tags), sum(u.manifests), sum(u.repositories),
       sum(u.cached_bytes)
FROM node_usage u WHERE true GROUP BY u.namespace_id
ON CONFLICT (namespace_id, day) DO UPDATE
SET stored_bytes = excluded.stored_bytes, logical_bytes = excluded.logical_bytes, tags = excluded.tags,
    manifests = excluded.manifests, repositories = excluded.repositories, cached_bytes = excluded.cached_bytes
RETURNING namespace_id;

-- name: usage_days_drop
DELETE FROM usage_days WHERE day < ?1;
