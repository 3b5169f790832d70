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
