"""Followers: what happens after a change, by a cursor of its own, at least once and in order."""
