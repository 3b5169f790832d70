-- The previous release may go on running.

-- How much was known to be wrong at the end of a day, which is days since 1970, UTC, with the image of a repository that
-- was tagged last; without what exceptions accepted, but for `accepted`, and without what VEX documents cleared, but for
-- `cleared`.
CREATE TABLE finding_days (
    repository_id  INTEGER NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    day            INTEGER NOT NULL,
    critical       INTEGER NOT NULL,
    high           INTEGER NOT NULL,
    medium         INTEGER NOT NULL,
    low            INTEGER NOT NULL,
    others         INTEGER NOT NULL,  -- those that are none, or that nobody rated
    accepted       INTEGER NOT NULL,
    cleared        INTEGER NOT NULL,
    fixable        INTEGER NOT NULL,
    PRIMARY KEY (repository_id, day)
) STRICT, WITHOUT ROWID;
CREATE INDEX finding_days_by_age ON finding_days (day);
