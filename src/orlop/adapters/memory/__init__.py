"""Every port in memory, for tests and for trying things out: small parts over one state, gone with its process."""
