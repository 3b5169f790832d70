"""What a reader notices of eight clients that push without pause."""

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


def _p99(field: Field, server: Running) -> float:
    count = field.plan.repositories

    def target() -> str:
        return f"/v2/{content.repository(random.randrange(count))}/manifests/{random.choice(content.TAGS)}"

    headers = f"Accept: {content.MANIFEST}\r\n"
    taken = latency.measure(server, "HEAD", target, seconds=field.plan.seconds, headers=headers, pause=_PAUSE)
    return taken.p99 * 1e3
