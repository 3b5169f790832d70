-- The previous release may go on running.
-- Its collections know of no backup: one that is made beside it may miss blobs, and says so.

-- The row by which a backup keeps collections from the copies that it reads.
INSERT INTO jobs (name, owner, fence, lease_until, started_at) VALUES ('backup', '', 0, 0, 0) ON CONFLICT (name) DO NOTHING;
