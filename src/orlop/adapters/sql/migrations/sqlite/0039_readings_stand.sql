-- The previous release may go on running.
-- Of what it has read anew meanwhile nothing stands until that is read, as it was with it.

-- Whether what was read before counts while an image is read anew. 0: no; 1: until that ends; 2: also where it fails.
ALTER TABLE inside_images ADD COLUMN stands INTEGER NOT NULL DEFAULT 0;
