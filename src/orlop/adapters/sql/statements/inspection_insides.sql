-- name: finding_inside_part
SELECT DISTINCT coalesce(i.digest, 'image ' || CAST(n.image_id AS TEXT)),
       'what is known of the image leads to a part that is not there, or not all of it'
FROM image_units n LEFT JOIN inside_images i ON i.id = n.image_id LEFT JOIN units u ON u.id = n.unit_id
WHERE i.id IS NULL OR u.id IS NULL OR u.complete = 0;

-- name: finding_inside_package
SELECT DISTINCT 'part ' || CAST(p.unit_id AS TEXT) || ' of images', 'it holds a package that is not there'
FROM unit_packages p
WHERE NOT EXISTS (SELECT 1 FROM packages k WHERE k.id = p.package_id)
   OR NOT EXISTS (SELECT 1 FROM units u WHERE u.id = p.unit_id);

-- name: finding_package_key
SELECT 'package ' || CAST(k.package_id AS TEXT), 'it is gone, and advisories would find it as ' || k.name
FROM package_keys k WHERE NOT EXISTS (SELECT 1 FROM packages p WHERE p.id = k.package_id);

-- name: finding_package_licence
SELECT 'package ' || CAST(l.package_id AS TEXT), 'it is gone, or a licence by which it would be found'
FROM package_licences l
WHERE NOT EXISTS (SELECT 1 FROM packages p WHERE p.id = l.package_id)
   OR NOT EXISTS (SELECT 1 FROM licence_names n WHERE n.id = l.licence_id);

-- name: finding_advisory_name
SELECT 'advisory ' || CAST(p.advisory_id AS TEXT), 'it is gone, and would be found by the package ' || p.name
FROM advisory_packages p WHERE NOT EXISTS (SELECT 1 FROM advisories a WHERE a.id = p.advisory_id)
UNION ALL
SELECT 'advisory ' || CAST(l.advisory_id AS TEXT), 'it is gone, and would be found by its other name ' || l.alias
FROM advisory_aliases l WHERE NOT EXISTS (SELECT 1 FROM advisories a WHERE a.id = l.advisory_id);

-- name: finding_advisory_number
SELECT a.name, 'its number may be given to another one' FROM advisories a
WHERE a.id > (SELECT coalesce(max(c.last), 0) FROM advisory_changes c);

-- name: finding_vulnerability
SELECT coalesce(a.name, 'advisory ' || CAST(f.advisory_id AS TEXT)) || ' in '
       || coalesce(k.purl, 'package ' || CAST(f.package_id AS TEXT)),
       'the advisory or the package is not there'
FROM findings f LEFT JOIN advisories a ON a.id = f.advisory_id LEFT JOIN packages k ON k.id = f.package_id
WHERE a.id IS NULL OR k.id IS NULL;

-- name: finding_vulnerability_reason
-- One that was not matched yet may say what it said before.
SELECT a.name || ' in ' || k.purl, CASE WHEN a.withdrawn = 1 THEN 'the advisory was withdrawn'
                                        ELSE 'the advisory is about no such package' END
FROM findings f JOIN advisories a ON a.id = f.advisory_id JOIN packages k ON k.id = f.package_id
WHERE a.matched > 0 AND (a.withdrawn = 1 OR NOT EXISTS (
    SELECT 1 FROM package_keys n JOIN advisory_packages p ON p.ecosystem = n.ecosystem AND p.name = n.name
    WHERE n.package_id = f.package_id AND p.advisory_id = f.advisory_id));

-- name: inspect_advisories
SELECT id, name, hash, body FROM advisories WHERE id > ?1 ORDER BY id LIMIT ?2;

-- name: inspect_layers
-- What is kept of layers by the version ?2 of their reader, with a copy of each.
SELECT l.digest, b.copy, b.size, l.facts FROM inside_layers l JOIN blobs b ON b.digest = l.digest AND b.state <> 'tombstoned'
WHERE l.digest > ?1 AND l.reader = ?2 ORDER BY l.digest LIMIT ?3;

-- name: inspect_packages
-- Packages from ?1 on that the matcher ?2 compared with advisories.
SELECT id, purl FROM packages WHERE id > ?1 AND matched = ?2 ORDER BY id LIMIT ?3;

-- name: inspect_last_package
SELECT coalesce(max(id), 0) FROM packages;

-- name: inspect_affecting
SELECT p.advisory_id, k.package_id, k.ecosystem, k.name, k.version, p.entry
FROM json_each(?1) AS wanted
JOIN package_keys k ON k.package_id = CAST(wanted.value AS BIGINT)
JOIN advisory_packages p ON p.ecosystem = k.ecosystem AND p.name = k.name
JOIN advisories a ON a.id = p.advisory_id WHERE a.matched = ?2;

-- name: inspect_found
SELECT f.package_id, f.advisory_id, f.fixed, f.severity, f.source, f.how FROM json_each(?1) AS wanted
JOIN findings f ON f.package_id = CAST(wanted.value AS BIGINT)
JOIN advisories a ON a.id = f.advisory_id WHERE a.matched = ?2;

-- name: inspect_advisory
SELECT name FROM advisories WHERE id = ?1;
