-- Whole tables of who may do what, for a move to another catalog: see rows.sql.

-- name: rows_accounts
SELECT id, kind, name, display, email, source, external, namespace, password, must_change, factors, factor_kinds,
       disabled, expires_at, created_at, created_by, used_at, used_from, version
FROM accounts WHERE id > ?1 ORDER BY id LIMIT ?2;

-- name: row_accounts
INSERT INTO accounts (id, kind, name, display, email, source, external, namespace, password, must_change, factors,
    factor_kinds, disabled, expires_at, created_at, created_by, used_at, used_from, version)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19);

-- name: last_accounts
SELECT id FROM accounts ORDER BY id DESC LIMIT 1;

-- name: inspect_count_accounts
SELECT count(*) FROM accounts;

-- name: clear_accounts
DELETE FROM accounts;

-- name: rows_secrets
SELECT id, account_id, kind, name, lookup, hash, limits, created_at, created_by, expires_at, warned_at, used_at,
       used_from
FROM secrets WHERE id > ?1 ORDER BY id LIMIT ?2;

-- name: row_secrets
INSERT INTO secrets (id, account_id, kind, name, lookup, hash, limits, created_at, created_by, expires_at, warned_at,
    used_at, used_from)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13);

-- name: last_secrets
SELECT id FROM secrets ORDER BY id DESC LIMIT 1;

-- name: inspect_count_secrets
SELECT count(*) FROM secrets;

-- name: clear_secrets
DELETE FROM secrets;

-- name: rows_groups
SELECT id, name, source, description, created_at, created_by, version
FROM groups WHERE id > ?1 ORDER BY id LIMIT ?2;

-- name: row_groups
INSERT INTO groups (id, name, source, description, created_at, created_by, version)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7);

-- name: last_groups
SELECT id FROM groups ORDER BY id DESC LIMIT 1;

-- name: inspect_count_groups
SELECT count(*) FROM groups;

-- name: clear_groups
DELETE FROM groups;

-- name: rows_members
SELECT group_id, account
FROM members WHERE (group_id, account) > (?1, ?2) ORDER BY group_id, account LIMIT ?3;

-- name: row_members
INSERT INTO members (group_id, account)
VALUES (?1, ?2);

-- name: last_members
SELECT group_id, account FROM members ORDER BY group_id DESC, account DESC LIMIT 1;

-- name: inspect_count_members
SELECT count(*) FROM members;

-- name: clear_members
DELETE FROM members;

-- name: rows_grants
SELECT id, effect, account_id, group_id, role, place_kind, path, tags, conditions, expires_at, created_at, created_by
FROM grants WHERE id > ?1 ORDER BY id LIMIT ?2;

-- name: row_grants
INSERT INTO grants (id, effect, account_id, group_id, role, place_kind, path, tags, conditions, expires_at,
    created_at, created_by)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12);

-- name: last_grants
SELECT id FROM grants ORDER BY id DESC LIMIT 1;

-- name: inspect_count_grants
SELECT count(*) FROM grants;

-- name: clear_grants
DELETE FROM grants;

-- name: rows_namespace_settings
SELECT namespace_id, path, visibility, description, version
FROM namespace_settings WHERE namespace_id > ?1 ORDER BY namespace_id LIMIT ?2;

-- name: row_namespace_settings
INSERT INTO namespace_settings (namespace_id, path, visibility, description, version)
VALUES (?1, ?2, ?3, ?4, ?5);

-- name: last_namespace_settings
SELECT namespace_id FROM namespace_settings ORDER BY namespace_id DESC LIMIT 1;

-- name: inspect_count_namespace_settings
SELECT count(*) FROM namespace_settings;

-- name: clear_namespace_settings
DELETE FROM namespace_settings;

-- name: rows_documents
SELECT kind, name, body, version, changed_at, changed_by
FROM documents WHERE (kind, name) > (?1, ?2) ORDER BY kind, name LIMIT ?3;

-- name: weigh_documents
SELECT octet_length(body) + 500 FROM documents WHERE (kind, name) > (?1, ?2) ORDER BY kind, name LIMIT ?3;

-- name: row_documents
INSERT INTO documents (kind, name, body, version, changed_at, changed_by)
VALUES (?1, ?2, ?3, ?4, ?5, ?6);

-- name: last_documents
SELECT kind, name FROM documents ORDER BY kind DESC, name DESC LIMIT 1;

-- name: inspect_count_documents
SELECT count(*) FROM documents;

-- name: clear_documents
DELETE FROM documents;

-- name: rows_access_state
SELECT id, version
FROM access_state WHERE id > ?1 ORDER BY id LIMIT ?2;

