-- Keys that sign what the registry attests.

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
