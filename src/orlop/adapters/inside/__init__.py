"""Reads what layers of strangers hold: each in a process of its own, which has bounds and can be killed."""
