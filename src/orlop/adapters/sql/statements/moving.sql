-- name: gate
-- Every transaction that writes looks here.
SELECT gate FROM moving WHERE id = 1;

-- name: gate_set
UPDATE moving SET gate = ?1 WHERE id = 1;

-- name: move_get
SELECT state, move, run, other, peer, blobs FROM moving WHERE id = 1;

-- name: move_set
UPDATE moving SET state = ?1, move = ?2, run = ?3, other = ?4, peer = ?5, blobs = ?6
WHERE id = 1 AND state = ?7 AND move = ?8 AND run = ?9 RETURNING id;

-- name: move_held
SELECT id FROM moving WHERE id = 1 AND state = ?1 AND move = ?2 AND run = ?3 FOR UPDATE;

-- name: clear_namespaces
DELETE FROM namespaces WHERE id > 1;

-- name: clear_uploads
DELETE FROM uploads;

-- name: clear_totals
UPDATE totals SET repositories = 0, manifests = 0, tags = 0, blobs = 0, blob_bytes = 0;

-- name: ids_settle
-- New ids go on behind the greatest by themselves. Tokens name accounts and secrets by theirs, so those of the last that
-- were removed before the move are left out, too.
UPDATE sqlite_sequence SET seq = seq + 1000 WHERE name IN ('accounts', 'secrets');

-- How many bytes rows hold whose size only their content says, for pages that are bounded in bytes.

-- name: weigh_manifests
SELECT octet_length(annotations) + octet_length(content) + 500 FROM manifests WHERE id > ?1 ORDER BY id LIMIT ?2;

-- name: weigh_outbox
SELECT octet_length(detail) + 1000 FROM outbox WHERE id > ?1 ORDER BY id LIMIT ?2;

-- name: weigh_audit
SELECT octet_length(detail) + 1000 FROM audit WHERE sequence > ?1 ORDER BY sequence LIMIT ?2;

-- name: weigh_documents
SELECT octet_length(body) + 500 FROM documents
WHERE (kind, path, name) > (?1, ?2, ?3) ORDER BY kind, path, name LIMIT ?4;
