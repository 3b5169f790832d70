"""Scanners that speak the pluggable scanner protocol, as values: settings, what they say, and scans."""
