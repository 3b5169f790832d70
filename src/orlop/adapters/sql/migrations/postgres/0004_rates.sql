-- The previous release may go on running.
-- It counts rates for each replica alone.

-- What was used up of rates, by hashes of who did.
CREATE TABLE rates (
    who      BIGINT PRIMARY KEY,
    used_1   BIGINT NOT NULL,
    used_2   BIGINT NOT NULL,
    used_3   BIGINT NOT NULL,
    ends_at  BIGINT NOT NULL
);
CREATE INDEX rates_by_end ON rates (ends_at);
