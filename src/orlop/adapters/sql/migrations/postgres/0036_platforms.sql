-- The previous release may go on running.
-- It learns no platforms: images that it reads meanwhile have none until they are read again.

-- For which platform an image is, by its config: linux/arm64/v8. Empty: that is not known.
ALTER TABLE inside_images ADD COLUMN platform TEXT COLLATE "C" NOT NULL DEFAULT '';
