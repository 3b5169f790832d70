-- name: advisory_changes_lock
-- Whoever changes an advisory, or writes what was matched, takes turns.
SELECT version, last FROM advisory_changes WHERE id = 1 FOR UPDATE;

-- name: advisory_version
SELECT version FROM advisory_changes WHERE id = 1;

-- name: advisory_changed
UPDATE advisory_changes SET version = version + 1, last = last + ?1 WHERE id = 1;

-- name: advisories_known
SELECT a.id, a.name, a.hash, a.modified FROM json_each(?1) AS wanted JOIN advisories a ON a.name = wanted.value
ORDER BY a.name, a.id;

-- name: advisory_add
INSERT INTO advisories (id, name, hash, source, modified, withdrawn, severity, summary, body)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9);

-- name: advisory_replace
UPDATE advisories SET hash = ?2, source = ?3, modified = ?4, withdrawn = ?5, severity = ?6, summary = ?7, body = ?8,
    matched = 0
WHERE id = ?1;

-- name: advisory_delete
DELETE FROM advisories WHERE id = ?1;

-- name: advisory_packages_delete
DELETE FROM advisory_packages WHERE advisory_id = ?1;

-- name: advisory_aliases_delete
DELETE FROM advisory_aliases WHERE advisory_id = ?1;

-- name: advisory_package_add
INSERT INTO advisory_packages (ecosystem, name, advisory_id, entry) VALUES (?1, ?2, ?3, ?4);

-- name: advisory_alias_add
INSERT INTO advisory_aliases (alias, advisory_id) VALUES (?1, ?2);

-- name: exploited_put
INSERT INTO exploited (cve, added, due, ransomware) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (cve) DO UPDATE SET added = ?2, due = ?3, ransomware = ?4;

-- name: exploit_score_put
INSERT INTO exploit_scores (cve, score, percentile) VALUES (?1, ?2, ?3)
ON CONFLICT (cve) DO UPDATE SET score = ?2, percentile = ?3;

-- name: advisories_named
SELECT a.id, a.name, a.source, a.modified, a.withdrawn, a.severity, a.summary, a.body
FROM advisories a
WHERE a.id IN (SELECT n.id FROM advisories n WHERE n.name = ?1
               UNION SELECT l.advisory_id FROM advisory_aliases l WHERE l.alias = ?1)
ORDER BY a.name <> ?1, a.name, a.id LIMIT ?2;

-- name: advisories_page
SELECT a.id, a.name, a.source, a.modified, a.withdrawn, a.severity, a.summary FROM advisories a
WHERE (a.name, a.id) > (?1, ?2) ORDER BY a.name, a.id LIMIT ?3;

-- name: advisories_page_of
SELECT a.id, a.name, a.source, a.modified, a.withdrawn, a.severity, a.summary FROM advisories a
WHERE a.source = ?4 AND (a.name, a.id) > (?1, ?2) ORDER BY a.name, a.id LIMIT ?3;

-- name: advisory_names_of
SELECT DISTINCT a.name FROM advisories a WHERE a.source = ?1 AND a.name > ?2 ORDER BY a.name LIMIT ?3;

-- name: advisories_gone
-- Advisories of these names that are still of a source.
SELECT a.id FROM json_each(?2) AS wanted JOIN advisories a ON a.name = wanted.value WHERE a.source = ?1;

-- name: exploited_known
SELECT e.cve, e.added, e.due, e.ransomware FROM json_each(?1) AS wanted JOIN exploited e ON e.cve = wanted.value;

-- name: exploit_scores_known
SELECT e.cve, e.score, e.percentile FROM json_each(?1) AS wanted JOIN exploit_scores e ON e.cve = wanted.value;

-- name: aliases_of
SELECT l.advisory_id, l.alias FROM json_each(?1) AS wanted
JOIN advisory_aliases l ON l.advisory_id = CAST(wanted.value AS BIGINT) ORDER BY l.advisory_id, l.alias;

-- name: advisory_counts
SELECT (SELECT count(*) FROM advisories), (SELECT count(*) FROM advisories WHERE matched < ?1),
       (SELECT count(*) FROM findings), (SELECT count(*) FROM exploited), (SELECT count(*) FROM exploit_scores);

-- name: advisory_sources
SELECT name, origin, etag, tried_at, imported_at, records, changed, refused, refusals, error FROM advisory_sources
ORDER BY name;

-- name: advisory_source
SELECT name, origin, etag, tried_at, imported_at, records, changed, refused, refusals, error FROM advisory_sources
WHERE name = ?1;

-- name: advisory_source_put
INSERT INTO advisory_sources (name, origin, etag, tried_at, imported_at, records, changed, refused, refusals, error)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
ON CONFLICT (name) DO UPDATE SET origin = ?2, etag = ?3, tried_at = ?4, imported_at = ?5, records = ?6, changed = ?7,
    refused = ?8, refusals = ?9, error = ?10;
