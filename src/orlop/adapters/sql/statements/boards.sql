-- What stands in the stages of pipelines.

-- name: board_repositories
SELECT name FROM repositories WHERE name > ?1 AND name < ?2 ORDER BY name LIMIT ?3;

-- name: board_newest
-- Of each repository the tag that was set last, without those under which clients keep what refers to an image.
SELECT w.name, t.name, m.digest, t.updated_at
FROM (SELECT r.id, r.name, (SELECT x.name FROM tags x WHERE x.repository_id = r.id AND substr(x.name, 1, 7) NOT IN ('sha256-', 'sha512-')
                            ORDER BY x.updated_at DESC, x.name DESC LIMIT 1) AS newest
      FROM json_each(?1) AS wanted JOIN repositories r ON r.name = wanted.value) AS w
JOIN tags t ON t.repository_id = w.id AND t.name = w.newest JOIN manifests m ON m.id = t.manifest_id;

-- name: board_tagged
SELECT t.name, m.digest, t.updated_at FROM repositories r JOIN tags t ON t.repository_id = r.id
JOIN manifests m ON m.id = t.manifest_id WHERE r.name = ?1 AND t.name = ?2;

-- name: board_holding
-- Of each repository and digest the tag that points at it and was set last, and since when; without one since it is there.
SELECT w.name, w.digest, COALESCE(t.name, ''), COALESCE(t.updated_at, w.pushed_at)
FROM (SELECT r.name, r.id AS repository_id, m.digest, m.pushed_at,
             (SELECT x.name FROM tags x WHERE x.manifest_id = m.id ORDER BY x.updated_at DESC, x.name DESC LIMIT 1) AS newest
      FROM json_each(?1) AS spans JOIN repositories r ON r.name = spans.value ->> 0
      JOIN manifests m ON m.repository_id = r.id AND m.digest = spans.value ->> 1
      WHERE NOT EXISTS (SELECT 1 FROM quarantined q WHERE q.manifest_id = m.id AND q.state <> 1)) AS w
LEFT JOIN tags t ON t.repository_id = w.repository_id AND t.name = w.newest;

-- name: board_waiting
SELECT id, path, pipeline, source, stage, bundle, state, asked_by, asked_id, asked_at, needed, expires_at, ended_at,
       ended_by, why, due_at, automatic
FROM promotions WHERE state = 0 AND path = ?1 AND pipeline = ?2
  AND EXISTS (SELECT 1 FROM promotion_images i WHERE i.promotion_id = promotions.id
              AND i.target IN (SELECT value FROM json_each(?4) AS wanted))
ORDER BY id DESC LIMIT ?3;
