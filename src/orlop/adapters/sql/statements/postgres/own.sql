-- name: totals_add
-- One of several rows, so that pushes side by side seldom want the same; their sum is what counts.
UPDATE totals
SET repositories = repositories + ?1, manifests = manifests + ?2, tags = tags + ?3, blobs = blobs + ?4,
    blob_bytes = blob_bytes + ?5
WHERE id = pg_backend_pid() % 16 + 1;

-- name: event
-- An id is the number of the transaction, and the place of the event within it: see event_page.
INSERT INTO outbox (id, at, kind, actor, repository, digest, tag, credential, address, request, subject, detail)
SELECT base + (pg_current_xact_id()::text::bigint << 20) + ?7, ?1, ?2, ?3, ?4, ?5, ?6, ?8, ?9, ?10, ?11, ?12
FROM outbox_epoch;

-- name: event_page
-- Only of transactions older than every one that still runs: what commits later has greater ids than all that is shown,
-- so a reader that goes on after the last one misses nothing.
SELECT o.id, octet_length(o.detail) + 1000
FROM outbox o
WHERE o.id > ?1 AND o.id < (
    SELECT base + (pg_snapshot_xmin(pg_current_snapshot())::text::bigint << 20) FROM outbox_epoch)
ORDER BY o.id LIMIT ?2;

-- name: snapshot
SELECT pg_current_snapshot()::text;

-- name: news
-- Now, the versions of who may do what, of settings, of the queue and of what is known of images, and whether a
-- transaction that the snapshot ?1 did not show has written an event since that is of none of the kinds ?2: one that was
-- running then, or one that began later. What was trimmed since may have been one.
SELECT pg_current_snapshot()::text, coalesce((SELECT version FROM access_state WHERE id = 1), 1),
       coalesce((SELECT version FROM settings_state WHERE id = 1), 1),
       coalesce((SELECT version FROM queue_state WHERE id = 1), 1),
       coalesce((SELECT version FROM known_state WHERE id = 1), 1), EXISTS (
    SELECT 1 FROM outbox_epoch e JOIN outbox o
    ON o.id >= e.base + (pg_snapshot_xmax(?1::text::pg_snapshot)::text::bigint << 20)
    WHERE o.kind NOT IN (SELECT value FROM json_each(?2) AS others)
) OR EXISTS (
    SELECT 1 FROM outbox_epoch e
    WHERE e.trimmed >= e.base + (pg_snapshot_xmin(?1::text::pg_snapshot)::text::bigint << 20)
) OR EXISTS (
    SELECT 1 FROM outbox_epoch e
    CROSS JOIN (SELECT xip::text::bigint AS number FROM pg_snapshot_xip(?1::text::pg_snapshot) AS xip) ran
    JOIN outbox o ON o.id >= e.base + (ran.number << 20) AND o.id < e.base + ((ran.number + 1) << 20)
    WHERE o.kind NOT IN (SELECT value FROM json_each(?2) AS others));

-- name: known_moved
UPDATE known_state SET version = version + 1 WHERE id = 1;

-- name: commit_abandon
-- Takes the key's place if nobody has it: then the transaction that was to leave it can never be committed any more.
INSERT INTO commits (key, abandoned) VALUES (?1, true) ON CONFLICT (key) DO NOTHING;

-- name: commit_abandoned
SELECT abandoned FROM commits WHERE key = ?1;

-- name: commits_forget
DELETE FROM commits WHERE at < now() - interval '1 hour';

-- name: gate
-- Commits run into the gate by themselves: see the constraint that gate_set makes.
SELECT NULL;

-- name: gate_set
-- Waits for every transaction that has left its key, and no later one leaves a key without the right ticket.
SELECT orlop_gate(?1);

