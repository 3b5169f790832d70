-- The previous release may go on running.
-- It keeps the indexes right like any other, and knows of no annotations: those of what it is pushed are not found.

-- The newest tags of a repository, and every tag of a name.
CREATE INDEX tags_by_time ON tags (repository_id, updated_at, name);
CREATE INDEX tags_by_name ON tags (name, repository_id);

-- Who holds a manifest, and what has a label.
CREATE INDEX manifests_by_digest ON manifests (digest, repository_id);
CREATE INDEX labels_by_key ON labels (key, value, repository_id, digest);

-- What lies directly below a namespace, in the order of the repositories in it.
CREATE INDEX namespaces_below ON namespaces (parent_id, (path || '/'));

-- What manifests say of themselves, as far as it is short, to find them by: content has all of it.
CREATE TABLE annotations (
    manifest_id  INTEGER NOT NULL REFERENCES manifests (id) ON DELETE CASCADE,
    key          TEXT    NOT NULL,
    value        TEXT    NOT NULL,
    PRIMARY KEY (manifest_id, key)
) STRICT, WITHOUT ROWID;
INSERT INTO annotations (manifest_id, key, value)
SELECT m.id, j.key, j.value FROM manifests m CROSS JOIN json_each(m.annotations) AS j
WHERE m.annotations <> '{}' AND length(j.key) <= 256 AND length(j.value) <= 256 AND m.annotations NOT LIKE '%\u0000%';
CREATE INDEX annotations_by_value ON annotations (key, value, manifest_id);
