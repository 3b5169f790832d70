"""Measures Orlop beside other registries and nginx: ratios of servers that take turns.

`python -m bench` runs everything and writes `bench/results.md`; `--quick` and `--only NAME` are for the inner loop.
"""
