"""Garbage collection, online, and what clears away whatever nobody needs any more."""
