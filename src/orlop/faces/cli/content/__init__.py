"""`orlop ls`, `inspect`, `cp`, `tag`, `rm` and their kin: content of any registry, layout or archive."""
