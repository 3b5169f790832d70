"""Manifests by tag."""

from functools import partial

from bench.field import Field
from bench.findings import Finding, compared
from bench.load import heads, wrk
from bench.rounds import take_turns
from bench.servers.bare import NAME

_MUST = {"distribution 2.8": 10.0, "distribution 3": 5.0, "zot": 1.5, "nginx": 0.3}
_AIM = {"nginx": 0.5}
_FLOOR = f"{NAME}: an application that does nothing, on the same server, which none in its place can beat"


def get(field: Field) -> Finding:
    """GET, all repositories at random."""
    plan = field.plan
    load = wrk.manifests(plan.repositories)

    def turn(name: str) -> float:
        return wrk.measure(load, field.readers_and_floor[name], plan.seconds, field.folder).requests

    figures = take_turns({name: partial(turn, name) for name in field.readers_and_floor}, plan.rounds)
    return Finding("GET manifest by tag", "requests/s", figures, compared(figures, _MUST, _AIM), (_FLOOR,))


def head(field: Field) -> Finding:
    """HEAD, all repositories at random."""
    plan = field.plan

    def turn(name: str) -> float:
        return heads.rate(field.readers_and_floor[name], plan.repositories, plan.seconds)

    figures = take_turns({name: partial(turn, name) for name in field.readers_and_floor}, plan.rounds)
    remark = "the client is the bench's own, which costs more than wrk: it narrows the ratios to nginx"
    return Finding("HEAD manifest by tag", "requests/s", figures, compared(figures, _MUST, _AIM), (remark, _FLOOR))
