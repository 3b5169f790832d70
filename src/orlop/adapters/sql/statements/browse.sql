-- name: children_namespaces
SELECT c.path FROM namespaces p JOIN namespaces c ON c.parent_id = p.id
WHERE p.path = ?1 AND c.path || '/' > ?2 ORDER BY c.path || '/' LIMIT ?3;

-- name: children_described
-- A node has a row of numbers for each part, of which there are few.
SELECT n.path, s.visibility, coalesce(s.description, ''),
       CAST(coalesce((SELECT sum(u.repositories) FROM node_usage u WHERE u.namespace_id = n.id), 0) AS BIGINT),
       CAST(coalesce((SELECT sum(u.tags) FROM node_usage u WHERE u.namespace_id = n.id), 0) AS BIGINT),
       CAST(coalesce((SELECT sum(u.logical_bytes) FROM node_usage u WHERE u.namespace_id = n.id), 0) AS BIGINT)
FROM namespaces n LEFT JOIN namespace_settings s ON s.namespace_id = n.id
WHERE n.path IN (SELECT value FROM json_each(?1) AS wanted);

-- name: children_repositories
-- Those that are hidden have names after all others.
SELECT r.name, r.tag_count, r.manifest_bytes + r.blob_bytes, coalesce(r.pushed_at, 0), coalesce(r.pulled_at, 0), r.pulls
FROM namespaces p JOIN repositories r ON r.namespace_id = p.id
WHERE p.path = ?1 AND r.name >= ?2 AND r.name < ?3 AND r.name < '~' ORDER BY r.name LIMIT ?4;

-- name: children_newest
-- First what is alike and goes behind by its name, then what is less. SQLite seeks by the first bound of a name alone.
SELECT * FROM (SELECT r.name, r.tag_count, r.manifest_bytes + r.blob_bytes, coalesce(r.pushed_at, 0),
                      coalesce(r.pulled_at, 0), r.pulls
               FROM namespaces p JOIN repositories r ON r.namespace_id = p.id
               WHERE p.path = ?1 AND coalesce(r.pushed_at, 0) = ?2 AND r.name < ?3 AND r.name < '~'
               ORDER BY r.name DESC LIMIT ?4) AS alike
UNION ALL
SELECT * FROM (SELECT r.name, r.tag_count, r.manifest_bytes + r.blob_bytes, coalesce(r.pushed_at, 0),
                      coalesce(r.pulled_at, 0), r.pulls
               FROM namespaces p JOIN repositories r ON r.namespace_id = p.id
               WHERE p.path = ?1 AND r.name < '~' AND coalesce(r.pushed_at, 0) < ?2
               ORDER BY coalesce(r.pushed_at, 0) DESC, r.name DESC LIMIT ?4) AS less;

-- name: children_largest
-- First what is alike and goes behind by its name, then what is less. SQLite seeks by the first bound of a name alone.
SELECT * FROM (SELECT r.name, r.tag_count, r.manifest_bytes + r.blob_bytes, coalesce(r.pushed_at, 0),
                      coalesce(r.pulled_at, 0), r.pulls
               FROM namespaces p JOIN repositories r ON r.namespace_id = p.id
               WHERE p.path = ?1 AND r.manifest_bytes + r.blob_bytes = ?2 AND r.name < ?3 AND r.name < '~'
               ORDER BY r.name DESC LIMIT ?4) AS alike
UNION ALL
SELECT * FROM (SELECT r.name, r.tag_count, r.manifest_bytes + r.blob_bytes, coalesce(r.pushed_at, 0),
                      coalesce(r.pulled_at, 0), r.pulls
               FROM namespaces p JOIN repositories r ON r.namespace_id = p.id
               WHERE p.path = ?1 AND r.name < '~' AND r.manifest_bytes + r.blob_bytes < ?2
               ORDER BY r.manifest_bytes + r.blob_bytes DESC, r.name DESC LIMIT ?4) AS less;

-- name: repositories_counted
SELECT name, tag_count, manifest_bytes + blob_bytes, coalesce(pushed_at, 0), coalesce(pulled_at, 0), pulls
FROM repositories WHERE name IN (SELECT value FROM json_each(?1) AS wanted) AND name < '~' ORDER BY name;

-- name: listed_by_name
SELECT name, 0 FROM tags WHERE repository_id = ?1 AND name > ?2 AND name < ?3 ORDER BY name LIMIT ?4;

-- name: listed_by_time
SELECT name, updated_at FROM tags WHERE repository_id = ?1 AND (updated_at, name) < (?2, ?3)
ORDER BY updated_at DESC, name DESC LIMIT ?4;

-- name: listed_with_pulls
SELECT t.name, coalesce((SELECT max(p.pulled_at) FROM pulls p WHERE p.manifest_id = t.manifest_id), 0)
FROM tags t WHERE t.repository_id = ?1 AND t.name > ?2 AND t.name < ?3 ORDER BY t.name LIMIT ?4;

-- name: listed_with_sizes
SELECT t.name, m.size + CAST(CASE WHEN EXISTS (
           SELECT 1 FROM edges x WHERE x.manifest_id = m.id AND x.kind = 'manifest') THEN (
           SELECT sum(coalesce(c.size + c.content_size, e.child_size)) FROM edges e
           LEFT JOIN manifests c ON c.repository_id = e.repository_id AND c.digest = e.child_digest
           WHERE e.manifest_id = m.id)
       ELSE m.content_size END AS BIGINT)
FROM tags t JOIN manifests m ON m.id = t.manifest_id
WHERE t.repository_id = ?1 AND t.name > ?2 AND t.name < ?3 ORDER BY t.name LIMIT ?4;

-- name: listed_details
SELECT t.name, m.id, m.digest, m.media_type, m.artifact_type,
       m.size + CAST(CASE WHEN EXISTS (
           SELECT 1 FROM edges x WHERE x.manifest_id = m.id AND x.kind = 'manifest') THEN (
           SELECT sum(coalesce(c.size + c.content_size, e.child_size)) FROM edges e
           LEFT JOIN manifests c ON c.repository_id = e.repository_id AND c.digest = e.child_digest
           WHERE e.manifest_id = m.id)
       ELSE m.content_size END AS BIGINT),
       t.created_at, t.updated_at, t.updated_by,
       coalesce((SELECT max(p.pulled_at) FROM pulls p WHERE p.manifest_id = m.id), 0),
       CAST(coalesce((SELECT sum(p.pulls) FROM pulls p WHERE p.manifest_id = m.id), 0) AS BIGINT),
       coalesce((SELECT l.reason FROM locks l WHERE l.repository_id = m.repository_id AND l.digest = m.digest), ''),
       CASE WHEN EXISTS (SELECT 1 FROM edges b WHERE b.manifest_id = m.id
                         AND b.media_type = 'application/vnd.buildkit.cacheconfig.v0') THEN 1 ELSE 0 END,
       coalesce((SELECT i.platform FROM inside_images i WHERE i.digest = m.digest), '')
FROM tags t JOIN manifests m ON m.id = t.manifest_id
WHERE t.repository_id = ?1 AND t.name IN (SELECT value FROM json_each(?2) AS wanted);

-- name: listed_contents
SELECT id, content FROM manifests WHERE id IN (SELECT CAST(value AS BIGINT) FROM json_each(?1) AS wanted);