-- name: ids_settle
-- Tokens name accounts and secrets by their ids, so those of the last that were removed before the move are left out.
SELECT setval(pg_get_serial_sequence('namespaces', 'id'), (SELECT max(id) FROM namespaces)),
       setval(pg_get_serial_sequence('repositories', 'id'), (SELECT max(id) FROM repositories)),
       setval(pg_get_serial_sequence('blobs', 'id'), (SELECT max(id) FROM blobs)),
       setval(pg_get_serial_sequence('manifests', 'id'), (SELECT max(id) FROM manifests)),
       setval(pg_get_serial_sequence('tag_history', 'id'), (SELECT max(id) FROM tag_history)),
       setval(pg_get_serial_sequence('trash', 'id'), (SELECT max(id) FROM trash)),
       setval(pg_get_serial_sequence('accounts', 'id'), (SELECT max(id) + 1000 FROM accounts)),
       setval(pg_get_serial_sequence('secrets', 'id'), (SELECT max(id) + 1000 FROM secrets)),
       setval(pg_get_serial_sequence('groups', 'id'), (SELECT max(id) FROM groups)),
       setval(pg_get_serial_sequence('grants', 'id'), (SELECT max(id) FROM grants)),
       setval(pg_get_serial_sequence('deliveries', 'id'), (SELECT max(id) FROM deliveries)),
       setval(pg_get_serial_sequence('queue', 'id'), (SELECT max(id) FROM queue)),
       setval(pg_get_serial_sequence('retention_plans', 'id'), (SELECT max(id) FROM retention_plans)),
       setval(pg_get_serial_sequence('in_use', 'id'), (SELECT max(id) FROM in_use)),
       setval(pg_get_serial_sequence('inside_images', 'id'), (SELECT max(id) FROM inside_images)),
       setval(pg_get_serial_sequence('packages', 'id'), (SELECT max(id) FROM packages)),
       setval(pg_get_serial_sequence('units', 'id'), (SELECT max(id) FROM units)),
       setval(pg_get_serial_sequence('licence_names', 'id'), (SELECT max(id) FROM licence_names)),
       setval(pg_get_serial_sequence('scans', 'id'), (SELECT max(id) FROM scans)),
       setval(pg_get_serial_sequence('signature_verdicts', 'id'), (SELECT max(id) FROM signature_verdicts)),
       setval(pg_get_serial_sequence('promotions', 'id'), (SELECT max(id) FROM promotions)),
       setval(pg_get_serial_sequence('bundles', 'id'), (SELECT max(id) FROM bundles)),
       setval(pg_get_serial_sequence('quarantined', 'id'), (SELECT max(id) FROM quarantined)),
       setval(pg_get_serial_sequence('attestations_waiting', 'id'), (SELECT max(id) FROM attestations_waiting));

-- name: event_told
-- An id as in event.
INSERT INTO outbox (id, at, kind, actor, repository, digest, tag, credential, address, request, subject, detail, times,
    first_at)
SELECT base + (pg_current_xact_id()::text::bigint << 20) + ?14, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13
FROM outbox_epoch;

-- name: outbox_trimmed
UPDATE outbox_epoch SET trimmed = greatest(trimmed, ?1::bigint);

-- name: repository_spans
SELECT r.name FROM jsonb_array_elements(?1) AS wanted(value) CROSS JOIN LATERAL (
    SELECT w.name FROM repositories w
    WHERE w.name >= wanted.value ->> 0 AND w.name < wanted.value ->> 1 ORDER BY w.name LIMIT ?2) AS r
ORDER BY r.name LIMIT ?2;

-- name: settings_move
-- Nobody's terms hold from here on until this is committed: waits for those who were told that theirs do and commit now,
-- see orlop_settings_hold. They wait for nothing more, so this comes last of what others may want.
WITH moved AS (
    INSERT INTO settings_state (id, version) VALUES (1, 2)
    ON CONFLICT (id) DO UPDATE SET version = settings_state.version + 1
    RETURNING id
)
SELECT pg_advisory_xact_lock(1330793555) FROM moved;

-- name: usage_add
-- One of several parts, as in totals_add; none of these is the one that is mended.
INSERT INTO node_usage (namespace_id, part, stored_bytes, logical_bytes, tags, manifests, repositories, cached_bytes)
VALUES (?1, pg_backend_pid() % 16 + 1, ?2, ?3, ?4, ?5, ?6, ?7)
ON CONFLICT (namespace_id, part) DO UPDATE
SET stored_bytes = node_usage.stored_bytes + excluded.stored_bytes,
    logical_bytes = node_usage.logical_bytes + excluded.logical_bytes,
    tags = node_usage.tags + excluded.tags, manifests = node_usage.manifests + excluded.manifests,
    repositories = node_usage.repositories + excluded.repositories,
    cached_bytes = node_usage.cached_bytes + excluded.cached_bytes;

-- name: room_guard
-- In the order of the paths, so that nobody waits for somebody who waits for them.
SELECT CASE WHEN ?2 = 1 THEN pg_advisory_xact_lock(hashtextextended('orlop room ' || wanted.value, 0))
            ELSE pg_advisory_xact_lock_shared(hashtextextended('orlop room ' || wanted.value, 0)) END
FROM jsonb_array_elements_text(?1) AS wanted(value);

-- name: labelled_repositories
SELECT r.name, (SELECT CAST(json_object_agg(a.key, a.value) AS TEXT) FROM labels a WHERE a.repository_id = r.id AND a.digest = '')
FROM repositories r
WHERE r.name >= ?1 AND r.name < ?2
  AND EXISTS (SELECT 1 FROM labels l WHERE l.repository_id = r.id AND l.digest = '')
