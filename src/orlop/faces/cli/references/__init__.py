"""`orlop ref`: references of images in files, found, linted and pinned."""
