"""Whether a subject may do something, and what a process remembers of those who ask."""
