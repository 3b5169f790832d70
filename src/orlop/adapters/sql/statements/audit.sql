-- name: event_told
-- ?14 as in event.
INSERT INTO outbox (at, kind, actor, repository, digest, tag, credential, address, request, subject, detail, times,
    first_at)
SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13 WHERE ?14 >= 0;

-- name: reader_register
INSERT INTO readers (stream, name, position) VALUES (?1, ?2, 0) ON CONFLICT (stream, name) DO NOTHING;

-- name: reader_get
SELECT position FROM readers WHERE stream = ?1 AND name = ?2;

-- name: reader_move
INSERT INTO readers (stream, name, position) VALUES (?1, ?2, ?3)
ON CONFLICT (stream, name) DO UPDATE SET position = excluded.position;

-- name: reader_forget
DELETE FROM readers WHERE stream = ?1 AND name = ?2;

-- name: outbox_read
SELECT min(position) FROM readers WHERE stream = 'outbox';

-- name: outbox_kept
SELECT min(id) FROM (SELECT id FROM outbox ORDER BY id DESC LIMIT ?1) AS newest;

-- name: outbox_trim
DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE id <= ?1 AND id < ?2 ORDER BY id LIMIT ?3) RETURNING id;

-- name: outbox_trimmed
-- Whoever looks for news in the outbox itself has to know what is not there any more: here nobody does.
SELECT ?1;

-- name: job_held
SELECT name FROM jobs WHERE name = ?1 AND owner = ?2 AND fence = ?3 AND lease_until > 0 FOR UPDATE;

-- name: audit_insert
INSERT INTO audit (sequence, event, at, kind, actor, credential, address, request, repository, digest, tag, subject,
    detail, times, first_at, hash, refused)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17);

-- name: audit_place
INSERT INTO audit_places (path, sequence) VALUES (?1, ?2);

-- name: audit_entries
SELECT sequence, event, at, kind, actor, credential, address, request, repository, digest, tag, subject, detail, times,
       first_at, hash
FROM audit
WHERE sequence IN (SELECT CAST(value AS BIGINT) FROM json_each(?1) AS wanted) ORDER BY sequence;

-- name: audit_after
-- This and those that follow give the bytes of each entry, so that no more are read than may be held.
SELECT sequence, octet_length(detail) + 1000 FROM audit
WHERE sequence > ?1 AND sequence > (SELECT coalesce(max(last), 0) FROM audit_segments WHERE dropped_at > 0)
ORDER BY sequence LIMIT ?2;

-- name: audit_before
SELECT sequence, octet_length(detail) + 1000 FROM audit
WHERE sequence < ?1 AND sequence >= ?2
  AND sequence > (SELECT coalesce(max(last), 0) FROM audit_segments WHERE dropped_at > 0)
ORDER BY sequence DESC LIMIT ?3;

-- name: audit_before_by_actor
SELECT sequence, octet_length(detail) + 1000 FROM audit
WHERE actor = ?4 AND sequence < ?1 AND sequence >= ?2
  AND sequence > (SELECT coalesce(max(last), 0) FROM audit_segments WHERE dropped_at > 0)
ORDER BY sequence DESC LIMIT ?3;

-- name: audit_before_by_kind
SELECT sequence, octet_length(detail) + 1000 FROM audit
WHERE kind = ?4 AND sequence < ?1 AND sequence >= ?2
  AND sequence > (SELECT coalesce(max(last), 0) FROM audit_segments WHERE dropped_at > 0)
ORDER BY sequence DESC LIMIT ?3;

-- name: audit_before_by_subject
SELECT sequence, octet_length(detail) + 1000 FROM audit
WHERE subject = ?4 AND subject <> '' AND sequence < ?1 AND sequence >= ?2
  AND sequence > (SELECT coalesce(max(last), 0) FROM audit_segments WHERE dropped_at > 0)
ORDER BY sequence DESC LIMIT ?3;

-- name: audit_before_by_address
SELECT sequence, octet_length(detail) + 1000 FROM audit
WHERE address = ?4 AND address <> '' AND sequence < ?1 AND sequence >= ?2
  AND sequence > (SELECT coalesce(max(last), 0) FROM audit_segments WHERE dropped_at > 0)
ORDER BY sequence DESC LIMIT ?3;

-- name: audit_before_by_refused
SELECT sequence, octet_length(detail) + 1000 FROM audit
WHERE refused = 1 AND sequence < ?1 AND sequence >= ?2
  AND sequence > (SELECT coalesce(max(last), 0) FROM audit_segments WHERE dropped_at > 0)
ORDER BY sequence DESC LIMIT ?3;

-- name: audit_before_by_place
SELECT a.sequence, octet_length(a.detail) + 1000
FROM audit_places p JOIN audit a ON a.sequence = p.sequence
WHERE p.path = ?4 AND p.sequence < ?1 AND p.sequence >= ?2
  AND p.sequence > (SELECT coalesce(max(last), 0) FROM audit_segments WHERE dropped_at > 0)
ORDER BY p.sequence DESC LIMIT ?3;

-- name: audit_segments
SELECT number, day, first, last, opening, closing, from_at, until_at, appended_at, dropped_at
FROM audit_segments ORDER BY number;

-- name: audit_last_segment
SELECT number, day, first, last, opening, closing, from_at, until_at, appended_at, dropped_at
FROM audit_segments ORDER BY number DESC LIMIT 1;

-- name: audit_segment_put
INSERT INTO audit_segments (number, day, first, last, opening, closing, from_at, until_at, appended_at, dropped_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
ON CONFLICT (number) DO UPDATE SET last = excluded.last, closing = excluded.closing, from_at = excluded.from_at,
    until_at = excluded.until_at, appended_at = excluded.appended_at;

-- name: audit_drop
UPDATE audit_segments SET dropped_at = ?2 WHERE number <= ?1 AND dropped_at = 0;

-- name: audit_sweep_entries
DELETE FROM audit WHERE sequence IN (
    SELECT sequence FROM audit
    WHERE sequence <= (SELECT coalesce(max(last), 0) FROM audit_segments WHERE dropped_at > 0)
    ORDER BY sequence LIMIT ?1)
RETURNING sequence, kind, repository, subject, detail;

-- name: audit_sweep_place
DELETE FROM audit_places WHERE path = ?1 AND sequence = ?2;

-- name: audit_sweep_heads
DELETE FROM audit_heads WHERE sequence <= ?1 AND sequence NOT IN (SELECT last FROM audit_segments);

-- name: audit_head_add
INSERT INTO audit_heads (sequence, hash, at, key, signature) VALUES (?1, ?2, ?3, ?4, ?5);

-- name: audit_heads
SELECT sequence, hash, at, key, signature FROM audit_heads WHERE sequence > ?1 ORDER BY sequence LIMIT ?2;

-- name: audit_last_head
SELECT sequence, hash, at, key, signature FROM audit_heads ORDER BY sequence DESC LIMIT 1;

-- name: audit_keys_lock
-- Of two who each make the first key, one waits here, and then finds it.
SELECT name FROM readers WHERE stream = 'outbox' AND name = 'audit' FOR UPDATE;

-- name: audit_key_list
SELECT id, public, private, created_at FROM audit_keys ORDER BY created_at, id;

-- name: audit_key_add
INSERT INTO audit_keys (id, public, private, created_at) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (id) DO NOTHING;
