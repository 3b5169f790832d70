-- name: delivery_add
INSERT INTO deliveries (hook, lane, event, kind, facts, state, created_at, due_at, expires_at)
VALUES (?1, ?2, ?3, ?4, ?5, 'pending', ?6, ?6, ?7);

-- name: delivery_waiting
-- From hook to hook along the index, however much is pending for each.
WITH RECURSIVE waiting(hook) AS (
    SELECT (SELECT min(f.hook) FROM deliveries f WHERE f.state = 'pending')
    UNION ALL
    SELECT (SELECT min(d.hook) FROM deliveries d WHERE d.state = 'pending' AND d.hook > w.hook)
    FROM waiting w WHERE w.hook IS NOT NULL)
SELECT w.hook, coalesce(h.failures, 0), coalesce(h.failing_since, 0), coalesce(h.resting_until, 0),
       coalesce(h.paused_at, 0), coalesce(h.error, '')
FROM waiting w LEFT JOIN webhook_health h ON h.hook = w.hook
WHERE w.hook IS NOT NULL;

-- name: delivery_lanes
-- From lane to lane, as above; what is due of those that come first.
WITH RECURSIVE lanes(lane) AS (
    SELECT (SELECT min(f.lane) FROM deliveries f WHERE f.state = 'pending' AND f.hook = ?1)
    UNION ALL
    SELECT (SELECT min(d.lane) FROM deliveries d WHERE d.state = 'pending' AND d.hook = ?1 AND d.lane > l.lane)
    FROM lanes l WHERE l.lane IS NOT NULL),
heads(id) AS (
    SELECT (SELECT min(d.id) FROM deliveries d WHERE d.state = 'pending' AND d.hook = ?1 AND d.lane = l.lane)
    FROM lanes l WHERE l.lane IS NOT NULL)
SELECT d.lane FROM heads h JOIN deliveries d ON d.id = h.id WHERE d.due_at <= ?2 ORDER BY d.id LIMIT ?3;

-- name: delivery_of_lane
SELECT id, hook, lane, event, kind, facts, state, created_at, due_at, expires_at, attempts, tried_at, status, error
FROM deliveries WHERE state = 'pending' AND hook = ?1 AND lane = ?2 ORDER BY id LIMIT ?3;

-- name: delivery_attempted
UPDATE deliveries SET state = ?2, due_at = ?3, attempts = ?4, tried_at = ?5, status = ?6, error = ?7
WHERE id = ?1 AND state = 'pending' RETURNING id;

-- name: delivery_attempt_add
INSERT INTO delivery_attempts (delivery_id, number, at, took, status, answer, error)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7);

-- name: delivery_abandon
UPDATE deliveries SET state = 'dead', tried_at = ?2, error = ?3
WHERE id IN (SELECT id FROM deliveries WHERE state = 'pending' AND hook = ?1 ORDER BY lane, id LIMIT ?4)
RETURNING id;

-- name: delivery_expire
UPDATE deliveries SET state = 'dead', tried_at = ?2, error = ?3
WHERE id IN (SELECT id FROM deliveries WHERE state = 'pending' AND expires_at < ?1 ORDER BY expires_at LIMIT ?4)
RETURNING id;

-- name: delivery_over
SELECT id FROM deliveries WHERE state <> 'pending' AND created_at < ?1 ORDER BY created_at LIMIT ?2;

-- name: delivery_attempts_forget
DELETE FROM delivery_attempts
WHERE delivery_id IN (SELECT CAST(value AS BIGINT) FROM json_each(?1) AS wanted);

-- name: delivery_forget
DELETE FROM deliveries WHERE id IN (SELECT CAST(value AS BIGINT) FROM json_each(?1) AS wanted);

-- name: delivery_page
-- With the bytes of each, so that no more are read than a page holds.
SELECT id, octet_length(facts) + octet_length(error) + 1000
FROM deliveries WHERE hook = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3;

-- name: delivery_page_dead
SELECT id, octet_length(facts) + octet_length(error) + 1000
FROM deliveries WHERE state = 'dead' AND hook = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3;

