"""Pages of what is inside images, and of what is known to be wrong with it."""
