"""The catalog in SQL: one set of transaction scripts, written by hand, over one engine per database."""
