"""Sends the audit log to others who keep it: syslog servers and HTTP collectors."""
