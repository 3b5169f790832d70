"""Promotion: the same digest in the next place, when everybody who has a say agrees."""
