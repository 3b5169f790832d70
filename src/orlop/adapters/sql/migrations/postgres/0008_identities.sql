-- The previous release may go on running.
-- It raises no epoch: what was signed in with a password that is changed there lives as long as it did before. Sessions
-- that it begins belong to a name.

-- When what an account is signed in with began to count anew: what was signed in before is over.
ALTER TABLE accounts ADD COLUMN epoch BIGINT NOT NULL DEFAULT 1;
-- The address of the last sign-in with a password or in a browser.
ALTER TABLE accounts ADD COLUMN signed_in_from TEXT COLLATE "C" NOT NULL DEFAULT '';

-- The account that a session belongs to, 0 for nobody's; NULL: the previous release began it, and told the name alone.
ALTER TABLE uploads ADD COLUMN owner_id BIGINT;
