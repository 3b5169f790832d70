-- name: advisories_waiting
-- Matched by none, or by an older matcher than ?1.
SELECT id FROM advisories WHERE matched < ?1 ORDER BY matched, id LIMIT ?2;

-- name: advisory_matched
UPDATE advisories SET matched = ?2 WHERE id = ?1;

-- name: findings_of_advisories
SELECT f.package_id, f.advisory_id, f.fixed, f.severity, f.source, f.how FROM json_each(?1) AS wanted
JOIN findings f ON f.advisory_id = CAST(wanted.value AS BIGINT);

-- name: findings_of_packages
SELECT f.package_id, f.advisory_id, f.fixed, f.severity, f.source, f.how FROM json_each(?1) AS wanted
JOIN findings f ON f.package_id = CAST(wanted.value AS BIGINT);

-- name: finding_put
INSERT INTO findings (package_id, advisory_id, fixed, severity, source, how) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (package_id, advisory_id) DO UPDATE SET fixed = ?3, severity = ?4, source = ?5, how = ?6;

-- name: finding_delete
DELETE FROM findings WHERE package_id = ?1 AND advisory_id = ?2;

-- name: package_matched
UPDATE packages SET matched = ?2 WHERE id = ?1;

-- name: packages_affected
-- Packages that advisories are about, behind (?2, ?3).
SELECT p.advisory_id, k.package_id, k.ecosystem, k.name, k.version, p.entry
FROM json_each(?1) AS wanted
JOIN advisory_packages p ON p.advisory_id = CAST(wanted.value AS BIGINT)
JOIN package_keys k ON k.ecosystem = p.ecosystem AND k.name = p.name
WHERE (p.advisory_id, k.package_id) > (?2, ?3) ORDER BY p.advisory_id, k.package_id LIMIT ?4;

-- name: packages_unmatched
SELECT p.id FROM packages p WHERE p.matched < ?1 LIMIT ?2;

-- name: packages_unmatched_of
SELECT p.id FROM json_each(?1) AS wanted JOIN packages p ON p.id = CAST(wanted.value AS BIGINT)
WHERE p.matched < ?2 ORDER BY p.id;

-- name: advisories_affecting
SELECT p.advisory_id, k.package_id, k.ecosystem, k.name, k.version, p.entry
FROM json_each(?1) AS wanted
JOIN package_keys k ON k.package_id = CAST(wanted.value AS BIGINT)
JOIN advisory_packages p ON p.ecosystem = k.ecosystem AND p.name = k.name;

-- name: images_affected
-- Images that hold any of these packages, in every repository that has them, up to ?2 pairs, the newest first.
SELECT r.name, i.digest, u.package_id
FROM (SELECT DISTINCT n.image_id, p.package_id FROM json_each(?1) AS wanted
      JOIN unit_packages p ON p.package_id = CAST(wanted.value AS BIGINT)
      JOIN image_units n ON n.unit_id = p.unit_id ORDER BY n.image_id DESC LIMIT ?2) u
JOIN inside_images i ON i.id = u.image_id
JOIN manifests m ON m.digest = i.digest JOIN repositories r ON r.id = m.repository_id
WHERE r.name < '~' ORDER BY r.name, i.digest, u.package_id;

-- name: packages_of_image
SELECT DISTINCT p.package_id FROM inside_images i JOIN image_units n ON n.image_id = i.id
JOIN unit_packages p ON p.unit_id = n.unit_id WHERE i.digest = ?1;

-- name: ecosystems_of_image
-- The ecosystems of its packages: how many packages each has, and whether any advisory is about it.
SELECT e.ecosystem, e.packages,
       CASE WHEN EXISTS (SELECT 1 FROM advisory_packages a WHERE a.ecosystem = e.ecosystem) THEN 1 ELSE 0 END
FROM (SELECT k.ecosystem, count(DISTINCT k.package_id) AS packages FROM inside_images i
      JOIN image_units n ON n.image_id = i.id
      JOIN unit_packages p ON p.unit_id = n.unit_id JOIN package_keys k ON k.package_id = p.package_id
      WHERE i.digest = ?1 GROUP BY k.ecosystem) e
ORDER BY e.ecosystem;

-- name: findings_of_image
SELECT f.package_id, g.type, g.name, g.version, g.purl, n.layer, p.path, a.id, a.name, a.summary,
       f.fixed, f.severity, f.source, f.how
FROM inside_images i
JOIN image_units n ON n.image_id = i.id
JOIN unit_packages p ON p.unit_id = n.unit_id
JOIN findings f ON f.package_id = p.package_id
JOIN advisories a ON a.id = f.advisory_id
JOIN packages g ON g.id = f.package_id
WHERE i.digest = ?1 ORDER BY f.package_id, a.id, n.layer, p.path LIMIT ?2;

-- name: exploited_among
SELECT cve, added, due, ransomware FROM json_each(?1) AS wanted JOIN exploited e ON e.cve = wanted.value;

-- name: exploit_scores_among
SELECT cve, score, percentile FROM json_each(?1) AS wanted JOIN exploit_scores e ON e.cve = wanted.value;

-- name: counts_of_images
SELECT i.digest, f.severity, count(DISTINCT f.package_id)
FROM json_each(?1) AS wanted JOIN inside_images i ON i.digest = wanted.value
JOIN image_units n ON n.image_id = i.id JOIN unit_packages p ON p.unit_id = n.unit_id
JOIN findings f ON f.package_id = p.package_id
GROUP BY i.digest, f.severity;

-- name: advisories_meaning
-- Advisories of these names, and those that have one as an alias.
SELECT a.id, a.name FROM json_each(?1) AS wanted JOIN advisories a ON a.name = wanted.value
UNION
SELECT a.id, a.name FROM json_each(?1) AS others JOIN advisory_aliases l ON l.alias = others.value
JOIN advisories a ON a.id = l.advisory_id
ORDER BY 1 LIMIT ?2;

-- name: finding_untold
UPDATE findings SET untold_since = ?3, came_at = ?3 WHERE package_id = ?1 AND advisory_id = ?2;

-- name: finding_told
UPDATE findings SET untold_since = 0 WHERE package_id = ?1 AND advisory_id = ?2 AND untold_since <> 0;

-- name: untold_ages
SELECT min(untold_since), max(untold_since) FROM findings WHERE untold_since <> 0;

-- name: untold
SELECT f.package_id, f.advisory_id, a.name, g.name, f.severity
FROM (SELECT package_id, advisory_id, severity FROM findings WHERE untold_since <> 0 ORDER BY untold_since LIMIT ?1) AS f
JOIN advisories a ON a.id = f.advisory_id JOIN packages g ON g.id = f.package_id;

-- name: pulls_of_images
-- When images of a repository were pulled last, under whatever name.
SELECT m.digest, max(p.pulled_at) FROM json_each(?2) AS wanted
JOIN repositories r ON r.name = ?1 JOIN manifests m ON m.repository_id = r.id AND m.digest = wanted.value
JOIN pulls p ON p.manifest_id = m.id GROUP BY m.digest;
