"""Blobs of three sizes."""

from functools import partial

from bench.field import Field
from bench.findings import Finding, compared
from bench.load import wrk
from bench.rounds import take_turns


def small(field: Field) -> Finding:
    """16 KiB."""
    figures = take_turns({name: partial(_requests, field, name, 16 << 10) for name in field.readers}, field.plan.rounds)
    must = {"distribution 2.8": 12.0, "distribution 3": 5.0, "zot": 1.5, "nginx": 0.3}
    return Finding("GET blob 16 KiB", "requests/s", figures, compared(figures, must, {"nginx": 0.5}))


def medium(field: Field) -> Finding:
    """1 MiB."""
    figures = take_turns({name: partial(_requests, field, name, 1 << 20) for name in field.readers}, field.plan.rounds)
    must = {"distribution 2.8": 3.5, "distribution 3": 2.0, "zot": 1.0, "nginx": 0.8}
    return Finding("GET blob 1 MiB", "requests/s", figures, compared(figures, must, {"nginx": 1.0}))


def large(field: Field) -> Finding:
    """256 MiB."""
    rounds = field.plan.more_rounds
    figures = take_turns({name: partial(_gigabytes, field, name) for name in field.readers}, rounds)
    must = dict.fromkeys(("distribution 2.8", "distribution 3", "zot", "nginx"), 1.0)
    return Finding("GET blob 256 MiB", "GB/s", figures, compared(figures, must), (f"in {rounds} rounds",))


def _requests(field: Field, name: str, size: int) -> float:
    return wrk.measure(wrk.blobs(size), field.readers[name], field.plan.seconds, field.folder).requests


def _gigabytes(field: Field, name: str) -> float:
    """Four connections: of sixteen, most would not finish one blob in a short turn."""
    load = wrk.blobs(256 << 20)
    return wrk.measure(load, field.readers[name], field.plan.seconds, field.folder, connections=4).bytes / 1e9
