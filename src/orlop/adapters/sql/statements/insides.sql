-- What is inside images: facts of layers, what waits to be read, and packages.

-- name: inside_layers_of
SELECT l.digest, l.facts FROM json_each(?1) AS wanted JOIN inside_layers l ON l.digest = wanted.value
WHERE l.reader = ?2;

-- name: inside_layer_keep
INSERT INTO inside_layers (digest, reader, facts, read_at) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (digest) DO UPDATE SET reader = excluded.reader, facts = excluded.facts, read_at = excluded.read_at;

-- name: inside_wait
INSERT INTO inside_images (digest, state, since, lease_until, tries, assembler, distribution, unread)
VALUES (?1, 0, ?2, 0, 0, 0, '', '') ON CONFLICT (digest) DO NOTHING;

-- name: inside_again
INSERT INTO inside_images (digest, state, since, lease_until, tries, assembler, distribution, unread)
VALUES (?1, 0, ?2, 0, 0, 0, '', '')
ON CONFLICT (digest) DO UPDATE SET state = 0, since = excluded.since, lease_until = 0, tries = 0,
    stands = CASE WHEN inside_images.state <> 2 THEN inside_images.stands
                  WHEN EXISTS (SELECT 1 FROM documented_parts d WHERE d.image_id = inside_images.id) THEN 1 ELSE 2 END;

-- name: inside_manifests
SELECT m.id, m.digest, m.pushed_at,
       m.artifact_type IN (SELECT value FROM json_each(?3) AS wanted)
       AND NOT EXISTS (SELECT 1 FROM inside_images i WHERE i.digest = m.digest)
FROM (SELECT id, digest, pushed_at, artifact_type FROM manifests WHERE id > ?1 ORDER BY id LIMIT ?2) AS m ORDER BY m.id;

-- name: inside_older
UPDATE inside_images SET state = 0, since = ?2, tries = 0,
    stands = CASE WHEN state <> 2 THEN stands
                  WHEN EXISTS (SELECT 1 FROM documented_parts d WHERE d.image_id = inside_images.id) THEN 1 ELSE 2 END
WHERE id IN (SELECT id FROM inside_images WHERE state >= 2 AND assembler < ?1 LIMIT ?3) RETURNING id;

-- name: inside_open
SELECT id, digest, tries FROM inside_images
WHERE state < 2 AND CASE state WHEN 0 THEN since <= ?1 ELSE lease_until <= ?1 OR lease_until > ?2 END
ORDER BY since DESC LIMIT ?3 FOR UPDATE SKIP LOCKED;

-- name: inside_claim
UPDATE inside_images SET state = 1, lease_until = ?2, tries = tries + 1 WHERE id = ?1;

-- name: inside_holder
SELECT r.name FROM manifests m JOIN repositories r ON r.id = m.repository_id
WHERE m.digest = ?1 AND r.name < '~' ORDER BY m.repository_id DESC LIMIT 1;

-- name: inside_runs_on
UPDATE inside_images SET platform = ?3 WHERE id = ?1 AND state = 1 AND tries = ?2;
-- name: inside_holders
SELECT r.name FROM manifests m JOIN repositories r ON r.id = m.repository_id
WHERE m.digest = ?1 AND r.name < '~' ORDER BY m.repository_id LIMIT ?2;

-- name: inside_indexes
SELECT m.digest FROM repositories r JOIN edges e ON e.repository_id = r.id JOIN manifests m ON m.id = e.manifest_id
WHERE r.name = ?1 AND e.child_digest = ?2 AND e.kind = 'manifest' LIMIT ?3;

-- name: inside_places
SELECT m.id, m.digest, r.name
FROM (SELECT id, digest, repository_id FROM manifests WHERE id > ?1 ORDER BY id LIMIT ?2) AS m
JOIN repositories r ON r.id = m.repository_id ORDER BY m.id;

-- name: inside_missed
SELECT i.id FROM repositories r JOIN edges e ON e.repository_id = r.id JOIN manifests m ON m.id = e.manifest_id
JOIN inside_images i ON i.digest = m.digest
WHERE r.name = ?1 AND e.child_digest = ?2 AND e.kind = 'layer' AND (i.state = 3 OR (i.state = 0 AND i.tries > 0))
LIMIT 200;

-- name: inside_retry
UPDATE inside_images SET state = 0, since = ?2, tries = 0 WHERE id = ?1 AND (state = 3 OR (state = 0 AND tries > 0));

-- name: inside_anew
UPDATE inside_images SET state = 0, since = ?2, tries = 0, stands = CASE WHEN state = 2 OR stands > 0 THEN 1 ELSE 0 END
WHERE digest = ?1 AND state >= 1;

-- name: inside_documented
-- Whether documents had a word in what is known of it.
SELECT 1 FROM inside_images i WHERE i.digest = ?1 AND EXISTS (SELECT 1 FROM documented_parts d WHERE d.image_id = i.id);

-- name: inside_came
UPDATE inside_images SET state = 0, since = ?2, tries = 0,
    stands = CASE WHEN EXISTS (SELECT 1 FROM documented_parts d WHERE d.image_id = inside_images.id) THEN 0 ELSE stands END
WHERE digest = ?1 AND (state = 1 OR ((state >= 2 OR stands > 0)
    AND EXISTS (SELECT 1 FROM documented_parts d WHERE d.image_id = inside_images.id)))
RETURNING id;

-- name: inside_read
UPDATE inside_images
SET state = 2, since = ?3, lease_until = 0, assembler = ?4, distribution = ?5, unread = ?6, stands = 0
WHERE id = ?1 AND state = 1 AND tries = ?2 RETURNING id;

