-- The previous release may go on running.
-- What it restores in parts is not marked, and retention may take the first parts before the last one is there.

-- Since when an image that this entry is about, or holds, comes back in parts, the last of which is not there; 0: none
-- does. Until then retention leaves what has no tag in its repository.
ALTER TABLE trash ADD COLUMN restoring_since BIGINT NOT NULL DEFAULT 0;
CREATE INDEX trash_restoring ON trash (name) WHERE restoring_since <> 0;

-- What the previous release collected or evicted of repositories that left beside it counts wrong: a day from now, when it
-- has stopped, all is counted anew.
INSERT INTO queue (kind, arguments, place, asked_by, asked_at, priority, not_before, state)
SELECT 'recount-usage', '{}', '', 'orlop', n.at, 0, n.at + 86400000000, 'waiting'
FROM (SELECT CAST(extract(epoch FROM now()) * 1000000 AS BIGINT) AS at) AS n WHERE EXISTS (SELECT 1 FROM repositories);
