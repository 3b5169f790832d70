-- The previous release may go on running.
-- It knows of no upstreams.

-- How upstreams fare, by the identity of their settings; none: nothing is known of one yet.
CREATE TABLE upstream_states (
    upstream       TEXT COLLATE "C" PRIMARY KEY,
    state          TEXT COLLATE "C" NOT NULL CHECK (state IN ('closed', 'open', 'half-open')),
    since          BIGINT NOT NULL,
    until          BIGINT NOT NULL,
    away_since     BIGINT NOT NULL,
    failures       BIGINT NOT NULL,
    openings       BIGINT NOT NULL,
    last_ok_at     BIGINT NOT NULL,
    last_error     TEXT COLLATE "C" NOT NULL,
    last_error_at  BIGINT NOT NULL,
    budgets        TEXT COLLATE "C" NOT NULL,  -- JSON, by account
    hits           BIGINT NOT NULL,
    misses         BIGINT NOT NULL,
    bytes_in       BIGINT NOT NULL
);
