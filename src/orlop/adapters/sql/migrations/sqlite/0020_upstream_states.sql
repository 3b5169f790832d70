-- The previous release may go on running.
-- It knows of no upstreams.

-- How upstreams fare, by the identity of their settings; none: nothing is known of one yet.
CREATE TABLE upstream_states (
    upstream       TEXT    PRIMARY KEY,
    state          TEXT    NOT NULL CHECK (state IN ('closed', 'open', 'half-open')),
    since          INTEGER NOT NULL,
    until          INTEGER NOT NULL,
    away_since     INTEGER NOT NULL,
    failures       INTEGER NOT NULL,
    openings       INTEGER NOT NULL,
    last_ok_at     INTEGER NOT NULL,
    last_error     TEXT    NOT NULL,
    last_error_at  INTEGER NOT NULL,
    budgets        TEXT    NOT NULL,  -- JSON, by account
    hits           INTEGER NOT NULL,
    misses         INTEGER NOT NULL,
    bytes_in       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
