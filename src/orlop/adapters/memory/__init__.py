"""Blobs that last as long as the process, for tests and for a registry that keeps nothing."""
