-- Which images hold packages, and what images of some places are called.

-- name: packages_asked
-- Of a name in small letters with dashes, of the types from ?2 to ?3.
SELECT p.id, p.type, p.version, p.purl FROM packages p
WHERE replace(lower(p.name), '_', '-') = ?1 AND p.type >= ?2 AND p.type <= ?3 LIMIT ?4;

-- name: packages_numbered
SELECT p.id, p.type, p.version, p.purl FROM json_each(?1) AS wanted JOIN packages p ON p.id = CAST(wanted.value AS BIGINT);

-- name: licences_named
-- Names of licences from ?1 on, below ?2.
SELECT id, folded, name FROM licence_names WHERE folded >= ?1 AND folded < ?2 ORDER BY folded LIMIT ?3;

-- name: images_licensed
-- Every place of images that hold packages under any of these licences, of ?2 images and places at most.
SELECT i.digest, r.name
FROM (SELECT DISTINCT n.image_id FROM json_each(?1) AS wanted
      JOIN package_licences l ON l.licence_id = CAST(wanted.value AS BIGINT)
      JOIN unit_packages p ON p.package_id = l.package_id
      JOIN image_units n ON n.unit_id = p.unit_id LIMIT ?2) u
JOIN inside_images i ON i.id = u.image_id
LEFT JOIN manifests m ON m.digest = i.digest LEFT JOIN repositories r ON r.id = m.repository_id AND r.name < '~'
     AND NOT EXISTS (SELECT 1 FROM quarantined q WHERE q.manifest_id = m.id AND q.state <> 1)
LIMIT ?2;

-- name: licensed_along
-- The next manifests of these repositories, behind (?2, ?3), and whether they are images with a package under any of these
-- licences.
SELECT m.name, m.digest,
       EXISTS (SELECT 1 FROM inside_images i JOIN image_units n ON n.image_id = i.id
               JOIN unit_packages p ON p.unit_id = n.unit_id JOIN package_licences l ON l.package_id = p.package_id
               WHERE i.digest = m.digest
                 AND l.licence_id IN (SELECT CAST(others.value AS BIGINT) FROM json_each(?5) AS others))
FROM (SELECT r.name, a.digest FROM json_each(?1) AS wanted JOIN repositories r ON r.name = wanted.value
      JOIN manifests a ON a.repository_id = r.id
      WHERE (r.name, a.digest) > (?2, ?3)
        AND NOT EXISTS (SELECT 1 FROM quarantined q WHERE q.manifest_id = a.id AND q.state <> 1)
      ORDER BY r.name, a.digest LIMIT ?4) AS m
ORDER BY m.name, m.digest;

-- name: licensed_in_images
SELECT DISTINCT i.digest, p.package_id, l.licence_id FROM json_each(?1) AS wanted
JOIN inside_images i ON i.digest = wanted.value
JOIN image_units n ON n.image_id = i.id JOIN unit_packages p ON p.unit_id = n.unit_id
JOIN package_licences l ON l.package_id = p.package_id
WHERE l.licence_id IN (SELECT CAST(others.value AS BIGINT) FROM json_each(?2) AS others);

-- name: packages_to_license
SELECT 1 FROM packages WHERE licensed < ?1 LIMIT 1;

-- name: images_holding
-- Every place of images that hold any of these packages, of ?2 images and places at most; an image that is nowhere any
-- more has none.
SELECT i.digest, r.name
FROM (SELECT DISTINCT n.image_id FROM json_each(?1) AS wanted
      JOIN unit_packages p ON p.package_id = CAST(wanted.value AS BIGINT)
      JOIN image_units n ON n.unit_id = p.unit_id LIMIT ?2) u
JOIN inside_images i ON i.id = u.image_id
LEFT JOIN manifests m ON m.digest = i.digest LEFT JOIN repositories r ON r.id = m.repository_id AND r.name < '~'
     AND NOT EXISTS (SELECT 1 FROM quarantined q WHERE q.manifest_id = m.id AND q.state <> 1)
LIMIT ?2;

-- name: images_along
-- The next manifests of these repositories, behind (?2, ?3), and whether they are images that hold any of the packages.
SELECT m.name, m.digest,
       EXISTS (SELECT 1 FROM inside_images i JOIN image_units n ON n.image_id = i.id
               WHERE i.digest = m.digest
                 AND n.unit_id IN (SELECT p.unit_id FROM json_each(?5) AS others
                                   JOIN unit_packages p ON p.package_id = CAST(others.value AS BIGINT)))
FROM (SELECT r.name, a.digest FROM json_each(?1) AS wanted JOIN repositories r ON r.name = wanted.value
      JOIN manifests a ON a.repository_id = r.id
      WHERE (r.name, a.digest) > (?2, ?3)
        AND NOT EXISTS (SELECT 1 FROM quarantined q WHERE q.manifest_id = a.id AND q.state <> 1)
      ORDER BY r.name, a.digest LIMIT ?4) AS m
ORDER BY m.name, m.digest;

-- name: packages_in_images
SELECT DISTINCT i.digest, p.package_id FROM json_each(?1) AS wanted JOIN inside_images i ON i.digest = wanted.value
JOIN image_units n ON n.image_id = i.id JOIN unit_packages p ON p.unit_id = n.unit_id
WHERE p.package_id IN (SELECT CAST(others.value AS BIGINT) FROM json_each(?2) AS others);

-- name: places_tagged
-- The tags of images, of themselves and of indexes that list them: up to ?2 of all.
SELECT r.name, m.digest, t.name FROM json_each(?1) AS spans
JOIN repositories r ON r.name = spans.value ->> 0 JOIN manifests m ON m.repository_id = r.id AND m.digest = spans.value ->> 1
JOIN tags t ON t.manifest_id = m.id
UNION ALL
SELECT r.name, e.child_digest, t.name FROM json_each(?1) AS spans
JOIN repositories r ON r.name = spans.value ->> 0
JOIN edges e ON e.repository_id = r.id AND e.child_digest = spans.value ->> 1 AND e.kind = 'manifest'
JOIN tags t ON t.manifest_id = e.manifest_id
LIMIT ?2;

-- name: places_listed
-- Indexes that list images, one of each image.
SELECT r.name, spans.value ->> 1, m.id, m.digest FROM json_each(?1) AS spans
JOIN repositories r ON r.name = spans.value ->> 0
JOIN manifests m ON m.id = (
    SELECT min(e.manifest_id) FROM edges e
    WHERE e.repository_id = r.id AND e.child_digest = spans.value ->> 1 AND e.kind = 'manifest'
);
