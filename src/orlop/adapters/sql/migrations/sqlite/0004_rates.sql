-- The previous release may go on running.
-- It counts rates for each replica alone.

-- What was used up of rates, by hashes of who did.
CREATE TABLE rates (
    who      INTEGER PRIMARY KEY,
    used_1   INTEGER NOT NULL,
    used_2   INTEGER NOT NULL,
    used_3   INTEGER NOT NULL,
    ends_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX rates_by_end ON rates (ends_at);
