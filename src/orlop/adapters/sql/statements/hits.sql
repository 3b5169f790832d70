-- Which images findings are about: those of some advisories, and those that advisories brought since a time.

-- name: hit_images
-- Every place of images that any of these advisories hits, of ?2 images and places at most; an image that is nowhere any
-- more has none.
SELECT i.digest, r.name
FROM (SELECT DISTINCT n.image_id
      FROM (SELECT DISTINCT p.unit_id FROM json_each(?1) AS wanted
            JOIN findings f ON f.advisory_id = CAST(wanted.value AS BIGINT)
            JOIN unit_packages p ON p.package_id = f.package_id) AS h
      JOIN image_units n ON n.unit_id = h.unit_id LIMIT ?2) u
JOIN inside_images i ON i.id = u.image_id
LEFT JOIN manifests m ON m.digest = i.digest LEFT JOIN repositories r ON r.id = m.repository_id AND r.name < '~'
     AND NOT EXISTS (SELECT 1 FROM quarantined q WHERE q.manifest_id = m.id AND q.state <> 1)
LIMIT ?2;

-- name: newly_hit_images
-- Read from the findings on, in this order, and each package, part and image once: it ends with the last image that is
-- asked for, however many findings are new. `+ 0`: by when they came, not by package.
SELECT i.digest, r.name
FROM (SELECT DISTINCT n.image_id
      FROM (SELECT DISTINCT p.unit_id
            FROM (SELECT DISTINCT f.package_id + 0 AS package_id FROM findings f
                  WHERE f.came_at > 0 AND f.came_at >= ?1) AS g
            CROSS JOIN unit_packages p WHERE p.package_id = g.package_id) AS h
      CROSS JOIN image_units n WHERE n.unit_id = h.unit_id LIMIT ?2) u
JOIN inside_images i ON i.id = u.image_id
LEFT JOIN manifests m ON m.digest = i.digest LEFT JOIN repositories r ON r.id = m.repository_id AND r.name < '~'
     AND NOT EXISTS (SELECT 1 FROM quarantined q WHERE q.manifest_id = m.id AND q.state <> 1)
LIMIT ?2;

-- name: hit_along
-- The next manifests of these repositories, behind (?2, ?3), and whether they are images that any of the advisories hits.
SELECT m.name, m.digest,
       EXISTS (SELECT 1 FROM inside_images i JOIN image_units n ON n.image_id = i.id
               WHERE i.digest = m.digest
                 AND n.unit_id + 0 IN (SELECT p.unit_id FROM json_each(?5) AS others
                                   JOIN findings f ON f.advisory_id = CAST(others.value AS BIGINT)
                                   JOIN unit_packages p ON p.package_id = f.package_id))
FROM (SELECT r.name, a.digest FROM json_each(?1) AS wanted JOIN repositories r ON r.name = wanted.value
      JOIN manifests a ON a.repository_id = r.id
      WHERE (r.name, a.digest) > (?2, ?3)
        AND NOT EXISTS (SELECT 1 FROM quarantined q WHERE q.manifest_id = a.id AND q.state <> 1)
      ORDER BY r.name, a.digest LIMIT ?4) AS m
ORDER BY m.name, m.digest;

-- name: newly_hit_along
SELECT m.name, m.digest,
       EXISTS (SELECT 1 FROM inside_images i JOIN image_units n ON n.image_id = i.id
               WHERE i.digest = m.digest
                 AND n.unit_id + 0 IN (
                     SELECT p.unit_id FROM unit_packages p
                     WHERE p.package_id IN (SELECT f.package_id FROM findings f WHERE f.came_at > 0 AND f.came_at >= ?5)
                 ))
FROM (SELECT r.name, a.digest FROM json_each(?1) AS wanted JOIN repositories r ON r.name = wanted.value
      JOIN manifests a ON a.repository_id = r.id
      WHERE (r.name, a.digest) > (?2, ?3)
        AND NOT EXISTS (SELECT 1 FROM quarantined q WHERE q.manifest_id = a.id AND q.state <> 1)
      ORDER BY r.name, a.digest LIMIT ?4) AS m
ORDER BY m.name, m.digest;