ORDER BY r.name LIMIT ?3;

-- name: labelled_by_value
SELECT r.name, l.digest
FROM repositories r CROSS JOIN labels l
WHERE r.name >= ?1 AND r.name < ?2 AND r.name >= ?3 AND l.repository_id = r.id AND l.key = ?7 AND l.value = ?8
  AND (r.name, l.digest) > (?3, ?4)
  AND NOT EXISTS (SELECT 1 FROM manifests h JOIN quarantined q ON q.manifest_id = h.id
                  WHERE h.repository_id = l.repository_id AND h.digest = l.digest AND q.state <> 1)
  AND NOT EXISTS (
      SELECT 1 FROM jsonb_array_elements(?6) AS wanted(value) WHERE NOT EXISTS (
          SELECT 1 FROM labels o
          WHERE o.repository_id = l.repository_id AND o.digest = l.digest AND o.key = wanted.value ->> 0
            AND o.value = coalesce(wanted.value ->> 1, o.value)))
ORDER BY r.name, l.digest LIMIT ?5;

-- name: labelled_by_key
SELECT r.name, l.digest
FROM repositories r CROSS JOIN labels l
WHERE r.name >= ?1 AND r.name < ?2 AND r.name >= ?3 AND l.repository_id = r.id AND l.key = ?7
  AND (r.name, l.digest) > (?3, ?4)
  AND NOT EXISTS (SELECT 1 FROM manifests h JOIN quarantined q ON q.manifest_id = h.id
                  WHERE h.repository_id = l.repository_id AND h.digest = l.digest AND q.state <> 1)
  AND NOT EXISTS (
      SELECT 1 FROM jsonb_array_elements(?6) AS wanted(value) WHERE NOT EXISTS (
          SELECT 1 FROM labels o
          WHERE o.repository_id = l.repository_id AND o.digest = l.digest AND o.key = wanted.value ->> 0
            AND o.value = coalesce(wanted.value ->> 1, o.value)))
ORDER BY r.name, l.digest LIMIT ?5;
-- What lies in spans of names is read along the index of names, span by span: left to itself, the planner may read all
-- repositories and look at the spans last.

-- name: within_tag
SELECT r.name, t.name, m.digest, m.media_type, m.artifact_type,
       CASE WHEN EXISTS (SELECT 1 FROM edges b WHERE b.manifest_id = m.id
                         AND b.media_type = 'application/vnd.buildkit.cacheconfig.v0') THEN 1 ELSE 0 END
FROM jsonb_array_elements(?1) AS spans(value) CROSS JOIN LATERAL (
    SELECT w.id, w.name FROM repositories w
    WHERE w.name >= spans.value ->> 0 AND w.name < spans.value ->> 1 AND w.name >= ?2 OFFSET 0) r CROSS JOIN tags t JOIN manifests m ON m.id = t.manifest_id
WHERE t.repository_id = r.id AND t.name >= ?5 AND t.name < ?6 AND (r.name, t.name) > (?2, ?3)
ORDER BY r.name, t.name LIMIT ?4;

-- name: within_manifest
SELECT r.name, '', m.digest, m.media_type, m.artifact_type, 0
FROM jsonb_array_elements(?1) AS spans(value) CROSS JOIN LATERAL (
    SELECT w.id, w.name FROM repositories w
    WHERE w.name >= spans.value ->> 0 AND w.name < spans.value ->> 1 AND w.name >= ?2 OFFSET 0) r CROSS JOIN manifests m
WHERE m.repository_id = r.id AND m.digest >= ?5 AND m.digest < ?6 AND (r.name, m.digest) > (?2, ?3)
  AND NOT EXISTS (SELECT 1 FROM quarantined q WHERE q.manifest_id = m.id AND q.state <> 1)
ORDER BY r.name, m.digest LIMIT ?4;

-- name: within_blob
SELECT r.name, '', l.digest, '', '', 0
FROM jsonb_array_elements(?1) AS spans(value) CROSS JOIN LATERAL (
    SELECT w.id, w.name FROM repositories w
    WHERE w.name >= spans.value ->> 0 AND w.name < spans.value ->> 1 AND w.name >= ?2 OFFSET 0) r CROSS JOIN blob_links l
WHERE l.repository_id = r.id AND l.digest >= ?5 AND l.digest < ?6 AND (r.name, l.digest) > (?2, ?3)
ORDER BY r.name, l.digest LIMIT ?4;

