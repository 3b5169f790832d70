-- name: vulnerability_day_put
INSERT INTO finding_days (repository_id, day, critical, high, medium, low, others, accepted, cleared, fixable)
SELECT r.id, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10 FROM repositories r WHERE r.name = ?1
ON CONFLICT (repository_id, day) DO UPDATE
SET critical = excluded.critical, high = excluded.high, medium = excluded.medium, low = excluded.low,
    others = excluded.others, accepted = excluded.accepted, cleared = excluded.cleared, fixable = excluded.fixable;

-- name: vulnerability_days_of
-- Sums of repositories, by day.
SELECT d.day, CAST(sum(d.critical) AS BIGINT), CAST(sum(d.high) AS BIGINT), CAST(sum(d.medium) AS BIGINT),
       CAST(sum(d.low) AS BIGINT), CAST(sum(d.others) AS BIGINT), CAST(sum(d.accepted) AS BIGINT),
       CAST(sum(d.cleared) AS BIGINT), CAST(sum(d.fixable) AS BIGINT)
FROM json_each(?1) AS wanted JOIN repositories r ON r.name = wanted.value
JOIN finding_days d ON d.repository_id = r.id AND d.day >= ?2
GROUP BY d.day ORDER BY d.day;

-- name: vulnerability_days_drop
DELETE FROM finding_days WHERE day < ?1;
