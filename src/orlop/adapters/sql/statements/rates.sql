-- name: rate_told
-- Each time is added to: by as much as the new one lies beyond now (?5), up to the furthest (?6), beyond which only a
-- clock that went wrong can have told it.
INSERT INTO rates (who, used_1, used_2, used_3, ends_at) VALUES (?1, ?2, ?3, ?4, ?6)
ON CONFLICT (who) DO UPDATE SET
    used_1 = CASE
        WHEN rates.used_1 < ?5 OR rates.used_1 > ?6 THEN excluded.used_1
        WHEN rates.used_1 + excluded.used_1 - ?5 > ?6 THEN ?6
        ELSE rates.used_1 + excluded.used_1 - ?5
    END,
    used_2 = CASE
        WHEN rates.used_2 < ?5 OR rates.used_2 > ?6 THEN excluded.used_2
        WHEN rates.used_2 + excluded.used_2 - ?5 > ?6 THEN ?6
        ELSE rates.used_2 + excluded.used_2 - ?5
    END,
    used_3 = CASE
        WHEN rates.used_3 < ?5 OR rates.used_3 > ?6 THEN excluded.used_3
        WHEN rates.used_3 + excluded.used_3 - ?5 > ?6 THEN ?6
        ELSE rates.used_3 + excluded.used_3 - ?5
    END,
    ends_at = excluded.ends_at;

-- name: rates_now
SELECT who, used_1, used_2, used_3 FROM rates
WHERE ends_at > ?1 AND (used_1 > ?1 OR used_2 > ?1 OR used_3 > ?1)
ORDER BY ends_at DESC LIMIT ?2;

-- name: rates_forget
-- A few at a time: whoever tells makes room for more than that.
DELETE FROM rates WHERE who IN (SELECT r.who FROM rates r WHERE r.ends_at < ?1 ORDER BY r.ends_at LIMIT 1000);

-- name: clear_rates
DELETE FROM rates;
