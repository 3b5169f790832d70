-- What lies between the beginning and the end of a sign-in in a browser, and what is kept of those through providers.

-- name: step_begin
INSERT INTO sign_in_steps (id, kind, body, address, expires_at) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (id) DO UPDATE SET kind = ?2, body = ?3, address = ?4, expires_at = ?5 WHERE sign_in_steps.expires_at <= ?6
RETURNING id;

-- name: steps_of_address
SELECT count(*) FROM sign_in_steps WHERE address = ?1 AND expires_at > ?2;

-- name: step_get
SELECT id, kind, body, address, expires_at FROM sign_in_steps WHERE id = ?1 AND kind = ?2 AND expires_at > ?3;

-- name: step_take
DELETE FROM sign_in_steps WHERE id = ?1 AND kind = ?2 AND expires_at > ?3
RETURNING id, kind, body, address, expires_at;

-- name: steps_forget
DELETE FROM sign_in_steps WHERE expires_at < ?1;

-- name: sign_on_put
INSERT INTO sign_ons (provider, external, account_id, refresh_token, checked_at) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (provider, external) DO UPDATE SET account_id = ?3, refresh_token = ?4, checked_at = ?5;

-- name: sign_ons_due
SELECT s.provider, s.external, (SELECT a.name FROM accounts a WHERE a.id = s.account_id), s.refresh_token, s.checked_at
FROM sign_ons s
WHERE s.provider = ?1 AND s.checked_at < ?2
ORDER BY s.checked_at, s.external LIMIT ?3;

-- name: sign_on_renewed
UPDATE sign_ons SET refresh_token = ?5, checked_at = ?6
WHERE provider = ?1 AND external = ?2 AND refresh_token = ?3 AND checked_at = ?4
RETURNING external;

-- name: sign_on_remove
DELETE FROM sign_ons WHERE provider = ?1 AND external = ?2;

-- name: session_extend
UPDATE sessions SET expires_at = ?2 WHERE id = ?1 AND expires_at < ?2;
