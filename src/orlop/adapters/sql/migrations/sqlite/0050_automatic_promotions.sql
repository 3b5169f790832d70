-- The previous release may go on running.
-- It asks for no promotion by itself, and what waits it does by the rights of whoever put the image there, or refuses.

-- 1: nobody asked for it, its pipeline takes images to the stage by itself. asked_id is whoever put the image there then.
ALTER TABLE promotions ADD COLUMN automatic INTEGER NOT NULL DEFAULT 0;
