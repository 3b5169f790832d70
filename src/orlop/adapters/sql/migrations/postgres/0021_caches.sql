-- The previous release may go on running.
-- It knows of no caches: what it writes into one counts for all nodes above, until the job recount-usage mends that.

-- The node of the upstream whose content a repository caches; NULL: its content is its own. To the nodes above that
-- one, but the root, it counts as cache alone: see docs/adr/040-caches-count-by-themselves.md.
ALTER TABLE repositories ADD COLUMN cache_root BIGINT;

-- Of what repositories below the node cache: manifests, and each blob once, whoever caches it there.
ALTER TABLE node_usage ADD COLUMN cached_bytes BIGINT NOT NULL DEFAULT 0;
ALTER TABLE usage_days ADD COLUMN cached_bytes BIGINT NOT NULL DEFAULT 0;

-- How many repositories below a node, the root too, cache a blob.
CREATE TABLE node_cached (
    blob_id       BIGINT NOT NULL,
    namespace_id  BIGINT NOT NULL,
    holders       BIGINT NOT NULL,
    PRIMARY KEY (blob_id, namespace_id)
);

-- The manifests of caches by when they were certainly used last; it may have been later, which is looked up when their
-- turn comes. Rows of what is gone, or is cached no more, go then, too.
CREATE TABLE cached_manifests (
    manifest_id  BIGINT NOT NULL,
    cache_root   BIGINT NOT NULL,
    used_at      BIGINT NOT NULL,
    PRIMARY KEY (manifest_id)
);
CREATE INDEX cached_manifests_by_use ON cached_manifests (cache_root, used_at, manifest_id);
