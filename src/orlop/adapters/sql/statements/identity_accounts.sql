-- Accounts with what they prove themselves with. The columns of an account, and those of a secret, are always the same.

-- name: account_get
SELECT id, kind, name, display, email, source, external, namespace, password IS NOT NULL, must_change, factor_kinds,
       disabled, expires_at, created_at, created_by, used_at, used_from, version, authority, epoch, signed_in_from
FROM accounts WHERE name = ?1;

-- name: account_lock
SELECT id, kind, name, display, email, source, external, namespace, password IS NOT NULL, must_change, factor_kinds,
       disabled, expires_at, created_at, created_by, used_at, used_from, version, authority, epoch, signed_in_from
FROM accounts WHERE name = ?1 FOR UPDATE;

-- name: account_external
SELECT id, kind, name, display, email, source, external, namespace, password IS NOT NULL, must_change, factor_kinds,
       disabled, expires_at, created_at, created_by, used_at, used_from, version, authority, epoch, signed_in_from
FROM accounts WHERE source = ?1 AND external = ?3 AND external <> '' AND authority IN (?2, '')
ORDER BY authority DESC LIMIT 1;

-- name: account_page
SELECT id, kind, name, display, email, source, external, namespace, password IS NOT NULL, must_change, factor_kinds,
       disabled, expires_at, created_at, created_by, used_at, used_from, version, authority, epoch, signed_in_from
FROM accounts WHERE kind = ?1 AND name > ?2 ORDER BY name LIMIT ?3;

-- name: account_page_of_namespace
SELECT id, kind, name, display, email, source, external, namespace, password IS NOT NULL, must_change, factor_kinds,
       disabled, expires_at, created_at, created_by, used_at, used_from, version, authority, epoch, signed_in_from
FROM accounts WHERE kind = 'robot' AND namespace = ?1 AND name > ?2 ORDER BY name LIMIT ?3;

-- name: account_page_of_source
SELECT id, kind, name, display, email, source, external, namespace, password IS NOT NULL, must_change, factor_kinds,
       disabled, expires_at, created_at, created_by, used_at, used_from, version, authority, epoch, signed_in_from
FROM accounts WHERE source = ?1 AND source <> 'local' AND name > ?2 ORDER BY name LIMIT ?3;

-- name: account_password
SELECT id, kind, name, display, email, source, external, namespace, password IS NOT NULL, must_change, factor_kinds,
       disabled, expires_at, created_at, created_by, used_at, used_from, version, authority, epoch, signed_in_from,
       password, factors
FROM accounts WHERE name = ?1;

-- name: account_insert
INSERT INTO accounts (kind, name, display, email, source, external, namespace, must_change, factors, disabled,
                      expires_at, created_at, created_by, authority, epoch)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
RETURNING id;

-- name: account_update
UPDATE accounts SET display = ?2, email = ?3, disabled = ?4, expires_at = ?5, version = ?6, authority = ?7 WHERE id = ?1;

-- name: account_set_password
UPDATE accounts SET password = ?2, must_change = ?3, version = version + 1 WHERE id = ?1;

-- name: account_new_epoch
-- What an account was signed in with is over. No epoch comes twice, whatever clocks say.
UPDATE accounts SET epoch = CASE WHEN epoch < ?2 THEN ?2 ELSE epoch + 1 END WHERE id = ?1;

-- name: account_set_factors
UPDATE accounts SET factors = ?2, factor_kinds = ?3, version = version + 1 WHERE id = ?1;

-- name: account_used
UPDATE accounts SET used_at = ?2, used_from = ?3 WHERE id = ?1 AND used_at <= ?2;

-- name: account_signed_in
UPDATE accounts SET signed_in_from = ?2 WHERE id = ?1;

-- name: account_delete
DELETE FROM accounts WHERE id = ?1;

-- name: robot_of_namespace
SELECT name FROM accounts WHERE kind = 'robot' AND namespace = ?1 LIMIT 1;

-- name: accounts_of_source
SELECT id, name, disabled FROM accounts WHERE source = ?1 AND source <> 'local' AND authority IN (?2, '');

-- name: account_set_disabled
UPDATE accounts SET disabled = ?3, version = version + 1 WHERE id = ?1 AND disabled = ?2 RETURNING id;

-- name: secret_find
SELECT s.id, a.name, s.kind, s.name, s.lookup, s.hash, s.limits, s.created_at, s.created_by, s.expires_at, s.warned_at,
       s.used_at, s.used_from,
       a.id, a.kind, a.name, a.display, a.email, a.source, a.external, a.namespace, a.password IS NOT NULL,
       a.must_change, a.factor_kinds, a.disabled, a.expires_at, a.created_at, a.created_by, a.used_at, a.used_from,
       a.version, a.authority, a.epoch, a.signed_in_from
FROM secrets s JOIN accounts a ON a.id = s.account_id
WHERE s.lookup = ?1;

-- name: secret_page
SELECT s.id, a.name, s.kind, s.name, s.lookup, s.hash, s.limits, s.created_at, s.created_by, s.expires_at, s.warned_at,
       s.used_at, s.used_from
FROM accounts a JOIN secrets s ON s.account_id = a.id
WHERE a.name = ?1 AND s.id > ?2 ORDER BY s.id LIMIT ?3;

-- name: secret_count
SELECT count(*) FROM secrets WHERE account_id = ?1 AND kind = ?2;

