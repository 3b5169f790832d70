"""Work that nobody waits for: jobs of the queue, what lasts as long as a process, and what each does for itself."""
