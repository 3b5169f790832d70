-- name: queue_insert
INSERT INTO queue (kind, arguments, place, asked_by, asked_at, priority, not_before, state, once)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'waiting', ?8) ON CONFLICT DO NOTHING RETURNING id;

-- name: queue_get
SELECT id, kind, arguments, place, asked_by, asked_at, priority, not_before, state, attempts, started_at, ended_at, owner,
       fence, lease_until, beat_at, done, total, unit, text, result, error, unwanted
FROM queue WHERE id = ?1;

-- name: queue_lock
SELECT state, fence, unwanted, attempts, kind, once FROM queue WHERE id = ?1 FOR UPDATE;

-- name: queue_page
-- With the bytes of each, so that no more are read than a page holds.
SELECT id, octet_length(arguments) + octet_length(text) + octet_length(result) + octet_length(error) + 1000
FROM queue WHERE id < ?1 ORDER BY id DESC LIMIT ?2;

-- name: queue_page_of_state
SELECT id, octet_length(arguments) + octet_length(text) + octet_length(result) + octet_length(error) + 1000
FROM queue WHERE id < ?1 AND state = ?3 ORDER BY id DESC LIMIT ?2;

-- name: queue_page_of_kind
SELECT id, octet_length(arguments) + octet_length(text) + octet_length(result) + octet_length(error) + 1000
FROM queue WHERE id < ?1 AND kind = ?3 ORDER BY id DESC LIMIT ?2;

-- name: queue_page_of_both
SELECT id, octet_length(arguments) + octet_length(text) + octet_length(result) + octet_length(error) + 1000
FROM queue WHERE id < ?1 AND kind = ?3 AND state = ?4 ORDER BY id DESC LIMIT ?2;

-- name: queue_of_page
SELECT id, kind, arguments, place, asked_by, asked_at, priority, not_before, state, attempts, started_at, ended_at, owner,
       fence, lease_until, beat_at, done, total, unit, text, result, error, unwanted
FROM queue WHERE id IN (SELECT CAST(value AS BIGINT) FROM json_each(?1) AS wanted) ORDER BY id DESC;

-- name: queue_unwanted
UPDATE queue SET unwanted = 1 WHERE id = ?1;

-- name: queue_ended
UPDATE queue SET state = ?2, ended_at = ?3, result = ?4, error = ?5, lease_until = 0 WHERE id = ?1;

-- name: queue_again
UPDATE queue SET state = 'waiting', not_before = ?2, error = ?3, attempts = ?4, lease_until = 0, ended_at = 0, unwanted = 0
WHERE id = ?1;

-- name: queue_open
SELECT id FROM queue WHERE once = ?1 AND once <> '' AND state IN ('waiting', 'running');

-- name: queue_turn
-- Those who take jobs do it one after the other, so that no kind has more of them than it may.
SELECT version FROM queue_state WHERE id = 1 FOR UPDATE;

-- name: queue_move
UPDATE queue_state SET version = version + 1 WHERE id = 1;

-- name: queue_dead
-- What somebody changes just now is left alone: they wait for those who take jobs.
SELECT id, unwanted, attempts, kind FROM queue
WHERE state = 'running' AND (lease_until <= ?1 OR lease_until > ?3)
  AND kind IN (SELECT value FROM json_each(?2) AS wanted)
LIMIT 100 FOR UPDATE SKIP LOCKED;

-- name: queue_running
SELECT kind, place FROM queue WHERE state = 'running';

-- name: queue_due
-- Read in the order in which they are taken, past those whose time has not come: `+ 0` keeps the planner from sorting.
SELECT id, kind, place FROM queue
WHERE state = 'waiting' AND not_before + 0 <= ?1 AND kind IN (SELECT value FROM json_each(?2) AS wanted)
  AND kind || ' ' || place NOT IN (SELECT value FROM json_each(?3) AS wanted)
ORDER BY priority DESC, not_before, id LIMIT ?4 FOR UPDATE SKIP LOCKED;

-- name: queue_claim
UPDATE queue SET state = ?2, owner = ?3, fence = fence + 1, lease_until = ?4, started_at = ?5, beat_at = ?5,
    attempts = attempts + 1, done = 0, total = 0, unit = '', text = ''
WHERE id IN (SELECT CAST(value AS BIGINT) FROM json_each(?1) AS wanted)
RETURNING id, kind, arguments, place, asked_by, asked_at, priority, not_before, state, attempts, started_at, ended_at,
          owner, fence, lease_until, beat_at, done, total, unit, text, result, error, unwanted;

-- name: queue_next_waiting
SELECT not_before FROM queue
WHERE state = 'waiting' AND kind IN (SELECT value FROM json_each(?1) AS wanted) ORDER BY not_before LIMIT 1;

-- name: queue_next_dead
SELECT min(CASE WHEN lease_until > ?2 THEN 0 ELSE lease_until END)
FROM queue WHERE state = 'running' AND kind IN (SELECT value FROM json_each(?1) AS wanted);

-- name: queue_beat
UPDATE queue SET lease_until = ?2, beat_at = ?3
WHERE state = 'running' AND id || ' ' || fence IN (SELECT value FROM json_each(?1) AS wanted) RETURNING id;

-- name: queue_progress
UPDATE queue SET done = ?3, total = ?4, unit = ?5, text = ?6 WHERE id = ?1 AND fence = ?2 AND state = 'running';

-- name: queue_kept
SELECT id, fence, unwanted FROM queue
WHERE state = 'running' AND id IN (SELECT CAST(value AS BIGINT) FROM json_each(?1) AS wanted);

-- name: queue_plans
SELECT kind, schedule, next_at, last_at FROM queue_plan ORDER BY kind;

-- name: queue_plan_lock
SELECT kind, schedule, next_at, last_at FROM queue_plan WHERE kind = ?1 FOR UPDATE;

-- name: queue_plan_insert
INSERT INTO queue_plan (kind, schedule, next_at, last_at) VALUES (?1, ?2, ?3, ?4);

-- name: queue_plan_update
UPDATE queue_plan SET schedule = ?2, next_at = ?3, last_at = ?4 WHERE kind = ?1;

-- name: queue_depths
SELECT kind, sum(CASE WHEN state = 'waiting' THEN 1 ELSE 0 END), sum(CASE WHEN state = 'running' THEN 1 ELSE 0 END),
       sum(CASE WHEN state = 'failed' THEN 1 ELSE 0 END),
       min(CASE WHEN state = 'waiting' AND not_before <= ?1 THEN not_before END)
FROM queue WHERE state IN ('waiting', 'running', 'failed') GROUP BY kind;

-- name: queue_forget
DELETE FROM queue WHERE id IN (SELECT id FROM queue WHERE ended_at > 0 AND ended_at < ?1 ORDER BY ended_at LIMIT ?2)
RETURNING id;

-- name: queue_forget_done
DELETE FROM queue WHERE id IN (
    SELECT id FROM queue
    WHERE state = 'done' AND kind IN (SELECT value FROM json_each(?3) AS wanted) AND ended_at < ?1 LIMIT ?2)
RETURNING id;

-- name: queue_last_progress
UPDATE queue SET done = ?2, total = ?3, unit = ?4, text = ?5 WHERE id = ?1;
