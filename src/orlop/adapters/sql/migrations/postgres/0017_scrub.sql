-- The previous release may go on running.
-- It knows of no quarantine, and gives out what is damaged.

-- A copy that is not what it was: since when that is known, and what is wrong. Nobody gets it; the next push replaces it.
ALTER TABLE blobs ADD COLUMN rotten_at BIGINT;
ALTER TABLE blobs ADD COLUMN rot TEXT COLLATE "C";
CREATE INDEX blobs_rotten ON blobs (id) WHERE rotten_at IS NOT NULL;

-- At most one row: how far scrub came in its last pass over all blobs. Times are 0 for never.
CREATE TABLE scrub (
    id           BIGINT PRIMARY KEY CHECK (id = 1),
    started_at   BIGINT NOT NULL DEFAULT 0,
    finished_at  BIGINT NOT NULL DEFAULT 0,
    read_up_to   BIGINT NOT NULL DEFAULT 0,  -- the row of the last blob that was read
    blobs        BIGINT NOT NULL DEFAULT 0,
    bytes        BIGINT NOT NULL DEFAULT 0,
    rotten       BIGINT NOT NULL DEFAULT 0,
    failed       BIGINT NOT NULL DEFAULT 0   -- could not be read; nobody knows what they are
);

-- What lies in the store and no row names, and since when that is known. It goes after its time.
CREATE TABLE orphans (
    name      TEXT COLLATE "C" PRIMARY KEY,  -- <digest>/<copy>, or the id of an upload
    size      BIGINT NOT NULL,
    found_at  BIGINT NOT NULL
);

-- A collection looks for those that hold nothing.
CREATE INDEX repositories_empty ON repositories (name) WHERE manifest_count = 0 AND tag_count = 0 AND blob_count = 0;
