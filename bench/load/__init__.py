"""Load generators: wrk for reading, and clients of our own for HEAD, pushes, pulls and latencies."""
