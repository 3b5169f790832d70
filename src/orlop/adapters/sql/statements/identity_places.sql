-- Namespaces and what is set on them, the end of a repository, documents, and the version of who may do what.

-- name: access_version
SELECT version FROM access_state WHERE id = 1;

-- name: access_begin
INSERT INTO access_state (id, version) VALUES (1, 1) ON CONFLICT (id) DO NOTHING;

-- name: access_lock
SELECT version FROM access_state WHERE id = 1 FOR UPDATE;

-- name: access_move
INSERT INTO access_state (id, version) VALUES (1, 2)
ON CONFLICT (id) DO UPDATE SET version = access_state.version + 1
RETURNING version;

-- name: facts_place
SELECT s.path, s.visibility,
       EXISTS (SELECT 1 FROM repositories r WHERE r.name = ?1),
       coalesce((SELECT d.version FROM repository_deletions d WHERE d.name = ?1), 0),
       coalesce((SELECT v.version FROM access_state v WHERE v.id = 1), 1)
FROM (SELECT max(n.path) AS path FROM namespace_settings n
      WHERE n.visibility IS NOT NULL AND n.path IN (SELECT value FROM json_each(?2) AS wanted)) nearest
LEFT JOIN namespace_settings s ON s.path = nearest.path;

-- name: namespaces_open
SELECT path, visibility FROM namespace_settings
WHERE visibility IS NOT NULL AND path || '/' > ?1 ORDER BY path || '/' LIMIT ?2;

-- name: namespace_get
SELECT n.path, s.visibility, coalesce(s.description, ''), n.created_at, n.created_by, coalesce(s.version, 1)
FROM namespaces n LEFT JOIN namespace_settings s ON s.namespace_id = n.id
WHERE n.path = ?1;

-- name: namespace_page
SELECT n.path, s.visibility, coalesce(s.description, ''), n.created_at, n.created_by, coalesce(s.version, 1)
FROM namespaces n LEFT JOIN namespace_settings s ON s.namespace_id = n.id
WHERE n.path > ?1 AND n.path < ?2 ORDER BY n.path LIMIT ?3;

-- name: namespace_lock
SELECT id FROM namespaces WHERE path = ?1 FOR UPDATE;

-- name: namespace_set_first
-- Of a namespace that was just made: where there are settings already, somebody else made it meanwhile.
INSERT INTO namespace_settings (namespace_id, path, visibility, description, version) VALUES (?1, ?2, ?3, ?4, ?5);

-- name: namespace_set
INSERT INTO namespace_settings (namespace_id, path, visibility, description, version) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (namespace_id) DO UPDATE
SET visibility = excluded.visibility, description = excluded.description, version = excluded.version;

-- name: namespace_below
SELECT path FROM namespaces WHERE path > ?1 AND path < ?2 LIMIT 1;

-- name: repository_below
SELECT name FROM repositories WHERE name > ?1 AND name < ?2 LIMIT 1;

-- name: namespace_unset
DELETE FROM namespace_settings WHERE namespace_id = ?1;

-- name: namespace_delete
DELETE FROM namespaces WHERE id = ?1;

-- name: repository_sizes
SELECT tag_count, manifest_count, blob_count, manifest_bytes + blob_bytes, manifest_bytes FROM repositories WHERE id = ?1;

-- name: repository_tags
SELECT t.name, m.digest FROM tags t JOIN manifests m ON m.id = t.manifest_id WHERE t.repository_id = ?1 ORDER BY t.name;

-- name: repository_links
SELECT l.digest, l.blob_id, b.size FROM blob_links l JOIN blobs b ON b.id = l.blob_id WHERE l.repository_id = ?1;

-- name: repository_delete_history
DELETE FROM tag_history WHERE repository_id = ?1;

-- name: repository_delete
DELETE FROM repositories WHERE id = ?1;

-- name: repository_deleted
INSERT INTO repository_deletions (name, version, at) VALUES (?1, ?2, ?3)
ON CONFLICT (name) DO UPDATE SET version = excluded.version, at = excluded.at;

-- name: document_get
SELECT kind, name, body, version, changed_at, changed_by, path, made FROM documents
WHERE kind = ?1 AND path = ?2 AND name = ?3;

-- name: document_lock
SELECT kind, name, body, version, changed_at, changed_by, path, made FROM documents
WHERE kind = ?1 AND path = ?2 AND name = ?3 FOR UPDATE;

-- name: documents_all
SELECT kind, name, body, version, changed_at, changed_by, path, made FROM documents WHERE kind = ?1 ORDER BY path, name;

-- name: documents_page
SELECT kind, name, body, version, changed_at, changed_by, path, made FROM documents
WHERE kind = ?1 AND (path, name) > (?2, ?3) ORDER BY path, name LIMIT ?4;

-- name: documents_page_of_path
SELECT kind, name, body, version, changed_at, changed_by, path, made FROM documents
WHERE kind = ?1 AND path = ?2 AND name > ?3 ORDER BY name LIMIT ?4;

-- name: documents_paths
SELECT path FROM documents WHERE kind = ?1 ORDER BY path LIMIT ?2;

-- name: documents_covering
SELECT kind, name, body, version, changed_at, changed_by, path, made FROM documents
WHERE kind = ?1 AND path IN (SELECT value FROM json_each(?2) AS wanted) ORDER BY path, name;

-- name: documents_of_place
SELECT kind, name, body, version, changed_at, changed_by, path, made FROM documents
WHERE path <> '' AND path >= ?1 AND path < ?3 AND (path = ?1 OR path > ?2);

-- name: document_insert
INSERT INTO documents (kind, path, name, body, version, changed_at, changed_by, made)
SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, coalesce((SELECT version FROM settings_state WHERE id = 1), 1)
RETURNING made;

-- name: document_update
UPDATE documents SET body = ?4, version = ?5, changed_at = ?6, changed_by = ?7
WHERE kind = ?1 AND path = ?2 AND name = ?3;

-- name: document_delete
DELETE FROM documents WHERE kind = ?1 AND path = ?2 AND name = ?3;

-- name: settings_version
SELECT coalesce((SELECT version FROM settings_state WHERE id = 1), 1);

-- name: settings_move
INSERT INTO settings_state (id, version) VALUES (1, 2)
ON CONFLICT (id) DO UPDATE SET version = settings_state.version + 1;
