"""Builds what a worker of the server runs, on open stores."""
