-- What is cached of upstreams: which repositories are caches, and what in them was used last when.

-- name: repository_own
UPDATE repositories SET cache_root = NULL WHERE id = ?1;

-- name: cached_manifest_add
INSERT INTO cached_manifests (manifest_id, cache_root, used_at)
SELECT ?1, r.cache_root, ?3 FROM repositories r WHERE r.id = ?2;

-- name: cached_manifests_own
-- Those of a repository that is no cache any more.
DELETE FROM cached_manifests WHERE manifest_id IN (SELECT m.id FROM manifests m WHERE m.repository_id = ?1);

-- name: cached_manifest_forget
DELETE FROM cached_manifests WHERE manifest_id = ?1;

-- name: cached_manifest_used
UPDATE cached_manifests SET used_at = ?2 WHERE manifest_id = ?1;

-- name: cached_unused
-- Those of the node ?1 that were, as far as is known without looking, used longest ago.
SELECT c.manifest_id, c.used_at
FROM cached_manifests c
WHERE c.cache_root = (SELECT n.id FROM namespaces n WHERE n.path = ?1) AND c.used_at <= ?2
ORDER BY c.used_at, c.manifest_id LIMIT ?3;

-- name: cached_described
-- Of these manifests: where each is, when it came, was pulled last, whether it is locked, and whether it follows another: an
-- index that lists it, or its subject.
SELECT m.id, r.name, m.digest, m.pushed_at, (SELECT max(p.pulled_at) FROM pulls p WHERE p.manifest_id = m.id),
       EXISTS (SELECT 1 FROM locks k WHERE k.repository_id = m.repository_id AND k.digest = m.digest),
       EXISTS (SELECT 1 FROM edges e
               WHERE e.repository_id = m.repository_id AND e.child_digest = m.digest AND e.kind = 'manifest')
       OR EXISTS (SELECT 1 FROM manifests s WHERE s.repository_id = m.repository_id AND s.digest = m.subject_digest)
FROM manifests m JOIN repositories r ON r.id = m.repository_id
WHERE m.id IN (SELECT CAST(value AS BIGINT) FROM json_each(?1) AS wanted) AND r.cache_root IS NOT NULL AND r.name < '~';

-- name: cached_manifest
SELECT digest, size FROM manifests WHERE id = ?1;

-- name: cached_children
SELECT e.manifest_id, c.id
FROM edges e JOIN manifests c ON c.repository_id = e.repository_id AND c.digest = e.child_digest
WHERE e.manifest_id IN (SELECT CAST(value AS BIGINT) FROM json_each(?1) AS wanted) AND e.kind = 'manifest';

-- name: cached_referrers
SELECT m.id, c.id
FROM manifests m JOIN manifests c ON c.repository_id = m.repository_id AND c.subject_digest = m.digest
WHERE m.id IN (SELECT CAST(value AS BIGINT) FROM json_each(?1) AS wanted);

-- name: cached_tags_gone
-- Tags that are gone at their upstreams since before ?1, from one on; and whether the repository is a cache.
SELECT t.gone_since, t.repository, t.tag,
       EXISTS (SELECT 1 FROM repositories r WHERE r.name = t.repository AND r.cache_root IS NOT NULL)
FROM remote_tags t
WHERE t.gone_since <> 0 AND t.gone_since < ?1 AND (t.gone_since, t.repository, t.tag) > (?2, ?3, ?4)
ORDER BY t.gone_since, t.repository, t.tag LIMIT ?5;

-- name: finding_cached
SELECT r.name || '@' || m.digest, 'the manifest is cached, and would never expire'
FROM repositories r JOIN manifests m ON m.repository_id = r.id
WHERE r.cache_root IS NOT NULL AND r.name < '~' AND NOT EXISTS (
    SELECT 1 FROM cached_manifests c WHERE c.manifest_id = m.id AND c.cache_root = r.cache_root);
