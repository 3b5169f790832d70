-- The previous release may go on running.
-- What it restores in parts is not marked, and retention may take the first parts before the last one is there.

-- Since when an image that this entry is about, or holds, comes back in parts, the last of which is not there; 0: none
-- does. Until then retention leaves what has no tag in its repository.
ALTER TABLE trash ADD COLUMN restoring_since INTEGER NOT NULL DEFAULT 0;
CREATE INDEX trash_restoring ON trash (name) WHERE restoring_since <> 0;
