"""How long single requests take: beside clients that push without pause, and for a token."""

import random
from functools import partial

from bench.field import Field
from bench.findings import Check, Finding
from bench.load import crews, latency
from bench.rounds import ratio, take_turns
from bench.scenes import content
from bench.servers.process import Running

_CLIENTS = 8
_MUST = 5.0
_MUST_TOKEN = 3.0

#: Seconds between two requests of the reader.
_PAUSE = 0.002


def head_while_pushing(field: Field) -> Finding:
    """p99 of HEAD manifest."""
    with field.ours(field.standard()) as server:
        idle = partial(_p99, field, server)

        def pushing() -> float:
            with crews.pushing_without_pause(server, _CLIENTS):
                return idle()

        figures = take_turns({"idle": idle, "while pushing": pushing}, field.plan.rounds)
    check = Check("p99, pushing / idle", ratio(figures["while pushing"], figures["idle"]), _MUST, at_most=True)
    remark = "nine clients and the server share two cores, so this holds the time that a reader waits for a core"
    return Finding("HEAD manifest while 8 clients push", "ms, p99", figures, [check], (remark,))


def token(field: Field) -> Finding:
    """p99 of a token by the robot's secret, for one repository after another, beside that of a manifest by tag."""
    rounds = field.plan.more_rounds
    with field.ours(field.standard()) as server:

        def for_one() -> str:
            return f"/token?service=orlop&scope=repository:{_repository(field)}:pull"

        def tokens() -> float:
            return latency.measure(server, "GET", for_one, seconds=field.plan.seconds).p99 * 1e3

        figures = take_turns({"token": tokens, "manifest": partial(_p99, field, server, "GET", pause=0.0)}, rounds)
    check = Check("p99, token / manifest", ratio(figures["token"], figures["manifest"]), _MUST_TOKEN, at_most=True)
    return Finding("GET token", "ms, p99", figures, [check], (f"in {rounds} rounds",))


def _repository(field: Field) -> str:
    return content.repository(random.randrange(field.plan.repositories))


def _p99(field: Field, server: Running, method: str = "HEAD", *, pause: float = _PAUSE) -> float:
    def target() -> str:
        return f"/v2/{_repository(field)}/manifests/{random.choice(content.TAGS)}"

    headers = f"Accept: {content.MANIFEST}\r\n"
    taken = latency.measure(server, method, target, seconds=field.plan.seconds, headers=headers, pause=pause)
    return taken.p99 * 1e3