-- name: row_access_state
INSERT INTO access_state (id, version)
VALUES (?1, ?2);

-- name: last_access_state
SELECT id FROM access_state ORDER BY id DESC LIMIT 1;

-- name: inspect_count_access_state
SELECT count(*) FROM access_state;

-- name: clear_access_state
DELETE FROM access_state;

-- name: rows_repository_deletions
SELECT name, version, at
FROM repository_deletions WHERE name > ?1 ORDER BY name LIMIT ?2;

-- name: row_repository_deletions
INSERT INTO repository_deletions (name, version, at)
VALUES (?1, ?2, ?3);

-- name: last_repository_deletions
SELECT name FROM repository_deletions ORDER BY name DESC LIMIT 1;

-- name: inspect_count_repository_deletions
SELECT count(*) FROM repository_deletions;

-- name: clear_repository_deletions
DELETE FROM repository_deletions;

-- name: rows_signing_keys
SELECT id, algorithm, private, created_at, active_at, expires_at
FROM signing_keys WHERE id > ?1 ORDER BY id LIMIT ?2;

-- name: row_signing_keys
INSERT INTO signing_keys (id, algorithm, private, created_at, active_at, expires_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6);

-- name: last_signing_keys
SELECT id FROM signing_keys ORDER BY id DESC LIMIT 1;

-- name: inspect_count_signing_keys
SELECT count(*) FROM signing_keys;

-- name: clear_signing_keys
DELETE FROM signing_keys;

-- name: rows_attempts
SELECT key, failures, last_at
FROM attempts WHERE key > ?1 ORDER BY key LIMIT ?2;

-- name: row_attempts
INSERT INTO attempts (key, failures, last_at)
VALUES (?1, ?2, ?3);

-- name: last_attempts
SELECT key FROM attempts ORDER BY key DESC LIMIT 1;

-- name: inspect_count_attempts
SELECT count(*) FROM attempts;

-- name: clear_attempts
DELETE FROM attempts;

-- name: rows_sessions
SELECT id, account_id, provider, provider_session, created_at, expires_at, address, agent
FROM sessions WHERE id > ?1 ORDER BY id LIMIT ?2;

-- name: row_sessions
INSERT INTO sessions (id, account_id, provider, provider_session, created_at, expires_at, address, agent)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8);

-- name: last_sessions
SELECT id FROM sessions ORDER BY id DESC LIMIT 1;

-- name: inspect_count_sessions
SELECT count(*) FROM sessions;

-- name: clear_sessions
DELETE FROM sessions;

-- name: rows_sign_in_steps
SELECT id, kind, body, address, expires_at
FROM sign_in_steps WHERE id > ?1 ORDER BY id LIMIT ?2;

-- name: row_sign_in_steps
INSERT INTO sign_in_steps (id, kind, body, address, expires_at)
VALUES (?1, ?2, ?3, ?4, ?5);

-- name: last_sign_in_steps
SELECT id FROM sign_in_steps ORDER BY id DESC LIMIT 1;

-- name: inspect_count_sign_in_steps
SELECT count(*) FROM sign_in_steps;

-- name: clear_sign_in_steps
DELETE FROM sign_in_steps;

-- name: rows_sign_ons
SELECT provider, external, account_id, refresh_token, checked_at
FROM sign_ons WHERE (provider, external) > (?1, ?2) ORDER BY provider, external LIMIT ?3;

-- name: row_sign_ons
INSERT INTO sign_ons (provider, external, account_id, refresh_token, checked_at)
VALUES (?1, ?2, ?3, ?4, ?5);

-- name: last_sign_ons
SELECT provider, external FROM sign_ons ORDER BY provider DESC, external DESC LIMIT 1;

-- name: inspect_count_sign_ons
SELECT count(*) FROM sign_ons;

-- name: clear_sign_ons
DELETE FROM sign_ons;

-- name: rows_kept_answers
SELECT account_id, key, fingerprint, begun_at, answer FROM kept_answers
WHERE (account_id, key) > (?1, ?2) ORDER BY account_id, key LIMIT ?3;

-- name: row_kept_answers
INSERT INTO kept_answers (account_id, key, fingerprint, begun_at, answer) VALUES (?1, ?2, ?3, ?4, ?5);

-- name: last_kept_answers
SELECT account_id, key FROM kept_answers ORDER BY account_id DESC, key DESC LIMIT 1;

-- name: inspect_count_kept_answers
SELECT count(*) FROM kept_answers;

-- name: clear_kept_answers
DELETE FROM kept_answers;
