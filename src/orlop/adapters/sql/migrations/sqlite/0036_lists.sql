-- The previous release may go on running.
-- It keeps the indexes right like any other, and learns no platforms: images that it reads meanwhile have none until
-- they are read again.

-- For which platform an image is, by its config: linux/arm64/v8. Empty: that is not known.
ALTER TABLE inside_images ADD COLUMN platform TEXT NOT NULL DEFAULT '';

-- The repositories of a namespace, the last push first and the largest first; those that are hidden are in neither.
CREATE INDEX repositories_by_push ON repositories (namespace_id, (coalesce(pushed_at, 0)), name) WHERE name < '~';
CREATE INDEX repositories_by_size ON repositories (namespace_id, (manifest_bytes + blob_bytes), name) WHERE name < '~';
