"""Builds what commands work with, beside a server or without one."""
