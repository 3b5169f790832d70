-- name: upstream_state
SELECT state, since, until, away_since, failures, openings, last_ok_at, last_error, last_error_at, budgets, hits, misses,
    bytes_in
FROM upstream_states WHERE upstream = ?1;

-- name: upstream_state_lock
SELECT state, since, until, away_since, failures, openings, last_ok_at, last_error, last_error_at, budgets, hits, misses,
    bytes_in
FROM upstream_states WHERE upstream = ?1 FOR UPDATE;

-- name: upstream_states_all
SELECT upstream, state, since, until, away_since, failures, openings, last_ok_at, last_error, last_error_at, budgets, hits,
    misses, bytes_in
FROM upstream_states ORDER BY upstream;

-- name: upstream_state_put
INSERT INTO upstream_states (upstream, state, since, until, away_since, failures, openings, last_ok_at, last_error,
    last_error_at, budgets, hits, misses, bytes_in)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
ON CONFLICT (upstream) DO UPDATE SET state = excluded.state, since = excluded.since, until = excluded.until,
    away_since = excluded.away_since, failures = excluded.failures, openings = excluded.openings,
    last_ok_at = excluded.last_ok_at, last_error = excluded.last_error, last_error_at = excluded.last_error_at,
    budgets = excluded.budgets, hits = excluded.hits, misses = excluded.misses, bytes_in = excluded.bytes_in;

-- name: upstream_probe
UPDATE upstream_states SET state = ?3, since = ?4, until = ?5 WHERE upstream = ?1 AND since = ?2 AND state <> 'closed'
RETURNING upstream;

-- name: upstream_state_forget
DELETE FROM upstream_states WHERE upstream = ?1;
