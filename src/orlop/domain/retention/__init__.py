"""Retention: which tags go and why each of the others stays, decided by rules from what a repository holds."""
