-- The previous release may go on running.
-- It knows of no promotions: what waits goes on waiting until a newer release looks at it.

-- Images that are to be, or were, in another place under the same digest. state: 0 waits, 1 done, 2 refused, 3 expired,
-- 4 rolled back. Accounts that are gone leave their numbers here, which nobody else gets.
CREATE TABLE promotions (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    path        TEXT NOT NULL,          -- the place of the pipeline, and its name
    pipeline    TEXT NOT NULL,
    source      TEXT NOT NULL,          -- the stages
    stage       TEXT NOT NULL,
    bundle      TEXT NOT NULL,          -- empty: none
    state       INTEGER NOT NULL,
    asked_by    TEXT NOT NULL,
    asked_id    INTEGER NOT NULL,
    asked_at    INTEGER NOT NULL,
    needed      INTEGER NOT NULL,           -- approvals
    expires_at  INTEGER NOT NULL,
    ended_at    INTEGER NOT NULL,
    ended_by    TEXT NOT NULL,
    why         TEXT NOT NULL,
    once        TEXT NOT NULL,          -- of what is the same: one alone of those waits
    due_at      INTEGER NOT NULL            -- when its stage opens for it; 0: approvals come first
) STRICT;
CREATE UNIQUE INDEX promotions_once ON promotions (once) WHERE state = 0;
CREATE INDEX promotions_by_state ON promotions (state, id);
CREATE INDEX promotions_by_due ON promotions (due_at) WHERE state < 1 AND due_at > 0;
CREATE INDEX promotions_by_end ON promotions (expires_at) WHERE state < 1;

CREATE TABLE promotion_images (
    promotion_id  INTEGER NOT NULL REFERENCES promotions (id) ON DELETE CASCADE,
    number        INTEGER NOT NULL,
    repository    TEXT NOT NULL,
    tag           TEXT NOT NULL,        -- empty: it was asked for by its digest
    digest        TEXT NOT NULL,
    target        TEXT NOT NULL,
    target_tag    TEXT NOT NULL,
    previous      TEXT NOT NULL,        -- what the tag pointed at; empty: nothing
    moved         INTEGER NOT NULL,         -- 1: it points at the digest since then
    PRIMARY KEY (promotion_id, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX promotion_images_by_target ON promotion_images (target, promotion_id);

CREATE TABLE promotion_approvals (
    promotion_id  INTEGER NOT NULL REFERENCES promotions (id) ON DELETE CASCADE,
    account_id    INTEGER NOT NULL,
    name          TEXT NOT NULL,
    at            INTEGER NOT NULL,
    PRIMARY KEY (promotion_id, account_id)
) STRICT, WITHOUT ROWID;
