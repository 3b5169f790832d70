"""What quotas cost a push."""

from functools import partial

from bench.field import Field
from bench.findings import Check, Finding
from bench.load import crews
from bench.load.images import share
from bench.rounds import ratio, take_turns
from bench.scenes import quotas
from bench.servers.process import Running

_CLIENTS, _IMAGES = 4, 100


def pushes(field: Field) -> Finding:
    """Small images into repositories of their own, under quotas on three levels and without any."""
    with field.ours(field.limited()) as limited, field.ours(field.empty()) as free:

        def turn(server: Running) -> float:
            return _IMAGES / crews.push_all(server, share(_CLIENTS, _IMAGES // _CLIENTS, quotas.LIMITED))

        rounds = 3 * field.plan.more_rounds
        figures = take_turns({"under quotas": partial(turn, limited), "without": partial(turn, free)}, rounds)
    check = Check("× without", ratio(figures["under quotas"], figures["without"]), 0.95)
    return Finding(
        "push 100 small images, quotas on three levels", "images/s", figures, [check], (f"in {rounds} rounds",)
    )