-- name: within_label
SELECT r.name, '', l.digest, '', '', 0
FROM jsonb_array_elements(?1) AS spans(value) CROSS JOIN LATERAL (
    SELECT w.id, w.name FROM repositories w
    WHERE w.name >= spans.value ->> 0 AND w.name < spans.value ->> 1 AND w.name >= ?2 OFFSET 0) r CROSS JOIN labels l
WHERE l.repository_id = r.id AND l.key = ?5 AND l.value = ?6 AND (r.name, l.digest) > (?2, ?3)
  AND NOT EXISTS (SELECT 1 FROM manifests h JOIN quarantined q ON q.manifest_id = h.id
                  WHERE h.repository_id = l.repository_id AND h.digest = l.digest AND q.state <> 1)
ORDER BY r.name, l.digest LIMIT ?4;

-- name: within_annotation
SELECT r.name, '', m.digest, m.media_type, m.artifact_type, 0
FROM jsonb_array_elements(?1) AS spans(value) CROSS JOIN LATERAL (
    SELECT w.id, w.name FROM repositories w
    WHERE w.name >= spans.value ->> 0 AND w.name < spans.value ->> 1 AND w.name >= ?2 OFFSET 0) r CROSS JOIN manifests m CROSS JOIN annotations a
WHERE m.repository_id = r.id
  AND a.manifest_id = m.id AND a.key = ?5 AND a.value = ?6 AND (r.name, m.digest) > (?2, ?3)
  AND NOT EXISTS (SELECT 1 FROM quarantined q WHERE q.manifest_id = m.id AND q.state <> 1)
ORDER BY r.name, m.digest LIMIT ?4;

-- name: search_names
SELECT r.name FROM jsonb_array_elements(?1) AS spans(value) CROSS JOIN LATERAL (
    SELECT w.name FROM repositories w
    WHERE w.name >= spans.value ->> 0 AND w.name < spans.value ->> 1 AND w.name LIKE ?4 ESCAPE '!'
      AND NOT EXISTS (SELECT 1 FROM json_each(?2) AS word WHERE w.name NOT LIKE word.value ESCAPE '!')
    ORDER BY w.name LIMIT ?3) r
ORDER BY r.name LIMIT ?3;

-- name: schema_taken
SELECT coalesce(max(number), 0) FROM orlop_migrations;

-- name: hit_along
-- What is hit is worked out once: within EXISTS it is asked for each manifest anew, ten times as long.
WITH hit AS MATERIALIZED (
    SELECT DISTINCT p.unit_id FROM json_each(?5) AS others
    JOIN findings f ON f.advisory_id = CAST(others.value AS BIGINT)
    JOIN unit_packages p ON p.package_id = f.package_id
)
SELECT m.name, m.digest, count(h.unit_id) > 0
FROM (SELECT r.name, a.digest FROM json_each(?1) AS wanted JOIN repositories r ON r.name = wanted.value
      JOIN manifests a ON a.repository_id = r.id
      WHERE (r.name, a.digest) > (?2, ?3)
        AND NOT EXISTS (SELECT 1 FROM quarantined q WHERE q.manifest_id = a.id AND q.state <> 1)
      ORDER BY r.name, a.digest LIMIT ?4) AS m
LEFT JOIN inside_images i ON i.digest = m.digest
LEFT JOIN image_units n ON n.image_id = i.id
LEFT JOIN hit h ON h.unit_id = n.unit_id
GROUP BY m.name, m.digest
ORDER BY m.name, m.digest;

-- name: newly_hit_along
WITH hit AS MATERIALIZED (
    SELECT DISTINCT p.unit_id
    FROM (SELECT DISTINCT f.package_id + 0 AS package_id FROM findings f
          WHERE f.came_at > 0 AND f.came_at >= ?5) AS g
    CROSS JOIN unit_packages p WHERE p.package_id = g.package_id
)
SELECT m.name, m.digest, count(h.unit_id) > 0
FROM (SELECT r.name, a.digest FROM json_each(?1) AS wanted JOIN repositories r ON r.name = wanted.value
      JOIN manifests a ON a.repository_id = r.id
      WHERE (r.name, a.digest) > (?2, ?3)
        AND NOT EXISTS (SELECT 1 FROM quarantined q WHERE q.manifest_id = a.id AND q.state <> 1)
      ORDER BY r.name, a.digest LIMIT ?4) AS m
LEFT JOIN inside_images i ON i.digest = m.digest
LEFT JOIN image_units n ON n.image_id = i.id
LEFT JOIN hit h ON h.unit_id = n.unit_id
GROUP BY m.name, m.digest
ORDER BY m.name, m.digest;