-- name: deliveries_of_page
SELECT id, hook, lane, event, kind, facts, state, created_at, due_at, expires_at, attempts, tried_at, status, error
FROM deliveries WHERE id IN (SELECT CAST(value AS BIGINT) FROM json_each(?1) AS wanted) ORDER BY id DESC;

-- name: delivery_get
SELECT id, hook, lane, event, kind, facts, state, created_at, due_at, expires_at, attempts, tried_at, status, error
FROM deliveries WHERE id = ?1;

-- name: delivery_hook_last
-- Of all hooks that had a name, which stands before their numbers, with a semicolon behind the colon in the end.
SELECT (SELECT max(hook) FROM deliveries WHERE hook > ?2 AND hook < ?3),
       (SELECT max(hook) FROM deliveries WHERE hook = ?1);

-- name: delivery_lock
SELECT id, hook, lane, event, kind, facts, state, created_at, due_at, expires_at, attempts, tried_at, status, error
FROM deliveries WHERE id = ?1 FOR UPDATE;

-- name: delivery_attempts_of
SELECT number, at, took, status, answer, error FROM delivery_attempts WHERE delivery_id = ?1
ORDER BY number DESC LIMIT ?2;

-- name: delivery_tried
INSERT INTO deliveries (hook, lane, event, kind, facts, state, created_at, due_at, expires_at, attempts, tried_at,
    status, error)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?7, 1, ?7, ?8, ?9) RETURNING id;

-- name: delivery_again
UPDATE deliveries SET state = 'pending', due_at = ?2, expires_at = ?3 WHERE id = ?1;

-- name: delivery_backlog
SELECT count(*), coalesce(min(expires_at), 0),
       (SELECT count(*) FROM deliveries WHERE state = 'dead'), (SELECT count(*) FROM webhook_health WHERE paused_at > 0)
FROM deliveries WHERE state = 'pending';

-- name: webhook_troubled
-- From hook to hook along the index of what was given up, and those that fail; one that is paused fails, too.
WITH RECURSIVE dead(hook) AS (
    SELECT (SELECT min(f.hook) FROM deliveries f WHERE f.state = 'dead')
    UNION ALL
    SELECT (SELECT min(d.hook) FROM deliveries d WHERE d.state = 'dead' AND d.hook > w.hook)
    FROM dead w WHERE w.hook IS NOT NULL),
troubled(hook) AS (
    SELECT hook FROM dead WHERE hook IS NOT NULL
    UNION
    SELECT hook FROM webhook_health WHERE failures > 0),
told(hook, dead) AS (
    SELECT t.hook, (SELECT count(*) FROM (SELECT 1 FROM deliveries d WHERE d.state = 'dead' AND d.hook = t.hook
                                          AND d.kind <> ?3 LIMIT ?2) AS given_up)
    FROM troubled t)
SELECT o.hook, coalesce(h.failures, 0), coalesce(h.failing_since, 0), coalesce(h.resting_until, 0),
       coalesce(h.paused_at, 0), coalesce(h.error, ''), o.dead
FROM told o LEFT JOIN webhook_health h ON h.hook = o.hook
WHERE o.dead > 0 OR h.failures > 0
ORDER BY o.hook LIMIT ?1;

-- name: webhook_health
SELECT failures, failing_since, resting_until, paused_at, error FROM webhook_health WHERE hook = ?1;

-- name: webhook_health_put
INSERT INTO webhook_health (hook, failures, failing_since, resting_until, paused_at, error)
VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (hook) DO UPDATE SET failures = excluded.failures, failing_since = excluded.failing_since,
    resting_until = excluded.resting_until, paused_at = excluded.paused_at, error = excluded.error;

-- name: webhook_health_forget
DELETE FROM webhook_health WHERE hook = ?1;

-- name: weigh_deliveries
SELECT octet_length(facts) + 1000 FROM deliveries WHERE id > ?1 ORDER BY id LIMIT ?2;

-- name: weigh_delivery_attempts
SELECT octet_length(answer) + 1000 FROM delivery_attempts
WHERE (delivery_id, number) > (?1, ?2) ORDER BY delivery_id, number LIMIT ?3;