-- name: inside_unread
UPDATE inside_images
SET state = ?3, since = ?4, lease_until = 0, assembler = ?5, unread = ?6,
    stands = CASE WHEN CAST(?3 AS BIGINT) = 3 AND stands < 2 THEN 0 ELSE stands END
WHERE id = ?1 AND state = 1 AND tries = ?2;

-- name: inside_of
SELECT i.state, i.since, i.tries, i.distribution, i.unread, i.stands,
       (SELECT count(DISTINCT up.package_id) FROM image_units iu JOIN unit_packages up ON up.unit_id = iu.unit_id
        WHERE iu.image_id = i.id)
FROM inside_images i WHERE i.digest = ?1;

-- name: inside_ever
-- By which version it was read or given up last; 0: it never was.
SELECT assembler FROM inside_images WHERE digest = ?1;

-- name: inside_packages
SELECT p.body, p.purl, iu.layer, up.path, iu.reader
FROM inside_images i
JOIN image_units iu ON iu.image_id = i.id
JOIN unit_packages up ON up.unit_id = iu.unit_id
JOIN packages p ON p.id = up.package_id
WHERE i.digest = ?1 ORDER BY iu.layer, iu.reader, p.purl, up.path;

-- name: inside_depths
SELECT (SELECT count(*) FROM inside_images WHERE state < 2),
       (SELECT coalesce(min(since), 0) FROM inside_images WHERE state < 2),
       (SELECT count(*) FROM inside_images WHERE state = 3);

-- name: unit_find
SELECT id, complete FROM units WHERE hash = ?1;

-- name: unit_add
INSERT INTO units (hash, complete) VALUES (?1, 0) ON CONFLICT (hash) DO NOTHING;

-- name: unit_complete
UPDATE units SET complete = 1 WHERE id = ?1;

-- name: package_add
INSERT INTO packages (identity, type, name, version, purl, body, licensed) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
ON CONFLICT (identity) DO NOTHING;

-- name: package_ids
SELECT p.identity, p.id FROM json_each(?1) AS wanted JOIN packages p ON p.identity = wanted.value;

-- name: package_key_add
INSERT INTO package_keys (ecosystem, name, package_id, version) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (ecosystem, name, package_id) DO NOTHING;

-- name: packages_unlicensed
-- Entered by none, or by an older version than ?1.
SELECT id, body FROM packages WHERE licensed < ?1 LIMIT ?2;

-- name: package_licensed
UPDATE packages SET licensed = ?2 WHERE id = ?1;

-- name: package_licences_forget
DELETE FROM package_licences WHERE package_id = ?1;

-- name: licence_name_add
-- One that is there is held until the transaction ends: it is not to be forgotten meanwhile.
INSERT INTO licence_names (folded, name) VALUES (?1, ?2) ON CONFLICT (folded) DO UPDATE SET folded = excluded.folded;

-- name: package_licence_add
INSERT INTO package_licences (licence_id, package_id) SELECT id, ?2 FROM licence_names WHERE folded = ?1
ON CONFLICT (licence_id, package_id) DO NOTHING;

-- name: unit_package_add
INSERT INTO unit_packages (unit_id, package_id, path) VALUES (?1, ?2, ?3)
ON CONFLICT (unit_id, package_id, path) DO NOTHING;

-- name: image_units_forget
DELETE FROM image_units WHERE image_id = ?1;

-- name: image_unit_add
INSERT INTO image_units (image_id, layer, unit_id, reader) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (image_id, layer, unit_id) DO NOTHING;

-- name: inside_images_window
SELECT i.id, NOT EXISTS (SELECT 1 FROM manifests m WHERE m.digest = i.digest)
FROM (SELECT id, digest FROM inside_images WHERE id > ?1 ORDER BY id LIMIT ?2) AS i ORDER BY i.id;

-- name: inside_images_forget
DELETE FROM inside_images WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM manifests m WHERE m.digest = inside_images.digest);

-- name: units_window
SELECT u.id, u.complete = 1 AND NOT EXISTS (SELECT 1 FROM image_units iu WHERE iu.unit_id = u.id)
FROM (SELECT id, complete FROM units WHERE id > ?1 ORDER BY id LIMIT ?2) AS u ORDER BY u.id;

-- name: units_forget
DELETE FROM units WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM image_units iu WHERE iu.unit_id = units.id);

-- name: packages_window
SELECT p.id, NOT EXISTS (SELECT 1 FROM unit_packages up WHERE up.package_id = p.id)
FROM (SELECT id FROM packages WHERE id > ?1 ORDER BY id LIMIT ?2) AS p ORDER BY p.id;

-- name: packages_forget
DELETE FROM packages
WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM unit_packages up WHERE up.package_id = packages.id);

-- name: licence_names_window
SELECT n.id, NOT EXISTS (SELECT 1 FROM package_licences l WHERE l.licence_id = n.id)
FROM (SELECT id FROM licence_names WHERE id > ?1 ORDER BY id LIMIT ?2) AS n ORDER BY n.id;

-- name: licence_names_forget
DELETE FROM licence_names
WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM package_licences l WHERE l.licence_id = licence_names.id);

-- name: inside_layers_window
SELECT l.digest, NOT EXISTS (SELECT 1 FROM blobs b WHERE b.digest = l.digest)
FROM (SELECT digest FROM inside_layers WHERE digest > ?1 ORDER BY digest LIMIT ?2) AS l ORDER BY l.digest;

-- name: inside_layers_forget
DELETE FROM inside_layers
WHERE digest = ?1 AND NOT EXISTS (SELECT 1 FROM blobs b WHERE b.digest = inside_layers.digest);
