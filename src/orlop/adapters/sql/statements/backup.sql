-- name: backup_blobs
SELECT digest, size, copy FROM blobs WHERE digest > ?1 AND state <> 'tombstoned' ORDER BY digest LIMIT ?2;

-- name: backup_held
-- Who is about to remove copies waits here for a backup that begins, which waits here for who is at it.
SELECT lease_until FROM jobs WHERE name = 'backup' FOR UPDATE;

-- name: restored_sign_ons
-- This and what follows: what a restored catalog leaves out, because the registry that it was copied from may go on.
UPDATE sign_ons SET refresh_token = '' WHERE refresh_token <> '';

-- name: restored_deliveries
UPDATE deliveries SET state = 'dead', error = 'restored from a backup' WHERE state = 'pending';

-- name: restored_readers
UPDATE readers SET position = (SELECT coalesce(max(id), 0) FROM outbox) WHERE stream = 'outbox' AND name = 'webhooks';

-- name: restored_queue
UPDATE queue SET state = 'cancelled', error = 'restored from a backup', lease_until = 0 WHERE state IN ('waiting', 'running');

-- name: restored_jobs
UPDATE jobs SET owner = '', lease_until = 0 WHERE name = 'backup';

-- name: restored_move
UPDATE moving SET state = 'settled', move = '', run = '', other = '', peer = '', blobs = '' WHERE id = 1;
