"""Work that nobody asked for: on schedule, or for as long as a process lives; one process at a time does it."""
