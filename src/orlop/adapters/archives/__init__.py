"""Reads texts out of archives of strangers: each in a process of its own, which has bounds and can be killed."""
