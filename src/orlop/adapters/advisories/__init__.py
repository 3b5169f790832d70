"""Reads advisories that strangers wrote: each file in a process of its own, which has bounds and can be killed."""
