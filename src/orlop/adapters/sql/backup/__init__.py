"""A catalog for a backup: its snapshot on each engine, and an empty one that is filled."""
