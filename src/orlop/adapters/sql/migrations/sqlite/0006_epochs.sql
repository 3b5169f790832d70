-- The previous release may go on running.
-- It raises no epoch: what was signed in with a password that is changed there lives as long as it did before.

-- When what an account is signed in with began to count anew: what was signed in before is over.
ALTER TABLE accounts ADD COLUMN epoch INTEGER NOT NULL DEFAULT 1;
-- The address of the last sign-in with a password or in a browser.
ALTER TABLE accounts ADD COLUMN signed_in_from TEXT NOT NULL DEFAULT '';
