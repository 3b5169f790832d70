-- The previous release may go on running.
-- What it makes has no number, and what is made anew under a name there is what was removed before it.

-- Which of all documents that had its name one is: greater than that of any before it.
ALTER TABLE documents ADD COLUMN made BIGINT NOT NULL DEFAULT 0;
