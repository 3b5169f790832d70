"""Gates: what an image has to be like to be pulled from a place."""
