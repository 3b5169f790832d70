"""Puts the program together: the only package that names adapters, one file per kind of process."""
