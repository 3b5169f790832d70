-- What is known of many images at once: which images manifests are or list, and what hits their packages.

-- name: images_of_manifests
-- The images that manifests of a repository are, or list as an index; the state is that of the reading that
-- counts, and null of what is not known.
SELECT wanted.value, i.digest, CASE WHEN i.stands > 0 THEN 2 ELSE i.state END
FROM json_each(?2) AS wanted JOIN inside_images i ON i.digest = wanted.value
UNION ALL
SELECT m.digest, e.child_digest, CASE WHEN i.stands > 0 THEN 2 ELSE i.state END FROM json_each(?2) AS others
JOIN repositories r ON r.name = ?1
JOIN manifests m ON m.repository_id = r.id AND m.digest = others.value
JOIN edges e ON e.manifest_id = m.id AND e.kind = 'manifest'
LEFT JOIN inside_images i ON i.digest = e.child_digest;

-- name: units_of_images
SELECT i.digest, n.unit_id FROM json_each(?1) AS wanted JOIN inside_images i ON i.digest = wanted.value
JOIN image_units n ON n.image_id = i.id;

-- name: packages_hit_in_units
SELECT DISTINCT p.unit_id, p.package_id FROM json_each(?1) AS wanted
JOIN unit_packages p ON p.unit_id = CAST(wanted.value AS BIGINT)
WHERE EXISTS (SELECT 1 FROM findings f WHERE f.package_id = p.package_id);

-- name: findings_told_of_packages
SELECT g.id, g.type, g.name, g.version, g.purl, a.id, a.name, f.fixed, f.severity, f.source, f.how, a.modified
FROM json_each(?1) AS wanted JOIN packages g ON g.id = CAST(wanted.value AS BIGINT)
JOIN findings f ON f.package_id = g.id JOIN advisories a ON a.id = f.advisory_id
ORDER BY g.id, a.id;

-- name: newest_images
-- The tag of each repository that was set last and points at an image or an index of images, of the last ?2 tags, and
-- what it points at: signatures have tags, too. Where there is none, the last of all.
SELECT r.name, n.name, m.digest, m.pushed_at FROM json_each(?1) AS wanted JOIN repositories r ON r.name = wanted.value
JOIN tags n ON n.repository_id = r.id
           AND n.name = coalesce(
    (SELECT l.name
     FROM (SELECT t.name, t.manifest_id, t.updated_at FROM tags t WHERE t.repository_id = r.id
           ORDER BY t.updated_at DESC, t.name DESC LIMIT ?2) AS l
     JOIN manifests c ON c.id = l.manifest_id
     WHERE EXISTS (SELECT 1 FROM inside_images i WHERE i.digest = c.digest)
        OR EXISTS (SELECT 1 FROM edges e JOIN inside_images i ON i.digest = e.child_digest
                   WHERE e.manifest_id = c.id AND e.kind = 'manifest')
     ORDER BY l.updated_at DESC, l.name DESC LIMIT 1),
    (SELECT t.name FROM tags t WHERE t.repository_id = r.id ORDER BY t.updated_at DESC, t.name DESC LIMIT 1))
JOIN manifests m ON m.id = n.manifest_id;