-- name: secret_insert
INSERT INTO secrets (account_id, kind, name, lookup, hash, limits, created_at, created_by, expires_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
ON CONFLICT (lookup) DO NOTHING
RETURNING id;

-- name: secret_revoke
DELETE FROM secrets WHERE id = ?2 AND account_id = (SELECT id FROM accounts WHERE name = ?1)
RETURNING kind, name;

-- name: secrets_delete
DELETE FROM secrets WHERE account_id = ?1;

-- name: secrets_delete_of_kind
DELETE FROM secrets WHERE account_id = ?1 AND kind = ?2;

-- name: logins_delete
DELETE FROM secrets WHERE account_id = ?1 AND kind = 'refresh' RETURNING id, kind, name;

-- name: secrets_expiring
SELECT s.id, (SELECT a.name FROM accounts a WHERE a.id = s.account_id), s.kind, s.name, s.lookup, s.hash, s.limits,
       s.created_at, s.created_by, s.expires_at, s.warned_at, s.used_at, s.used_from
FROM secrets s
WHERE s.expires_at > 0 AND s.warned_at = 0 AND s.kind <> 'refresh' AND s.expires_at > ?1 AND s.expires_at < ?2
ORDER BY s.expires_at LIMIT ?3 FOR UPDATE;

-- name: secrets_of_robots_ending
SELECT s.id, a.name, s.kind, s.name, s.lookup, s.hash, s.limits,
       s.created_at, s.created_by, s.expires_at, s.warned_at, s.used_at, s.used_from, a.namespace
FROM secrets s JOIN accounts a ON a.id = s.account_id
WHERE s.kind = 'robot' AND s.expires_at > 0 AND s.expires_at > ?1 AND s.expires_at < ?2
ORDER BY s.expires_at, s.id LIMIT ?3;

-- name: secret_warned
UPDATE secrets SET warned_at = ?2 WHERE id = ?1;

-- name: secret_used
UPDATE secrets SET used_at = ?2, used_from = ?3 WHERE id = ?1 AND used_at <= ?2;

-- name: session_insert
INSERT INTO sessions (id, account_id, provider, provider_session, created_at, expires_at, address, agent)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
ON CONFLICT (id) DO NOTHING
RETURNING id;

-- name: session_get
SELECT s.id, a.name, s.provider, s.provider_session, s.created_at, s.expires_at, s.address, s.agent,
       a.id, a.kind, a.name, a.display, a.email, a.source, a.external, a.namespace, a.password IS NOT NULL,
       a.must_change, a.factor_kinds, a.disabled, a.expires_at, a.created_at, a.created_by, a.used_at, a.used_from,
       a.version, a.authority, a.epoch, a.signed_in_from
FROM sessions s JOIN accounts a ON a.id = s.account_id
WHERE s.id = ?1;

-- name: sessions_of_account
SELECT s.id, a.name, s.provider, s.provider_session, s.created_at, s.expires_at, s.address, s.agent
FROM accounts a JOIN sessions s ON s.account_id = a.id
WHERE a.name = ?1;

-- name: sessions_of_provider
SELECT s.id, a.name, s.provider, s.provider_session, s.created_at, s.expires_at, s.address, s.agent
FROM sessions s JOIN accounts a ON a.id = s.account_id
WHERE s.provider = ?1;

-- name: sessions_of_provider_session
SELECT s.id, a.name, s.provider, s.provider_session, s.created_at, s.expires_at, s.address, s.agent
FROM sessions s JOIN accounts a ON a.id = s.account_id
WHERE s.provider_session = ?1 AND s.provider_session <> '';

-- name: sessions_end
DELETE FROM sessions WHERE id IN (SELECT value FROM json_each(?1) AS wanted) RETURNING id;

-- name: sessions_delete
DELETE FROM sessions WHERE account_id = ?1;

-- name: sessions_delete_but
DELETE FROM sessions WHERE account_id = ?1 AND id <> ?2;

-- name: sessions_forget
DELETE FROM sessions WHERE expires_at < ?1;

-- name: attempts_get
SELECT key, failures, last_at FROM attempts WHERE key IN (SELECT value FROM json_each(?1) AS wanted) AND failures > 0;

-- name: attempt_hold
-- Nobody else counts for this key until the transaction ends, not even where nothing was counted before.
INSERT INTO attempts (key, failures, last_at) VALUES (?1, 0, 0)
ON CONFLICT (key) DO UPDATE SET failures = attempts.failures
RETURNING failures, last_at;

-- name: attempt_take_back
UPDATE attempts SET failures = failures - 1, last_at = CASE WHEN last_at = ?2 THEN ?3 ELSE last_at END
WHERE key = ?1 AND failures > 0;

-- name: attempt_failed
INSERT INTO attempts (key, failures, last_at) VALUES (?1, 1, ?2)
ON CONFLICT (key) DO UPDATE
SET failures = CASE WHEN attempts.last_at < ?3 THEN 1 ELSE attempts.failures + 1 END, last_at = excluded.last_at
RETURNING failures, last_at;

-- name: attempts_clear
DELETE FROM attempts WHERE key IN (SELECT value FROM json_each(?1) AS wanted);

-- name: attempts_forget
-- A few at a time: each failure makes room for itself.
DELETE FROM attempts WHERE key IN (SELECT a.key FROM attempts a WHERE a.last_at < ?1 ORDER BY a.last_at LIMIT 16);

-- name: keys_all
SELECT id, algorithm, private, created_at, active_at, expires_at FROM signing_keys;

-- name: key_insert
INSERT INTO signing_keys (id, algorithm, private, created_at, active_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (id) DO NOTHING RETURNING id;

-- name: keys_forget
DELETE FROM signing_keys WHERE expires_at < ?1 RETURNING id;
