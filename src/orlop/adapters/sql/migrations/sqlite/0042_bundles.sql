-- The previous release may go on running.
-- It knows of no bundles, and says of no change of a tag why it was made.

-- Images that go together: digests under a name, which is given once at a place. account_id: who made it; an account
-- that is gone leaves its number here, which nobody else gets.
CREATE TABLE bundles (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    path        TEXT NOT NULL,
    name        TEXT NOT NULL,
    created_by  TEXT NOT NULL,
    account_id  INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    UNIQUE (name, path)
) STRICT;
CREATE INDEX bundles_by_account ON bundles (account_id);

CREATE TABLE bundle_images (
    bundle_id   INTEGER NOT NULL REFERENCES bundles (id) ON DELETE CASCADE,
    number      INTEGER NOT NULL,
    repository  TEXT NOT NULL,
    tag         TEXT NOT NULL,        -- empty: it has none in the bundle
    digest      TEXT NOT NULL,
    PRIMARY KEY (bundle_id, number)
) STRICT, WITHOUT ROWID;

-- Why a tag changed, where it was no push: a promotion, or its rollback.
ALTER TABLE tag_history ADD COLUMN detail TEXT NOT NULL DEFAULT '';

CREATE INDEX promotion_images_by_digest ON promotion_images (digest, promotion_id);
