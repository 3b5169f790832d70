-- The previous release may go on running.
-- What it finds meanwhile is not told as new.

-- When an advisory that came or changed brought it, in microseconds since 1970; 0: its package came, or nobody knows.
ALTER TABLE findings ADD COLUMN came_at BIGINT NOT NULL DEFAULT 0;
CREATE INDEX findings_new ON findings (came_at) WHERE came_at > 0;

-- Parts of images that documents of others are in: those of the readers that domain.inside.claimed calls DOCUMENT_READERS.
CREATE VIEW documented_parts AS SELECT image_id FROM image_units WHERE reader IN ('cyclonedx', 'spdx');
