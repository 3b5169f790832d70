-- What gates ask of manifests: how they are reached, and what refers to them.

-- name: gate_place
-- Tags of a manifest, then those of indexes that list it, each with its index; the tag is null of an index without any.
SELECT '' AS holder, t.name FROM repositories r
JOIN manifests m ON m.repository_id = r.id AND m.digest = ?2
JOIN tags t ON t.manifest_id = m.id
WHERE r.name = ?1
UNION ALL
SELECT x.digest, t.name FROM repositories r
JOIN edges e ON e.repository_id = r.id AND e.child_digest = ?2 AND e.kind = 'manifest'
JOIN manifests x ON x.id = e.manifest_id
LEFT JOIN tags t ON t.manifest_id = x.id
WHERE r.name = ?1
LIMIT ?3;

-- name: gate_artifact_types
SELECT m.artifact_type FROM json_each(?2) AS wanted
JOIN repositories r ON r.name = ?1
JOIN manifests m ON m.repository_id = r.id AND m.subject_digest = wanted.value
WHERE m.artifact_type IS NOT NULL
LIMIT ?3;

-- name: gate_unmatched
-- Images of which a reading counts; then those of their packages that no matcher of version ?2 looked up. Mostly there
-- are no such packages at all, which is found out first.
SELECT i.digest, 0 AS package FROM json_each(?1) AS wanted
JOIN inside_images i ON i.digest = wanted.value AND (i.state = 2 OR i.stands > 0)
UNION ALL
SELECT i.digest, p.id FROM json_each(?1) AS others
JOIN inside_images i ON i.digest = others.value AND (i.state = 2 OR i.stands > 0)
JOIN image_units n ON n.image_id = i.id
JOIN unit_packages u ON u.unit_id = n.unit_id
JOIN packages p ON p.id = u.package_id AND p.matched < ?2
WHERE EXISTS (SELECT 1 FROM packages waiting WHERE waiting.matched < ?2);

-- name: gate_tags
SELECT t.name, m.digest FROM repositories r
JOIN tags t ON t.repository_id = r.id AND t.name > ?2
JOIN manifests m ON m.id = t.manifest_id
WHERE r.name = ?1
ORDER BY t.name
LIMIT ?3;
