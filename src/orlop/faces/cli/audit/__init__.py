"""`orlop audit`: the audit log, of a server or of the stores on this machine."""
