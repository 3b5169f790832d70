-- How many repositories below a node hold a blob, and how many of them cache it. Each is made for both tables (see `tables`).

-- name: {table}_hold
-- One repository more below these nodes holds a blob; how many do now.
INSERT INTO {table} (blob_id, namespace_id, holders)
SELECT ?1, CAST(wanted.value AS BIGINT), 1 FROM json_each(?2) AS wanted WHERE true
ON CONFLICT (blob_id, namespace_id) DO UPDATE SET holders = {table}.holders + 1
RETURNING namespace_id, holders;

-- name: {table}_hold_all
-- The same of each of these blobs.
INSERT INTO {table} (blob_id, namespace_id, holders)
SELECT CAST(held.value AS BIGINT), CAST(wanted.value AS BIGINT), 1
FROM json_each(?1) AS held CROSS JOIN json_each(?2) AS wanted WHERE true
ON CONFLICT (blob_id, namespace_id) DO UPDATE SET holders = {table}.holders + 1
RETURNING namespace_id, holders, blob_id;

-- name: {table}_new
-- The first repository below a node holds a blob.
INSERT INTO {table} (blob_id, namespace_id, holders) VALUES (?1, ?2, 1)
ON CONFLICT (blob_id, namespace_id) DO UPDATE SET holders = {table}.holders + 1;

-- name: {table}_release
UPDATE {table} SET holders = holders - 1 WHERE blob_id = ?1 AND namespace_id = ?2;

-- name: {table}_released
-- Which nodes hold which of these blobs no more.
DELETE FROM {table}
WHERE blob_id IN (SELECT CAST(value AS BIGINT) FROM json_each(?1) AS wanted) AND holders <= 0
RETURNING namespace_id, blob_id;

-- name: {table}_set
INSERT INTO {table} (blob_id, namespace_id, holders) VALUES (?1, ?2, ?3)
ON CONFLICT (blob_id, namespace_id) DO UPDATE SET holders = excluded.holders;

-- name: {table}_clear
DELETE FROM {table} WHERE blob_id >= ?1 AND blob_id < ?2 AND holders <= 0;
