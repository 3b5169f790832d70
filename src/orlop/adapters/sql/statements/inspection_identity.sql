-- What the keys of the tables forbid, looked for all the same, and what no key can forbid.

-- name: finding_grant_principal
SELECT 'grant ' || r.id, 'the grant is for nobody that is there'
FROM grants r
WHERE NOT EXISTS (SELECT 1 FROM accounts a WHERE a.id = r.account_id)
  AND NOT EXISTS (SELECT 1 FROM groups g WHERE g.id = r.group_id);

-- name: finding_grant_role
SELECT 'grant ' || r.id, 'the grant names the role ' || r.role || ', which is not there'
FROM grants r
WHERE r.role NOT IN (SELECT value FROM json_each(?1) AS wanted)
  AND NOT EXISTS (SELECT 1 FROM documents d WHERE d.kind = 'role' AND d.path = '' AND d.name = r.role);

-- name: finding_member
SELECT m.account, 'the account, or a group that it is in, is not there'
FROM members m
WHERE NOT EXISTS (SELECT 1 FROM accounts a WHERE a.name = m.account)
   OR NOT EXISTS (SELECT 1 FROM groups g WHERE g.id = m.group_id);

-- name: finding_secret
SELECT 'secret ' || s.id, 'the secret belongs to no account'
FROM secrets s WHERE NOT EXISTS (SELECT 1 FROM accounts a WHERE a.id = s.account_id);

-- name: finding_session
SELECT 'a session', 'the session belongs to no account'
FROM sessions s WHERE NOT EXISTS (SELECT 1 FROM accounts a WHERE a.id = s.account_id);

-- name: finding_deletion
SELECT d.name, 'the version of who may do what is older than the last deletion of the repository'
FROM repository_deletions d WHERE d.version > coalesce((SELECT v.version FROM access_state v WHERE v.id = 1), 1);
