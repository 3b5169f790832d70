"""Durations in the unit of every time in Orlop: microseconds, which count from 1970, UTC."""

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
