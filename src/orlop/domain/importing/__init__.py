"""What comes from another registry: the plan of an import, names that have to change, and what became of it."""
