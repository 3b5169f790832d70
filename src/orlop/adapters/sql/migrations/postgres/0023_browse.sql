-- The previous release may go on running.
-- It keeps the indexes right like any other, and knows of no annotations: those of what it is pushed are not found.

-- What manifests say of themselves, as far as it is short, to find them by: content has all of it.
CREATE TABLE annotations (
    manifest_id  BIGINT NOT NULL REFERENCES manifests (id) ON DELETE CASCADE,
    key          TEXT COLLATE "C" NOT NULL,
    value        TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (manifest_id, key)
);
INSERT INTO annotations (manifest_id, key, value)
SELECT m.id, j.key, j.value FROM manifests m CROSS JOIN LATERAL json_each_text(m.annotations::json) AS j
WHERE m.annotations <> '{}' AND length(j.key) <= 256 AND length(j.value) <= 256
  AND position('\u0000' in m.annotations) = 0;
CREATE INDEX annotations_by_value ON annotations (key, value, manifest_id);

-- Indexes come last, those of what every push writes at the very end: until the migration ends nobody writes there.

-- What lies directly below a namespace, in the order of the repositories in it.
CREATE INDEX namespaces_below ON namespaces (parent_id, (path || '/'));

-- Who holds a manifest, and what has a label.
CREATE INDEX manifests_by_digest ON manifests (digest, repository_id);
CREATE INDEX labels_by_key ON labels (key, value, repository_id, digest);

-- The newest tags of a repository, and every tag of a name.
CREATE INDEX tags_by_time ON tags (repository_id, updated_at, name);
CREATE INDEX tags_by_name ON tags (name, repository_id);
