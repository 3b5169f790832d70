-- The previous release may go on running.
-- It counts nothing of what is here: once it has stopped, the job recount-usage mends what it wrote beside. A million
-- links take about ten seconds at a depth of three.

-- How much lies below each node of the namespaces, kept by the transactions that change it. A node's numbers are the
-- sums of its parts, so that pushes side by side seldom want the same row.
CREATE TABLE node_usage (
    namespace_id   BIGINT NOT NULL,
    part           INTEGER NOT NULL,
    stored_bytes   BIGINT NOT NULL,  -- of manifests, and of each blob once, whoever holds it below the node
    logical_bytes  BIGINT NOT NULL,  -- the sum of what its repositories hold
    tags           BIGINT NOT NULL,
    manifests      BIGINT NOT NULL,
    repositories   BIGINT NOT NULL,
    PRIMARY KEY (namespace_id, part)
);

-- How many repositories below a node hold a blob. The root has no rows: it holds what is linked at all.
CREATE TABLE node_blobs (
    blob_id       BIGINT NOT NULL,
    namespace_id  BIGINT NOT NULL,
    holders       BIGINT NOT NULL,
    PRIMARY KEY (blob_id, namespace_id)
);

-- What a node had at the end of a day, which is days since 1970, UTC.
CREATE TABLE usage_days (
    namespace_id   BIGINT NOT NULL,
    day            BIGINT NOT NULL,
    stored_bytes   BIGINT NOT NULL,
    logical_bytes  BIGINT NOT NULL,
    tags           BIGINT NOT NULL,
    manifests      BIGINT NOT NULL,
    repositories   BIGINT NOT NULL,
    PRIMARY KEY (namespace_id, day)
);
CREATE INDEX usage_days_by_age ON usage_days (day);

-- How long an upload said that it becomes; it counts for as long as somebody writes to it. Below 0: it
-- holds nothing, because there was no room for it.
ALTER TABLE uploads ADD COLUMN reserved BIGINT NOT NULL DEFAULT 0;
CREATE INDEX uploads_by_repository ON uploads (repository);

INSERT INTO node_blobs (blob_id, namespace_id, holders)
WITH RECURSIVE above (leaf, id, parent_id) AS (
    SELECT id, id, parent_id FROM namespaces
    UNION ALL SELECT a.leaf, n.id, n.parent_id FROM above a JOIN namespaces n ON n.id = a.parent_id)
SELECT l.blob_id, a.id, count(*)
FROM blob_links l JOIN repositories r ON r.id = l.repository_id JOIN above a ON a.leaf = r.namespace_id
WHERE a.parent_id IS NOT NULL
GROUP BY l.blob_id, a.id;

INSERT INTO node_usage (namespace_id, part, stored_bytes, logical_bytes, tags, manifests, repositories)
WITH RECURSIVE above (leaf, id, parent_id) AS (
    SELECT id, id, parent_id FROM namespaces
    UNION ALL SELECT a.leaf, n.id, n.parent_id FROM above a JOIN namespaces n ON n.id = a.parent_id),
held (id, bytes) AS (
    SELECT nb.namespace_id, sum(b.size) FROM node_blobs nb JOIN blobs b ON b.id = nb.blob_id GROUP BY nb.namespace_id
    UNION ALL
    SELECT n.id, coalesce(sum(b.size), 0) FROM namespaces n CROSS JOIN blobs b
    WHERE n.parent_id IS NULL AND EXISTS (SELECT 1 FROM blob_links l WHERE l.blob_id = b.id) GROUP BY n.id)
SELECT a.id, 0, sum(r.manifest_bytes) + coalesce((SELECT h.bytes FROM held h WHERE h.id = a.id), 0),
       sum(r.manifest_bytes + r.blob_bytes), sum(CASE WHEN r.name < '~' THEN r.tag_count ELSE 0 END),
       sum(CASE WHEN r.name < '~' THEN r.manifest_count ELSE 0 END), sum(CASE WHEN r.name < '~' THEN 1 ELSE 0 END)
FROM repositories r JOIN above a ON a.leaf = r.namespace_id
GROUP BY a.id;
