-- The previous release may go on running.

-- How much was known to be wrong at the end of a day, which is days since 1970, UTC, with the image of a repository that
-- was tagged last; without what exceptions accepted, but for `accepted`, and without what VEX documents cleared, but for
-- `cleared`.
CREATE TABLE finding_days (
    repository_id  BIGINT NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    day            BIGINT NOT NULL,
    critical       BIGINT NOT NULL,
    high           BIGINT NOT NULL,
    medium         BIGINT NOT NULL,
    low            BIGINT NOT NULL,
    others         BIGINT NOT NULL,  -- those that are none, or that nobody rated
    accepted       BIGINT NOT NULL,
    cleared        BIGINT NOT NULL,
    fixable        BIGINT NOT NULL,
    PRIMARY KEY (repository_id, day)
);
CREATE INDEX finding_days_by_age ON finding_days (day);