-- name: hits_in_images
-- Packages of images that these advisories hit, up to ?3; one that lies in an image twice is told twice.
SELECT i.digest, p.package_id FROM json_each(?1) AS wanted JOIN inside_images i ON i.digest = wanted.value
JOIN image_units n ON n.image_id = i.id JOIN unit_packages p ON p.unit_id = n.unit_id
WHERE p.package_id + 0 IN (SELECT f.package_id FROM json_each(?2) AS others
                           JOIN findings f ON f.advisory_id = CAST(others.value AS BIGINT)) LIMIT ?3;

-- name: new_hits_in_images
SELECT i.digest, p.package_id FROM json_each(?1) AS wanted JOIN inside_images i ON i.digest = wanted.value
JOIN image_units n ON n.image_id = i.id JOIN unit_packages p ON p.unit_id = n.unit_id
WHERE p.package_id + 0 IN (SELECT f.package_id FROM findings f WHERE f.came_at > 0 AND f.came_at >= ?2) LIMIT ?3;

-- name: hits_of_packages
-- How these advisories hit packages, up to ?3.
SELECT f.package_id, g.type, g.version, g.purl, f.advisory_id, a.name, f.fixed, f.severity, f.source, f.how
FROM json_each(?1) AS wanted
JOIN findings f ON f.package_id = CAST(wanted.value AS BIGINT)
JOIN packages g ON g.id = f.package_id JOIN advisories a ON a.id = f.advisory_id
WHERE f.advisory_id IN (SELECT CAST(others.value AS BIGINT) FROM json_each(?2) AS others) LIMIT ?3;

-- name: new_hits_of_packages
-- Looked up package by package, not by when they came: hence the sum.
SELECT f.package_id, g.type, g.version, g.purl, f.advisory_id, a.name, f.fixed, f.severity, f.source, f.how
FROM json_each(?1) AS wanted
JOIN findings f ON f.package_id = CAST(wanted.value AS BIGINT)
JOIN packages g ON g.id = f.package_id JOIN advisories a ON a.id = f.advisory_id
WHERE f.came_at + 0 >= ?2 AND f.came_at + 0 > 0 LIMIT ?3;

-- name: worst_hits_in_image
-- How these advisories hit the packages of an image, the worst ?3 of them, and how many there are.
SELECT f.package_id, g.type, g.version, g.purl, f.advisory_id, a.name, f.fixed, f.severity, f.source, f.how, f.every
FROM (SELECT h.package_id, h.advisory_id, h.fixed, h.severity, h.source, h.how, count(*) OVER () AS every
      FROM (SELECT DISTINCT p.package_id FROM inside_images i JOIN image_units n ON n.image_id = i.id
            JOIN unit_packages p ON p.unit_id = n.unit_id WHERE i.digest = ?1) AS held
      CROSS JOIN findings h
      WHERE h.package_id = held.package_id AND h.advisory_id IN (SELECT CAST(others.value AS BIGINT) FROM json_each(?2) AS others)
      ORDER BY CASE h.severity WHEN 'critical' THEN 0 WHEN 'high' THEN 1 WHEN 'medium' THEN 2 WHEN 'low' THEN 3
                               WHEN 'none' THEN 4 ELSE 5 END, h.package_id, h.advisory_id LIMIT ?3) AS f
JOIN packages g ON g.id = f.package_id JOIN advisories a ON a.id = f.advisory_id;

-- name: worst_new_hits_in_image
-- The same of what is new.
SELECT f.package_id, g.type, g.version, g.purl, f.advisory_id, a.name, f.fixed, f.severity, f.source, f.how, f.every
FROM (SELECT h.package_id, h.advisory_id, h.fixed, h.severity, h.source, h.how, count(*) OVER () AS every
      FROM (SELECT DISTINCT p.package_id FROM inside_images i JOIN image_units n ON n.image_id = i.id
            JOIN unit_packages p ON p.unit_id = n.unit_id WHERE i.digest = ?1) AS held
      CROSS JOIN findings h
      WHERE h.package_id = held.package_id AND h.came_at + 0 >= ?2 AND h.came_at + 0 > 0
      ORDER BY CASE h.severity WHEN 'critical' THEN 0 WHEN 'high' THEN 1 WHEN 'medium' THEN 2 WHEN 'low' THEN 3
                               WHEN 'none' THEN 4 ELSE 5 END, h.package_id, h.advisory_id LIMIT ?3) AS f
JOIN packages g ON g.id = f.package_id JOIN advisories a ON a.id = f.advisory_id;
