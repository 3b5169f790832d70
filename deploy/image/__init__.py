"""Puts the container image together, without a daemon, without root, and without running anything of it but its own
Python, which compiles. `make image` runs this; docs/adr/059 says why it is made this way."""
