"""Asks scanners over HTTP, and reads their reports in a process that can be killed."""
