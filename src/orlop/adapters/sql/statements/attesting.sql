-- Keys that sign what the registry attests, and what waits to be signed.

-- name: attestation_keys_public
SELECT id, public, created_at, retired_at FROM attestation_keys ORDER BY created_at DESC, id DESC LIMIT ?1;

-- name: attestation_key_current
SELECT id, public, private, created_at, retired_at FROM attestation_keys WHERE retired_at = 0;

-- name: attestation_key_lock
SELECT id FROM attestation_keys WHERE retired_at = 0 FOR UPDATE;

-- name: attestation_key_retire
UPDATE attestation_keys SET retired_at = ?2, private = ?3 WHERE id = ?1;

-- name: attestation_key_add
INSERT INTO attestation_keys (id, public, private, created_at, retired_at) VALUES (?1, ?2, ?3, ?4, 0)
ON CONFLICT DO NOTHING RETURNING id;

-- name: attestation_wait
INSERT INTO attestations_waiting (repository, digest, predicate_type, predicate, key, signature, asked_at, due_at, tries,
    error)
VALUES (?1, ?2, ?3, ?4, '', ?5, ?6, ?6, 0, '');

-- name: attestations_due
SELECT id, repository, digest, predicate_type, predicate, key, signature, tries FROM attestations_waiting
WHERE due_at <= ?1 ORDER BY due_at, id LIMIT ?2;

-- name: attestation_sign
UPDATE attestations_waiting SET key = ?2, signature = ?3 WHERE id = ?1 AND key = '';

-- name: attestation_signed
SELECT key, signature FROM attestations_waiting WHERE id = ?1;

-- name: attestation_later
UPDATE attestations_waiting SET due_at = ?2, error = ?3, tries = tries + ?4 WHERE id = ?1;

-- name: attestation_done
DELETE FROM attestations_waiting WHERE id = ?1 RETURNING id;

-- name: attestations_backlog
SELECT count(*) FROM attestations_waiting;

-- name: attestation_oldest
SELECT asked_at, error FROM attestations_waiting ORDER BY id LIMIT 1;
