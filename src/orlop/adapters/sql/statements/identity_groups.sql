-- Groups, who is in them, and what subjects may do. The columns of a grant are always the same, those of its role's
-- document last.

-- name: group_get
SELECT g.id, g.name, g.source, g.description, (SELECT count(*) FROM members m WHERE m.group_id = g.id), g.created_at,
       g.created_by, g.version
FROM groups g WHERE g.name = ?1;

-- name: group_page
SELECT g.id, g.name, g.source, g.description, (SELECT count(*) FROM members m WHERE m.group_id = g.id), g.created_at,
       g.created_by, g.version
FROM groups g WHERE g.name > ?1 ORDER BY g.name LIMIT ?2;

-- name: group_lock
SELECT id, source, version FROM groups WHERE name = ?1 FOR UPDATE;

-- name: group_insert
INSERT INTO groups (name, source, description, created_at, created_by) VALUES (?1, ?2, ?3, ?4, ?5) RETURNING id;

-- name: group_changed
UPDATE groups SET version = version + 1 WHERE id = ?1;

-- name: group_delete
DELETE FROM groups WHERE id = ?1;

-- name: groups_named
SELECT name, source FROM groups WHERE name IN (SELECT value FROM json_each(?1) AS wanted);

-- name: groups_of_source
SELECT id, name FROM groups WHERE source = ?1 AND source <> 'local';

-- name: groups_of_source_lock
SELECT id, name FROM groups WHERE source = ?1 AND source <> 'local' ORDER BY id FOR UPDATE;

-- name: groups_of_source_granted
SELECT g.id FROM groups g
WHERE g.source = ?1 AND g.source <> 'local' AND EXISTS (SELECT 1 FROM grants r WHERE r.group_id = g.id);

-- name: members_of_source
SELECT m.group_id, m.account FROM groups g JOIN members m ON m.group_id = g.id
WHERE g.source = ?1 AND g.source <> 'local';

-- name: members_of_group
SELECT account FROM members WHERE group_id = ?1;

-- name: member_page
SELECT account FROM members WHERE group_id = ?1 AND account > ?2 ORDER BY account LIMIT ?3;

-- name: groups_of_account
SELECT g.name, g.id, g.source FROM members m JOIN groups g ON g.id = m.group_id WHERE m.account = ?1;

-- name: member_insert
INSERT INTO members (group_id, account) VALUES (?1, ?2);

-- name: member_delete
DELETE FROM members WHERE group_id = ?1 AND account = ?2;

-- name: members_delete
DELETE FROM members WHERE group_id = ?1;

-- name: memberships_delete
DELETE FROM members WHERE account = ?1;

-- name: accounts_named
SELECT name FROM accounts WHERE name IN (SELECT value FROM json_each(?1) AS wanted);

-- name: grant_get
SELECT r.id, r.effect, coalesce(a.name, 'group:' || g.name), r.role, r.place_kind, r.path, r.tags, r.conditions,
       r.expires_at, r.created_at, r.created_by, d.body
FROM grants r
LEFT JOIN accounts a ON a.id = r.account_id
LEFT JOIN groups g ON g.id = r.group_id
LEFT JOIN documents d ON d.kind = 'role' AND d.path = '' AND d.name = r.role
WHERE r.id = ?1;

-- name: grant_page
SELECT r.id, r.effect, coalesce(a.name, 'group:' || g.name), r.role, r.place_kind, r.path, r.tags, r.conditions,
       r.expires_at, r.created_at, r.created_by, d.body
FROM grants r
LEFT JOIN accounts a ON a.id = r.account_id
LEFT JOIN groups g ON g.id = r.group_id
LEFT JOIN documents d ON d.kind = 'role' AND d.path = '' AND d.name = r.role
WHERE r.id > ?1 ORDER BY r.id LIMIT ?2;

-- name: grant_page_of_account
SELECT r.id, r.effect, a.name, r.role, r.place_kind, r.path, r.tags, r.conditions, r.expires_at, r.created_at,
       r.created_by, d.body
FROM accounts a
JOIN grants r ON r.account_id = a.id
LEFT JOIN documents d ON d.kind = 'role' AND d.path = '' AND d.name = r.role
WHERE a.name = ?1 AND r.id > ?2 ORDER BY r.id LIMIT ?3;

-- name: grant_page_of_group
SELECT r.id, r.effect, 'group:' || g.name, r.role, r.place_kind, r.path, r.tags, r.conditions, r.expires_at,
       r.created_at, r.created_by, d.body
FROM groups g
JOIN grants r ON r.group_id = g.id
LEFT JOIN documents d ON d.kind = 'role' AND d.path = '' AND d.name = r.role
WHERE g.name = ?1 AND r.id > ?2 ORDER BY r.id LIMIT ?3;

-- name: grant_page_of_place
SELECT r.id, r.effect, coalesce(a.name, 'group:' || g.name), r.role, r.place_kind, r.path, r.tags, r.conditions,
       r.expires_at, r.created_at, r.created_by, d.body
