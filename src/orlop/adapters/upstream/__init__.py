"""A client of other registries over HTTP: signs in, retries, resumes, and verifies everything it reads."""
