-- The previous release may go on running.
-- It knows of no repository that leaves in steps: what it restores or purges of one counts wrong, and so do loose links
-- that it collects there, which leave the namespaces above a second time. The job recount-usage mends that once it has
-- stopped.

-- A repository that was deleted lies in its namespace until it has left that: up to which digest its links count for
-- the namespaces above no more. NULL: it lies at the root, or never counted elsewhere.
ALTER TABLE trash ADD COLUMN left_to TEXT;
CREATE INDEX trash_leaving ON trash (id) WHERE left_to IS NOT NULL;

-- Until when somebody brings it back, in the other direction; 0: nobody does.
ALTER TABLE trash ADD COLUMN returns_until INTEGER NOT NULL DEFAULT 0;