FROM grants r
LEFT JOIN accounts a ON a.id = r.account_id
LEFT JOIN groups g ON g.id = r.group_id
LEFT JOIN documents d ON d.kind = 'role' AND d.path = '' AND d.name = r.role
WHERE r.place_kind = ?1 AND r.path = ?2 AND r.id > ?3 ORDER BY r.id LIMIT ?4;

-- name: grant_page_of_account_and_place
SELECT r.id, r.effect, a.name, r.role, r.place_kind, r.path, r.tags, r.conditions, r.expires_at, r.created_at,
       r.created_by, d.body
FROM accounts a
JOIN grants r ON r.account_id = a.id
LEFT JOIN documents d ON d.kind = 'role' AND d.path = '' AND d.name = r.role
WHERE a.name = ?1 AND r.place_kind = ?2 AND r.path = ?3 AND r.id > ?4 ORDER BY r.id LIMIT ?5;

-- name: grant_page_of_group_and_place
SELECT r.id, r.effect, 'group:' || g.name, r.role, r.place_kind, r.path, r.tags, r.conditions, r.expires_at,
       r.created_at, r.created_by, d.body
FROM groups g
JOIN grants r ON r.group_id = g.id
LEFT JOIN documents d ON d.kind = 'role' AND d.path = '' AND d.name = r.role
WHERE g.name = ?1 AND r.place_kind = ?2 AND r.path = ?3 AND r.id > ?4 ORDER BY r.id LIMIT ?5;

-- name: grants_covering
SELECT r.id, r.effect, coalesce(a.name, 'group:' || g.name), r.role, r.place_kind, r.path, r.tags, r.conditions,
       r.expires_at, r.created_at, r.created_by, d.body
FROM grants r
LEFT JOIN accounts a ON a.id = r.account_id
LEFT JOIN groups g ON g.id = r.group_id
LEFT JOIN documents d ON d.kind = 'role' AND d.path = '' AND d.name = r.role
WHERE r.place_kind IN ('registry', 'repositories')
   OR (r.place_kind = 'namespace' AND r.path IN (SELECT value FROM json_each(?1) AS wanted))
LIMIT ?2;

-- name: grant_like_of_account
SELECT id FROM grants
WHERE account_id = ?1 AND effect = ?2 AND role = ?3 AND place_kind = ?4 AND path = ?5 AND tags = ?6 AND conditions = ?7
  AND expires_at = ?8;

-- name: grant_like_of_group
SELECT id FROM grants
WHERE group_id = ?1 AND effect = ?2 AND role = ?3 AND place_kind = ?4 AND path = ?5 AND tags = ?6 AND conditions = ?7
  AND expires_at = ?8;

-- name: grant_insert
INSERT INTO grants (account_id, group_id, effect, role, place_kind, path, tags, conditions, expires_at, created_at,
                    created_by)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
RETURNING id;

-- name: grant_of_role
SELECT id FROM grants WHERE role = ?1 ORDER BY id LIMIT 1;

-- name: grants_delete
DELETE FROM grants WHERE id IN (SELECT CAST(value AS BIGINT) FROM json_each(?1) AS wanted) RETURNING id;

-- name: facts_account
-- The version comes first, so that no answer that is made from what follows is older than it says.
SELECT coalesce((SELECT v.version FROM access_state v WHERE v.id = 1), 1),
       a.id, a.kind, a.name, a.display, a.email, a.source, a.external, a.namespace, a.password IS NOT NULL,
       a.must_change, a.factor_kinds, a.disabled, a.expires_at, a.created_at, a.created_by, a.used_at, a.used_from,
       a.version, a.authority, a.epoch, a.signed_in_from,
       s.id, a.name, s.kind, s.name, s.lookup, s.hash, s.limits, s.created_at, s.created_by, s.expires_at, s.warned_at,
       s.used_at, s.used_from
FROM accounts a LEFT JOIN secrets s ON s.id = ?2 AND s.account_id = a.id
WHERE a.id = ?1;

-- name: facts_grants
-- A group without a grant has a row, too.
SELECT g.name, r.id, r.effect, 'group:' || g.name, r.role, r.place_kind, r.path, r.tags, r.conditions, r.expires_at,
       r.created_at, r.created_by, d.body
FROM members m
JOIN groups g ON g.id = m.group_id
LEFT JOIN grants r ON r.group_id = g.id
LEFT JOIN documents d ON d.kind = 'role' AND d.path = '' AND d.name = r.role
WHERE m.account = ?2
UNION ALL
SELECT NULL, r.id, r.effect, ?2, r.role, r.place_kind, r.path, r.tags, r.conditions, r.expires_at, r.created_at,
       r.created_by, d.body
FROM grants r LEFT JOIN documents d ON d.kind = 'role' AND d.path = '' AND d.name = r.role
WHERE r.account_id = ?1;
