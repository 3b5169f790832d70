"""Manifests by tag: of servers that have been asked for them for a while, and of those that have just begun."""

from functools import partial

from bench.field import Field
from bench.findings import OURS, Finding, compared
from bench.load import heads, wrk
from bench.rounds import take_turns
from bench.servers.bare import NAME

_MUST = {"distribution 2.8": 10.0, "distribution 3": 5.0, "zot": 1.5, "nginx": 0.3}
_AIM = {"nginx": 0.5}
_WARM = (
    "every server was asked for each of them eight times before the first round, for 40 s or more, and those that take"
    " longer for 80 s: what is measured is one that runs"
)
_FLOOR = f"{NAME}: an application that does nothing, on the same server, which none in its place can beat"


def cold(field: Field) -> Finding:
    """GET, all repositories at random, of a server that has just started and remembers nothing."""
    plan = field.plan
    load = wrk.manifests(plan.repositories)
    storage = field.standard()

    def turn(name: str) -> float:
        if name != OURS:
            return wrk.measure(load, field.readers[name], plan.seconds, field.folder).requests
        with field.ours(storage) as started:
            return wrk.measure(load, started, plan.seconds, field.folder).requests

    figures = take_turns({name: partial(turn, name) for name in field.readers}, plan.rounds)
    remark = "orlop is started for each round; the others, which remember nothing, run on"
    # What is asked for is asked of servers that run: here it shows what is left of it in the first seconds.
    return Finding("GET manifest by tag, just started", "requests/s", figures, compared(figures, {}, _MUST), (remark,))


def get(field: Field) -> Finding:
    """GET, all repositories at random."""
    plan = field.plan
    load = wrk.manifests(plan.repositories)

    def turn(name: str) -> float:
        return wrk.measure(load, field.warm_readers[name], plan.seconds, field.folder).requests

    figures = take_turns({name: partial(turn, name) for name in field.warm_readers}, plan.rounds)
    return Finding("GET manifest by tag", "requests/s", figures, compared(figures, _MUST, _AIM), (_WARM, _FLOOR))


def head(field: Field) -> Finding:
    """HEAD, all repositories at random."""
    plan = field.plan

    def turn(name: str) -> float:
        return heads.rate(field.warm_readers[name], plan.repositories, plan.seconds)

    figures = take_turns({name: partial(turn, name) for name in field.warm_readers}, plan.rounds)
    remark = "the client is the bench's own, which costs more than wrk: it narrows the ratios to nginx"
    remarks = (_WARM, remark, _FLOOR)
    return Finding("HEAD manifest by tag", "requests/s", figures, compared(figures, _MUST, _AIM), remarks)
